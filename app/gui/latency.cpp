#include "latency.h"

#include <algorithm>

namespace looktwice::gui {

double LatencyMeter::quantile(double q) const {
  if (samples_.empty()) return 0;
  std::vector<double> sorted = samples_;
  const auto at = std::min(sorted.size() - 1, size_t(q * double(sorted.size())));
  std::nth_element(sorted.begin(), sorted.begin() + ptrdiff_t(at), sorted.end());
  return sorted[at];
}

LatencyMeter& tau_latency() {
  static LatencyMeter meter;
  return meter;
}

}  // namespace looktwice::gui
