// Zoom: into a map of islands, with contour lines, soundings and a planned route.
#include "frames/scenes/scene.h"

namespace looktwice::frames::scenes {
namespace {

struct Palette {
  Color deep, shallow, shore, low, mid, high, ink, route;
};
constexpr Palette kPalettes[] = {
    {rgb(0x2f6f8f), rgb(0x9fd3d6), rgb(0xf3e3b3), rgb(0x9dbf7a), rgb(0xd8b76a), rgb(0xfaf4e6),
     rgb(0x24414f), rgb(0xd1352b)},
    {rgb(0x1f4e79), rgb(0x7fb8d4), rgb(0xf6e7c6), rgb(0xc9d6a3), rgb(0xe0a872), rgb(0xfff8ec),
     rgb(0x1a2f4a), rgb(0xe4572e)},
    {rgb(0x395b64), rgb(0xa5c9ca), rgb(0xe7d8b9), rgb(0x8aa88a), rgb(0xc98f65), rgb(0xf4ede0),
     rgb(0x2c3333), rgb(0xb23a48)},
};

class Atlas final : public Scene {
 public:
  Atlas(const Stage& stage, uint64_t seed)
      : stage_(stage),
        seed_(seed),
        colors_(kPalettes[(seed + 2) % std::size(kPalettes)]),
        map_(stage.width * 2, stage.height * 2) {
    draw_relief();
    draw_ink();
    grain(map_, seed ^ 41, 4);
  }

  void draw(Canvas& frame, double seconds, int64_t) const override {
    // In and out again.
    const double depth = 0.5 - 0.5 * cosine(seconds / 10);
    const double span = lerp(1, 0.4, depth);
    const double cx = lerp(0.5, target_.x, smooth(depth)), cy = lerp(0.5, target_.y, smooth(depth));
    const double left = std::clamp(cx - span / 2, 0.0, 1 - span) * map_.width;
    const double top = std::clamp(cy - span / 2, 0.0, 1 - span) * map_.height;
    const double step_x = span * map_.width / frame.width,
                 step_y = span * map_.height / frame.height;
    const auto fixed_step = int(step_x * 65536);
    for (int y = 0; y < frame.height; ++y) {
      const double sy = std::clamp(top + (y + 0.5) * step_y - 0.5, 0.0, map_.height - 1.001);
      const int row = int(sy), fy = int((sy - row) * 256);
      const uint8_t* a = map_.at(0, row);
      const uint8_t* b = map_.at(0, row + 1);
      auto sx = int64_t(std::max(0.0, left + 0.5 * step_x - 0.5) * 65536);
      const int64_t last = (int64_t{map_.width} - 1) * 65536 - 1;
      uint8_t* to = frame.at(0, y);
      for (int x = 0; x < frame.width; ++x, to += 4, sx = std::min(sx + fixed_step, last)) {
        const auto at = size_t(sx >> 16) * 4;
        const int fx = int(sx >> 8) & 255;
        for (size_t c = 0; c < 3; ++c) {
          const int upper = a[at + c] * (256 - fx) + a[at + 4 + c] * fx;
          const int lower = b[at + c] * (256 - fx) + b[at + 4 + c] * fx;
          to[c] = uint8_t((upper * (256 - fy) + lower * fy + 32768) >> 16);
        }
        to[3] = 255;
      }
    }
  }

 private:
  /// Height above the sea, −1 to 1, at a place in units of the map's height.
  double height_at(double x, double y) const {
    const double warp = fractal(x * 2.2 + 9, y * 2.2, seed_ + 3, 3) - 0.5;
    const double coarse = fractal(x * 2.6 + warp * 0.9, y * 2.6 - warp * 0.7, seed_, 6);
    return (coarse - 0.515) * 3.2;
  }

