// Draws a plan of the labelled world.
#include <cstring>

#include "frames/scenes/sensor.h"
#include "frames/world/plan.h"

namespace looktwice::frames::world {

using namespace scenes;

namespace {

/// The outline of a shape of radius 1.
const Path& outline(int shape) {
  static const std::array<Path, 9> paths = [] {
    std::array<Path, 9> all;
    all[0] = circle(0, 0, 1, 48);
    all[1] = rectangle(-0.86, -0.86, 1.72, 1.72);
    all[2] = polygon({{0, -1.05}, {0.95, 0.72}, {-0.95, 0.72}});
    all[3] = star(0, 0, 5, 1.12, 0.5, -0.25);
    all[4] = star(0, 0, 3, 1, 1, 0);
    all[5] = Path().add({{-0.34, -1},
                         {0.34, -1},
                         {0.34, -0.34},
                         {1, -0.34},
                         {1, 0.34},
                         {0.34, 0.34},
                         {0.34, 1},
                         {-0.34, 1},
                         {-0.34, 0.34},
                         {-1, 0.34},
                         {-1, -0.34},
                         {-0.34, -0.34}});
    all[6] = ring(0, 0, 1, 0.52);
    std::vector<Point> heart;
    for (int i = 0; i < 48; ++i) {
      const double at = i / 48.0, s = sine(at);
      heart.push_back(
          {s * s * s * 1.05,
           -(13 * cosine(at) - 5 * cosine(2 * at) - 2 * cosine(3 * at) - cosine(4 * at)) / 15.5});
    }
    all[7] = Path().add(std::move(heart));
    std::vector<Point> moon;
    for (int i = 0; i <= 32; ++i) {
      const double at = 0.12 + 0.76 * i / 32;
      moon.push_back({cosine(at), sine(at)});
    }
    for (int i = 32; i >= 0; --i) {
      const double at = 0.19 + 0.62 * i / 32;
      moon.push_back({0.36 + 0.86 * cosine(at), 0.74 * sine(at)});
    }
    all[8] = Path().add(std::move(moon));
    return all;
  }();
  return paths[size_t(shape)];
}

/// 1 inside the stripes of a wave of period 1, with borders `soft` periods wide.
double stripe(double at, double soft) {
  return clamp01((0.25 - std::abs(fraction(at) - 0.5)) / soft + 0.5);
}

/// How much of its second colour a thing shows at a place in its own frame, radius 1.
double texture_at(const Thing& thing, double x, double y, double slide, double pixel) {
  const double soft = std::max(0.02, pixel * 1.7 * thing.texture_scale);
  switch (thing.texture) {
    case 1:
      return stripe(x * 1.7 * thing.texture_scale + slide, soft);
    case 2: {
      const double a = stripe(x * 1.15 * thing.texture_scale + slide, soft);
      const double b = stripe(y * 1.15 * thing.texture_scale, soft);
      return a + b - 2 * a * b;
    }
    case 3: {
      const double u = fraction(x * 1.7 * thing.texture_scale + slide) - 0.5;
      const double v = fraction(y * 1.7 * thing.texture_scale) - 0.5;
      return clamp01((0.30 - std::sqrt(u * u + v * v)) / soft + 0.5);
    }
    case 4:
      return clamp01(x / (pixel * 1.5) + 0.5);
    case 5:
      return clamp01(0.5 + 0.5 * x);
    default:
      return 0;
  }
}

class Painter {
 public:
  explicit Painter(const Plan& plan)
      : plan_(plan),
        width_(plan.options.width),
        height_(plan.options.height),
        canvas_(width_, height_),
        noise_(plan.seed ^ 0x5eed, [&](int) { return plan.attributes.noise; }) {
    double reach = 0;
    for (const Point& p : plan.camera)
      reach = std::max({reach, std::abs(p.x), std::abs(p.y)});
    margin_ = int(reach * height_) + 2;
    const int grounds = plan.attributes.cut < 0 ? 1 : 2;
    for (int i = 0; i < grounds; ++i) {
      ground_[i] = Canvas(width_ + 2 * margin_, height_ + 2 * margin_);
      draw_ground(ground_[i], plan.backgrounds[size_t(i)]);
    }
  }

