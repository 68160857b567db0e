// Scene cut: three geometric posters, 2.5 seconds each and the first one twice, cut hard.
#include "frames/scenes/scene.h"

namespace looktwice::frames::scenes {
namespace {

struct Palette {
  Color paper, ink, a, b, c;
};
constexpr Palette kPalettes[] = {
    {rgb(0xf4ead5), rgb(0x1f2a44), rgb(0xe0452f), rgb(0xf2b632), rgb(0x2a7f8e)},
    {rgb(0x16213e), rgb(0xf7f1e3), rgb(0xff6b5e), rgb(0xffc857), rgb(0x3fb8af)},
    {rgb(0xf2c14e), rgb(0x26223b), rgb(0xf78154), rgb(0xfff5e1), rgb(0x5fad9b)},
    {rgb(0xe8e4d9), rgb(0x23395b), rgb(0xd7263d), rgb(0xf49d37), rgb(0x3f88c5)},
};
constexpr double kShot = 2.5;

class Posters final : public Scene {
 public:
  Posters(const Stage& stage, uint64_t seed) : stage_(stage), seed_(seed) {
    for (int shot = 0; shot < 4; ++shot) {
      colors_[shot] = kPalettes[(uint64_t(shot) + seed + 3) % std::size(kPalettes)];
      paper_[shot] = Canvas(stage.width, stage.height);
      flood(paper_[shot], Paint(colors_[shot].paper));
    }
    draw_tiles();
    draw_orbit_lines();
    draw_bar_sun();
    draw_swing_frame();
    for (int shot = 0; shot < 4; ++shot)
      grain(paper_[shot], seed ^ uint64_t(51 + shot), 5);
  }

  void draw(Canvas& frame, double seconds, int64_t) const override {
    const double at = fraction(seconds / (4 * kShot)) * 4;
    const int shot = std::min(3, int(at));
    const double t = at - shot;  // 0..1 within the shot
    copy(frame, paper_[shot]);
    if (shot == 0) move_tiles(frame, t);
    if (shot == 1) move_planets(frame, t);
    if (shot == 2) move_bars(frame, t);
    if (shot == 3) move_pendulum(frame, t);
  }

 private:
  // Shot 0: quarter circles in a grid, four of which turn.
  double tile() const { return 180; }
  int tiles_across() const { return int(std::floor(stage_.wide / tile())) + 1; }
  double tiles_left() const { return (stage_.wide - tiles_across() * tile()) / 2; }
  bool turns(int column, int row) const { return hash_at(column, row, seed_ + 7) % 6 == 0; }

  /// A quarter of a ring around the upper left corner of a tile.
  static Path sector(double size, double inner) {
    std::vector<Point> points;
    for (int i = 0; i <= 32; ++i)
      points.push_back({-size / 2 + size * cosine(i / 128.0), -size / 2 + size * sine(i / 128.0)});
    for (int i = 32; i >= 0; --i)
      points.push_back(
          {-size / 2 + inner * cosine(i / 128.0), -size / 2 + inner * sine(i / 128.0)});
    return Path().add(std::move(points));
  }

  void put_tile(Canvas& canvas, int column, int row, double turn) const {
    const Palette& p = colors_[0];
    const uint32_t h = hash_at(column, row, seed_ + 5);
    const double size = tile(), x = tiles_left() + column * size, y = row * size;
    const Color inks[4] = {p.a, p.b, p.c, p.ink};
    const Color ground = (h >> 8) % 3 == 0 ? inks[(h >> 12) % 4] : p.paper;
    Color figure = inks[h % 4];
    if (figure.r == ground.r && figure.g == ground.g) figure = p.paper;
    fill(canvas, stage_(rectangle(x, y, size, size)), Paint(ground));
    const Affine at = Affine::place(x + size / 2, y + size / 2, 1, ((h >> 4) % 4) / 4.0 + turn);
    const double half = size / 2;
    const auto put = [&](const Path& path, Color color) {
      fill(canvas, stage_(path, at), Paint(color));
    };
    switch ((h >> 16) % 5) {
      case 0:
        put(sector(size, half), figure);
        break;
      case 1:
        put(slice(-half, 0, half, -0.25, 0.25), figure);
        put(slice(0, 0, half, -0.25, 0.25), inks[(h + 1) % 4]);
        break;
      case 2:
        put(circle(0, 0, half * 0.72, 96), figure);
        put(slice(0, 0, half * 0.72, 0, 0.5), inks[(h + 2) % 4]);
        break;
      case 3:
        put(polygon({{-half, -half}, {half, -half}, {-half, half}}), figure);
        put(circle(-half * 0.45, -half * 0.45, half * 0.26, 48), ground);
        break;
      default:
        for (int i = 0; i < 4; ++i)
          put(rectangle(-half, -half + (2 * i + 0.0) * size / 8, size, size / 8), figure);
        break;
    }
  }