  void draw_relief() {
    const int w = map_.width, h = map_.height;
    std::vector<float> field(size_t(w) * size_t(h));
    // Heights at every second pixel; between them a straight line is as good.
    const auto at = [&](int x, int y) -> float& {
      return field[size_t(y) * size_t(w) + size_t(x)];
    };
    for (int y = 0; y < h; y += 2)
      for (int x = 0; x < w; x += 2)
        at(x, y) = float(height_at(double(x) / h, double(y) / h));
    for (int y = 0; y < h; y += 2)
      for (int x = 1; x < w; x += 2)
        at(x, y) = x + 1 < w ? (at(x - 1, y) + at(x + 1, y)) * 0.5f : at(x - 1, y);
    for (int y = 1; y < h; y += 2)
      for (int x = 0; x < w; ++x)
        at(x, y) = y + 1 < h ? (at(x, y - 1) + at(x, y + 1)) * 0.5f : at(x, y - 1);
    double best = -1;
    const double line = 2.2 * stage_.scale;  // pixels of a contour on the doubled map
    for (int y = 0; y < h; ++y)
      for (int x = 0; x < w; ++x) {
        const double v = at(x, y);
        const int x1 = std::min(x + 2, w - 1), y1 = std::min(y + 2, h - 1);
        const double gx = (at(x1, y) - at(std::max(0, x - 2), y)) / 4;
        const double gy = (at(x, y1) - at(x, std::max(0, y - 2))) / 4;
        const double slope = std::sqrt(gx * gx + gy * gy) + 1e-7;
        Color color;
        if (v < 0) {
          // Depth in steps, as charts tint it.
          const double d = -v, band = std::floor(d / 0.16), within = fraction(d / 0.16);
          const double edge = smooth((within * 0.16 / slope) / (2 * line));
          color = mix(colors_.shallow, colors_.deep, clamp01((band - 1 + edge) / 5 + 0.14));
          if (d < 0.05) color = mix(colors_.shore, color, smooth(d / 0.05) * 0.7 + 0.3);
        } else {
          color = v < 0.07   ? mix(colors_.shore, colors_.low, v / 0.07)
                  : v < 0.45 ? mix(colors_.low, colors_.mid, (v - 0.07) / 0.38)
                             : mix(colors_.mid, colors_.high, clamp01((v - 0.45) / 0.4));
          const double light = clamp01(0.5 + (-gx - gy) * h * 0.10);
          color = shade(color, (light - 0.5) * 0.42);
          // Contours, every fifth one stronger.
          const double level = v / 0.085,
                       near = std::abs(fraction(level + 0.5) - 0.5) * 0.085 / slope;
          const bool strong = int(std::floor(level + 0.5)) % 5 == 0;
          const double ink = 1 - smooth(near / (strong ? line : line * 0.7));
          color = mix(color, colors_.ink, ink * (strong ? 0.55 : 0.28));
        }
        const double coast = 1 - smooth(std::abs(v) / slope / (line * 1.2));
        color = mix(color, colors_.ink, coast * 0.8);
        uint8_t* p = map_.at(x, y);
        const int d = dither(x, y);
        p[0] = uint8_t(std::min(255, (color.r + d) >> 8));
        p[1] = uint8_t(std::min(255, (color.g + d) >> 8));
        p[2] = uint8_t(std::min(255, (color.b + d) >> 8));
        p[3] = 255;
        // The zoom goes to the highest place that is well inside.
        const double fx = double(x) / w, fy = double(y) / h;
        if (fx > 0.28 && fx < 0.72 && fy > 0.28 && fy < 0.72 && v > best) {
          best = v;
          target_ = {fx, fy};
        }
      }
  }

