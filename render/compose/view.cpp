#include "compose/view.h"

#include <algorithm>
#include <cmath>

namespace looktwice::compose {
namespace {

constexpr double kMaxZoom = 64;

double fit_scale(Size frame, const Rect& cell) {
  if (frame.empty()) return 1;
  return std::max(1e-6, std::min(cell.width / frame.width, cell.height / frame.height));
}

double scale_of(Size frame, const Rect& cell, const View& view) {
  if (view.zoom > 0) return std::min(view.zoom, kMaxZoom);
  const double fit = fit_scale(frame, cell);
  // Cells are padded by a few pixels: a frame is not blown up to fill those.
  const bool padded = cell.width - frame.width < 8 || cell.height - frame.height < 8;
  return fit > 1 && padded ? 1 : fit;
}

/// map_frame before `left` and `top` are rounded: steps that follow each other do not add up
/// errors.
Mapping exact_mapping(Size frame, const Rect& cell, const View& view) {
  Mapping m;
  m.scale = scale_of(frame, cell, view);
  const double slack_x = cell.width - frame.width * m.scale;
  const double slack_y = cell.height - frame.height * m.scale;
  if (view.zoom > 0) {
    m.left = cell.x + cell.width / 2 - view.center_x * frame.width * m.scale;
    m.top = cell.y + cell.height / 2 - view.center_y * frame.height * m.scale;
  } else {
    m.left = cell.x + slack_x / 2;
    m.top = cell.y + slack_y / 2;
    // Cells are padded to multiples of 8 pixels: keep an unscaled frame at the cell's corner, where
    // its planes can be copied as they are.
    if (m.scale == 1 && slack_x < 8) m.left = cell.x;
    if (m.scale == 1 && slack_y < 8) m.top = cell.y;
  }
  return m;
}

}  // namespace

Mapping map_frame(Size frame, const Rect& cell, const View& view) {
  Mapping m = exact_mapping(frame, cell, view);
  m.left = std::round(m.left);
  m.top = std::round(m.top);
  return m;
}

std::optional<Point> pixel_at(const Mapping& mapping, Size frame, Point output) {
  // The middle of the output pixel, as the shaders do.
  const Point at = mapping.to_frame({std::floor(output.x) + 0.5, std::floor(output.y) + 0.5});
  const Point pixel{std::floor(at.x), std::floor(at.y)};
  if (!(pixel.x >= 0 && pixel.y >= 0 && pixel.x < frame.width && pixel.y < frame.height)) {
    return std::nullopt;
  }
  return pixel;
}

View zoom_at(const View& view, Size frame, const Rect& cell, Point cursor, double factor) {
  if (frame.empty() || !(factor > 0)) return view;
  const Mapping before = exact_mapping(frame, cell, view);
  const Point fixed = before.to_frame(cursor);
  const double least = std::min(1.0, fit_scale(frame, cell) / 4);
  View out;
  out.zoom = std::clamp(before.scale * factor, least, kMaxZoom);
  const Point middle{cell.x + cell.width / 2, cell.y + cell.height / 2};
  out.center_x = (fixed.x + (middle.x - cursor.x) / out.zoom) / frame.width;
  out.center_y = (fixed.y + (middle.y - cursor.y) / out.zoom) / frame.height;
  return out;
}

View pan_by(const View& view, Size frame, const Rect& cell, double dx, double dy) {
  if (frame.empty()) return view;
  View out = view;
  out.zoom = scale_of(frame, cell, view);
  if (view.zoom <= 0) out.center_x = out.center_y = 0.5;
  out.center_x -= dx / (out.zoom * frame.width);
  out.center_y -= dy / (out.zoom * frame.height);
  // Some of the frame stays in sight.
  out.center_x = std::clamp(out.center_x, 0.0, 1.0);
  out.center_y = std::clamp(out.center_y, 0.0, 1.0);
  return out;
}

View one_to_one(const View& view) {
  return {1, view.center_x, view.center_y};
}

Point to_physical(Point logical, double ratio) {
  return {logical.x * ratio, logical.y * ratio};
}
Point to_logical(Point physical, double ratio) {
  return {physical.x / ratio, physical.y / ratio};
}

}  // namespace looktwice::compose
