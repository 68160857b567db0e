#pragma once
// Structural similarity (Wang, Bovik, Sheikh and Simoncelli, "Image quality assessment: from error
// visibility to structural similarity", 2004): Gaussian window 11x11, sigma 1.5, K1 = 0.01,
// K2 = 0.03, L = 255, population variances.

#include <cstddef>
#include <cstdint>

namespace looktwice::metrics {

/// Mean SSIM of two single-channel 8-bit pictures over all positions where the window fits inside
/// (no border is invented). Rows are `stride` bytes apart. Throws Error(input) if a side is smaller
/// than the window of 11.
double ssim(const uint8_t* a, size_t stride_a, const uint8_t* b, size_t stride_b, int width,
            int height);

/// SSIM of the BT.601 full-range luma, round(0.299 R + 0.587 G + 0.114 B), of two RGB pictures
/// [height,width,3].
double ssim_rgb(const uint8_t* a, const uint8_t* b, int width, int height);

}  // namespace looktwice::metrics