  void draw_ink() {
    // Drawn on the doubled map, whose stage is twice as large.
    const Stage big(map_.width, map_.height);
    const double wide = big.wide;
    for (double x = 0; x < wide; x += 90)
      fill(map_, big(rectangle(x - 0.4, 0, 0.8, 720)), Paint(colors_.ink, 0.16));
    for (double y = 0; y < 720; y += 90)
      fill(map_, big(rectangle(0, y - 0.4, wide, 0.8)), Paint(colors_.ink, 0.16));
    // The compass, where the water is deepest on the side that the route leaves free.
    Point rose{wide * 0.87, 150};
    double lowest = 2;
    for (const double fx : {0.80, 0.88})
      for (const double fy : {0.22, 0.78}) {
        const double v = height_at(fx * wide / 720, fy);
        if (v < lowest) {
          lowest = v;
          rose = {wide * fx, 720 * fy};
        }
      }
    fill(map_, big(circle(rose.x, rose.y, 84, 128)), Paint(colors_.high, 0.22));
    fill(map_, big(ring(rose.x, rose.y, 82, 80.4)), Paint(colors_.ink, 0.8));
    fill(map_, big(ring(rose.x, rose.y, 70, 69.3)), Paint(colors_.ink, 0.7));
    for (int i = 0; i < 72; ++i)
      fill(map_,
           big(rectangle(71, -0.4, i % 6 == 0 ? 8 : 5, 0.8),
               Affine::place(rose.x, rose.y, 1, i / 72.0)),
           Paint(colors_.ink, 0.8));
    for (int i = 0; i < 8; ++i) {
      const double reach = i % 2 == 0 ? 64 : 40;
      const Affine at = Affine::place(rose.x, rose.y, 1, i / 8.0);
      fill(map_, big(polygon({{0, 0}, {11, -11}, {reach, 0}}), at), Paint(colors_.high));
      fill(map_, big(polygon({{0, 0}, {11, 11}, {reach, 0}}), at),
           Paint(i == 6 ? colors_.route : colors_.ink));
    }
    // The route: a dashed line over three stops to the summit.
    const Point goal{target_.x * wide, target_.y * 720};
    const Point stops[4] = {{goal.x - 0.30 * wide, goal.y + 170},
                            {goal.x - 0.20 * wide, goal.y - 40},
                            {goal.x - 0.06 * wide, goal.y + 120},
                            goal};
    const auto on_route = [&](double t) {
      // A Catmull-Rom curve through the stops.
      const double at = std::min(t * 3, 2.9999);
      const int k = int(at);
      const double u = at - k;
      const Point &p1 = stops[k], &p2 = stops[k + 1];
      const Point &p0 = stops[std::max(0, k - 1)], &p3 = stops[std::min(3, k + 2)];
      const auto curve = [&](double a, double b, double c, double d) {
        return 0.5 * (2 * b + (c - a) * u + (2 * a - 5 * b + 4 * c - d) * u * u +
                      (3 * b - a - 3 * c + d) * u * u * u);
      };
      return Point{curve(p0.x, p1.x, p2.x, p3.x), curve(p0.y, p1.y, p2.y, p3.y)};
    };
    for (int dash = 0; dash < 46; ++dash) {
      std::vector<Point> part;
      for (int i = 0; i <= 4; ++i)
        part.push_back(on_route((dash + 0.62 * i / 4) / 46));
      fill(map_, big(stroke(part, 3.4)), Paint(colors_.route));
    }
    for (int i = 0; i < 4; ++i) {
      const Path pin = circle(stops[i].x, stops[i].y, i == 3 ? 8 : 6, 48);
      shadow(map_, big(pin), 2, 3, stage_.pixels(4), colors_.ink, 0.5);
      fill(map_, big(pin), Paint(colors_.route));
      fill(map_, big(circle(stops[i].x, stops[i].y, i == 3 ? 4 : 2.6, 32)), Paint(colors_.high));
    }
  }

  Stage stage_;
  uint64_t seed_;
  Palette colors_;
  Canvas map_;
  Point target_{0.5, 0.5};
};

}  // namespace

std::unique_ptr<Scene> make_atlas(const Stage& stage, uint64_t seed) {
  return std::make_unique<Atlas>(stage, seed);
}

}  // namespace looktwice::frames::scenes
