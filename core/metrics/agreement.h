#pragma once
// How often something was right, with how much that says: accuracy against labels, agreement of a
// reduced model with the dense one.

#include <cstddef>
#include <cstdint>
#include <span>

namespace looktwice::metrics {

/// A share with its 95% interval (Wilson, "Probable inference, the law of succession, and
/// statistical inference", 1927; z = 1.959963984540054).
struct Share {
  size_t hits = 0, total = 0;
  double value = 0;          ///< hits / total; 0 if total is 0
  double low = 0, high = 1;  ///< Wilson score interval; [0,1] if total is 0
};
/// Throws Error(input) if hits > total.
Share share(size_t hits, size_t total);

/// Rows whose highest logit is at `label` (ties: lowest class wins). logits [n,classes].
Share accuracy(std::span<const float> logits, size_t classes, std::span<const int32_t> labels);
/// Rows whose label is among the `k` highest logits (ties: lower class first).
Share top_k_accuracy(std::span<const float> logits, size_t classes, std::span<const int32_t> labels,
                     size_t k);
/// Rows on which two models name the same class. Both [n,classes].
Share agreement(std::span<const float> a, std::span<const float> b, size_t classes);

}  // namespace looktwice::metrics
