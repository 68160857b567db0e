#include "inspector_panel.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "fonts.h"
#include "probe.h"
#include "theme.h"
#include "viewport_overlay.h"
#include "widgets.h"

namespace looktwice::gui {

InspectorPanel::InspectorPanel(Workspace& workspace, QWidget* parent)
    : ImGuiWidget(parent), workspace_(workspace) {
  setMinimumSize(260, 140);
  const auto redraw = [this] { refresh(); };
  connect(&workspace, &Workspace::source_changed, this, redraw);
  connect(&workspace, &Workspace::document_changed, this, [this] {
    if (workspace_.pinned() || workspace_.hovered()) refresh();
  });
  connect(&workspace, &Workspace::analysis_changed, this, redraw);
  connect(&workspace, &Workspace::place_changed, this, redraw);
  connect(&workspace.runner(), &TokenRunner::changed, this, [this] {
    if (workspace_.pinned() || workspace_.hovered()) refresh();
  });
  connect(&workspace, &Workspace::frame_changed, this, [this] {
    if (workspace_.pinned() || workspace_.hovered()) refresh();
  });
}

void InspectorPanel::ui() {
  begin_panel("inspector");
  const auto pinned = workspace_.pinned();
  const auto place = pinned ? pinned : workspace_.hovered();
  const auto token = place ? token_at(workspace_, *place) : std::nullopt;
  if (!token) {
    ImGui::PushTextWrapPos(0);
    dim_text("%s", workspace_.clip() ? "Move over the picture to look at a patch; click to pin it."
                                     : "Patches can be inspected once the clip is measured.");
    ImGui::PopTextWrapPos();
  } else {
    facts(*place, *token);
    pixels(*place, token->t);
    run(*place, *token);
    group();
  }
  ImGui::End();
}

void InspectorPanel::facts(Place place, const overlay::TokenState& token) {
  ImGui::PushFont(bold_font());
  ImGui::TextColored(ImGui::ColorConvertU32ToFloat4(token.kept ? color_kept() : color_pruned()),
                     token.kept ? "Kept" : "Pruned");
  ImGui::PopFont();
  ImGui::SameLine();
  dim_text("tubelet %d, row %d, column %d", token.t, token.row, token.column);
  if (workspace_.pinned()) {
    const float side = ImGui::GetFrameHeight();
    ImGui::SameLine(ImGui::GetWindowContentRegionMax().x - side);
    ImGui::SetCursorPosY(ImGui::GetCursorPosY() - float(px(3)));
    if (icon_button("inspector.unpin", Icon::close, "Unpin this patch (Esc)", false, true, side)) {
      QMetaObject::invokeMethod(
          &workspace_, [this] { workspace_.pin(std::nullopt); }, Qt::QueuedConnection);
    }
  }
  ImGui::PushTextWrapPos(0);
  ImGui::TextUnformatted(workspace_.rlt_on() ? decision_text(token, workspace_.tau()).c_str()
                                             : "RLT is off: every token enters the model.");
  if (std::isfinite(token.difference))
    dim_text("Difference %s", difference_text(token.difference).c_str());
  if (token.run_length > 1) {
    dim_text("Run: head at tubelet %d, %d tubelets long", token.head, token.run_length);
  }
  ImGui::PopTextWrapPos();
  (void)place;
}

void InspectorPanel::patch(Place place, int sample, ImVec2 at, float side) {
  const MeasuredClipPtr measured = workspace_.measured();
  ImDrawList* draw = ImGui::GetWindowDrawList();
  if (!measured || !measured->pixels || sample < 0 || sample >= measured->pixels->T) {
    draw->AddRectFilled(at, ImVec2(at.x + side, at.y + side), color_field(), 2);
    return;
  }
  const frames::Clip& clip = *measured->pixels;
  const int p = measured->trace.patch;
  // At most 16 cells a side: larger patches are sampled.
  const int cells = std::min(p, 16);
  const float cell = side / float(cells);
  const uint8_t* frame = clip.rgb.data() + size_t(sample) * size_t(clip.H) * size_t(clip.W) * 3;
  for (int y = 0; y < cells; ++y) {
    for (int x = 0; x < cells; ++x) {
      const int py = place.row * p + y * p / cells, pixel = place.column * p + x * p / cells;
      const uint8_t* rgb = frame + (size_t(py) * size_t(clip.W) + size_t(pixel)) * 3;
      draw->AddRectFilled(ImVec2(at.x + cell * float(x), at.y + cell * float(y)),
                          ImVec2(at.x + cell * float(x + 1), at.y + cell * float(y + 1)),
                          IM_COL32(rgb[0], rgb[1], rgb[2], 255));
    }
  }
}

void InspectorPanel::pixels(Place place, int tubelet) {
  const MeasuredClipPtr measured = workspace_.measured();
  if (!measured || tubelet == 0) return;
  const int s = measured->trace.tubelet;
  const float gap = float(px(10));
  const float full = ImGui::GetContentRegionAvail().x;
  const float side = std::min(float(px(112)), (full - 2 * gap) / 3);
  const int before = (tubelet - 1) * s, now = (tubelet + 1) * s - 1;
  const ImVec2 at = ImGui::GetCursorScreenPos();
  const float label = ImGui::GetFontSize() + float(px(2));
  ImDrawList* draw = ImGui::GetWindowDrawList();
  ImFont* font = small_font();
  const float size = font->FontSize * ImGui::GetIO().FontGlobalScale;
  const auto column = [&](int i) { return ImVec2(at.x + float(i) * (side + gap), at.y + label); };
  char text[64];
  std::snprintf(text, sizeof text, "Frame %lld",
                static_cast<long long>(measured->trace.frame_indices[size_t(before)]));
  draw->AddText(font, size, ImVec2(column(0).x, at.y), color_dim(), text);
  std::snprintf(text, sizeof text, "Frame %lld",
                static_cast<long long>(measured->trace.frame_indices[size_t(now)]));
  draw->AddText(font, size, ImVec2(column(1).x, at.y), color_dim(), text);
  draw->AddText(font, size, ImVec2(column(2).x, at.y), color_dim(), "Difference ×4");
  patch(place, before, column(0), side);
  patch(place, now, column(1), side);
  // The difference that the decision rests on, amplified.
  if (measured->pixels) {
    const frames::Clip& clip = *measured->pixels;
    const int p = measured->trace.patch, cells = std::min(p, 16);
    const float cell = side / float(cells);
    const size_t frame = size_t(clip.H) * size_t(clip.W) * 3;
    for (int y = 0; y < cells; ++y) {
      for (int x = 0; x < cells; ++x) {
        const size_t i = (size_t(place.row * p + y * p / cells) * size_t(clip.W) +
                          size_t(place.column * p + x * p / cells)) *
                         3;
        int d[3];
        for (size_t c = 0; c < 3; ++c) {
          const int a = clip.rgb[size_t(before) * frame + i + c];
          const int b = clip.rgb[size_t(now) * frame + i + c];
          d[c] = std::min(255, std::abs(a - b) * 4);
        }
        const ImVec2 o(column(2).x + cell * float(x), column(2).y + cell * float(y));
        draw->AddRectFilled(o, ImVec2(o.x + cell, o.y + cell), IM_COL32(d[0], d[1], d[2], 255));
      }
    }
  }
  ImGui::Dummy(ImVec2(full, side + label));
}

void InspectorPanel::run(Place place, const overlay::TokenState& token) {
  const auto clip = workspace_.clip();
  if (!clip || clip->t < 2 || !clip->has_rlt) return;
  small_text("Through the clip");
  const float full = ImGui::GetContentRegionAvail().x;
  const float gap = float(px(3));
  const float side = std::min(float(px(34)), (full - gap * float(clip->t - 1)) / float(clip->t));
  const ImVec2 at = ImGui::GetCursorScreenPos();
  ImDrawList* draw = ImGui::GetWindowDrawList();
  const size_t area = size_t(clip->h) * size_t(clip->w);
  const size_t here = size_t(place.row) * size_t(clip->w) + size_t(place.column);
  const float bar = float(px(22));
  float top = 0;
  for (int t = 1; t < clip->t; ++t) {
    const float d = clip->difference[size_t(t) * area + here];
    if (std::isfinite(d)) top = std::max(top, d);
  }
  top = std::max(top, clip->tau * 1.5f);
  for (int t = 0; t < clip->t; ++t) {
    const float x = at.x + float(t) * (side + gap);
    const bool kept = clip->keep[size_t(t) * area + here] != 0;
    patch(place, t * clip->tubelet, ImVec2(x, at.y), side);
    if (!kept) {
      draw->AddRectFilled(ImVec2(x, at.y), ImVec2(x + side, at.y + side), IM_COL32(0, 0, 0, 120));
    }
    const ImU32 color = kept ? color_kept() : color_pruned();
    draw->AddRectFilled(ImVec2(x, at.y + side + float(px(2))),
                        ImVec2(x + side + (kept || t == 0 ? 0 : 0), at.y + side + float(px(5))),
                        color);
    if (t == token.t) {
      draw->AddRect(ImVec2(x - 1, at.y - 1), ImVec2(x + side + 1, at.y + side + 1), color_text(), 0,
                    0, float(px(1.5)));
    }
    const float d = clip->difference[size_t(t) * area + here];
    if (std::isfinite(d) && top > 0) {
      const float base = at.y + side + float(px(8)) + bar;
      draw->AddRectFilled(ImVec2(x, base - std::max(1.0f, bar * d / top)), ImVec2(x + side, base),
                          color);
    }
  }
  if (top > 0) {
    const float y = std::floor(at.y + side + float(px(8)) + bar - bar * clip->tau / top) + 0.5f;
    draw->AddLine(ImVec2(at.x, y), ImVec2(at.x + float(clip->t) * (side + gap) - gap, y),
                  color_text(0.7));
  }
  ImGui::InvisibleButton("run", ImVec2(full, side + bar + float(px(10))));
  probe_item("inspector.run");
  const int under = int((ImGui::GetIO().MousePos.x - at.x) / (side + gap));
  if (ImGui::IsItemHovered() && under >= 0 && under < clip->t) {
    const float d = clip->difference[size_t(under) * area + here];
    char text[160];
    std::snprintf(text, sizeof text, "Tubelet %d: %s\n%s\nClick to go there", under,
                  clip->keep[size_t(under) * area + here] != 0 ? "kept" : "pruned",
                  difference_text(d).c_str());
    tooltip(text);
    if (ImGui::IsItemActivated()) {
      const int64_t frame = clip->frame_indices[size_t(under * clip->tubelet)];
      QMetaObject::invokeMethod(
          &workspace_, [this, frame] { workspace_.seek(frame); }, Qt::QueuedConnection);
    }
  }
}

}  // namespace looktwice::gui