  void draw_tiles() {
    for (int row = 0; row < 4; ++row)
      for (int column = 0; column < tiles_across(); ++column)
        put_tile(paper_[0], column, row, 0);
  }

  void move_tiles(Canvas& frame, double t) const {
    for (int row = 0; row < 4; ++row)
      for (int column = 0; column < tiles_across(); ++column) {
        if (!turns(column, row)) continue;
        const uint32_t h = hash_at(column, row, seed_ + 9);
        const double begin = 0.1 + 0.15 * ((h & 3) / 3.0);
        const double turn = smooth((t - begin) / 0.55) * (h & 4 ? 0.5 : -0.25);
        // Its own square, without what a turning corner would spill over the neighbours.
        Canvas part(stage_.width, stage_.height);
        put_tile(part, column, row, turn);
        const int x0 = int((tiles_left() + column * tile()) * stage_.scale);
        const int x1 = int((tiles_left() + (column + 1) * tile()) * stage_.scale);
        const int y0 = int(row * tile() * stage_.scale),
                  y1 = int((row + 1) * tile() * stage_.scale);
        over(frame, part, x0, y0, x1 - x0, y1 - y0);
      }
  }

  // Shot 1: planets on rings.
  static constexpr double kOrbit[5] = {120, 178, 236, 294, 372};
  Point middle() const { return {stage_.wide * 0.5, 360}; }

  void draw_orbit_lines() {
    const Palette& p = colors_[1];
    const Point m = middle();
    for (int i = 16; i >= 1; --i)
      fill(paper_[1], stage_(circle(m.x, m.y, 64 + i * 34, 160)), Paint(p.c, 0.028));
    for (const double r : kOrbit)
      fill(paper_[1], stage_(ring(m.x, m.y, r + 1, r - 1)), Paint(p.ink, 0.55));
    fill(paper_[1], stage_(circle(m.x, m.y, 66, 128)), Paint(p.b));
    fill(paper_[1], stage_(slice(m.x, m.y, 66, 0.25, 0.75)), Paint(p.a));
    for (int i = 0; i < 60; ++i) {
      const uint32_t h = hash_at(i, 3, seed_), g = hash_at(i, 4, seed_);
      fill(paper_[1],
           stage_(circle(stage_.wide * (h % 1000) / 1000, 720.0 * (g % 1000) / 1000,
                         1 + h % 3 * 0.7, 16)),
           Paint(p.ink, 0.6));
    }
  }

  void move_planets(Canvas& frame, double t) const {
    const Palette& p = colors_[1];
    const Point m = middle();
    const Color inks[3] = {p.a, p.b, p.c};
    for (int i = 0; i < 5; ++i) {
      const double turn =
          hash_at(i, 1, seed_) / 4294967296.0 + t * (0.62 - 0.1 * i) * (i % 2 == 0 ? 1 : -1);
      const double x = m.x + kOrbit[i] * cosine(turn), y = m.y + kOrbit[i] * sine(turn);
      const double size = 12 + 5 * ((i * 3) % 5);
      const Path planet = circle(x, y, size, 64);
      shadow(frame, stage_(planet), 4 * stage_.scale, 6 * stage_.scale, stage_.pixels(5), rgb(0),
             0.35);
      fill(frame, stage_(planet), Paint(inks[i % 3]));
      fill(frame, stage_(slice(x, y, size, turn + 0.0, turn + 0.5)), Paint(p.ink, 0.25));
      if (i == 3)
        fill(frame, stage_(stroke({{x - 40, y + 12}, {x + 40, y - 12}}, 4)), Paint(p.ink));
    }
  }

