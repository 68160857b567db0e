// The group under the pointer, lit in the frame that is shown.

#include <cmath>

#include "theme.h"
#include "viewport.h"
#include "viewport_overlay.h"
#include "widgets.h"

namespace looktwice::gui {

void Viewport::draw_group(const compose::Arrangement& where) {
  const TokenRunner& runner = workspace_.runner();
  const overlay::Style& style = workspace_.document().scene.style;
  const auto lit = runner.lit_token();
  const auto moment = workspace_.moment();
  if (!lit || !moment || (!style.merges.visible && !style.sizes.visible)) return;
  const std::vector<int32_t>& roots = runner.roots();
  const trace::ClipTrace& clip = *runner.run()->trace;
  if (*lit >= roots.size() || roots[*lit] < 0 || moment->tubelet >= clip.t) return;
  const int32_t root = roots[*lit];
  const size_t plane = size_t(clip.h) * size_t(clip.w);
  const int32_t* now = roots.data() + size_t(moment->tubelet) * plane;
  const auto in_group = [&](int row, int column) {
    return row >= 0 && column >= 0 && row < clip.h && column < clip.w &&
           now[row * clip.w + column] == root;
  };
  ImDrawList* draw = ImGui::GetWindowDrawList();
  const double ratio = devicePixelRatioF();
  for (const compose::Cell& cell : where.cells) {
    const size_t pane = size_t(cell.pane);
    const compose::Scene& scene = workspace_.document().scene;
    if (scene.layout == compose::Layout::difference || pane >= scene.panes.size() ||
        !scene.panes[pane].marks)
      continue;
    const auto logical = [&](double x, double y) {
      const compose::Point p = compose::to_logical(cell.mapping.to_output({x, y}), ratio);
      return ImVec2(std::round(float(p.x)), std::round(float(p.y)));
    };
    const compose::Point c0 = compose::to_logical({cell.clip.x, cell.clip.y}, ratio);
    const compose::Point c1 =
        compose::to_logical({cell.clip.x + cell.clip.width, cell.clip.y + cell.clip.height}, ratio);
    draw->PushClipRect(ImVec2(float(c0.x), float(c0.y)), ImVec2(float(c1.x), float(c1.y)), true);
    // Dark under light: visible on any colour. All dark lines first.
    for (const bool light : {false, true}) {
      const ImU32 color = light ? IM_COL32(255, 255, 255, 255) : IM_COL32(0, 0, 0, 210);
      const float line = float(px(light ? 2 : 5));
      for (int row = 0; row < clip.h; ++row) {
        for (int column = 0; column < clip.w; ++column) {
          if (!in_group(row, column)) continue;
          const compose::Rect rect = place_rect(clip, {row, column});
          const ImVec2 a = logical(rect.x, rect.y);
          const ImVec2 b = logical(rect.x + rect.width, rect.y + rect.height);
          if (!light) draw->AddRectFilled(a, b, IM_COL32(255, 255, 255, 90));
          if (!in_group(row, column - 1)) draw->AddLine(a, ImVec2(a.x, b.y), color, line);
          if (!in_group(row, column + 1)) draw->AddLine(ImVec2(b.x, a.y), b, color, line);
          if (!in_group(row - 1, column)) draw->AddLine(a, ImVec2(b.x, a.y), color, line);
          if (!in_group(row + 1, column)) draw->AddLine(ImVec2(a.x, b.y), b, color, line);
        }
      }
    }
    draw->PopClipRect();
  }
}

}  // namespace looktwice::gui
