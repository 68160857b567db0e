#pragma once
// Dropping tokens at random: the baseline that RLT is compared with (paper, Table 3).

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace looktwice::tokens {

/// Tokens that `keep` (a fraction, 0 < keep <= 1) asks for of `tokens`: floor(tokens * keep), at
/// least 1. Throws Error(input) naming --drop for anything else.
size_t random_keep_count(size_t tokens, double keep);

/// A mask with exactly `count` kept tokens, every subset equally likely. The same (tokens, count,
/// seed) gives the same mask on every machine. Throws Error(input) if count > tokens.
std::vector<uint8_t> random_keep(size_t tokens, size_t count, uint64_t seed);

/// The published code's rule on given uniform values: keep where value < the k-th smallest value,
/// k = floor(N * keep). It keeps k-1 tokens (fewer with ties). Throws Error(input) if k = 0.
std::vector<uint8_t> random_keep_reference(std::span<const float> values, double keep);
/// The same with N values drawn from `seed` (24-bit uniform in [0,1)).
std::vector<uint8_t> random_keep_reference(size_t tokens, double keep, uint64_t seed);

/// The generator behind the seeds of this room (xoshiro256** seeded by splitmix64). next() is
/// uniform over 64 bits.
class Random {
 public:
  explicit Random(uint64_t seed);
  uint64_t next();
  /// Uniform integer in [0, bound), bound >= 1, without bias.
  uint64_t below(uint64_t bound);
  /// Uniform in [0,1): the top 24 bits.
  float uniform();

 private:
  uint64_t state_[4];
};

}  // namespace looktwice::tokens
