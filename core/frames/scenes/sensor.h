#pragma once
// Sensor noise: the same for a seed, other for every frame.

#include "frames/scenes/canvas.h"

namespace looktwice::frames::scenes {

class SensorNoise {
 public:
  /// `deviation(level)` is the standard deviation in grey levels at a level, below 27.
  template <typename F>
  SensorNoise(uint64_t seed, F deviation) : seed_(seed) {
    fill_table(seed);
    for (int level = 0; level < 256; ++level)
      gain_[size_t(level)] = int(deviation(level) * kGain + 0.5);
  }
  /// Adds it to RGB pixels `step` bytes apart.
  void add(uint8_t* pixels, int width, int height, int step, int64_t frame) const;

 private:
  void fill_table(uint64_t seed);
  /// The table's own deviation is 4·64²/12 = 36.95 by its square root; 1024 is one.
  static constexpr double kGain = 1024 / 36.95;
  static constexpr size_t kSize = 1 << 14;
  uint64_t seed_;
  std::array<int8_t, kSize> table_{};
  std::array<int, 256> gain_{};
};

}  // namespace looktwice::frames::scenes
