// Low light: a lane at night under one lamp; moths and fireflies move, and the sensor hisses.
#include "frames/scenes/scene.h"
#include "frames/scenes/sensor.h"

namespace looktwice::frames::scenes {
namespace {

struct Palette {
  Color sky, haze, wall, roof, light, window, ground;
};
constexpr Palette kPalettes[] = {
    {rgb(0x0b1226), rgb(0x26304f), rgb(0x3a3348), rgb(0x191a2b), rgb(0xffc777), rgb(0xffb45a),
     rgb(0x23232f)},
    {rgb(0x07171a), rgb(0x1d3a3f), rgb(0x33403f), rgb(0x101f22), rgb(0xffdd9a), rgb(0xffc46b),
     rgb(0x1c2627)},
    {rgb(0x150d24), rgb(0x3d2a4d), rgb(0x44304a), rgb(0x1d1428), rgb(0xffb98a), rgb(0xff9d5c),
     rgb(0x271e2e)},
};

class Lamp final : public Scene {
 public:
  Lamp(const Stage& stage, uint64_t seed)
      : stage_(stage),
        seed_(seed),
        colors_(kPalettes[(seed + 2) % std::size(kPalettes)]),
        lane_(stage.width, stage.height),
        // Shot noise grows with the root of the light, over the noise of the dark sensor: 4 levels
        // in the dark, 8 in the light.
        noise_(seed, [](int level) { return 4 + 0.25 * std::sqrt(double(level)); }) {
    draw_lane();
  }

  void draw(Canvas& frame, double seconds, int64_t index) const override {
    copy(frame, lane_);
    const double loop = fraction(seconds / 10);
    draw_cat(frame, loop);
    draw_fireflies(frame, loop);
    draw_moths(frame, loop);
    noise_.add(frame.pixels.data(), frame.width, frame.height, 4, index);
  }

 private:
  double lamp_x() const { return stage_.wide * 0.37; }

  void draw_lane() {
    const double wide = stage_.wide;
    Rng rng(seed_, 6);
    flood(lane_,
          Paint::linear(stage_(0, 0), stage_(0, 560), {{0, colors_.sky}, {1, colors_.haze}}));
    for (int i = 0; i < 70; ++i) {
      const double x = wide * rng.uniform(), y = 300 * rng.uniform(), size = rng.range(0.6, 1.5);
      fill(lane_, stage_(circle(x, y, size, 12)), Paint(rgb(0xdfe7ff), rng.range(0.15, 0.6)));
    }
    const Point moon{wide * 0.15, 120};
    glow(lane_, moon.x * stage_.scale, moon.y * stage_.scale, 170 * stage_.scale, rgb(0x8fa3d8),
         0.35);
    fill(lane_, stage_(circle(moon.x, moon.y, 34, 96)), Paint(rgb(0xe6e9f5)));
    fill(lane_, stage_(circle(moon.x + 15, moon.y - 8, 29, 96)),
         Paint(mix(colors_.sky, rgb(0x8fa3d8), 0.13)));
    // Roofs far away.
    Path far;
    for (double x = -20; x < wide; x += rng.range(50, 110)) {
      const double w = rng.range(60, 120), y = rng.range(330, 430);
      far.add(polygon({{x, y}, {x + w / 2, y - 42}, {x + w, y}, {x + w, 620}, {x, 620}}));
    }
    fill(lane_, stage_(far), Paint(mix(colors_.haze, colors_.roof, 0.6)));
    draw_house(wide * 0.66, rng);
    // The lane, wet, with its stones.
    const double ground = 560;
    fill(lane_, stage_(rectangle(-5, ground, wide + 10, 170)),
         Paint::linear(
             stage_(0, ground), stage_(0, 720),
             {{0, mix(colors_.ground, colors_.haze, 0.35)}, {1, shade(colors_.ground, -0.4)}}));
    for (int row = 0; row < 9; ++row) {
      const double y = ground + 6 + row * row * 1.9 + row * 3, size = 16 + row * 6;
      for (double x = -size + (row % 2) * size / 2; x < wide + size; x += size * 1.06)
        fill(lane_, stage_(rounded(x, y, size * 0.94, 5 + row * 2.4, 2 + row)),
             Paint(shade(colors_.ground, rng.range(-0.3, 0.16)), 0.55));
    }
    draw_lamp(ground);
    fill(lane_, stage_(rectangle(-5, 668, wide * 0.24, 60)), Paint(colors_.roof));
    for (int i = 0; i < 120; ++i) {
      const double x = wide * 0.25 * rng.uniform(), high = rng.range(18, 60);
      fill(lane_, stage_(stroke({{x, 690}, {x + rng.range(-6, 6), 690 - high}}, 2)),
           Paint(shade(colors_.roof, 0.04)));
    }
  }

