#include "frames/world/plan.h"

#include "frames/scenes/exact.h"

namespace looktwice::frames::world {

using namespace scenes;

const std::array<const char*, 9> kShapes{"disc",  "square", "triangle", "star",    "hexagon",
                                         "cross", "ring",   "heart",    "crescent"};
const std::array<const char*, 6> kTextures{"plain", "stripes", "checker",
                                           "dots",  "halves",  "gradient"};
const std::array<const char*, 6> kBackgrounds{"gradient", "clouds", "stripes",
                                              "tiles",    "spots",  "blocks"};

double luma(Color c) {
  return (0.299 * c.r + 0.587 * c.g + 0.114 * c.b) / 256;
}

namespace {

/// A colour of any hue, `light` 0..1 and `vivid` 0..1.
Color hue_color(double hue, double light, double vivid) {
  const auto channel = [&](double shift) {
    const double wave = 0.5 + 0.5 * cosine(hue + shift);
    return int(256 * 255 * clamp01(light * (1 - vivid) + vivid * wave * (0.35 + 0.9 * light)));
  };
  return {channel(0), channel(1.0 / 3), channel(2.0 / 3)};
}

class Planner {
 public:
  Planner(uint64_t seed, const Options& options) : rng_(seed, 900) {
    plan_.seed = seed;
    plan_.options = options;
    plan_.motion = Motion(label_of(seed));
    frames_ = options.frames;
    aspect_ = double(options.width) / options.height;
  }

  Plan run() {
    choose_backgrounds();
    choose_thing();
    choose_motion();
    choose_bystanders();
    choose_camera();
    choose_light();
    return std::move(plan_);
  }

 private:
  bool is(Motion motion) const { return plan_.motion == motion; }
  bool translates() const { return plan_.motion <= Motion::down; }
  bool turns() const { return is(Motion::clockwise) || is(Motion::counterclockwise); }

  /// Between low and high, of either sign. Statements draw in an order that no compiler may change.
  double either(double low, double high) {
    const double size = rng_.range(low, high);
    return rng_.chance(0.5) ? size : -size;
  }

  void choose_backgrounds() {
    for (Background& ground : plan_.backgrounds) {
      ground.kind = rng_.below(int(kBackgrounds.size()));
      const double hue = rng_.uniform(), light = rng_.range(0.15, 0.85);
      ground.a = hue_color(hue, light, rng_.range(0.1, 0.55));
      // The pattern is another tone of nearly the same light.
      const double other = hue + rng_.range(-0.12, 0.12), step = either(0.05, 0.22);
      ground.b = hue_color(other, clamp01(light + step), rng_.range(0.1, 0.5));
      ground.size = rng_.range(0.12, 0.4);
      ground.turn = rng_.uniform();
      ground.seed = rng_.next();
    }
    plan_.attributes.background = kBackgrounds[size_t(plan_.backgrounds[0].kind)];
  }

  /// A colour that stands out from both backgrounds by `contrast` grey levels of luma.
  Color distinct(double contrast) {
    Color best;
    double best_gap = -1;
    for (int i = 0; i < 12; ++i) {
      const double hue = rng_.uniform(), light = rng_.range(0.05, 0.95);
      const Color color = hue_color(hue, light, rng_.range(0.3, 0.9));
      double gap = 1000;
      for (const Background& ground : plan_.backgrounds)
        for (const Color& c : {ground.a, ground.b})
          gap = std::min(gap, std::abs(luma(c) - luma(color)));
      if (gap > best_gap) {
        best_gap = gap;
        best = color;
      }
      if (gap >= contrast) break;
    }
    return best;
  }

  Thing random_thing() {
    Thing thing;
    thing.shape = rng_.below(int(kShapes.size()));
    thing.texture = rng_.below(int(kTextures.size()));
    thing.radius = rng_.range(0.11, 0.19);
    thing.tilt = rng_.uniform();
    thing.texture_scale = rng_.range(0.75, 1.25);
    thing.texture_turn = rng_.uniform();
    thing.a = distinct(55);
    // Its other colour is lighter or darker by a good step.
    const double step = rng_.range(0.35, 0.6);
    thing.b = shade(thing.a, luma(thing.a) > 128 ? -step : step);
    return thing;
  }

  /// Lets a thing through by 4 to 7 grey levels of its first colour.
  double faint_opacity(const Thing& thing) {
    const Background& ground = plan_.backgrounds[0];
    const double gap = std::abs(luma(thing.a) - luma(mix(ground.a, ground.b, 0.5)));
    return rng_.range(4, 7) / std::max(20.0, gap);
  }

