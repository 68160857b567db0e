#pragma once
// What a clip of the labelled world will show, decided before anything is drawn.

#include <array>

#include "frames/scenes/canvas.h"
#include "frames/world.h"

namespace looktwice::frames::world {

/// Lengths are in heights of the picture; y points down.
struct Thing {
  int shape = 0, texture = 0;
  double radius = 0.15;
  double opacity = 1;
  double tilt = 0;  ///< turns
  double texture_scale = 1, texture_turn = 0;
  scenes::Color a, b;  ///< colours of the texture
};

/// A thing at one frame.
struct Pose {
  double x = 0.5, y = 0.5, scale = 1, turn = 0;
  double opacity = 1;
  double slide = 0;    ///< of the texture, in its own periods
  bool flash = false;  ///< shows its other colours
};

struct Background {
  int kind = 0;
  scenes::Color a, b;
  double size = 0.2, turn = 0;  ///< of its pattern, heights and turns
  uint64_t seed = 0;
};

struct Plan {
  uint64_t seed = 0;
  Options options;
  Motion motion = Motion::still;
  Attributes attributes;
  std::vector<Thing> things;              ///< the actor first, the partner of a collision second
  std::vector<std::vector<Pose>> poses;   ///< [thing][frame]
  std::array<Background, 2> backgrounds;  ///< before and after a cut
  std::vector<scenes::Point> camera;      ///< [frame] where the picture looks, heights
  std::vector<double> brightness;         ///< [frame] factor
  double side_light = 0;                  ///< brightness grows by this from left to right
};

/// Names of the numbers above, for attributes.
extern const std::array<const char*, 9> kShapes;
extern const std::array<const char*, 6> kTextures;
extern const std::array<const char*, 6> kBackgrounds;

Plan make_plan(uint64_t seed, const Options& options);
/// Draws every frame of a plan, [T,H,W,3].
std::vector<uint8_t> draw(const Plan& plan);

/// Mean of the channels' luma in grey levels.
double luma(scenes::Color color);

}  // namespace looktwice::frames::world
