#include "tokens/packing.h"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <string>

#include "base/error.h"

namespace looktwice::tokens {

int32_t PackedSequence::max_seqlen() const {
  int32_t longest = 0;
  for (size_t b = 0; b + 1 < cu_seqlens.size(); ++b)
    longest = std::max(longest, cu_seqlens[b + 1] - cu_seqlens[b]);
  return longest;
}

PackedSequence pack(std::span<const std::vector<uint8_t>> keep, const Grid& grid,
                    const LengthOrder* lengths) {
  if (keep.size() * double(grid.size()) > 2147483647.0)
    throw bad_input("packing", "more than 2^31 tokens in one batch", "pack fewer clips");
  PackedSequence packed;
  packed.tokens_per_clip = grid.size();
  packed.cu_seqlens.push_back(0);
  for (size_t b = 0; b < keep.size(); ++b) {
    const std::string where = "clip " + std::to_string(b);
    if (keep[b].size() != grid.size()) throw bad_input(where, "its mask does not fit the grid");
    for (size_t i = 0; i < keep[b].size(); ++i)
      if (keep[b][i]) {
        packed.position.push_back(static_cast<int32_t>(i));
        packed.gather.push_back(static_cast<int32_t>(b * grid.size() + i));
      }
    const auto end = static_cast<int32_t>(packed.position.size());
    if (end == packed.cu_seqlens.back()) throw bad_input(where, "keeps no token at all");
    packed.cu_seqlens.push_back(end);
    if (lengths) {
      const std::vector<int32_t> own = packed_lengths(keep[b], grid, *lengths);
      packed.length.insert(packed.length.end(), own.begin(), own.end());
    }
  }
  return packed;
}

void gather_rows(const PackedSequence& packed, const float* dense, size_t width, float* rows) {
  for (size_t i = 0; i < packed.size(); ++i)
    std::memcpy(rows + i * width, dense + static_cast<size_t>(packed.gather[i]) * width,
                width * sizeof(float));
}

void scatter_rows(const PackedSequence& packed, const float* rows, size_t width, float* dense,
                  float fill) {
  std::fill_n(dense, packed.clips() * packed.tokens_per_clip * width, fill);
  for (size_t i = 0; i < packed.size(); ++i)
    std::memcpy(dense + static_cast<size_t>(packed.gather[i]) * width, rows + i * width,
                width * sizeof(float));
}

std::vector<Bin> bin_pack(std::span<const int32_t> lengths, int64_t max_length) {
  std::vector<int32_t> order(lengths.size());
  std::iota(order.begin(), order.end(), 0);
  for (size_t i = 0; i < lengths.size(); ++i) {
    if (lengths[i] < 0) throw bad_input("clip " + std::to_string(i), "has a negative length");
    if (lengths[i] > max_length)
      throw bad_input("clip " + std::to_string(i),
                      "has " + std::to_string(lengths[i]) + " tokens where a sequence holds " +
                          std::to_string(max_length),
                      "allow longer sequences");
  }
  std::stable_sort(order.begin(), order.end(), [&](int32_t a, int32_t b) {
    return lengths[static_cast<size_t>(a)] > lengths[static_cast<size_t>(b)];
  });
  std::vector<Bin> bins;
  for (const int32_t clip : order) {
    const int64_t need = lengths[static_cast<size_t>(clip)];
    auto bin = std::find_if(bins.begin(), bins.end(),
                            [&](const Bin& b) { return b.tokens + need <= max_length; });
    if (bin == bins.end()) bin = bins.insert(bins.end(), Bin{});
    bin->clips.push_back(clip);
    bin->tokens += need;
  }
  for (Bin& bin : bins)
    std::sort(bin.clips.begin(), bin.clips.end());
  return bins;
}

}  // namespace looktwice::tokens