  void frame(int t, uint8_t* to) {
    const Point camera = plan_.camera[size_t(t)];
    const int which = plan_.attributes.cut >= 0 && t >= plan_.attributes.cut ? 1 : 0;
    look(ground_[which], margin_ + camera.x * height_, margin_ + camera.y * height_);
    // Bystanders lie behind the actors.
    for (size_t i = plan_.things.size(); i-- > 0;)
      put(plan_.things[i], plan_.poses[i][size_t(t)], camera);
    finish(plan_.brightness[size_t(t)], t, to);
  }

 private:
  /// The pattern is worked out at every fourth pixel where it is soft, at every one where it is
  /// not.
  void draw_ground(Canvas& canvas, const Background& ground) {
    const double c = cosine(ground.turn), s = sine(ground.turn);
    const bool soft = ground.kind <= 1;
    const int step = soft ? 4 : 1, columns = (canvas.width + step - 1) / step + 1;
    const int rows = (canvas.height + step - 1) / step + 1;
    std::vector<int> grid(size_t(columns) * size_t(rows));
    const double pixel = 1.0 / height_ / ground.size;
    for (int row = 0; row < rows; ++row)
      for (int column = 0; column < columns; ++column) {
        const double px = (column * step - margin_) / double(height_) / ground.size;
        const double py = (row * step - margin_) / double(height_) / ground.size;
        const double x = c * px + s * py, y = c * py - s * px;
        double value = 0;
        switch (ground.kind) {
          case 0:
            value = clamp01(0.5 + 0.35 * (x - 0.5 * (c + s) / ground.size) * ground.size * 1.6);
            break;
          case 1:
            value = fractal(x, y, ground.seed, 3);
            break;
          case 2:
            value = stripe(x, pixel);
            break;
          case 3: {
            const double a = stripe(x, pixel), b = stripe(y, pixel);
            value = a + b - 2 * a * b;
            break;
          }
          case 4: {
            const double fx = fraction(x) - 0.5, fy = fraction(y) - 0.5;
            value = clamp01((0.32 - std::sqrt(fx * fx + fy * fy)) / pixel + 0.5);
            break;
          }
          default:
            value =
                hash_at(int64_t(std::floor(x)), int64_t(std::floor(y)), ground.seed) / 4294967296.0;
        }
        grid[size_t(row) * size_t(columns) + size_t(column)] = int(value * 4096);
      }
    std::array<Color, 257> ramp;
    for (int i = 0; i <= 256; ++i)
      ramp[size_t(i)] = mix(ground.a, ground.b, i / 256.0);
    for (int y = 0; y < canvas.height; ++y) {
      const int row = y / step, fy = y % step;
      for (int x = 0; x < canvas.width; ++x) {
        const int column = x / step, fx = x % step;
        const int* at = &grid[size_t(row) * size_t(columns) + size_t(column)];
        int value = *at;
        if (soft) {
          const int upper = at[0] * (step - fx) + at[1] * fx;
          const int lower = at[columns] * (step - fx) + at[columns + 1] * fx;
          value = (upper * (step - fy) + lower * fy) / (step * step);
        }
        const Color& color = ramp[size_t(std::clamp(value >> 4, 0, 256))];
        const int d = dither(x, y);
        uint8_t* p = canvas.at(x, y);
        p[0] = uint8_t(std::min(255, (color.r + d) >> 8));
        p[1] = uint8_t(std::min(255, (color.g + d) >> 8));
        p[2] = uint8_t(std::min(255, (color.b + d) >> 8));
        p[3] = 255;
      }
    }
  }

