#include "tokens/rlt.h"

#include <cmath>
#include <string>

#include "base/error.h"
#include "base/text.h"

namespace looktwice::tokens {

namespace {
void check_size(size_t got, const Grid& grid, const char* what) {
  if (got != grid.size())
    throw bad_input(what, "has " + std::to_string(got) + " entries where the grid has " +
                              std::to_string(grid.size()));
}
}  // namespace

void check_tau(float tau) {
  if (std::isfinite(tau) && tau >= 0) return;
  throw bad_input("--rlt",
                  std::isnan(tau) ? "the threshold is not a number"
                  : tau < 0       ? "the threshold is negative"
                                  : "the threshold is infinite",
                  "give a finite number, 0 or more");
}

size_t rlt_keep(std::span<const float> differences, const Grid& grid, float tau,
                std::span<uint8_t> keep) {
  check_tau(tau);
  check_size(differences.size(), grid, "differences");
  check_size(keep.size(), grid, "keep mask");
  const size_t first = grid.per_tubelet(), n = grid.size();
  for (size_t i = 0; i < first && i < n; ++i)
    keep[i] = 1;
  const float* d = differences.data();
  uint8_t* k = keep.data();
  for (size_t i = first; i < n; ++i)
    k[i] = d[i] > tau ? 1 : 0;
  return count_kept(keep);
}

std::vector<uint8_t> rlt_keep(std::span<const float> differences, const Grid& grid, float tau) {
  std::vector<uint8_t> keep(grid.size());
  rlt_keep(differences, grid, tau, keep);
  return keep;
}

size_t count_kept(std::span<const uint8_t> keep) {
  // Byte sums of short stretches, so that the compiler adds bytes many at a time.
  size_t total = 0, i = 0;
  const uint8_t* k = keep.data();
  while (i < keep.size()) {
    const size_t end = keep.size() - i < 4096 ? keep.size() : i + 4096;
    uint32_t part = 0;
    for (; i < end; ++i)
      part += k[i] != 0;
    total += part;
  }
  return total;
}

std::vector<int32_t> run_lengths(std::span<const uint8_t> keep, const Grid& grid) {
  check_size(keep.size(), grid, "keep mask");
  std::vector<int32_t> lengths(grid.size(), 0);
  std::vector<int32_t> next(grid.per_tubelet(), grid.t);  // next kept tubelet at each place
  for (int t = grid.t - 1; t >= 0; --t)
    for (size_t p = 0; p < grid.per_tubelet(); ++p) {
      const size_t i = size_t(t) * grid.per_tubelet() + p;
      if (!keep[i]) continue;
      lengths[i] = next[p] - t;
      next[p] = t;
    }
  return lengths;
}

std::vector<int32_t> run_heads(std::span<const uint8_t> keep, const Grid& grid) {
  check_size(keep.size(), grid, "keep mask");
  std::vector<int32_t> heads(grid.size());
  const size_t step = grid.per_tubelet();
  for (size_t i = 0; i < heads.size(); ++i)
    heads[i] = keep[i] ? static_cast<int32_t>(i) : i < step ? -1 : heads[i - step];
  return heads;
}

std::vector<int32_t> packed_lengths(std::span<const uint8_t> keep, const Grid& grid,
                                    LengthOrder order) {
  const std::vector<int32_t> lengths = run_lengths(keep, grid);
  std::vector<int32_t> packed;
  packed.reserve(lengths.size());
  if (order == LengthOrder::aligned) {
    for (size_t i = 0; i < lengths.size(); ++i)
      if (keep[i]) packed.push_back(lengths[i]);
  } else {
    for (size_t p = 0; p < grid.per_tubelet(); ++p)
      for (int t = 0; t < grid.t; ++t) {
        const size_t i = size_t(t) * grid.per_tubelet() + p;
        if (keep[i]) packed.push_back(lengths[i]);
      }
  }
  return packed;
}

}  // namespace looktwice::tokens
