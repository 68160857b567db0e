#include "diffusion/noise.h"

#include <cmath>
#include <numbers>

namespace looktwice::diffusion {

uint64_t splitmix64(uint64_t seed, uint64_t n) {
  uint64_t z = seed + (n + 1) * 0x9e3779b97f4a7c15ull;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
  return z ^ (z >> 31);
}

std::vector<float> gaussian(size_t count, uint64_t seed) {
  std::vector<float> out(count);
  const auto uniform = [&](uint64_t n) {  // in (0, 1]
    return (static_cast<double>(splitmix64(seed, n) >> 11) + 1.0) * 0x1p-53;
  };
  for (size_t i = 0; i < count; i += 2) {
    const double radius = std::sqrt(-2.0 * std::log(uniform(i)));
    const double angle = 2.0 * std::numbers::pi * uniform(i + 1);
    out[i] = static_cast<float>(radius * std::cos(angle));
    if (i + 1 < count) out[i + 1] = static_cast<float>(radius * std::sin(angle));
  }
  return out;
}

}  // namespace looktwice::diffusion
