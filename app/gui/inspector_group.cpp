// The group of the inspected token, through all the clip.

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "fonts.h"
#include "inspector_panel.h"
#include "probe.h"
#include "theme.h"
#include "widgets.h"

namespace looktwice::gui {

void InspectorPanel::group() {
  const TokenRunner& runner = workspace_.runner();
  const auto lit = runner.lit_token();
  if (!runner.run()) return;
  const trace::ClipTrace& clip = *runner.run()->trace;
  const std::vector<int32_t>& roots = runner.roots();
  if (!lit || *lit >= roots.size()) return;
  section("Group");
  ImGui::PushTextWrapPos(0);
  if (roots[*lit] < 0) {
    dim_text("This token did not enter the model, so it is in no group.");
    ImGui::PopTextWrapPos();
    return;
  }
  const int32_t root = roots[*lit];
  const size_t plane = size_t(clip.h) * size_t(clip.w);
  const auto size = std::ranges::count(roots, root);
  int tubelets = 0, joined = 0;
  for (int t = 0; t < clip.t; ++t) {
    const auto from = roots.begin() + ptrdiff_t(size_t(t) * plane);
    tubelets += std::find(from, from + ptrdiff_t(plane), root) != from + ptrdiff_t(plane);
  }
  // The layer after which this token shared its group for the first time.
  const auto root_in = [&](int layers) { return trace::group_roots_on_grid(clip, layers); };
  for (int l = 1; l <= runner.layer() && joined == 0 && size > 1; ++l) {
    const std::vector<int32_t> then = root_in(l);
    if (std::ranges::count(then, then[*lit]) > 1) joined = l;
  }
  if (size == 1) {
    ImGui::Text("Alone after layer %d", runner.layer());
  } else {
    ImGui::Text("%d tokens in %d tubelet%s after layer %d", int(size), tubelets,
                tubelets == 1 ? "" : "s", runner.layer());
    if (joined > 0) dim_text("First merged in layer %d", joined);
  }
  if (runner.stale()) dim_text("From an earlier run");
  ImGui::PopTextWrapPos();
  // One small map a tubelet.
  const float full = ImGui::GetContentRegionAvail().x, gap = float(px(4));
  const int columns = std::clamp(clip.t, 1, 8);
  const float width = std::floor((full - gap * float(columns - 1)) / float(columns));
  const float cell = width / float(clip.w), height = cell * float(clip.h);
  const int rows = (clip.t + columns - 1) / columns;
  const ImVec2 at = ImGui::GetCursorScreenPos();
  ImDrawList* draw = ImGui::GetWindowDrawList();
  const auto moment = workspace_.moment();
  for (int t = 0; t < clip.t; ++t) {
    const float x = at.x + float(t % columns) * (width + gap);
    const float y = at.y + float(t / columns) * (height + gap + float(px(2)));
    draw->AddRectFilled(ImVec2(x, y), ImVec2(x + width, y + height), color_field());
    for (int row = 0; row < clip.h; ++row) {
      // Neighbours in a row are one rectangle.
      for (int c = 0; c < clip.w; ++c) {
        const int first = c;
        while (c < clip.w &&
               roots[size_t(t) * plane + size_t(row) * size_t(clip.w) + size_t(c)] == root)
          ++c;
        if (c == first) continue;
        draw->AddRectFilled(ImVec2(x + cell * float(first), y + cell * float(row)),
                            ImVec2(x + cell * float(c), y + cell * float(row + 1)), color_accent());
      }
    }
    if (moment && moment->tubelet == t)
      draw->AddRect(ImVec2(x - 1, y - 1), ImVec2(x + width + 1, y + height + 1), color_text(), 0, 0,
                    float(px(1.5)));
  }
  ImGui::InvisibleButton("group", ImVec2(full, (height + gap + float(px(2))) * float(rows)));
  probe_item("inspector.group");
  if (ImGui::IsItemActivated()) {
    const ImVec2 mouse = ImGui::GetIO().MousePos;
    const int t = int((mouse.y - at.y) / (height + gap + float(px(2)))) * columns +
                  std::min(columns - 1, int((mouse.x - at.x) / (width + gap)));
    const size_t sample = size_t(t) * size_t(clip.tubelet);
    if (t >= 0 && t < clip.t && sample < clip.frame_indices.size()) {
      const int64_t frame = clip.frame_indices[sample];
      QMetaObject::invokeMethod(
          &workspace_, [this, frame] { workspace_.seek(frame); }, Qt::QueuedConnection);
    }
  }
}

}  // namespace looktwice::gui
