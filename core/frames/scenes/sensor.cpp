#include "frames/scenes/sensor.h"

namespace looktwice::frames::scenes {

void SensorNoise::fill_table(uint64_t seed) {
  // The sum of four uniform numbers is nearly normal.
  for (size_t i = 0; i < kSize; i += 2) {
    const uint64_t h = mix64(seed * 77 + i);
    int a = -126, b = -126;
    for (int k = 0; k < 4; ++k) {
      a += int((h >> (8 * k)) & 63);
      b += int((h >> (32 + 8 * k)) & 63);
    }
    table_[i] = int8_t(a);
    table_[i + 1] = int8_t(b);
  }
}

void SensorNoise::add(uint8_t* pixels, int width, int height, int step, int64_t frame) const {
  for (int y = 0; y < height; ++y) {
    // Each row starts somewhere else in the table and takes steps of its own, at least a pixel's.
    auto at = hash_at(frame, y, seed_ + 61);
    const uint32_t stride = 3 + 2 * (at >> 28);
    for (int x = 0; x < width; ++x, pixels += step, at += stride)
      for (uint32_t c = 0; c < 3; ++c) {
        const int level = pixels[c];
        const int noise = table_[(at + c) % kSize] * gain_[size_t(level)];
        pixels[c] = uint8_t(std::clamp(level + ((noise + 512) >> 10), 0, 255));
      }
  }
}

}  // namespace looktwice::frames::scenes
