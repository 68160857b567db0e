#pragma once
// The distribution of a clip's differences: what a threshold would keep, for every threshold.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "tokens/grid.h"

namespace looktwice::tokens {

/// Built once per clip (sorting), then answers in O(log n). A value: copy and share freely.
class RltHistogram {
 public:
  RltHistogram() = default;
  /// `differences` [t,h,w] as rlt_differences gives them. NaN differences are pruned at any tau.
  RltHistogram(std::span<const float> differences, const Grid& grid);

  /// Tokens of the clip, and those of its first tubelet (kept at any tau).
  size_t tokens() const { return tokens_; }
  size_t always_kept() const { return always_kept_; }
  /// Exactly the number of tokens that rlt_keep keeps at `tau`.
  size_t kept(float tau) const;
  /// kept(tau) / tokens(); 1 for an empty histogram.
  double kept_ratio(float tau) const;
  /// The smallest tau (a difference of the clip, or 0) that keeps at most `ratio` of the tokens;
  /// the largest difference if even that keeps more.
  float tau_for_ratio(double ratio) const;
  /// Largest finite difference; 0 if there is none.
  float max() const { return sorted_.empty() ? 0.0f : sorted_.back(); }
  /// Differences that are exactly 0 (bit-exact repeats).
  size_t zeros() const;
  /// Finite differences in ascending order.
  std::span<const float> sorted() const { return sorted_; }

  /// bins: counts of `n` equal steps. edges has n+1 entries; a bin holds edge[i] <= x < edge[i+1],
  /// the last one its upper edge too; what lies outside is in below and above.
  struct Bins {
    std::vector<double> edges;
    std::vector<uint32_t> counts;
    size_t below = 0, above = 0;
  };
  /// Steps equal on a linear axis. Requires low < high, n >= 1 (else Error(input)).
  Bins linear(double low, double high, int n) const;
  /// Steps equal on a logarithmic axis; requires 0 < low < high.
  Bins logarithmic(double low, double high, int n) const;
  /// kept_ratio at `n` thresholds from `low` to `high`, equally spaced (logarithmically if `log`).
  struct CurvePoint {
    float tau;
    double kept_ratio;
  };
  std::vector<CurvePoint> curve(double low, double high, int n, bool log = false) const;

 private:
  Bins count(std::vector<double> edges) const;
  std::vector<float> sorted_;
  size_t tokens_ = 0, always_kept_ = 0, always_kept_after_first_ = 0;
};

}  // namespace looktwice::tokens
