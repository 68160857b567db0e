#include "tokens/drop.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "base/error.h"

namespace looktwice::tokens {

namespace {
void check_fraction(double keep) {
  if (!(keep > 0 && keep <= 1))
    throw bad_input("--drop", "the fraction to keep must be above 0 and at most 1");
}
}  // namespace

Random::Random(uint64_t seed) {
  for (uint64_t& word : state_) {  // splitmix64
    seed += 0x9e3779b97f4a7c15ull;
    uint64_t z = seed;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    word = z ^ (z >> 31);
  }
}

uint64_t Random::next() {  // xoshiro256**
  const auto rotate = [](uint64_t x, int k) { return (x << k) | (x >> (64 - k)); };
  const uint64_t result = rotate(state_[1] * 5, 7) * 9, shifted = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= shifted;
  state_[3] = rotate(state_[3], 45);
  return result;
}

uint64_t Random::below(uint64_t bound) {
  const uint64_t reject = (0 - bound) % bound;  // 2^64 mod bound
  uint64_t x = next();
  while (x < reject)
    x = next();
  return x % bound;
}

float Random::uniform() {
  return static_cast<float>(next() >> 40) * 0x1p-24f;
}

size_t random_keep_count(size_t tokens, double keep) {
  check_fraction(keep);
  return std::max<size_t>(1, static_cast<size_t>(double(tokens) * keep));
}

std::vector<uint8_t> random_keep(size_t tokens, size_t count, uint64_t seed) {
  if (count > tokens)
    throw bad_input("--drop", "asks to keep " + std::to_string(count) + " of " +
                                  std::to_string(tokens) + " tokens");
  // Selection sampling (Knuth, TAOCP 2, 3.4.2, algorithm S) in integers: exact and in order.
  std::vector<uint8_t> keep(tokens, 0);
  Random random(seed);
  size_t left = count;
  for (size_t i = 0; i < tokens && left > 0; ++i)
    if (random.below(tokens - i) < left) {
      keep[i] = 1;
      --left;
    }
  return keep;
}

std::vector<uint8_t> random_keep_reference(std::span<const float> values, double keep) {
  check_fraction(keep);
  const size_t k = static_cast<size_t>(double(values.size()) * keep);
  if (k == 0)
    throw bad_input(
        "--drop",
        "that fraction of " + std::to_string(values.size()) + " tokens is less than one token",
        "give a larger fraction");
  std::vector<float> sorted(values.begin(), values.end());
  std::nth_element(sorted.begin(), sorted.begin() + static_cast<ptrdiff_t>(k - 1), sorted.end());
  const float limit = sorted[k - 1];
  std::vector<uint8_t> mask(values.size());
  for (size_t i = 0; i < values.size(); ++i)
    mask[i] = values[i] < limit ? 1 : 0;
  return mask;
}

std::vector<uint8_t> random_keep_reference(size_t tokens, double keep, uint64_t seed) {
  std::vector<float> values(tokens);
  Random random(seed);
  for (float& value : values)
    value = random.uniform();
  return random_keep_reference(values, keep);
}

}  // namespace looktwice::tokens
