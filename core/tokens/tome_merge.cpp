#include <algorithm>
#include <cstring>

#include "tokens/tome.h"

namespace looktwice::tokens {

namespace {

constexpr int kRowsPerTask = 256;

void over_rows(const ParallelFor& parallel, int rows, const std::function<void(int, int)>& fn) {
  if (!parallel || rows <= kRowsPerTask) {
    fn(0, rows);
    return;
  }
  parallel((rows + kRowsPerTask - 1) / kRowsPerTask,
           [&](int task) { fn(task * kRowsPerTask, std::min(rows, (task + 1) * kRowsPerTask)); });
}

}  // namespace

void merge_rows(const Matching& matching, const float* x, size_t width, MergeMode mode, float* y,
                const ParallelFor& parallel) {
  std::vector<int32_t> offset, member;
  matching.members(offset, member);
  over_rows(parallel, matching.tokens_out, [&](int first, int last) {
    for (auto j = static_cast<size_t>(first); j < static_cast<size_t>(last); ++j) {
      float* to = y + j * width;
      const auto begin = static_cast<size_t>(offset[j]), end = static_cast<size_t>(offset[j + 1]);
      std::memcpy(to, x + static_cast<size_t>(member[begin]) * width, width * sizeof(float));
      for (size_t m = begin + 1; m < end; ++m) {
        const float* from = x + static_cast<size_t>(member[m]) * width;
        if (mode == MergeMode::amax) {
          for (size_t c = 0; c < width; ++c)
            if (from[c] > to[c] || from[c] != from[c]) to[c] = from[c];
        } else {
          for (size_t c = 0; c < width; ++c)
            to[c] += from[c];
        }
      }
      if (mode == MergeMode::mean && end - begin > 1) {
        const auto count = static_cast<float>(end - begin);
        for (size_t c = 0; c < width; ++c)
          to[c] /= count;
      }
    }
  });
}

void merge_weighted(const Matching& matching, const float* x, const float* size_in, size_t width,
                    float* y, float* size_out, const ParallelFor& parallel) {
  std::vector<int32_t> offset, member;
  matching.members(offset, member);
  over_rows(parallel, matching.tokens_out, [&](int first, int last) {
    for (auto j = static_cast<size_t>(first); j < static_cast<size_t>(last); ++j) {
      float* to = y + j * width;
      const auto begin = static_cast<size_t>(offset[j]), end = static_cast<size_t>(offset[j + 1]);
      const auto keeper = static_cast<size_t>(member[begin]);
      float total = size_in ? size_in[keeper] : 1.0f;
      const float* from = x + keeper * width;
      if (end - begin == 1) {
        std::memcpy(to, from, width * sizeof(float));
      } else {
        for (size_t c = 0; c < width; ++c)
          to[c] = from[c] * total;
        for (size_t m = begin + 1; m < end; ++m) {
          const auto token = static_cast<size_t>(member[m]);
          const float size = size_in ? size_in[token] : 1.0f;
          from = x + token * width;
          for (size_t c = 0; c < width; ++c)
            to[c] += from[c] * size;
          total += size;
        }
        for (size_t c = 0; c < width; ++c)
          to[c] /= total;
      }
      if (size_out) size_out[j] = total;
    }
  });
}

void unmerge_rows(const Matching& matching, const float* y, size_t width, float* x) {
  for (size_t i = 0; i < matching.row.size(); ++i) {
    if (matching.row[i] < 0)
      std::fill_n(x + i * width, width, 0.0f);
    else
      std::memcpy(x + i * width, y + static_cast<size_t>(matching.row[i]) * width,
                  width * sizeof(float));
  }
}

}  // namespace looktwice::tokens
