// Static camera: paper-cut hills at dawn; a train on a viaduct, balloons, birds and a windmill
// move.
#include "frames/scenes/scene.h"

namespace looktwice::frames::scenes {
namespace {

struct Palette {
  Color top, middle, horizon, sun, far, near, stone, train, stripe, cream;
};
constexpr Palette kPalettes[] = {
    {rgb(0x6fa8b5), rgb(0xf3d9b1), rgb(0xf4a77c), rgb(0xfff3d6), rgb(0xdd9a80), rgb(0x2a2746),
     rgb(0xa9677a), rgb(0xd8443c), rgb(0xe8b33f), rgb(0xfff4dc)},
    {rgb(0x9fd0cf), rgb(0xe9efd2), rgb(0xf6e3b0), rgb(0xfffbe6), rgb(0xa5cdb4), rgb(0x14404a),
     rgb(0x6f9f95), rgb(0xe4572e), rgb(0xf3b61f), rgb(0xfdf6e3)},
    {rgb(0x39305f), rgb(0x9a5f96), rgb(0xf4a07a), rgb(0xffe6bd), rgb(0xa4658f), rgb(0x19152f),
     rgb(0x6a4379), rgb(0xf2b134), rgb(0xed553b), rgb(0xffeccc)},
};

constexpr int kLayers = 5;
constexpr double kDeck = 452;  ///< height of the rails

class Valley final : public Scene {
 public:
  Valley(const Stage& stage, uint64_t seed)
      : stage_(stage),
        seed_(seed),
        colors_(kPalettes[(seed + 2) % std::size(kPalettes)]),
        back_(stage.width, stage.height),
        front_(stage.width, stage.height) {
    Rng rng(seed, 1);
    sun_x_ = stage.wide * rng.range(0.56, 0.70);
    mill_x_ = stage.wide * rng.range(0.10, 0.20);
    balloon_x_ = stage.wide * rng.range(0.24, 0.36);
    draw_sky(rng);
    for (int layer = 0; layer < kLayers; ++layer) {
      draw_hill(layer < 3 ? back_ : front_, layer, rng);
      if (layer == 1) draw_viaduct();
    }
    mill_y_ = ridge(3, mill_x_) - 96;
    const Path tower = polygon({{mill_x_ - 11, mill_y_},
                                {mill_x_ + 11, mill_y_},
                                {mill_x_ + 20, mill_y_ + 120},
                                {mill_x_ - 20, mill_y_ + 120}});
    fill(front_, stage_(tower),
         Paint::linear(
             stage_(mill_x_ - 20, 0), stage_(mill_x_ + 20, 0),
             {{0, shade(colors_.cream, -0.06)}, {1, mix(colors_.cream, colors_.near, 0.45)}}));
    fill(front_, stage_(slice(mill_x_, mill_y_ + 1, 13, 0.5, 1)), Paint(colors_.train));
    fill(front_, stage_(rounded(mill_x_ - 5, mill_y_ + 52, 10, 16, 5)), Paint(colors_.near));
    fill(front_, stage_(rounded(mill_x_ - 7, mill_y_ + 92, 14, 30, 7)), Paint(colors_.near));
    grain(back_, seed ^ 11, 4);
    grain(front_, seed ^ 12, 4);
  }

  void draw(Canvas& frame, double seconds, int64_t) const override {
    copy(frame, back_);
    const double loop = fraction(seconds / 10);
    draw_balloon(frame, balloon_x_ + 26 * sine(loop), 196 + 34 * sine(loop * 2 + 0.3), 1, 0);
    draw_balloon(frame, balloon_x_ + 190 - 18 * sine(loop + 0.2), 128 + 16 * sine(loop), 0.5, 1);
    draw_birds(frame, loop);
    draw_train(frame, loop);
    over(frame, front_, 0, stage_.pixels(kDeck - 50), stage_.width, stage_.height);
    draw_sails(frame, seconds);
  }

 private:
  double ridge(int layer, double x) const {
    static constexpr double base[kLayers] = {372, 430, 505, 566, 660};
    static constexpr double high[kLayers] = {150, 120, 90, 110, 90};
    static constexpr double fine[kLayers] = {250, 300, 330, 400, 460};
    const double lift =
        fractal(x / fine[layer] + 17 * layer, 3.7 * layer, seed_ + uint64_t(layer), 4);
    return base[layer] + high[layer] * (0.5 - lift);
  }

  void draw_sky(Rng& rng) {
    flood(back_, Paint::linear(stage_(0, 0), stage_(0, 470),
                               {{0, colors_.top}, {0.62, colors_.middle}, {1, colors_.horizon}}));
    glow(back_, sun_x_ * stage_.scale, 262 * stage_.scale, 400 * stage_.scale,
         mix(colors_.sun, colors_.horizon, 0.4), 0.15);
    for (int i = 3; i >= 1; --i)
      fill(back_, stage_(circle(sun_x_, 262, 62 + 26 * i, 128)), Paint(colors_.sun, 0.16));
    fill(back_, stage_(circle(sun_x_, 262, 62, 128)), Paint(colors_.sun));
    for (int i = 0; i < 5; ++i) {
      const double x = stage_.wide * rng.range(0, 1), y = rng.range(70, 300),
                   w = rng.range(90, 190);
      Path cloud = rounded(x - w, y, 2 * w, 18, 9);
      cloud.add(rounded(x - w * 0.55, y - 15, w * 1.2, 22, 11));
      cloud.add(rounded(x - w * 0.2, y + 13, w * 0.9, 14, 7));
      fill(back_, stage_(cloud), Paint(colors_.cream, 0.32));
    }
  }

