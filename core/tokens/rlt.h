#pragma once
// Run-Length Tokenization: which patches repeat in time (Choudhury et al., "Don't Look Twice:
// Faster Video Transformers with Run-Length Tokenization", NeurIPS 2024, section 3).

#include <cstdint>
#include <span>
#include <vector>

#include "tokens/grid.h"

namespace looktwice::tokens {

/// Differences [t,h,w] in ImageNet-normalised units, +inf at t = 0:
///   p[k+1,i,j] = mean_c( mean_patch |x[(k+2)s-1] - x[ks]| ),  s = tubelet
/// (the last frame of tubelet k+1 against the first frame of tubelet k). Sums of absolute byte
/// differences are exact integers per channel; they are scaled once.
std::vector<float> rlt_differences(const ClipView& clip, const Grid& grid);

/// keep[t,h,w] = difference > tau (strict), 1 or 0; the first tubelet is always kept. A NaN
/// difference is pruned, as in the reference. Throws Error(input) unless tau is finite and >= 0.
std::vector<uint8_t> rlt_keep(std::span<const float> differences, const Grid& grid, float tau);

/// Run lengths [t,h,w] in tubelets: at a kept token the distance to the next kept token at the same
/// place (or to the end), 0 where pruned. At every place they sum to grid.t.
std::vector<int32_t> run_lengths(std::span<const uint8_t> keep, const Grid& grid);

/// aligned: entry i belongs to the i-th kept token in (t,h,w) order. reference: the published
/// code's (h,w,t) order, which is misaligned with its tokens (kept for comparison).
enum class LengthOrder { aligned, reference };
std::vector<int32_t> packed_lengths(std::span<const uint8_t> keep, const Grid& grid,
                                    LengthOrder order = LengthOrder::aligned);

/// One grey level in normalised units, averaged over channels: 1/255 * mean_c(1/std_c).
double normalised_per_grey_level();

}  // namespace looktwice::tokens