  // Shot 2: a sun behind bars that rise and fall.
  void draw_bar_sun() {
    const Palette& p = colors_[2];
    fill(paper_[2], stage_(circle(stage_.wide * 0.66, 250, 165, 160)), Paint(p.a));
    for (int i = 0; i < 5; ++i)
      fill(paper_[2], stage_(rectangle(stage_.wide * 0.66 - 170, 280 + i * 28, 340, 4 + i * 3.2)),
           Paint(p.paper));
    fill(paper_[2], stage_(rectangle(0, 640, stage_.wide, 80)), Paint(p.ink));
  }

  void move_bars(Canvas& frame, double t) const {
    const Palette& p = colors_[2];
    constexpr double pitch = 54, width = 38;
    const Color inks[3] = {p.ink, p.c, p.b};
    int i = 0;
    for (double x = stage_.wide * 0.06; x + width < stage_.wide * 0.5; x += pitch, ++i) {
      const double phase = hash_at(i, 2, seed_) / 4294967296.0;
      const double high =
          150 + 170 * (0.5 + 0.5 * sine(t * (i % 3 == 0 ? 2 : 1) + phase)) + 60 * phase;
      fill(frame, stage_(rounded(x, 640 - high, width, high + 20, width / 2)), Paint(inks[i % 3]));
    }
    fill(frame, stage_(rectangle(0, 640, stage_.wide, 30)), Paint(p.ink));
    // A ball that bounces along the right half.
    const double hop = fraction(t * 3), x = lerp(stage_.wide * 0.55, stage_.wide * 0.93, t);
    const double y = 640 - 26 - 4 * 190 * hop * (1 - hop);
    fill(frame, stage_(circle(x, y, 26, 64)), Paint(p.b));
    fill(frame, stage_(slice(x, y, 26, t * 2, t * 2 + 0.5)), Paint(p.ink));
  }

  // Shot 3: a pendulum before quiet stripes.
  void draw_swing_frame() {
    const Palette& p = colors_[3];
    for (int i = 0; i < 9; ++i)
      fill(paper_[3], stage_(rectangle(stage_.wide * 0.5 + i * 46, 0, 23, 720)),
           Paint(i % 3 == 1 ? p.c : p.ink, i % 3 == 1 ? 0.9 : 0.94));
    fill(paper_[3], stage_(slice(stage_.wide * 0.5, 720, 300, 0.5, 0.75)), Paint(p.b));
    fill(paper_[3], stage_(slice(stage_.wide * 0.5, 720, 190, 0.5, 0.75)), Paint(p.a));
    fill(paper_[3], stage_(rectangle(0, 60, stage_.wide, 10)), Paint(p.ink));
  }

  void move_pendulum(Canvas& frame, double t) const {
    const Palette& p = colors_[3];
    const double turn = 0.25 + 0.12 * cosine(t * 1.5);
    const Point top{stage_.wide * 0.36, 65};
    const Point bob{top.x + 420 * cosine(turn), top.y + 420 * sine(turn)};
    shadow(frame, stage_(circle(bob.x, bob.y, 66, 96)), 10 * stage_.scale, 14 * stage_.scale,
           stage_.pixels(8), rgb(0), 0.30);
    fill(frame, stage_(stroke({top, bob}, 5)), Paint(p.ink));
    fill(frame, stage_(circle(bob.x, bob.y, 66, 96)), Paint(p.a));
    fill(frame, stage_(slice(bob.x, bob.y, 66, turn - 0.25, turn + 0.25)), Paint(p.b));
    fill(frame, stage_(circle(bob.x, bob.y, 22, 64)), Paint(p.paper));
    fill(frame, stage_(circle(top.x, top.y, 12, 48)), Paint(p.ink));
  }

  Stage stage_;
  uint64_t seed_;
  Palette colors_[4];
  Canvas paper_[4];
};

}  // namespace

std::unique_ptr<Scene> make_posters(const Stage& stage, uint64_t seed) {
  return std::make_unique<Posters>(stage, seed);
}

}  // namespace looktwice::frames::scenes
