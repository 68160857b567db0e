#pragma once
// A small painter: antialiased shapes, gradients, shadows and glows on an RGBA canvas. Vertices are
// rounded to 1/256 pixel and everything after that is integer arithmetic.

#include <array>
#include <cstdint>
#include <initializer_list>
#include <utility>
#include <vector>

#include "frames/scenes/exact.h"

namespace looktwice::frames::scenes {

/// Channels in 8.8 fixed point, so that gradients can be dithered.
struct Color {
  int r = 0, g = 0, b = 0;
};
constexpr Color rgb(uint32_t hex) {
  return {int((hex >> 16) & 255) << 8, int((hex >> 8) & 255) << 8, int(hex & 255) << 8};
}
Color mix(Color a, Color b, double t);
/// Lighter for t > 0, darker for t < 0 (−1 black, 1 white).
Color shade(Color a, double t);

/// Premultiplied RGBA bytes, rows without padding.
struct Canvas {
  int width = 0, height = 0;
  std::vector<uint8_t> pixels;
  Canvas() = default;
  Canvas(int w, int h) : width(w), height(h), pixels(size_t(w) * size_t(h) * 4) {}
  uint8_t* at(int x, int y) { return &pixels[(size_t(y) * size_t(width) + size_t(x)) * 4]; }
  const uint8_t* at(int x, int y) const {
    return &pixels[(size_t(y) * size_t(width) + size_t(x)) * 4];
  }
};

struct Point {
  double x = 0, y = 0;
};

/// x' = a·x + b·y + c, y' = d·x + e·y + f.
struct Affine {
  double a = 1, b = 0, c = 0, d = 0, e = 1, f = 0;
  static Affine place(double x, double y, double scale = 1, double turns = 0);
  Affine operator*(const Affine& inner) const;  ///< inner first
  Point operator()(Point p) const { return {a * p.x + b * p.y + c, d * p.x + e * p.y + f}; }
};

/// Closed contours, filled by the nonzero rule where they do not overlap.
struct Path {
  std::vector<std::vector<Point>> contours;
  Path& add(std::vector<Point> contour) {
    contours.push_back(std::move(contour));
    return *this;
  }
  Path& add(const Path& other);
};
Path transformed(const Path& path, const Affine& by);
Path circle(double x, double y, double radius, int sides = 64);
Path ellipse(double x, double y, double rx, double ry, int sides = 64);
Path ring(double x, double y, double outer, double inner);
Path rectangle(double x, double y, double w, double h);
Path rounded(double x, double y, double w, double h, double radius);
Path polygon(std::initializer_list<Point> points);
Path star(double x, double y, int points, double outer, double inner, double turns = 0);
/// A pie slice from `from` to `to` turns.
Path slice(double x, double y, double radius, double from, double to);
/// A line of the given width with round joins left out.
Path stroke(const std::vector<Point>& line, double width, bool closed = false);

/// Coverage of part of a canvas, 0..255.
struct Mask {
  int x = 0, y = 0, width = 0, height = 0;
  std::vector<uint8_t> alpha;
};
/// Exact area coverage of `path` on a canvas of this size.
Mask rasterize(const Path& path, int canvas_width, int canvas_height);
/// Three box blurs of this radius in pixels, on a mask grown to hold the result.
Mask blurred(const Mask& mask, int radius, int canvas_width, int canvas_height);

/// What a shape is filled with.
class Paint {
 public:
  Paint(Color color, double opacity = 1);  // NOLINT: a colour is a paint
  /// Stops at 0..1 along the line from `from` to `to`.
  static Paint linear(Point from, Point to, const std::vector<std::pair<double, Color>>& stops,
                      double opacity = 1);
  static Paint radial(Point center, double radius,
                      const std::vector<std::pair<double, Color>>& stops, double opacity = 1);

 private:
  friend void fill(Canvas&, const Mask&, const Paint&);
  enum class Kind { solid, linear, radial } kind_ = Kind::solid;
  int alpha_ = 256;
  int64_t x_ = 0, y_ = 0, dx_ = 0, dy_ = 0;  ///< 1/16 pixel; the line's direction scaled
  std::vector<Color> ramp_;                  ///< 1 or 1025 colours
};

void fill(Canvas& canvas, const Mask& mask, const Paint& paint);
void fill(Canvas& canvas, const Path& path, const Paint& paint);
/// The whole canvas, opaque.
void flood(Canvas& canvas, const Paint& paint);
/// The blurred shape in one colour, moved by (dx, dy).
void shadow(Canvas& canvas, const Path& path, double dx, double dy, int blur, Color color,
            double opacity);
/// Adds light that falls off smoothly to nothing at `radius`.
void glow(Canvas& canvas, double x, double y, double radius, Color color, double strength);
/// Adds fixed grain of ±amplitude levels to what is not transparent.
void grain(Canvas& canvas, uint64_t seed, int amplitude);
/// Composites `layer` over `canvas` at the same place, only inside the rectangle.
void over(Canvas& canvas, const Canvas& layer, int x, int y, int width, int height);

/// Threshold of an 8x8 ordered dither, 0..255.
inline int dither(int x, int y) {
  static constexpr std::array<uint8_t, 64> kBayer = [] {
    std::array<uint8_t, 64> table{};
    for (int row = 0; row < 8; ++row)
      for (int column = 0; column < 8; ++column) {
        int value = 0;
        for (int bit = 0; bit < 3; ++bit) {
          const int a = (column >> bit) & 1, b = (row >> bit) & 1;
          value |= ((a ^ b) << (5 - 2 * bit)) | (b << (4 - 2 * bit));
        }
        table[size_t(row * 8 + column)] = uint8_t(value * 4 + 2);
      }
    return table;
  }();
  return kBayer[size_t((y & 7) * 8 + (x & 7))];
}

}  // namespace looktwice::frames::scenes
