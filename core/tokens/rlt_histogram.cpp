#include "tokens/rlt_histogram.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "tokens/rlt.h"

namespace looktwice::tokens {

RltHistogram::RltHistogram(std::span<const float> differences, const Grid& grid)
    : tokens_(grid.size()), always_kept_(grid.per_tubelet()) {
  if (differences.size() != grid.size())
    throw bad_input("differences", "do not belong to this grid");
  sorted_.reserve(tokens_ - always_kept_);
  for (size_t i = always_kept_; i < tokens_; ++i) {
    if (std::isinf(differences[i]) && differences[i] > 0)
      ++always_kept_after_first_;
    else if (!std::isnan(differences[i]))
      sorted_.push_back(differences[i]);
  }
  std::sort(sorted_.begin(), sorted_.end());
}

size_t RltHistogram::kept(float tau) const {
  check_tau(tau);
  const auto above = std::upper_bound(sorted_.begin(), sorted_.end(), tau);
  return always_kept_ + always_kept_after_first_ + static_cast<size_t>(sorted_.end() - above);
}

double RltHistogram::kept_ratio(float tau) const {
  return tokens_ == 0 ? 1.0 : double(kept(tau)) / double(tokens_);
}

float RltHistogram::tau_for_ratio(double ratio) const {
  if (!std::isfinite(ratio) || ratio < 0) throw bad_input("kept ratio", "must be 0 or more");
  const size_t fixed = always_kept_ + always_kept_after_first_;
  const double wanted = ratio * double(tokens_);
  const size_t most = wanted <= double(fixed) ? 0 : static_cast<size_t>(wanted + 1e-9) - fixed;
  if (most >= sorted_.size()) return 0.0f;
  // With tau equal to this entry, at most `most` entries stay above it.
  return std::max(0.0f, sorted_[sorted_.size() - most - 1]);
}

size_t RltHistogram::zeros() const {
  return static_cast<size_t>(std::upper_bound(sorted_.begin(), sorted_.end(), 0.0f) -
                             std::lower_bound(sorted_.begin(), sorted_.end(), 0.0f));
}

RltHistogram::Bins RltHistogram::count(std::vector<double> edges) const {
  Bins bins;
  bins.counts.assign(edges.size() - 1, 0);
  const auto rank = [&](double edge) {  // finite differences below `edge`
    return static_cast<size_t>(
        std::partition_point(sorted_.begin(), sorted_.end(), [&](float x) { return x < edge; }) -
        sorted_.begin());
  };
  size_t before = bins.below = rank(edges.front());
  for (size_t i = 0; i + 1 < edges.size(); ++i) {
    const bool last = i + 2 == edges.size();
    const size_t upto =
        last
            ? static_cast<size_t>(std::partition_point(sorted_.begin(), sorted_.end(),
                                                       [&](float x) { return x <= edges.back(); }) -
                                  sorted_.begin())
            : rank(edges[i + 1]);
    bins.counts[i] = static_cast<uint32_t>(upto - before);
    before = upto;
  }
  bins.above = sorted_.size() - before;
  bins.edges = std::move(edges);
  return bins;
}

namespace {
/// n+1 values from low to high, both exact.
std::vector<double> steps(double low, double high, int n, bool log) {
  if (!std::isfinite(low) || !std::isfinite(high) || !(low < high) || n < 1 || (log && low <= 0))
    throw bad_input("histogram", log ? "needs 0 < low < high and at least one step"
                                     : "needs low < high and at least one step");
  std::vector<double> at(size_t(n) + 1);
  for (int i = 0; i <= n; ++i)
    at[size_t(i)] = log ? low * std::pow(high / low, double(i) / n) : low + (high - low) * i / n;
  at.front() = low;
  at.back() = high;
  return at;
}
}  // namespace

RltHistogram::Bins RltHistogram::linear(double low, double high, int n) const {
  return count(steps(low, high, n, false));
}

RltHistogram::Bins RltHistogram::logarithmic(double low, double high, int n) const {
  return count(steps(low, high, n, true));
}

std::vector<RltHistogram::CurvePoint> RltHistogram::curve(double low, double high, int n,
                                                          bool log) const {
  if (n < 2) throw bad_input("kept-ratio curve", "needs at least two points");
  if (low < 0) throw bad_input("kept-ratio curve", "thresholds are 0 or more");
  std::vector<CurvePoint> points;
  for (const double at : steps(low, high, n - 1, log)) {
    const float tau = static_cast<float>(at);
    points.push_back({tau, kept_ratio(tau)});
  }
  return points;
}

}  // namespace looktwice::tokens
