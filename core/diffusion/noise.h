#pragma once
// Seeded Gaussian noise, the same on every machine and for every number of threads.

#include <cstddef>
#include <cstdint>
#include <vector>

namespace looktwice::diffusion {

/// `count` standard normal numbers. Number 2i and 2i+1 are the Box-Muller pair of the uniform
/// numbers that SplitMix64 gives at counters 2i and 2i+1 from `seed`.
std::vector<float> gaussian(size_t count, uint64_t seed);

/// The n-th output of SplitMix64 seeded with `seed` (Steele, Lea, Flood, 2014).
uint64_t splitmix64(uint64_t seed, uint64_t n);

}  // namespace looktwice::diffusion