  void choose_thing() {
    Thing thing = random_thing();
    Attributes& attributes = plan_.attributes;
    // A turn must be seen: a disc or ring needs a texture that turns with it.
    if (turns()) {
      const bool round = thing.shape == 0 || thing.shape == 6;
      if (round && (thing.texture == 0 || thing.texture == 3))
        thing.texture = 1 + 3 * rng_.below(2);
    }
    if (is(Motion::slide)) thing.texture = 1 + rng_.below(3);
    if (is(Motion::slide)) thing.radius = rng_.range(0.16, 0.24);
    const bool may_be_faint = !is(Motion::slide) && !is(Motion::flicker);
    attributes.faint = may_be_faint && rng_.chance(0.08);
    if (attributes.faint) thing.opacity = faint_opacity(thing);
    plan_.things.push_back(thing);
    attributes.shape = kShapes[size_t(thing.shape)];
    attributes.texture = kTextures[size_t(thing.texture)];
    attributes.color =
        uint32_t(((thing.a.r >> 8) << 16) | ((thing.a.g >> 8) << 8) | (thing.a.b >> 8));
  }

  double u(int frame) const { return double(frame) / (frames_ - 1); }

  void choose_motion() {
    Attributes& attributes = plan_.attributes;
    Thing& thing = plan_.things[0];
    std::vector<Pose> poses(static_cast<size_t>(frames_));
    const double speed = rng_.uniform();
    attributes.speed = speed;
    Pose rest;
    rest.x = aspect_ * (0.5 + rng_.range(-0.22, 0.22) * 0.8);
    rest.y = 0.5 + rng_.range(-0.2, 0.2);
    rest.turn = thing.tilt;
    for (Pose& pose : poses)
      pose = rest;
    const auto each = [&](auto&& change) {
      for (int t = 0; t < frames_; ++t)
        change(poses[size_t(t)], u(t), t);
    };
    if (translates()) {
      attributes.slow = rng_.chance(0.15);
      const double far = attributes.slow ? lerp(0.08, 0.14, speed) : lerp(0.26, 0.62, speed);
      const double dx = is(Motion::left) ? -far : is(Motion::right) ? far : 0;
      const double dy = is(Motion::up) ? -far : is(Motion::down) ? far : 0;
      each([&](Pose& p, double at, int) {
        p.x += dx * (at - 0.5);
        p.y += dy * (at - 0.5);
      });
    } else if (is(Motion::approach) || is(Motion::recede)) {
      attributes.slow = rng_.chance(0.15);
      const double ratio = attributes.slow ? lerp(1.22, 1.4, speed) : lerp(1.6, 2.6, speed);
      thing.radius = rng_.range(0.09, 0.13);
      const bool grows = is(Motion::approach);
      each([&](Pose& p, double at, int) { p.scale = 1 + (ratio - 1) * (grows ? at : 1 - at); });
    } else if (turns()) {
      const double by = lerp(0.16, 0.75, speed) * (is(Motion::clockwise) ? 1 : -1);
      each([&](Pose& p, double at, int) { p.turn += by * at; });
    } else if (is(Motion::bounce)) {
      bounce(poses, speed);
    } else if (is(Motion::collide)) {
      collide(poses, speed);
    } else if (is(Motion::appear) || is(Motion::vanish)) {
      const int at = rng_.between(3, frames_ - 4), fade = rng_.below(3);
      attributes.event = at;
      const bool comes = is(Motion::appear);
      each([&](Pose& p, double, int t) {
        const double there = clamp01((t - at + 1.0) / (fade + 1.0));
        p.opacity = comes ? there : 1 - there;
      });
    } else if (is(Motion::slide)) {
      // Less than a quarter of a period a frame, so that its direction could be seen.
      const double by = lerp(0.05, 0.17, speed) * rng_.sign();
      each([&](Pose& p, double, int t) { p.slide = by * t; });
    } else if (is(Motion::flicker)) {
      // RLT compares frame 2k with frame 2k + 3: no pair holds the last frame but one.
      attributes.uncompared = rng_.chance(0.35);
      const int last = frames_ - 1;
      const int length = attributes.uncompared ? 1 : rng_.between(1, 2);
      attributes.event =
          attributes.uncompared ? (last % 2 == 1 ? last - 1 : last) : rng_.between(2, frames_ - 4);
      each([&](Pose& p, double, int t) {
        p.flash = t >= attributes.event && t < attributes.event + length;
      });
    }
    plan_.poses.insert(plan_.poses.begin(), std::move(poses));
  }

  void bounce(std::vector<Pose>& poses, double speed) {
    const double r = plan_.things[0].radius;
    const double side = rng_.range(-0.14, 0.14), hit = rng_.range(0.32, 0.68);
    plan_.attributes.event = int(hit * (frames_ - 1) + 0.5);
    const int kind = rng_.below(3);
    for (int t = 0; t < frames_; ++t) {
      Pose& p = poses[size_t(t)];
      const double at = u(t);
      if (kind == 0) {
        // Hops: equal parabolas that touch the ground at `hit` and one hop before and after.
        const double high = lerp(0.26, 0.5, speed), period = 0.52;
        const double phase = fraction((at - hit) / period);
        p.y = 0.93 - r - 4 * high * phase * (1 - phase);
        p.x += side * (at - 0.5) * 2;
      } else {
        const double far = lerp(0.35, 0.8, speed) * std::abs(at - hit);
        const double wall = kind == 1 ? aspect_ - r : r;
        p.x = wall + (kind == 1 ? -far : far);
        p.y += side * (at - 0.5) * 2;
      }
    }
  }

