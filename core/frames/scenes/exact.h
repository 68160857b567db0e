#pragma once
// Arithmetic that gives the same result on every machine: integers, and doubles through + − × ÷ and
// floor alone (the drawing code is compiled without contraction and fast-math). No libm.

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace looktwice::frames::scenes {

/// SplitMix64: a number of good quality from any 64-bit value.
constexpr uint64_t mix64(uint64_t x) {
  x += 0x9e3779b97f4a7c15ull;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
  return x ^ (x >> 31);
}

/// A number for a place in the plane.
constexpr uint32_t hash_at(int64_t x, int64_t y, uint64_t seed) {
  return uint32_t(mix64(seed ^ mix64(uint64_t(x) * 0x8da6b343ull + (uint64_t(y) << 32))) >> 32);
}

/// A stream of random numbers. Draw at most one in an expression whose parts have no order, such as
/// the arguments of a call: compilers take them in different orders.
class Rng {
 public:
  explicit constexpr Rng(uint64_t seed, uint64_t stream = 0)
      : state_(mix64(seed ^ mix64(stream))) {}
  constexpr uint64_t next() {
    state_ += 0x9e3779b97f4a7c15ull;
    return mix64(state_);
  }
  /// 0 .. n-1
  constexpr int below(int n) { return int((next() >> 33) % uint64_t(n)); }
  constexpr int between(int low, int high) { return low + below(high - low + 1); }
  /// [0, 1)
  constexpr double uniform() { return double(next() >> 11) * (1.0 / 9007199254740992.0); }
  constexpr double range(double low, double high) { return low + (high - low) * uniform(); }
  constexpr bool chance(double p) { return uniform() < p; }
  constexpr int sign() { return (next() >> 40) & 1 ? 1 : -1; }

 private:
  uint64_t state_;
};

inline double lerp(double a, double b, double t) {
  return a + (b - a) * t;
}
inline double clamp01(double t) {
  return t < 0 ? 0 : t > 1 ? 1 : t;
}
inline double smooth(double t) {
  t = clamp01(t);
  return t * t * (3 - 2 * t);
}
/// The part of `t` after the point, in [0, 1).
inline double fraction(double t) {
  return t - std::floor(t);
}

/// Sine of an angle in turns: sine(0.25) is 1. Error below 1e-7.
inline double sine(double turns) {
  double t = fraction(turns);
  double sign = 1;
  if (t >= 0.5) {
    t -= 0.5;
    sign = -1;
  }
  if (t > 0.25) t = 0.5 - t;
  const double x = t * 6.283185307179586, s = x * x;
  return sign * x * (1 - s / 6 * (1 - s / 20 * (1 - s / 42 * (1 - s / 72 * (1 - s / 110)))));
}
inline double cosine(double turns) {
  return sine(turns + 0.25);
}

/// Smooth value noise in [0, 1), lattice cells of side 1.
double noise(double x, double y, uint64_t seed);
/// Octaves of noise, each half as strong and twice as fine, in [0, 1).
double fractal(double x, double y, uint64_t seed, int octaves);

}  // namespace looktwice::frames::scenes
