#include "metrics/agreement.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "base/error.h"

namespace looktwice::metrics {

namespace {

/// Number of rows; throws unless `values` holds whole rows.
size_t rows_of(size_t values, size_t classes) {
  if (classes == 0 || values % classes != 0)
    throw bad_input("logits", std::to_string(values) + " values are no rows of " +
                                  std::to_string(classes) + " classes");
  return values / classes;
}

/// Whether class x stands before class y: higher logit, then lower index; NaN stands last.
bool before(const float* row, size_t x, size_t y) {
  const bool nx = std::isnan(row[x]), ny = std::isnan(row[y]);
  if (nx != ny) return ny;
  if (!nx && row[x] != row[y]) return row[x] > row[y];
  return x < y;
}

size_t best(const float* row, size_t classes) {
  size_t at = 0;
  for (size_t c = 1; c < classes; ++c)
    if (before(row, c, at)) at = c;
  return at;
}

}  // namespace

Share share(size_t hits, size_t total) {
  if (hits > total)
    throw bad_input("share", std::to_string(hits) + " of " + std::to_string(total) +
                                 " is more than all of them");
  Share s{hits, total, 0, 0, 1};
  if (total == 0) return s;
  const double z = 1.959963984540054, n = double(total), p = double(hits) / n;
  const double centre = p + z * z / (2 * n), scale = 1 + z * z / n;
  const double half = z * std::sqrt(p * (1 - p) / n + z * z / (4 * n * n));
  s.value = p;
  s.low = hits == 0 ? 0.0 : std::max(0.0, (centre - half) / scale);
  s.high = hits == total ? 1.0 : std::min(1.0, (centre + half) / scale);
  return s;
}

Share top_k_accuracy(std::span<const float> logits, size_t classes, std::span<const int32_t> labels,
                     size_t k) {
  const size_t rows = rows_of(logits.size(), classes);
  if (rows != labels.size())
    throw bad_input("labels", std::to_string(labels.size()) + " labels for " +
                                  std::to_string(rows) + " rows of logits");
  size_t hits = 0;
  for (size_t i = 0; i < rows; ++i) {
    if (labels[i] < 0 || size_t(labels[i]) >= classes)
      throw bad_input("labels", "label " + std::to_string(labels[i]) + " is none of " +
                                    std::to_string(classes) + " classes");
    const float* row = logits.data() + i * classes;
    const auto label = static_cast<size_t>(labels[i]);
    size_t ahead = 0;
    for (size_t c = 0; c < classes; ++c)
      ahead += c != label && before(row, c, label);
    hits += ahead < k;
  }
  return share(hits, rows);
}

Share accuracy(std::span<const float> logits, size_t classes, std::span<const int32_t> labels) {
  return top_k_accuracy(logits, classes, labels, 1);
}

Share agreement(std::span<const float> a, std::span<const float> b, size_t classes) {
  const size_t rows = rows_of(a.size(), classes);
  if (rows_of(b.size(), classes) != rows)
    throw bad_input("logits", "two models give different numbers of rows");
  size_t hits = 0;
  for (size_t i = 0; i < rows; ++i)
    hits += best(a.data() + i * classes, classes) == best(b.data() + i * classes, classes);
  return share(hits, rows);
}

}  // namespace looktwice::metrics
