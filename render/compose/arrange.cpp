#include <algorithm>
#include <cmath>

#include "compose/scene.h"

namespace looktwice::compose {
namespace {

/// Cells start at multiples of this where the size is the natural one: the planes of a frame can
/// then be copied in whole texels of four samples, chroma included.
constexpr int kAlign = 8;

int rounded_up(int value, int to) {
  return (value + to - 1) / to * to;
}

struct Table {
  int columns = 1, rows = 1;
};

Table table_of(const Scene& scene) {
  const int panes = static_cast<int>(scene.panes.size());
  if (only_pane(scene) >= 0) return {1, 1};
  if (scene.layout == Layout::side_by_side) return {std::max(1, panes), 1};
  if (scene.layout == Layout::stack) return {1, std::max(1, panes)};
  if (scene.layout != Layout::grid) return {1, 1};
  const int columns = static_cast<int>(std::ceil(std::sqrt(std::max(1, panes))));
  return {columns, (std::max(1, panes) + columns - 1) / columns};
}

/// Where column or row `i` of `n` starts. Where frames of `frame` pixels fit 1:1, cells start at
/// multiples of kAlign: the last cell may lack the padding of the others, by less than kAlign, so
/// rounding up starts every cell where its padded neighbour ends.
double split(double whole, int i, int n, int frame) {
  if (i <= 0) return 0;
  if (i >= n) return whole;
  const double at = whole * i / n;
  const int natural = rounded_up(frame, kAlign) * (n - 1) + frame;
  if (whole != natural && whole != natural + 1) return std::floor(at);
  return std::min(whole, std::ceil(at / kAlign - 1e-9) * kAlign);
}

Size frame_of(const std::vector<Size>& frames, int pane) {
  return pane < static_cast<int>(frames.size()) ? frames[pane] : Size{};
}

}  // namespace

Arrangement arrange(const Scene& scene, const std::vector<Size>& frames, Size size,
                    const View& view, int legend_height, int timeline_height) {
  Arrangement out;
  out.size = size;
  const double height = std::max(1, size.height - legend_height - timeline_height);
  if (timeline_height > 0) {
    out.timeline = {0, height, double(size.width), double(timeline_height)};
  }
  if (legend_height > 0) {
    const double top = height + timeline_height;
    out.legend = {0, top, double(size.width), double(size.height) - top};
  }
  const auto add = [&](int pane, const Rect& rect, const Rect& clip, Size frame) {
    out.cells.push_back({pane, rect, clip, map_frame(frame, rect, view)});
  };
  const Rect whole{0, 0, double(size.width), height};
  const int panes = static_cast<int>(scene.panes.size());
  if (const int only = only_pane(scene); only >= 0) {
    add(only, whole, whole, frame_of(frames, only));
    return out;
  }
  if (scene.layout == Layout::wipe && panes > 1) {
    const Size first = frame_of(frames, 0);
    Size second = frame_of(frames, 1);
    // The line crosses the picture, not the margins around it.
    const Mapping m = map_frame(first, whole, view);
    const double left = std::clamp(m.left, 0.0, whole.width);
    const double right = std::clamp(m.left + first.width * m.scale, left, whole.width);
    const double line = std::round(left + (right - left) * std::clamp(scene.wipe, 0.0, 1.0));
    add(0, whole, {0, 0, line, height}, first);
    add(1, whole, {line, 0, whole.width - line, height}, second);
    return out;
  }
  if (scene.layout == Layout::wipe || scene.layout == Layout::difference ||
      scene.layout == Layout::single) {
    add(0, whole, whole, frame_of(frames, 0));
    return out;
  }
  const Table table = table_of(scene);
  Size largest;
  for (const Size& frame : frames) {
    largest.width = std::max(largest.width, frame.width);
    largest.height = std::max(largest.height, frame.height);
  }
  for (int i = 0; i < panes; ++i) {
    const int column = i % table.columns, row = i / table.columns;
    const double x0 = split(whole.width, column, table.columns, largest.width);
    const double x1 = split(whole.width, column + 1, table.columns, largest.width);
    const double y0 = split(height, row, table.rows, largest.height);
    const double y1 = split(height, row + 1, table.rows, largest.height);
    const Rect rect{x0, y0, std::max(1.0, x1 - x0), std::max(1.0, y1 - y0)};
    add(i, rect, rect, frame_of(frames, i));
  }
  return out;
}

Size natural_size(const Scene& scene, const std::vector<Size>& frames, int legend_height) {
  Size largest{16, 16};
  for (const Size& frame : frames) {
    largest.width = std::max(largest.width, frame.width);
    largest.height = std::max(largest.height, frame.height);
  }
  const Table table = table_of(scene);
  Size out;
  out.width = rounded_up(largest.width, kAlign) * (table.columns - 1) + largest.width;
  out.height = rounded_up(largest.height, kAlign) * (table.rows - 1) + largest.height;
  out.width = rounded_up(out.width, 2);
  out.height = rounded_up(rounded_up(out.height, 2) + legend_height, 2);
  return out;
}

std::optional<Hit> hit(const Arrangement& arrangement, const std::vector<Size>& frames,
                       Point output) {
  for (const Cell& cell : arrangement.cells) {
    if (!cell.clip.contains(output)) continue;
    if (const auto pixel = pixel_at(cell.mapping, frame_of(frames, cell.pane), output)) {
      return Hit{cell.pane, *pixel};
    }
  }
  return std::nullopt;
}

}  // namespace looktwice::compose