  /// Copies what the camera sees of a background, between pixels where it looks between them.
  void look(const Canvas& ground, double left, double top) {
    const int x0 = int(left), y0 = int(top);
    const int fx = int((left - x0) * 16 + 0.5), fy = int((top - y0) * 16 + 0.5);
    for (int y = 0; y < height_; ++y) {
      const uint8_t* a = ground.at(x0, y0 + y);
      uint8_t* to = canvas_.at(0, y);
      if (fx == 0 && fy == 0) {
        std::memcpy(to, a, size_t(width_) * 4);
        continue;
      }
      const uint8_t* b = a + size_t(ground.width) * 4;
      for (int i = 0; i < width_ * 4; ++i) {
        const int upper = a[i] * (16 - fx) + a[i + 4] * fx;
        const int lower = b[i] * (16 - fx) + b[i + 4] * fx;
        to[i] = uint8_t((upper * (16 - fy) + lower * fy + 128) >> 8);
      }
    }
  }

  void put(const Thing& thing, const Pose& pose, Point camera) {
    const int opacity = int(pose.opacity * thing.opacity * 1024 + 0.5);
    if (opacity <= 0) return;
    const double radius = thing.radius * pose.scale * height_;
    const Affine at = Affine::place((pose.x - camera.x) * height_, (pose.y - camera.y) * height_,
                                    radius, pose.turn);
    const Mask mask = rasterize(transformed(outline(thing.shape), at), width_, height_);
    // From the picture into the frame of the thing's texture.
    const double turn = pose.turn + thing.texture_turn, pixel = 1 / radius;
    const double c = cosine(turn) * pixel, s = sine(turn) * pixel;
    const Color a = pose.flash ? shade(thing.b, luma(thing.b) > 128 ? -0.45 : 0.45) : thing.a;
    const Color b = pose.flash ? thing.a : thing.b;
    for (int row = 0; row < mask.height; ++row)
      for (int column = 0; column < mask.width; ++column) {
        const int cover = mask.alpha[size_t(row) * size_t(mask.width) + size_t(column)];
        if (cover == 0) continue;
        const double dx = mask.x + column + 0.5 - at.c, dy = mask.y + row + 0.5 - at.f;
        const double value = thing.texture == 0 ? 0
                                                : texture_at(thing, c * dx + s * dy,
                                                             c * dy - s * dx, pose.slide, pixel);
        const Color color = mix(a, b, value);
        const int alpha = cover * opacity >> 4, rest = 255 * 64 - alpha;
        // Dithered, so that a faint thing is not rounded away.
        const int dim = thing.opacity < 1 ? dither(column, row) * 64 : 127 * 64;
        uint8_t* p = canvas_.at(mask.x + column, mask.y + row);
        p[0] = uint8_t((p[0] * rest + (color.r >> 8) * alpha + dim) / (255 * 64));
        p[1] = uint8_t((p[1] * rest + (color.g >> 8) * alpha + dim) / (255 * 64));
        p[2] = uint8_t((p[2] * rest + (color.b >> 8) * alpha + dim) / (255 * 64));
      }
  }

  /// Light, then noise.
  void finish(double brightness, int t, uint8_t* to) {
    std::vector<int> gain(static_cast<size_t>(width_));
    for (int x = 0; x < width_; ++x)
      gain[size_t(x)] =
          int(brightness * (1 + plan_.side_light * ((x + 0.5) / width_ - 0.5)) * 4096);
    const uint8_t* from = canvas_.pixels.data();
    uint8_t* out = to;
    for (int y = 0; y < height_; ++y)
      for (int x = 0; x < width_; ++x, from += 4, out += 3) {
        // The dither carries a drift of less than a level across the picture.
        const int d = dither(x, y) * 16;
        for (int c = 0; c < 3; ++c)
          out[c] = uint8_t(std::min(255, (from[c] * gain[size_t(x)] + d) >> 12));
      }
    if (plan_.attributes.noise > 0) noise_.add(to, width_, height_, 3, t);
  }

  const Plan& plan_;
  int width_, height_, margin_ = 0;
  Canvas canvas_, ground_[2];
  SensorNoise noise_;
};

}  // namespace

std::vector<uint8_t> draw(const Plan& plan) {
  const size_t frame = size_t(plan.options.width) * size_t(plan.options.height) * 3;
  std::vector<uint8_t> rgb(frame * size_t(plan.options.frames));
  Painter painter(plan);
  for (int t = 0; t < plan.options.frames; ++t)
    painter.frame(t, &rgb[frame * size_t(t)]);
  return rgb;
}

}  // namespace looktwice::frames::world
