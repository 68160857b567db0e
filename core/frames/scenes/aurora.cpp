// Slow drift: northern lights over a lake. They are computed on a coarse grid, which is all that
// such soft light needs, and drawn between its points.
#include "frames/scenes/scene.h"

namespace looktwice::frames::scenes {
namespace {

struct Palette {
  Color top, horizon, low, mid, high, rock;
};
constexpr Palette kPalettes[] = {
    {rgb(0x070b1f), rgb(0x1b3a4b), rgb(0x6dffb8), rgb(0x2fd3c0), rgb(0x7a4fe0), rgb(0x05070f)},
    {rgb(0x0a0820), rgb(0x3a2a55), rgb(0x9dffcf), rgb(0x4cc2ff), rgb(0xd24fc0), rgb(0x06040f)},
    {rgb(0x04101c), rgb(0x17433f), rgb(0xd8ff9a), rgb(0x46e08c), rgb(0x2f7fe0), rgb(0x03080c)},
};
constexpr double kShore = 508;  ///< units from the top

class Aurora final : public Scene {
 public:
  Aurora(const Stage& stage, uint64_t seed)
      : stage_(stage),
        seed_(seed),
        colors_(kPalettes[(seed + 2) % std::size(kPalettes)]),
        sky_(stage.width, stage.height),
        front_(stage.width, stage.height) {
    step_ = std::max(2, int(std::floor(8 * stage.scale + 0.5)));
    columns_ = (stage.width + step_ - 1) / step_ + 1;
    rows_ = (stage_.pixels(kShore) + step_ - 1) / step_ + 1;
    Rng rng(seed, 3);
    for (Curtain& c : curtains_) {
      c.base = rng.range(300, 395);
      c.phase = rng.uniform();
      c.wave = rng.range(0.5, 0.9);
      c.turns = rng.sign();
      c.strength = rng.range(0.6, 0.95);
    }
    flood(sky_, Paint::linear(stage_(0, 0), stage_(0, kShore),
                              {{0, colors_.top},
                               {0.55, mix(colors_.top, colors_.horizon, 0.45)},
                               {1, colors_.horizon}}));
    for (int i = 0; i < 260; ++i) {
      const double big = rng.chance(0.05) ? 0.7 : 0, x = stage.wide * rng.uniform();
      const double y = kShore * rng.uniform(), blue = rng.uniform(), bright = rng.range(0.3, 0.95);
      const double size = 0.5 + 1.1 * rng.uniform() * rng.uniform() + big;
      fill(sky_, stage_(circle(x, y, size, 12)),
           Paint(mix(rgb(0xffffff), rgb(0xa8c8ff), blue), bright));
    }
    // The lake holds the sky upside down, darker.
    const int shore = stage_.pixels(kShore);
    for (int y = shore; y < stage.height; ++y)
      for (int x = 0; x < stage.width; ++x) {
        const int from = std::max(0, shore - 1 - (y - shore) * 2);
        const uint8_t* s = sky_.at(x, from);
        uint8_t* d = sky_.at(x, y);
        for (int c = 0; c < 3; ++c)
          d[c] = uint8_t(s[c] * 11 / 16);
        d[3] = 255;
      }
    draw_mountains(rng);
  }

  void draw(Canvas& frame, double seconds, int64_t) const override {
    const std::vector<int> light = curtains_at(fraction(seconds / 10));
    const int shore = stage_.pixels(kShore);
    std::vector<int> line(size_t(columns_) * 3);
    for (int y = 0; y < stage_.height; ++y) {
      // Reflected rows are squeezed by two and dimmer; ripples shift them.
      const bool lake = y >= shore;
      const int at = lake ? std::max(0, (shore - 1) - (y - shore) * 2) : y;
      const int row = std::min(at / step_, rows_ - 2), part = at - row * step_;
      const int* a = &light[size_t(row) * size_t(columns_) * 3];
      const int* b = a + columns_ * 3;
      const int gain = lake ? 9 : 16;
      for (size_t i = 0; i < size_t(columns_) * 3; ++i)
        line[i] = (a[i] * (step_ - part) + b[i] * part) / step_ * gain / 16;
      draw_row(frame.at(0, y), sky_.at(0, y), line.data(), y);
    }
    over(frame, front_, 0, 0, stage_.width, stage_.height);
  }

 private:
  struct Curtain {
    double base, phase, wave, strength;
    int turns;
  };

  /// Adds light, in 1/256 levels on the coarse grid, to one row of the sky.
  void draw_row(uint8_t* to, const uint8_t* from, const int* line, int y) const {
    for (int column = 0, x = 0; x < stage_.width; ++column) {
      const int* a = line + column * 3;
      const int n = std::min(step_, stage_.width - x);
      int value[3], slope[3];
      for (int c = 0; c < 3; ++c) {
        value[c] = a[c];
        slope[c] = (a[c + 3] - a[c]) / step_;
      }
      for (int i = 0; i < n; ++i, ++x, to += 4, from += 4) {
        const int d = dither(x, y);
        for (int c = 0; c < 3; ++c) {
          to[c] = uint8_t(std::min(255, from[c] + ((value[c] + d) >> 8)));
          value[c] += slope[c];
        }
        to[3] = 255;
      }
    }
  }

