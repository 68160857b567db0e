#pragma once
// Run-Length Tokenization: which patches repeat in time (Choudhury et al., "Don't Look Twice:
// Faster Video Transformers with Run-Length Tokenization", NeurIPS 2024, section 3).
//
// Everything here is a pure function and may be called from any thread.

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "tokens/grid.h"
#include "tokens/simd.h"

namespace looktwice::tokens {

/// What the sum of a patch's byte differences of one channel is multiplied with (red, green, blue).
std::array<double, 3> rlt_scale(int patch);

/// Differences [t,h,w] in ImageNet-normalised units, +inf at t = 0:
///   p[k+1,i,j] = mean_c( mean_patch |x[(k+2)s-1] - x[ks]| ),  s = tubelet
/// (the last frame of tubelet k+1 against the first frame of tubelet k). Sums of absolute byte
/// differences are exact integers per channel; they are scaled once, in float64, and rounded to
/// float32, so every instruction set gives the same bits. Pixels right of and below the last whole
/// patch are not read. `grid` must be grid_of(clip, …).
std::vector<float> rlt_differences(const ClipView& clip, const Grid& grid, Isa isa = best_isa());
/// The same into `to` [t,h,w].
void rlt_differences(const ClipView& clip, const Grid& grid, std::span<float> to,
                     Isa isa = best_isa());

/// Sums of absolute differences per channel between two pictures, [h,w,3]: what rlt_differences
/// scales. `row_bytes` is the distance between rows of both pictures (any value >= w*patch*3).
void patch_sads(const uint8_t* a, const uint8_t* b, size_t row_bytes, int h, int w, int patch,
                std::span<uint64_t> sads, Isa isa = best_isa());

/// Throws Error(input) naming --rlt unless tau is finite and >= 0.
void check_tau(float tau);

/// keep[t,h,w] = difference > tau (strict), 1 or 0; the first tubelet is always kept. A NaN
/// difference is pruned, as in the reference. Throws Error(input) unless tau is finite and >= 0.
std::vector<uint8_t> rlt_keep(std::span<const float> differences, const Grid& grid, float tau);
/// The same into `keep` [t,h,w]; returns how many tokens are kept.
size_t rlt_keep(std::span<const float> differences, const Grid& grid, float tau,
                std::span<uint8_t> keep);
/// How many entries of a mask are kept.
size_t count_kept(std::span<const uint8_t> keep);

/// Run lengths [t,h,w] in tubelets: at a kept token the distance to the next kept token at the same
/// place (or to the end), 0 where pruned. At every place they sum to grid.t when the first tubelet
/// is kept.
std::vector<int32_t> run_lengths(std::span<const uint8_t> keep, const Grid& grid);

/// Run heads [t,h,w]: the flat index of the kept token that stands for each token (its own index
/// where kept; the last kept token before it at the same place where pruned; -1 if there is none,
/// which only random dropping can produce).
std::vector<int32_t> run_heads(std::span<const uint8_t> keep, const Grid& grid);

/// aligned: entry i belongs to the i-th kept token in (t,h,w) order. reference: the published
/// code's (h,w,t) order, which is misaligned with its tokens (kept for comparison).
enum class LengthOrder { aligned, reference };
std::vector<int32_t> packed_lengths(std::span<const uint8_t> keep, const Grid& grid,
                                    LengthOrder order = LengthOrder::aligned);

/// One grey level in normalised units, averaged over channels: 1/255 * mean_c(1/std_c).
double normalised_per_grey_level();

}  // namespace looktwice::tokens
