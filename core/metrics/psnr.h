#pragma once
// Picture quality between two RGB images of the same size.

#include <cstddef>
#include <cstdint>

namespace looktwice::metrics {

/// Peak signal-to-noise ratio in dB over `bytes` samples of 8 bits; infinity when equal.
double psnr(const uint8_t* a, const uint8_t* b, size_t bytes);

}  // namespace looktwice::metrics