  void draw_hill(Canvas& canvas, int layer, Rng& rng) {
    const double depth = layer / double(kLayers - 1);
    std::vector<Point> outline;
    for (double x = -8; x <= stage_.wide + 8; x += 4)
      outline.push_back({x, ridge(layer, x)});
    outline.push_back({stage_.wide + 8, 740});
    outline.push_back({-8, 740});
    Path hill = Path().add(std::move(outline));
    const Color body =
        mix(colors_.far, colors_.near, 0.08 + 0.92 * depth * depth * 0.9 + 0.08 * depth);
    if (layer >= 1) {
      const int trees = int(stage_.wide / (layer == 4 ? 26 : 38));
      for (int i = 0; i < trees; ++i) {
        // Trees stand in groves, where a slow noise is high.
        const double x = stage_.wide * rng.uniform();
        if (noise(x / 120, layer * 9.1, seed_ ^ 77) < 0.42) continue;
        if (layer == 3 && std::abs(x - mill_x_) < 60) continue;
        const double high = rng.range(0.6, 1.25) * (14 + 13 * layer), y = ridge(layer, x) + 6;
        for (int part = 0; part < 3; ++part) {
          const double foot = y - high * 0.26 * part, half = high * (0.30 - 0.065 * part);
          hill.add(polygon({{x, foot - high * 0.48}, {x + half, foot}, {x - half, foot}}));
        }
      }
    }
    const Path pixels = stage_(hill);
    shadow(canvas, pixels, 0, -5 * stage_.scale, stage_.pixels(7), colors_.near, 0.30);
    const double top = ridge(layer, stage_.wide / 2) - 60;
    const Color mist = mix(body, colors_.horizon, 0.42 * (1 - depth) + 0.05);
    fill(canvas, pixels,
         Paint::linear(stage_(0, top), stage_(0, top + 230), {{0, shade(body, 0.07)}, {1, mist}}));
  }

  void draw_viaduct() {
    constexpr double bay = 74, arch = 27;
    Path stone = rectangle(-10, kDeck, stage_.wide + 20, 290);
    for (double x = -bay; x < stage_.wide + bay; x += bay) {
      std::vector<Point> hole{{x - arch, 742}};
      for (int i = 0; i <= 24; ++i) {
        const double at = 0.5 + i / 48.0;
        hole.push_back({x + arch * cosine(at), kDeck + 46 + arch * sine(at)});
      }
      hole.push_back({x + arch, 742});
      std::reverse(hole.begin(), hole.end());
      stone.add(std::move(hole));
    }
    const Path pixels = stage_(stone);
    shadow(back_, pixels, 5 * stage_.scale, 4 * stage_.scale, stage_.pixels(6), colors_.near, 0.28);
    fill(back_, pixels,
         Paint::linear(
             stage_(0, kDeck), stage_(0, kDeck + 170),
             {{0, shade(colors_.stone, 0.10)}, {1, mix(colors_.stone, colors_.near, 0.35)}}));
    fill(back_, stage_(rectangle(-10, kDeck - 3, stage_.wide + 20, 9)),
         Paint(mix(colors_.stone, colors_.near, 0.55)));
    fill(back_, stage_(rectangle(-10, kDeck + 12, stage_.wide + 20, 2.5)),
         Paint(mix(colors_.stone, colors_.near, 0.3)));
  }

  void draw_train(Canvas& frame, double loop) const {
    constexpr int cars = 5;
    constexpr double length = 104, gap = 6, high = 33;
    const double train = (cars + 1) * (length + gap);
    const double head = -40 + (stage_.wide + train + 80) * fraction(loop + 0.52);
    for (int i = 0; i <= cars; ++i) {
      const double x = head - (i + 1) * (length + gap), y = kDeck - 4 - high;
      if (x > stage_.wide + 20 || x + length < -20) continue;
      Path body;
      if (i == 0) {
        body.add({{x, y},
                  {x + length - 34, y},
                  {x + length - 16, y + 5},
                  {x + length, y + high - 9},
                  {x + length, y + high},
                  {x, y + high}});
      } else {
        body = rounded(x, y, length, high, 5);
      }
      fill(frame, stage_(body),
           Paint::linear(stage_(0, y), stage_(0, y + high),
                         {{0, shade(colors_.train, 0.22)},
                          {0.5, colors_.train},
                          {1, shade(colors_.train, -0.30)}}));
      fill(frame, stage_(rectangle(x + 1, y + high - 10, length - 2, 3)), Paint(colors_.cream));
      const int windows = i == 0 ? 4 : 6;
      for (int k = 0; k < windows; ++k)
        fill(frame, stage_(rounded(x + 7 + k * 15.6, y + 7, 11, 11, 2.5)),
             Paint(mix(colors_.cream, colors_.stripe, (k + i) % 3 == 0 ? 0.5 : 0.1)));
      for (const double wheel : {18.0, 32.0, length - 32, length - 18})
        fill(frame, stage_(circle(x + wheel, kDeck - 3, 5, 20)), Paint(colors_.near));
    }
  }