  void collide(std::vector<Pose>& poses, double speed) {
    Thing& one = plan_.things[0];
    Thing other = random_thing();
    one.radius = rng_.range(0.09, 0.13);
    other.radius = rng_.range(0.09, 0.13);
    if (plan_.attributes.faint) other.opacity = faint_opacity(other);
    const double hit = rng_.range(0.38, 0.62), turn = rng_.uniform();
    plan_.attributes.event = int(hit * (frames_ - 1) + 0.5);
    const double dx = cosine(turn), dy = sine(turn), touch = one.radius + other.radius;
    const double far = lerp(0.34, 0.75, speed);
    const bool billiard = rng_.chance(0.4);
    std::vector<Pose> others = poses;
    const double cx = aspect_ / 2, cy = 0.5;
    for (int t = 0; t < frames_; ++t) {
      const double at = u(t), away = far * (hit - at);
      // Distances of the centres from the point of contact, along the line of motion.
      double first = 0, second = 0;
      if (billiard) {
        first = at < hit ? away * 1.3 : 0;
        second = at < hit ? 0 : -away * 1.3;
      } else {
        first = std::abs(away) * 0.8;
        second = std::abs(away) * 0.8;
      }
      const double a = touch / 2 + first, b = touch / 2 + second;
      poses[size_t(t)].x = cx - dx * a;
      poses[size_t(t)].y = cy - dy * a;
      others[size_t(t)].x = cx + dx * b;
      others[size_t(t)].y = cy + dy * b;
      others[size_t(t)].turn = other.tilt;
    }
    plan_.things.push_back(other);
    plan_.poses.push_back(std::move(others));
  }

  void choose_bystanders() {
    const int count = rng_.chance(0.45) ? 1 + rng_.below(2) : 0;
    plan_.attributes.bystanders = count;
    for (int i = 0; i < count; ++i) {
      Thing thing = random_thing();
      thing.radius = rng_.range(0.05, 0.11);
      // In a corner, behind everything else.
      Pose pose;
      const bool right = rng_.chance(0.5), low = rng_.chance(0.5);
      pose.x = aspect_ * (right ? rng_.range(0.80, 0.95) : rng_.range(0.05, 0.20));
      pose.y = low ? rng_.range(0.80, 0.95) : rng_.range(0.05, 0.20);
      pose.turn = thing.tilt;
      plan_.things.push_back(thing);
      plan_.poses.emplace_back(size_t(frames_), pose);
    }
  }

  void choose_camera() {
    Attributes& attributes = plan_.attributes;
    plan_.camera.resize(size_t(frames_));
    const double kind = rng_.uniform();
    // Motion that is meant to stay below the threshold needs a camera that stands still.
    const bool calm = attributes.slow || attributes.faint || attributes.uncompared;
    attributes.camera = calm || kind < 0.6 ? "static" : kind < 0.8 ? "pan" : "shake";
    const double turn = rng_.uniform(), step = rng_.range(0.004, 0.012);
    for (int t = 0; t < frames_; ++t) {
      Point& at = plan_.camera[size_t(t)];
      if (attributes.camera == "pan") {
        at = {step * cosine(turn) * (t - frames_ / 2.0), step * sine(turn) * (t - frames_ / 2.0)};
      } else if (attributes.camera == "shake") {
        const double x = rng_.range(-0.016, 0.016);
        at = {x, rng_.range(-0.016, 0.016)};
      }
    }
  }

  void choose_light() {
    Attributes& attributes = plan_.attributes;
    const double gain = rng_.range(0.62, 1.08);
    const int kind = rng_.below(3);
    attributes.light = kind == 0 ? "even" : kind == 1 ? "side" : "drifting";
    if (kind == 1) plan_.side_light = either(0.25, 0.5);
    // At most 0.6 levels a frame at mid grey: a difference over three frames stays below τ = 0.1.
    if (kind == 2) attributes.drift = either(3, 9);
    for (int t = 0; t < frames_; ++t)
      plan_.brightness.push_back(gain * (1 + attributes.drift / 128 * (u(t) - 0.5)));
    static constexpr double kNoise[] = {0, 0, 1, 2, 3, 5, 8};
    attributes.noise = kNoise[rng_.below(7)];
    if (attributes.faint || attributes.uncompared)
      attributes.noise = std::min(attributes.noise, 1.0);
    const bool may_cut = plan_.motion != Motion::appear && plan_.motion != Motion::vanish &&
                         plan_.motion != Motion::flicker && !attributes.faint;
    if (may_cut && rng_.chance(0.12)) attributes.cut = rng_.between(4, frames_ - 4);
  }

  Rng rng_;
  Plan plan_;
  int frames_ = 16;
  double aspect_ = 1;
};

}  // namespace

Plan make_plan(uint64_t seed, const Options& options) {
  return Planner(seed, options).run();
}

}  // namespace looktwice::frames::world