  void draw_house(double x, Rng& rng) {
    const double w = stage_.wide - x + 20;
    fill(lane_, stage_(rectangle(x, 210, w, 360)),
         Paint::linear(stage_(x, 0), stage_(stage_.wide, 0),
                       {{0, mix(colors_.wall, colors_.light, 0.18)},
                        {0.6, colors_.wall},
                        {1, shade(colors_.wall, -0.35)}}));
    for (int row = 0; row < 30; ++row)
      for (double bx = x + (row % 2) * 14; bx < stage_.wide; bx += 28)
        if (rng.chance(0.5))
          fill(lane_, stage_(rectangle(bx + 1, 212 + row * 12, 26, 10)),
               Paint(shade(colors_.wall, rng.range(-0.4, 0.3)), 0.22));
    fill(lane_,
         stage_(polygon(
             {{x - 26, 214}, {x + 46, 96}, {stage_.wide + 40, 96}, {stage_.wide + 40, 214}})),
         Paint(colors_.roof));
    // A lit window, where the cat sits, and a dark door.
    const double wx = x + w * 0.30, wy = 300;
    glow(lane_, (wx + 65) * stage_.scale, (wy + 60) * stage_.scale, 210 * stage_.scale,
         colors_.window, 0.35);
    fill(lane_, stage_(rounded(wx - 8, wy - 8, 146, 136, 4)), Paint(colors_.roof));
    fill(lane_, stage_(rectangle(wx, wy, 130, 120)),
         Paint::radial(stage_(wx + 75, wy + 40), 130 * stage_.scale,
                       {{0, shade(colors_.window, 0.35)}, {1, shade(colors_.window, -0.25)}}));
    fill(lane_, stage_(rectangle(wx, wy, 24, 120)), Paint(shade(colors_.window, -0.5), 0.7));
    fill(lane_, stage_(rectangle(wx + 106, wy, 24, 120)), Paint(shade(colors_.window, -0.5), 0.7));
    fill(lane_, stage_(rectangle(wx + 63, wy, 4, 120)), Paint(colors_.roof));
    fill(lane_, stage_(rectangle(wx, wy + 44, 130, 4)), Paint(colors_.roof));
    fill(lane_, stage_(rectangle(wx - 14, wy + 120, 158, 9)), Paint(shade(colors_.wall, 0.1)));
    cat_ = {wx + 40, wy + 120};
    fill(lane_, stage_(rounded(x + w * 0.02 + 16, 400, 66, 170, 6)),
         Paint(shade(colors_.roof, -0.3)));
  }

  void draw_lamp(double ground) {
    const double x = lamp_x();
    const Point bulb{x + 46, 214};
    // The cone and the pool of light on the stones, both without an edge.
    const int soft = stage_.pixels(24);
    for (int i = 1; i <= 3; ++i)
      shadow(lane_,
             stage_(polygon({{bulb.x - 8, bulb.y + 10},
                             {bulb.x + 8, bulb.y + 10},
                             {bulb.x + 105.0 * i, ground + 60},
                             {bulb.x - 105.0 * i, ground + 60}})),
             0, 0, soft, mix(colors_.light, colors_.haze, 0.25), 0.075);
    for (int i = 1; i <= 3; ++i)
      shadow(lane_, stage_(ellipse(bulb.x, ground + 64, 105.0 * i, 22.0 * i, 96)), 0, 0, soft,
             colors_.light, 0.15);
    glow(lane_, bulb.x * stage_.scale, bulb.y * stage_.scale, 300 * stage_.scale, colors_.light,
         0.55);
    glow(lane_, bulb.x * stage_.scale, bulb.y * stage_.scale, 90 * stage_.scale, colors_.light,
         0.8);
    const Color iron = shade(colors_.roof, -0.45);
    fill(lane_, stage_(rectangle(x - 4.5, 196, 9, ground - 150)), Paint(iron));
    fill(lane_, stage_(rounded(x - 12, ground + 26, 24, 24, 4)), Paint(iron));
    fill(lane_, stage_(stroke({{x, 230}, {x + 4, 196}, {x + 22, 180}, {x + 46, 184}}, 5)),
         Paint(iron));
    fill(lane_,
         stage_(polygon(
             {{bulb.x - 20, 204}, {bulb.x - 9, 184}, {bulb.x + 9, 184}, {bulb.x + 20, 204}})),
         Paint(iron));
    fill(lane_, stage_(ellipse(bulb.x, 205, 15, 7, 40)), Paint(shade(colors_.light, 0.55)));
  }

