#pragma once
// What a built-in scene is: a picture for every moment, laid out on a stage 720 units high.

#include <memory>

#include "frames/scenes/canvas.h"

namespace looktwice::frames::scenes {

/// Maps the stage, 720 units high and `wide` units wide, to the pixels of a picture.
struct Stage {
  int width = 0, height = 0;  ///< pixels
  double scale = 1;           ///< pixels a unit
  double wide = 1280;         ///< units
  Stage(int w, int h) : width(w), height(h), scale(h / 720.0), wide(w * 720.0 / h) {}
  Path operator()(const Path& path) const { return transformed(path, Affine::place(0, 0, scale)); }
  Path operator()(const Path& path, const Affine& at) const {
    return transformed(path, Affine::place(0, 0, scale) * at);
  }
  Point operator()(double x, double y) const { return {x * scale, y * scale}; }
  /// A length in whole pixels, at least one.
  int pixels(double units) const { return std::max(1, int(std::floor(units * scale + 0.5))); }
};

class Scene {
 public:
  virtual ~Scene() = default;
  /// Draws the picture at `seconds`; `index` is the frame's number, which seeds sensor noise. The
  /// canvas has the stage's size and any content. Same arguments, same bytes.
  virtual void draw(Canvas& frame, double seconds, int64_t index) const = 0;
};

std::unique_ptr<Scene> make_valley(const Stage& stage, uint64_t seed);
std::unique_ptr<Scene> make_aurora(const Stage& stage, uint64_t seed);
std::unique_ptr<Scene> make_city(const Stage& stage, uint64_t seed);
std::unique_ptr<Scene> make_atlas(const Stage& stage, uint64_t seed);
std::unique_ptr<Scene> make_posters(const Stage& stage, uint64_t seed);
std::unique_ptr<Scene> make_lamp(const Stage& stage, uint64_t seed);

/// Copies a canvas of the same size, or draws a repeating strip moved left by `offset` pixels.
void copy(Canvas& to, const Canvas& from);
void scroll_over(Canvas& to, const Canvas& strip, int top, double offset);

}  // namespace looktwice::frames::scenes
