// The chart of the model's panel: tokens in every layer above, r of every layer below, to drag.

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <cstdio>

#include "fonts.h"
#include "probe.h"
#include "schedule.h"
#include "theme.h"
#include "tokens_panel.h"
#include "widgets.h"

namespace looktwice::gui {

void TokensPanel::chart(const View& view, Document& next) {
  const int layers = view.layers;
  if (layers <= 0) return;
  const trace::ClipTrace* clip = view.run ? view.run->trace.get() : nullptr;
  const int all = view.patches + view.kept;
  const int entered = clip != nullptr ? int(clip->entered()) : all;
  std::vector<int> schedule = view.schedule;
  schedule.resize(size_t(layers), 0);
  const std::vector<int> planned = planned_tokens(schedule, entered, view.kept);

  const float width = ImGui::GetContentRegionAvail().x;
  const float top_height = float(px(72)), r_height = float(px(64)), axis = float(px(16));
  const float gap = float(px(6));
  ImGui::InvisibleButton("chart", ImVec2(width, top_height + gap + r_height + axis));
  const ImVec2 min = ImGui::GetItemRectMin();
  const bool hovered = ImGui::IsItemHovered(), held = ImGui::IsItemActive();
  const float middle = min.y + top_height, r_top = middle + gap, base = r_top + r_height;
  const float step = width / float(layers);
  probe("tokens.bars", ImVec2(min.x, r_top), ImVec2(min.x + width, base));
  ImDrawList* draw = ImGui::GetWindowDrawList();
  draw->AddRectFilled(min, ImVec2(min.x + width, middle), color_field(), float(px(3)));
  draw->AddRectFilled(ImVec2(min.x, r_top), ImVec2(min.x + width, base), color_field(),
                      float(px(3)));

  // r that fills the lower part: a little above the largest, so that there is room to drag.
  int largest = 8;
  for (const int r : schedule)
    largest = std::max(largest, r);
  const int scale =
      std::max(1, std::min(int(std::ceil(largest * 1.35)), merge_cap(all, view.kept)));
  const ImGuiIO& io = ImGui::GetIO();
  const int under = std::clamp(int((io.MousePos.x - min.x) / step), 0, layers - 1);
  const int shown = workspace_.runner().layer();
  const float inset = std::min(float(px(2)), step * 0.15f);
  for (int l = 0; l < layers; ++l) {
    const float x0 = min.x + step * float(l) + inset, x1 = min.x + step * float(l + 1) - inset;
    // Tokens: what the dense model has behind, what is left before the merge of this layer.
    const int tokens = clip != nullptr && l < int(clip->layers.size())
                           ? clip->layers[size_t(l)].tokens_in
                           : planned[size_t(l)];
    const float h = all > 0 ? float(tokens) / float(all) * (top_height - float(px(4))) : 0;
    draw->AddRectFilled(ImVec2(x0, middle - h), ImVec2(x1, middle), color_kept(0.85));
    const int r = schedule[size_t(l)];
    const int most = merge_cap(planned[size_t(l)], view.kept);
    const float rh = float(std::min(r, scale)) / float(scale) * (r_height - float(px(4)));
    if (r > most) {
      // What the layer cannot merge any more.
      const float ch = float(most) / float(scale) * (r_height - float(px(4)));
      draw->AddRect(ImVec2(x0, base - rh), ImVec2(x1, base - ch), color_faint(), 0, 0, 1);
      draw->AddRectFilled(ImVec2(x0, base - ch), ImVec2(x1, base), color_accent(0.9));
    } else {
      draw->AddRectFilled(ImVec2(x0, base - std::max(1.0f, rh)), ImVec2(x1, base),
                          r > 0 ? color_accent(0.9) : color_line());
    }
    if ((hovered || held) && l == under)
      draw->AddRectFilled(ImVec2(x0 - inset, min.y), ImVec2(x1 + inset, base), color_text(0.08));
    if (l + 1 == shown) {
      draw->AddRectFilled(ImVec2(x0, base + float(px(1))), ImVec2(x1, base + float(px(3))),
                          color_text(0.8));
    }
  }
  ImFont* font = small_font();
  const float size = font->FontSize * io.FontGlobalScale;
  char text[96];
  std::snprintf(text, sizeof text, "%d tokens", all);
  draw->AddText(font, size, ImVec2(min.x + float(px(4)), min.y + float(px(2))), color_dim(), text);
  std::snprintf(text, sizeof text, "r up to %d", scale);
  draw->AddText(font, size, ImVec2(min.x + float(px(4)), r_top + float(px(2))), color_dim(), text);
  draw->AddText(font, size, ImVec2(min.x, base + float(px(4))), color_dim(), "layer 1");
  std::snprintf(text, sizeof text, "%d", layers);
  draw->AddText(
      font, size,
      ImVec2(min.x + width - font->CalcTextSizeA(size, FLT_MAX, 0, text).x, base + float(px(4))),
      color_dim(), text);

  if (ImGui::IsItemDeactivated()) workspace_.seal_change();
  const bool on_bars = io.MousePos.y > middle;
  if (hovered && on_bars) ImGui::SetMouseCursor(ImGuiMouseCursor_ResizeNS);
  if (held && io.MouseClickedPos[0].y > middle && !view.schedule.empty()) {
    const double part = (double(base) - double(io.MousePos.y)) / double(r_height - float(px(4)));
    const int r = int(std::lround(std::clamp(part, 0.0, 1.0) * scale));
    // Every bar that the pointer passed since the last frame.
    const int from =
        std::clamp(int((io.MousePos.x - io.MouseDelta.x - min.x) / step), 0, layers - 1);
    for (int l = std::min(from, under); l <= std::max(from, under); ++l)
      schedule[size_t(l)] = std::min(r, merge_cap(planned[size_t(l)], view.kept));
    next.settings.tokens.tome = schedule_text(schedule);
  }
  if (held && io.MouseClickedPos[0].y <= middle) next.scene.style.merges.layer = under + 1;
  if (hovered && !held) {
    std::string tip = "Layer " + std::to_string(under + 1);
    const int r = schedule[size_t(under)];
    if (clip != nullptr && under < int(clip->layers.size())) {
      const trace::LayerTrace& layer = clip->layers[size_t(under)];
      std::snprintf(text, sizeof text, "\n%d tokens enter, %zu merge, %d leave", layer.tokens_in,
                    layer.source.size(), layer.tokens_out);
      tip += text;
      if (int(layer.source.size()) < r) tip += "\nr = " + std::to_string(r) + " is above the cap";
      std::snprintf(text, sizeof text, "\n%.1f ms, %.2f GFLOP", layer.milliseconds,
                    layer.flops / 1e9);
      tip += text;
      if (view.dense && under < int(view.dense->layers.size())) {
        const trace::LayerTrace& whole = view.dense->layers[size_t(under)];
        std::snprintf(text, sizeof text, "\ndense: %.1f ms, %.2f GFLOP", whole.milliseconds,
                      whole.flops / 1e9);
        tip += text;
      }
    } else {
      tip += "\nr = " + std::to_string(r);
    }
    tip += on_bars ? "\nDrag to change r" : "\nClick to show the groups after this layer";
    tooltip(tip);
  }
}

}  // namespace looktwice::gui
