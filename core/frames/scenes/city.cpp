// Pan: the camera passes a city at dusk; nearer layers pass faster, the sky stays.
#include <cstring>

#include "frames/scenes/scene.h"

namespace looktwice::frames::scenes {
namespace {

struct Palette {
  Color top, middle, horizon, sun, haze, dark, window, lamp;
};
constexpr Palette kPalettes[] = {
    {rgb(0x1d2150), rgb(0x7d3f80), rgb(0xff8f6b), rgb(0xffd9a0), rgb(0xb9587f), rgb(0x120f2c),
     rgb(0xffd37a), rgb(0xffe9bd)},
    {rgb(0x0f2b46), rgb(0x2f7f8f), rgb(0xf6c98a), rgb(0xfff0c9), rgb(0x5f9aa0), rgb(0x081a2b),
     rgb(0xffe08f), rgb(0xfff3cf)},
    {rgb(0x2b1b4d), rgb(0xb0456b), rgb(0xffb25e), rgb(0xffe7a8), rgb(0xd06a6a), rgb(0x160d2b),
     rgb(0xffc46b), rgb(0xffe3b0)},
};

constexpr int kLayers = 4;
constexpr double kSpeed[kLayers] = {30, 60, 120, 270};  ///< units a second

class City final : public Scene {
 public:
  City(const Stage& stage, uint64_t seed)
      : stage_(stage),
        colors_(kPalettes[(seed + 2) % std::size(kPalettes)]),
        sky_(stage.width, stage.height) {
    flood(sky_, Paint::linear(stage_(0, 0), stage_(0, 560),
                              {{0, colors_.top}, {0.55, colors_.middle}, {1, colors_.horizon}}));
    Rng rng(seed, 2);
    for (int i = 0; i < 90; ++i) {
      const double y = 330 * rng.uniform() * rng.uniform(), x = stage_.wide * rng.uniform();
      const double size = rng.range(0.7, 1.7), bright = rng.range(0.25, 0.8);
      fill(sky_, stage_(circle(x, y, size, 12)), Paint(rgb(0xffffff), bright));
    }
    const double sun_x = stage_.wide * rng.range(0.6, 0.74), sun_y = 372;
    glow(sky_, sun_x * stage_.scale, sun_y * stage_.scale, 430 * stage_.scale, colors_.sun, 0.55);
    fill(sky_, stage_(circle(sun_x, sun_y, 118, 128)),
         Paint::linear(stage_(0, sun_y - 118), stage_(0, sun_y + 118),
                       {{0, colors_.sun}, {1, colors_.horizon}}));
    for (int layer = 0; layer < kLayers; ++layer)
      draw_layer(layer, rng);
    grain(sky_, seed ^ 21, 3);
  }

  void draw(Canvas& frame, double seconds, int64_t) const override {
    copy(frame, sky_);
    for (int layer = 0; layer < kLayers; ++layer)
      scroll_over(frame, strips_[layer], tops_[layer], seconds * kSpeed[layer] * stage_.scale);
  }

 private:
  void draw_layer(int layer, Rng& rng) {
    static constexpr double kTop[kLayers] = {200, 190, 170, 380};
    const double wide = stage_.wide * (layer == 3 ? 2.0 : 1.6) + 300;
    tops_[layer] = std::min(stage_.height - 1, int(kTop[layer] * stage_.scale));
    const double top = tops_[layer] / stage_.scale;
    Canvas& strip = strips_[layer];
    strip = Canvas(stage_.pixels(wide), stage_.height - tops_[layer]);
    // Stage units of the strip begin at its own top.
    const double width = strip.width / stage_.scale;
    if (layer == 3) {
      draw_street(strip, width, top, rng);
    } else {
      draw_houses(strip, layer, width, top, rng);
    }
    grain(strip, uint64_t(layer) + 31, 3);
  }

  void draw_houses(Canvas& strip, int layer, double width, double top, Rng& rng) {
    const double depth = (layer + 1) / 3.0;
    const Color wall = mix(colors_.haze, colors_.dark, 0.18 + 0.72 * depth * depth);
    const Color foot = mix(wall, colors_.horizon, 0.30 * (1 - depth) + 0.06);
    const double low = 470 + 46 * layer;
    double x = 0;
    while (x < width) {
      double w = rng.range(46, 92) * (0.75 + 0.28 * layer);
      if (x + w > width - 40) w = width - x;  // the last one ends where the strip begins again
      const double tall = rng.chance(0.22) ? rng.range(150, 230) : rng.range(40, 150);
      const double roof = low - tall * (0.85 + 0.1 * layer) - top, bottom = 720 - top + 4;
      Path house = rectangle(x + 1, roof, w - 2, bottom - roof);
      const int kind = rng.below(6);
      const double mid = x + w / 2;
      if (kind == 0)
        house.add(polygon({{x + 1, roof}, {x + w - 1, roof - w * 0.32}, {x + w - 1, roof}}));
      if (kind == 1)
        house.add(polygon({{x + w * 0.14, roof}, {mid, roof - w * 0.5}, {x + w * 0.86, roof}}));
      if (kind == 2) house.add(rectangle(mid - w * 0.28, roof - 20, w * 0.56, 21));
      if (kind == 2) house.add(rectangle(mid - 1.2, roof - 58, 2.4, 40));
      if (kind == 3) house.add(slice(mid, roof + 0.5, w * 0.36, 0.5, 1));
      if (kind == 4) house.add(rectangle(x + w * 0.18, roof - 14, w * 0.2, 15));
      const Path pixels = stage_(house);
      fill(strip, pixels,
           Paint::linear(stage_(0, roof), stage_(0, 640 - top), {{0, wall}, {1, foot}}));
      // The side turned to the sun.
      fill(strip, stage_(rectangle(x + w - 7, roof, 5, bottom - roof)),
           Paint(colors_.horizon, 0.10 + 0.10 * (1 - depth)));
      const double pitch = 11 + 3.0 * layer, size = pitch * 0.48;
      const double lit = rng.range(0.15, 0.55);
      for (double wy = roof + 12; wy < 700 - top; wy += pitch * 1.25)
        for (double wx = x + 9; wx + size < x + w - 9; wx += pitch) {
          const bool on = rng.chance(lit);
          fill(strip, stage_(rectangle(wx, wy, size, size * 1.35)),
               Paint(on ? mix(colors_.window, colors_.lamp, rng.uniform()) : shade(wall, -0.25),
                     on ? 0.45 + 0.5 * depth : 0.5));
        }
      x += w;
    }
  }

