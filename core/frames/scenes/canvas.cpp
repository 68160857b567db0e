#include "frames/scenes/canvas.h"

#include <cstring>

namespace looktwice::frames::scenes {
namespace {

inline int by255(int value) {
  value += 128;
  return (value + (value >> 8)) >> 8;
}

/// `color` (bytes) with `alpha` over a premultiplied pixel.
inline void blend(uint8_t* pixel, int r, int g, int b, int alpha) {
  if (alpha >= 255) {
    pixel[0] = uint8_t(r);
    pixel[1] = uint8_t(g);
    pixel[2] = uint8_t(b);
    pixel[3] = 255;
    return;
  }
  const int rest = 255 - alpha;
  pixel[0] = uint8_t(by255(r * alpha + pixel[0] * rest));
  pixel[1] = uint8_t(by255(g * alpha + pixel[1] * rest));
  pixel[2] = uint8_t(by255(b * alpha + pixel[2] * rest));
  pixel[3] = uint8_t(by255(255 * alpha + pixel[3] * rest));
}

inline int byte_of(int channel, int threshold) {
  return std::min(255, (channel + threshold) >> 8);
}

int64_t root(int64_t value) {
  if (value <= 0) return 0;
  // The square root of IEEE doubles is exact to the last bit everywhere.
  return int64_t(std::sqrt(double(value)));
}

std::vector<Color> make_ramp(const std::vector<std::pair<double, Color>>& stops) {
  std::vector<Color> ramp;
  for (int i = 0; i <= 1024; ++i) {
    const double t = i / 1024.0;
    size_t k = 0;
    while (k + 2 < stops.size() && stops[k + 1].first < t)
      ++k;
    const auto& [t0, c0] = stops[k];
    const auto& [t1, c1] = stops[std::min(k + 1, stops.size() - 1)];
    ramp.push_back(mix(c0, c1, t1 > t0 ? clamp01((t - t0) / (t1 - t0)) : 0));
  }
  return ramp;
}

}  // namespace

Color mix(Color a, Color b, double t) {
  return {int(lerp(a.r, b.r, t) + 0.5), int(lerp(a.g, b.g, t) + 0.5), int(lerp(a.b, b.b, t) + 0.5)};
}

Color shade(Color a, double t) {
  return t < 0 ? mix(a, Color{}, -t) : mix(a, rgb(0xffffff), t);
}

double noise(double x, double y, uint64_t seed) {
  const double fx = std::floor(x), fy = std::floor(y);
  const auto ix = int64_t(fx), iy = int64_t(fy);
  const double u = smooth(x - fx), v = smooth(y - fy);
  const auto at = [&](int64_t i, int64_t j) { return hash_at(i, j, seed) * (1.0 / 4294967296.0); };
  return lerp(lerp(at(ix, iy), at(ix + 1, iy), u), lerp(at(ix, iy + 1), at(ix + 1, iy + 1), u), v);
}

double fractal(double x, double y, uint64_t seed, int octaves) {
  double sum = 0, weight = 0.5, total = 0;
  for (int i = 0; i < octaves; ++i) {
    sum += weight * noise(x, y, seed + uint64_t(i) * 0x51ull);
    total += weight;
    weight *= 0.5;
    // Octaves are turned against each other, so that their lattices do not line up.
    const double nx = 1.6 * x - 1.2 * y + 7.3, ny = 1.2 * x + 1.6 * y + 3.1;
    x = nx;
    y = ny;
  }
  return sum / total;
}

Paint::Paint(Color color, double opacity) : alpha_(int(opacity * 256 + 0.5)), ramp_{color} {}

Paint Paint::linear(Point from, Point to, const std::vector<std::pair<double, Color>>& stops,
                    double opacity) {
  Paint paint(Color{}, opacity);
  paint.kind_ = Kind::linear;
  paint.ramp_ = make_ramp(stops);
  const double dx = to.x - from.x, dy = to.y - from.y, square = dx * dx + dy * dy;
  // 1024 ramp steps along the line, 16 fractional bits, per 1/16 pixel.
  const double unit = square > 0 ? 1024.0 * 65536 / 16 / square : 0;
  paint.x_ = int64_t(std::floor(from.x * 16 + 0.5));
  paint.y_ = int64_t(std::floor(from.y * 16 + 0.5));
  paint.dx_ = int64_t(std::floor(dx * unit + 0.5));
  paint.dy_ = int64_t(std::floor(dy * unit + 0.5));
  return paint;
}

Paint Paint::radial(Point center, double radius, const std::vector<std::pair<double, Color>>& stops,
                    double opacity) {
  Paint paint(Color{}, opacity);
  paint.kind_ = Kind::radial;
  paint.ramp_ = make_ramp(stops);
  paint.x_ = int64_t(std::floor(center.x * 16 + 0.5));
  paint.y_ = int64_t(std::floor(center.y * 16 + 0.5));
  paint.dx_ = int64_t(std::floor(1024.0 * 65536 / 16 / std::max(radius, 0.01)));
  return paint;
}

void fill(Canvas& canvas, const Mask& mask, const Paint& paint) {
  for (int row = 0; row < mask.height; ++row) {
    const int y = mask.y + row;
    if (y < 0 || y >= canvas.height) continue;
    const uint8_t* alpha = &mask.alpha[size_t(row) * size_t(mask.width)];
    const int64_t py = (int64_t{y} * 16 + 8) - paint.y_;
    for (int column = 0; column < mask.width; ++column) {
      const int x = mask.x + column;
      const int a = (alpha[column] * paint.alpha_) >> 8;
      if (a == 0 || x < 0 || x >= canvas.width) continue;
      const Color* color = paint.ramp_.data();
      if (paint.kind_ != Paint::Kind::solid) {
        const int64_t px = (int64_t{x} * 16 + 8) - paint.x_;
        const int64_t t = paint.kind_ == Paint::Kind::linear
                              ? (px * paint.dx_ + py * paint.dy_) >> 16
                              : (root(px * px + py * py) * paint.dx_) >> 16;
        color += std::clamp<int64_t>(t, 0, 1024);
      }
      const int d = dither(x, y);
      blend(canvas.at(x, y), byte_of(color->r, d), byte_of(color->g, d), byte_of(color->b, d), a);
    }
  }
}

void fill(Canvas& canvas, const Path& path, const Paint& paint) {
  fill(canvas, rasterize(path, canvas.width, canvas.height), paint);
}

void flood(Canvas& canvas, const Paint& paint) {
  Mask mask{0, 0, canvas.width, canvas.height, {}};
  mask.alpha.assign(size_t(canvas.width) * size_t(canvas.height), 255);
  fill(canvas, mask, paint);
}

void shadow(Canvas& canvas, const Path& path, double dx, double dy, int blur, Color color,
            double opacity) {
  const Path moved = transformed(path, Affine::place(dx, dy));
  fill(canvas,
       blurred(rasterize(moved, canvas.width, canvas.height), blur, canvas.width, canvas.height),
       Paint(color, opacity));
}

void glow(Canvas& canvas, double x, double y, double radius, Color color, double strength) {
  const int left = std::max(0, int(std::floor(x - radius)));
  const int right = std::min(canvas.width - 1, int(std::floor(x + radius)));
  const int top = std::max(0, int(std::floor(y - radius)));
  const int bottom = std::min(canvas.height - 1, int(std::floor(y + radius)));
  const auto cx = int64_t(std::floor(x * 16)), cy = int64_t(std::floor(y * 16));
  const auto square = std::max<int64_t>(1, int64_t(radius * radius * 256));
  const auto gain = int64_t(strength * 256);
  for (int py = top; py <= bottom; ++py) {
    for (int px = left; px <= right; ++px) {
      const int64_t dx = px * 16 + 8 - cx, dy = py * 16 + 8 - cy;
      const int64_t away = (dx * dx + dy * dy) * 1024 / square;
      if (away >= 1024) continue;
      const int64_t near = (1024 - away) * (1024 - away) >> 10;  // 0..1024
      const int64_t light = near * near / 1024 * gain >> 10;     // 0..256·strength
      uint8_t* pixel = canvas.at(px, py);
      const int d = dither(px, py);
      const int alpha = pixel[3];
      const auto add = [&](int channel) {
        return int(((int64_t{channel} * light >> 8) + d) >> 8) * alpha / 255;
      };
      pixel[0] = uint8_t(std::min(alpha, pixel[0] + add(color.r)));
      pixel[1] = uint8_t(std::min(alpha, pixel[1] + add(color.g)));
      pixel[2] = uint8_t(std::min(alpha, pixel[2] + add(color.b)));
    }
  }
}

void grain(Canvas& canvas, uint64_t seed, int amplitude) {
  for (int y = 0; y < canvas.height; ++y)
    for (int x = 0; x < canvas.width; ++x) {
      uint8_t* pixel = canvas.at(x, y);
      if (pixel[3] == 0) continue;
      const uint32_t h = hash_at(x, y, seed);
      // Two uniform numbers make a triangle: most grains are small.
      const int value = int(((h & 255) + ((h >> 8) & 255)) * uint32_t(amplitude) / 255) - amplitude;
      for (int c = 0; c < 3; ++c)
        pixel[c] = uint8_t(std::clamp(pixel[c] + value, 0, int(pixel[3])));
    }
}

void over(Canvas& canvas, const Canvas& layer, int x, int y, int width, int height) {
  const int left = std::max(0, x), right = std::min({canvas.width, layer.width, x + width});
  const int top = std::max(0, y), bottom = std::min({canvas.height, layer.height, y + height});
  for (int row = top; row < bottom; ++row) {
    uint8_t* to = canvas.at(0, row);
    const uint8_t* from = layer.at(0, row);
    for (int column = left; column < right; ++column) {
      const uint8_t* s = from + size_t(column) * 4;
      uint8_t* d = to + size_t(column) * 4;
      const int rest = 255 - s[3];
      if (rest == 255) continue;
      if (rest == 0) {
        std::memcpy(d, s, 4);
        continue;
      }
      for (int c = 0; c < 4; ++c)
        d[c] = uint8_t(s[c] + by255(d[c] * rest));
    }
  }
}

}  // namespace looktwice::frames::scenes