  void draw_balloon(Canvas& frame, double x, double y, double size, int kind) const {
    const Affine at = Affine::place(x, y, size);
    const Color main = kind == 0 ? colors_.train : colors_.stripe;
    const Color other = kind == 0 ? colors_.cream : colors_.near;
    const auto envelope = [](double half) {
      // A round top that tapers to the mouth.
      std::vector<Point> points;
      for (int i = 0; i <= 32; ++i) {
        const double turn = 0.5 + i / 64.0;
        points.push_back({half * cosine(turn), 62 * sine(turn)});
      }
      points.push_back({half * 0.92, 22});
      points.push_back({half * 0.62, 54});
      points.push_back({half * 0.24, 82});
      points.push_back({-half * 0.24, 82});
      points.push_back({-half * 0.62, 54});
      points.push_back({-half * 0.92, 22});
      return Path().add(std::move(points));
    };
    fill(frame, stage_(stroke({{-12, 80}, {-8, 106}}, 1.4), at), Paint(colors_.near));
    fill(frame, stage_(stroke({{12, 80}, {8, 106}}, 1.4), at), Paint(colors_.near));
    static constexpr double kGores[] = {60, 46, 28, 10};
    for (int i = 0; i < 4; ++i)
      fill(frame, stage_(envelope(kGores[i]), at), Paint(i % 2 == 0 ? main : other));
    // Light from the sun on one side.
    const Point a = stage_(x - 60 * size, 0), b = stage_(x + 60 * size, 0);
    fill(frame, stage_(envelope(60), at),
         Paint::linear(a, b, {{0, colors_.near}, {1, colors_.near}}, 0.10));
    fill(frame, stage_(transformed(envelope(60), Affine{0.55, 0, 24, 0, 0.94, -2}), at),
         Paint(colors_.sun, 0.16));
    fill(frame, stage_(rounded(-11, 104, 22, 17, 4), at),
         Paint(mix(colors_.stripe, colors_.near, 0.55)));
    fill(frame, stage_(rectangle(-12, 104, 24, 4), at), Paint(colors_.near));
  }

  void draw_birds(Canvas& frame, double loop) const {
    static constexpr Point kFlock[] = {{0, 0},    {-34, 17},  {-31, -20},
                                       {-66, 37}, {-70, -34}, {-104, 52}};
    const double head = -60 + (stage_.wide + 240) * fraction(loop * 1 + 0.35);
    for (int i = 0; i < 6; ++i) {
      const double flap = sine(loop * 14 + 0.19 * i);
      const double x = head + kFlock[i].x, y = 330 + kFlock[i].y * 0.8 -
                                               120 * fraction(loop + 0.35) +
                                               5 * sine(loop * 3 + 0.13 * i);
      const double span = 13 - i * 0.7, tip = -6 - 7 * flap;
      const Path wings = Path().add({{x, y + 2.5},
                                     {x - span * 0.5, y + tip * 0.75},
                                     {x - span, y + tip * 0.55},
                                     {x - span * 0.5, y + tip * 0.95 - 1.5},
                                     {x, y - 1},
                                     {x + span * 0.5, y + tip * 0.95 - 1.5},
                                     {x + span, y + tip * 0.55},
                                     {x + span * 0.5, y + tip * 0.75}});
      fill(frame, stage_(wings), Paint(colors_.near));
    }
  }

  void draw_sails(Canvas& frame, double seconds) const {
    for (int i = 0; i < 4; ++i) {
      const Affine at = Affine::place(mill_x_, mill_y_ + 4, 1, seconds / 5 + i / 4.0);
      Path sail = rectangle(0, -1.6, 74, 3.2);
      sail.add(rectangle(14, 1, 58, 13));
      fill(frame, stage_(sail, at), Paint(colors_.cream));
      for (double x = 14; x < 70; x += 11.4)
        fill(frame, stage_(rectangle(x, 1, 1.4, 13), at),
             Paint(mix(colors_.cream, colors_.near, 0.5)));
    }
    fill(frame, stage_(circle(mill_x_, mill_y_ + 4, 5, 24)), Paint(colors_.near));
  }

  Stage stage_;
  uint64_t seed_;
  Palette colors_;
  Canvas back_, front_;
  double sun_x_ = 0, mill_x_ = 0, mill_y_ = 0, balloon_x_ = 0;
};

}  // namespace

std::unique_ptr<Scene> make_valley(const Stage& stage, uint64_t seed) {
  return std::make_unique<Valley>(stage, seed);
}

}  // namespace looktwice::frames::scenes
