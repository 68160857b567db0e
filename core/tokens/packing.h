#pragma once
// Packing: clips with different numbers of kept tokens side by side in one sequence, with borders
// that attention respects (RLT section 3.3; "example packing").

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "tokens/rlt.h"

namespace looktwice::tokens {

/// B clips of `tokens_per_clip` tokens, of which only the kept ones remain, in clip order and then
/// (t,h,w) order. S = total number of kept tokens.
struct PackedSequence {
  size_t tokens_per_clip = 0;
  std::vector<int32_t> cu_seqlens;  ///< [B+1] clip b is [cu_seqlens[b], cu_seqlens[b+1])
  std::vector<int32_t> position;    ///< [S] flat index in the clip, 0 .. tokens_per_clip-1
  std::vector<int32_t> gather;      ///< [S] b*tokens_per_clip + position: row of the dense batch
  std::vector<int32_t> length;      ///< [S] run lengths, or empty if not asked for
  size_t clips() const { return cu_seqlens.empty() ? 0 : cu_seqlens.size() - 1; }
  size_t size() const { return position.size(); }
  int32_t max_seqlen() const;
};

/// Packs masks [t,h,w] that share one grid. With `lengths`, also the run lengths, in that order.
/// Throws Error(input) if a mask has the wrong size or keeps nothing.
PackedSequence pack(std::span<const std::vector<uint8_t>> keep, const Grid& grid,
                    const LengthOrder* lengths = nullptr);

/// Copies the kept rows of a dense batch [B*tokens_per_clip, width] to [S, width].
void gather_rows(const PackedSequence& packed, const float* dense, size_t width, float* rows);
/// The way back; rows of dropped tokens get `fill`.
void scatter_rows(const PackedSequence& packed, const float* rows, size_t width, float* dense,
                  float fill = 0.0f);

/// Sequence packing: which clips share a sequence of at most `max_length` tokens. First fit on
/// lengths in descending order (ties by index): never more than 11/9 of the fewest possible + 1.
struct Bin {
  std::vector<int32_t> clips;  ///< ascending
  int64_t tokens = 0;
};
/// Throws Error(input) if a clip alone is longer than `max_length`.
std::vector<Bin> bin_pack(std::span<const int32_t> lengths, int64_t max_length);

}  // namespace looktwice::tokens