  /// [rows, columns, 3] light in 1/256 levels.
  std::vector<int> curtains_at(double loop) const {
    std::vector<int> light(size_t(rows_) * size_t(columns_) * 3);
    for (int i = 0; i < columns_; ++i) {
      const double x = i * step_ / stage_.scale / 1280;
      for (const Curtain& c : curtains_) {
        const double sway = sine(c.wave * x * 1.3 + c.phase + 0.10 * sine(loop + c.phase));
        const double fold = sine(2.9 * x + c.phase * 3 + 0.09 * sine(loop * c.turns + 0.31));
        const double foot = c.base + 62 * sway + 24 * fold + 9 * sine(loop + c.phase);
        // Rays: brightness along the curtain, two fixed textures that fade into each other.
        const double turn = 0.5 + 0.5 * sine(loop + c.phase * 2);
        const double rays = lerp(noise(x * 26, c.phase * 99, seed_),
                                 noise(x * 26 + 4, c.phase * 99, seed_ + 5), turn);
        const double veil =
            lerp(noise(x * 5, c.phase * 57, seed_ + 9), noise(x * 5, c.phase * 31, seed_ + 13),
                 0.5 + 0.5 * sine(loop + 0.17));
        const double bright = c.strength * (0.35 + 0.65 * rays) * smooth(veil * 1.7 - 0.25);
        const double tall = 150 + 130 * veil + 50 * rays;
        for (int j = 0; j < rows_; ++j) {
          const double y = j * step_ / stage_.scale, up = foot - y;
          // A sharp lower border, a long fade above it.
          double amount = up < 0 ? smooth(1 + up / 34) : 1 - smooth(up / tall);
          if (amount <= 0) continue;
          amount *= amount * bright;
          const double high = clamp01(up / tall);
          const Color color = high < 0.45 ? mix(colors_.low, colors_.mid, high / 0.45)
                                          : mix(colors_.mid, colors_.high, (high - 0.45) / 0.55);
          int* to = &light[(size_t(j) * size_t(columns_) + size_t(i)) * 3];
          to[0] += int(color.r * amount * 0.62);
          to[1] += int(color.g * amount * 0.62);
          to[2] += int(color.b * amount * 0.62);
        }
      }
    }
    return light;
  }

  void draw_mountains(Rng& rng) {
    for (int layer = 0; layer < 2; ++layer) {
      std::vector<Point> outline;
      const double base = kShore - 58 + 42 * layer, high = 190 - 70 * layer;
      for (double x = -6; x <= stage_.wide + 6; x += 3) {
        const double ridge = fractal(x / (260 - 60 * layer), layer * 5.5, seed_ + 40, 5);
        outline.push_back({x, std::min(kShore, base + high * (0.42 - ridge))});
      }
      outline.push_back({stage_.wide + 6, kShore});
      outline.push_back({-6, kShore});
      Path mountain = Path().add(std::move(outline));
      if (layer == 1) {
        for (int i = 0; i < int(stage_.wide / 9); ++i) {
          const double x = stage_.wide * rng.uniform(), high_tree = rng.range(14, 42);
          if (noise(x / 90, 4.4, seed_) < 0.4) continue;
          const double foot = kShore + 2;
          mountain.add(polygon(
              {{x, foot - high_tree}, {x + high_tree * 0.2, foot}, {x - high_tree * 0.2, foot}}));
        }
      }
      const Color color = mix(colors_.rock, colors_.horizon, layer == 0 ? 0.42 : 0.06);
      fill(front_, stage_(mountain),
           Paint::linear(stage_(0, kShore - 150), stage_(0, kShore),
                         {{0, mix(color, colors_.top, 0.2)}, {1, color}}));
      Path mirrored = mountain;
      for (auto& contour : mirrored.contours)
        for (Point& p : contour)
          p.y = kShore + (kShore - p.y) * 0.5;
      fill(front_, stage_(mirrored), Paint(shade(color, -0.35), 0.85));
    }
    // Ripples and a bank of stones close by.
    for (int i = 0; i < 70; ++i) {
      const double y = kShore + 6 + 190 * rng.uniform() * rng.uniform();
      const double x = stage_.wide * rng.uniform(), w = rng.range(30, 150);
      fill(front_, stage_(rounded(x, y, w, 1.4, 0.7)),
           Paint(mix(colors_.horizon, colors_.mid, 0.4), 0.16));
    }
    Path bank;
    for (int i = 0; i < 26; ++i) {
      const double x = stage_.wide * (i + rng.uniform()) / 26, rx = rng.range(38, 90);
      bank.add(ellipse(x, 726, rx, rng.range(10, 34), 40));
    }
    fill(front_, stage_(bank), Paint(colors_.rock));
  }

  Stage stage_;
  uint64_t seed_;
  Palette colors_;
  Canvas sky_, front_;
  Curtain curtains_[4];
  int step_ = 8, columns_ = 0, rows_ = 0;
};

}  // namespace

std::unique_ptr<Scene> make_aurora(const Stage& stage, uint64_t seed) {
  return std::make_unique<Aurora>(stage, seed);
}

}  // namespace looktwice::frames::scenes