  void draw_street(Canvas& strip, double width, double top, Rng& rng) {
    const Color dark = shade(colors_.dark, 0.02);
    const double ground = 640 - top;
    const auto put = [&](const Path& path, const Paint& paint) {
      fill(strip, stage_(path), paint);
      // What hangs over one end of the strip comes in at the other.
      fill(strip, stage_(path, Affine::place(-width, 0)), paint);
      fill(strip, stage_(path, Affine::place(width, 0)), paint);
    };
    for (double x = 60; x < width - 100; x += rng.range(190, 330)) {
      const double high = rng.range(90, 150);
      put(rectangle(x - 3.5, ground - high * 0.6, 7, high * 0.7), Paint(dark));
      Path crown;
      for (int i = 0; i < 7; ++i) {
        const double dx = rng.range(-0.29, 0.29) * high, up = high * rng.range(0.55, 1.0);
        crown.add(circle(x + dx, ground - up, high * rng.range(0.17, 0.28), 32));
      }
      put(crown, Paint(mix(dark, colors_.haze, 0.12)));
    }
    put(rectangle(-5, ground, width + 10, 200), Paint(dark));
    put(rectangle(-5, ground, width + 10, 3), Paint(mix(dark, colors_.horizon, 0.35)));
    for (double x = 20; x < width - 60; x += 120) {
      put(rectangle(x, ground + 44, 56, 4), Paint(mix(dark, colors_.lamp, 0.32)));
    }
    const int lamps = std::max(1, int(width / 320));
    for (int i = 0; i < lamps; ++i) {
      const double x = 130 + i * width / lamps;
      put(rectangle(x - 2, ground - 148, 4, 150), Paint(dark));
      put(stroke({{x, ground - 146}, {x + 8, ground - 158}, {x + 26, ground - 160}}, 3.5),
          Paint(dark));
      put(rounded(x + 18, ground - 162, 20, 6, 3), Paint(colors_.lamp));
      halo(strip, (x + 28) * stage_.scale, (ground - 158) * stage_.scale, 74 * stage_.scale);
    }
  }

  /// A soft light that also shows where the strip itself is transparent.
  void halo(Canvas& strip, double x, double y, double radius) {
    for (int i = 10; i >= 1; --i)
      fill(strip, circle(x, y, radius * i / 10, 64), Paint(colors_.lamp, 0.025));
  }

  Stage stage_;
  Palette colors_;
  Canvas sky_, strips_[kLayers];
  int tops_[kLayers] = {};
};

}  // namespace

void copy(Canvas& to, const Canvas& from) {
  std::memcpy(to.pixels.data(), from.pixels.data(), from.pixels.size());
}

void scroll_over(Canvas& to, const Canvas& strip, int top, double offset) {
  const double turns = std::floor(offset / strip.width);
  const double start = offset - turns * strip.width;
  const int first = std::min(int(start), strip.width - 1);
  const int part = int((start - first) * 256);
  const int rows = std::min(strip.height, to.height - top);
  // One row of the strip, unrolled to the width of the picture and one pixel more.
  std::vector<uint8_t> line(size_t(to.width + 1) * 4);
  for (int y = 0; y < rows; ++y) {
    const uint8_t* row = strip.at(0, y);
    int filled = 0, from = first;
    while (filled < to.width + 1) {
      const int n = std::min(strip.width - from, to.width + 1 - filled);
      std::memcpy(&line[size_t(filled) * 4], row + size_t(from) * 4, size_t(n) * 4);
      filled += n;
      from = 0;
    }
    if (part != 0)
      for (size_t i = 0; i < size_t(to.width) * 4; ++i)
        line[i] = uint8_t((line[i] * (256 - part) + line[i + 4] * part + 128) >> 8);
    uint8_t* out = to.at(0, top + y);
    for (int x = 0; x < to.width; ++x) {
      const uint8_t* s = &line[size_t(x) * 4];
      uint8_t* d = out + size_t(x) * 4;
      const int rest = 255 - s[3];
      if (rest == 255) continue;
      if (rest == 0) {
        std::memcpy(d, s, 4);
        continue;
      }
      for (int c = 0; c < 4; ++c) {
        const int value = d[c] * rest + 128;
        d[c] = uint8_t(std::min(255, s[c] + ((value + (value >> 8)) >> 8)));
      }
    }
  }
}

std::unique_ptr<Scene> make_city(const Stage& stage, uint64_t seed) {
  return std::make_unique<City>(stage, seed);
}

}  // namespace looktwice::frames::scenes
