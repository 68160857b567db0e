#pragma once
// Where a frame's pixels lie on the output and back: the one place for pan, zoom and HiDPI. Pure
// arithmetic, shared by the compositor and whoever asks what lies under the cursor.
//
// Output coordinates are physical pixels, (0,0) the top left corner of the picture, y down; pixel i
// covers [i, i+1). Frame coordinates are the same in pixels of the frame.

#include <cstdint>
#include <optional>

namespace looktwice::compose {

struct Point {
  double x = 0, y = 0;
  bool operator==(const Point&) const = default;
};
struct Size {
  int width = 0, height = 0;
  bool empty() const { return width <= 0 || height <= 0; }
  bool operator==(const Size&) const = default;
};
struct Rect {
  double x = 0, y = 0, width = 0, height = 0;
  bool contains(Point p) const {
    return p.x >= x && p.y >= y && p.x < x + width && p.y < y + height;
  }
  bool operator==(const Rect&) const = default;
};

/// Which part of the frame is shown, the same for all panes: panes of different size stay linked,
/// as the centre is a fraction of the frame.
struct View {
  double zoom = 0;                        ///< output pixels a frame pixel; 0 fits the cell
  double center_x = 0.5, center_y = 0.5;  ///< the frame point in the middle of the cell, 0..1
  bool operator==(const View&) const = default;
};

/// output = left/top + frame · scale.
struct Mapping {
  double scale = 1, left = 0, top = 0;
  Point to_output(Point frame) const { return {left + frame.x * scale, top + frame.y * scale}; }
  Point to_frame(Point output) const {
    return {(output.x - left) / scale, (output.y - top) / scale};
  }
  /// Pixels are shown as squares from here on, interpolated below.
  bool nearest() const { return scale >= 2; }
  bool operator==(const Mapping&) const = default;
};

/// Places a frame in its cell. `left` and `top` are whole, so that 1:1 shows exact pixels.
Mapping map_frame(Size frame, const Rect& cell, const View& view);
/// The frame pixel under an output point, none outside the frame.
std::optional<Point> pixel_at(const Mapping& mapping, Size frame, Point output);

/// Zooms by `factor` and keeps the frame point under `cursor` (inside `cell`) where it is.
View zoom_at(const View& view, Size frame, const Rect& cell, Point cursor, double factor);
/// Moves the picture by (dx, dy) output pixels.
View pan_by(const View& view, Size frame, const Rect& cell, double dx, double dy);
/// One frame pixel on one output pixel, around the point now in the middle.
View one_to_one(const View& view);

/// Logical (window system) to physical (framebuffer) coordinates and back; `ratio` is the device
/// pixel ratio, fractional ones included.
Point to_physical(Point logical, double ratio);
Point to_logical(Point physical, double ratio);

}  // namespace looktwice::compose