  void draw_cat(Canvas& frame, double loop) const {
    const Color fur = shade(colors_.roof, -0.5);
    Path cat = ellipse(cat_.x, cat_.y - 17, 15, 19, 48);
    cat.add(circle(cat_.x - 3, cat_.y - 41, 11, 40));
    cat.add(polygon(
        {{cat_.x - 13, cat_.y - 44}, {cat_.x - 12, cat_.y - 58}, {cat_.x - 4, cat_.y - 50}}));
    cat.add(
        polygon({{cat_.x - 2, cat_.y - 50}, {cat_.x + 6, cat_.y - 58}, {cat_.x + 7, cat_.y - 44}}));
    fill(frame, stage_(cat), Paint(fur));
    std::vector<Point> tail;
    for (int i = 0; i <= 12; ++i) {
      const double u = i / 12.0;
      tail.push_back({cat_.x + 10 + 26 * u + 11 * u * sine(loop * 3 + u * 0.35),
                      cat_.y - 4 - 26 * u * u + 9 * u * sine(loop * 3 + 0.2)});
    }
    fill(frame, stage_(stroke(tail, 5)), Paint(fur));
  }

  void draw_fireflies(Canvas& frame, double loop) const {
    for (int i = 0; i < 9; ++i) {
      Rng rng(seed_, uint64_t(100 + i));
      const double a = rng.uniform(), b = rng.uniform();
      const double x =
          stage_.wide * rng.range(0.02, 0.30) + 55 * sine(loop + a) + 18 * sine(loop * 3 + b);
      const double y = rng.range(470, 640) + 36 * sine(loop * 2 + b);
      const double on = smooth(0.4 + 0.9 * sine(loop * rng.between(3, 5) + a));
      glow(frame, x * stage_.scale, y * stage_.scale, 26 * stage_.scale, rgb(0xd8ff6a), 0.85 * on);
      fill(frame, stage_(circle(x, y, 2, 16)), Paint(rgb(0xf4ffc2), 0.25 + 0.75 * on));
    }
  }

  void draw_moths(Canvas& frame, double loop) const {
    for (int i = 0; i < 5; ++i) {
      Rng rng(seed_, uint64_t(200 + i));
      const int rounds = rng.between(2, 4) * (i % 2 == 0 ? 1 : -1);
      const double turn = loop * rounds + rng.uniform();
      const double x =
          lamp_x() + 46 + rng.range(24, 64) * cosine(turn) + 10 * sine(loop * 9 + i * 0.3);
      const double y = 226 + rng.range(12, 34) * sine(turn) + 8 * sine(loop * 7 + i * 0.2);
      const double flap = 0.35 + 0.65 * std::abs(sine(loop * 60 + i * 0.17));
      Path moth = polygon({{x, y + 3}, {x - 7 * flap, y - 5}, {x - 5 * flap, y + 4}});
      moth.add(polygon({{x, y + 3}, {x + 5 * flap, y + 4}, {x + 7 * flap, y - 5}}));
      fill(frame, stage_(moth), Paint(shade(colors_.light, 0.5), 0.9));
    }
  }

  Stage stage_;
  uint64_t seed_;
  Palette colors_;
  Canvas lane_;
  Point cat_;
  SensorNoise noise_;
};

}  // namespace

std::unique_ptr<Scene> make_lamp(const Stage& stage, uint64_t seed) {
  return std::make_unique<Lamp>(stage, seed);
}

}  // namespace looktwice::frames::scenes
