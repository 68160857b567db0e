#include "metrics/psnr.h"

#include <cmath>
#include <limits>

namespace looktwice::metrics {

double psnr(const uint8_t* a, const uint8_t* b, size_t bytes) {
  uint64_t squared = 0;
  for (size_t i = 0; i < bytes; ++i) {
    const int d = int{a[i]} - int{b[i]};
    squared += static_cast<uint64_t>(d * d);
  }
  if (squared == 0 || bytes == 0) return std::numeric_limits<double>::infinity();
  return 10.0 * std::log10(255.0 * 255.0 * static_cast<double>(bytes) / double(squared));
}

}  // namespace looktwice::metrics
