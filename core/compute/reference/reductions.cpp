// Reductions and input of the reference backend.

#include <algorithm>
#include <cmath>
#include <vector>

#include "compute/reference/reference_backend.h"
#include "compute/reference/rows.h"
#include "compute/threads.h"

namespace looktwice::compute {

void ReferenceBackend::group_mean(const Tensor& y, const Tensor& x, std::span<const int32_t> offset,
                                  std::span<const int32_t> member, const Tensor& weight,
                                  const Tensor& divisor) {
  check_groups_of_rows(y, x, offset, member, weight, divisor);
  parallel_ranges(y.rows(), 16, [&](int64_t first, int64_t last) {
    std::vector<float> row(size_t(x.cols())), sum(size_t(x.cols()));
    for (int64_t j = first; j < last; ++j) {
      const int32_t begin = offset[size_t(j)], end = offset[size_t(j) + 1];
      if (end - begin == 1 && !divisor) {
        load_row(x, member[size_t(begin)], row.data());
        store_row(y, j, row.data());
        continue;
      }
      std::fill(sum.begin(), sum.end(), 0.0f);
      float total = 0;
      for (int32_t m = begin; m < end; ++m) {
        const int32_t i = member[size_t(m)];
        const float w = weight ? weight.data<float>()[i] : 1.0f;
        total += w;
        load_row(x, i, row.data());
        for (size_t c = 0; c < row.size(); ++c)
          sum[c] += w * row[c];
      }
      if (divisor) total = divisor.data<float>()[j];
      for (float& v : sum)
        v = end > begin ? v / total : 0.0f;
      store_row(y, j, sum.data());
    }
  });
}

void ReferenceBackend::head_mean(const Tensor& y, const Tensor& x, int heads) {
  require(
      heads >= 1 && x.cols() == y.cols() * heads && y.rows() == x.rows() && y.dtype() == DType::f32,
      "head_mean", "y is f32 [rows, head_dim]");
  parallel_ranges(x.rows(), 32, [&](int64_t first, int64_t last) {
    std::vector<float> row(size_t(x.cols())), mean(size_t(y.cols()));
    for (int64_t r = first; r < last; ++r) {
      load_row(x, r, row.data());
      std::fill(mean.begin(), mean.end(), 0.0f);
      for (size_t h = 0; h < size_t(heads); ++h)
        for (size_t c = 0; c < mean.size(); ++c)
          mean[c] += row[h * mean.size() + c];
      for (float& v : mean)
        v /= float(heads);
      store_row(y, r, mean.data());
    }
  });
}

Comparison ReferenceBackend::compare(const Tensor& a, const Tensor& b) {
  check_same("compare", a, b);
  Comparison sums;
  std::vector<float> ra(size_t(a.cols())), rb(size_t(a.cols()));
  for (int64_t r = 0; r < a.rows(); ++r) {
    load_row(a, r, ra.data());
    load_row(b, r, rb.data());
    for (size_t c = 0; c < ra.size(); ++c) {
      const double x = ra[c], y = rb[c], d = x - y;
      sums.l1_difference += std::fabs(d);
      sums.l1_a += std::fabs(x);
      sums.l1_b += std::fabs(y);
      sums.l2_difference += d * d;
      sums.l2_a += x * x;
      sums.l2_b += y * y;
      sums.dot += x * y;
    }
  }
  sums.l2_difference = std::sqrt(sums.l2_difference);
  sums.l2_a = std::sqrt(sums.l2_a);
  sums.l2_b = std::sqrt(sums.l2_b);
  return sums;
}

void ReferenceBackend::patchify(const Tensor& y, const PatchifyOptions& o,
                                std::span<const int32_t> tokens) {
  check_patchify(y, o, tokens);
  const int h = o.H / o.patch, w = o.W / o.patch;
  // Only 256 values can stand in a channel.
  float values[3][256];
  for (int c = 0; c < 3; ++c)
    for (int v = 0; v < 256; ++v)
      values[c][v] = (float(v) * (1.0f / 255.0f) - o.mean[c]) / o.std[c];
  parallel_ranges(int64_t(tokens.size()), 8, [&](int64_t first, int64_t last) {
    std::vector<float> row(size_t(y.cols()));
    for (int64_t i = first; i < last; ++i) {
      const int token = tokens[size_t(i)];
      const int t = token / (h * w), py = token / w % h, px = token % w;
      float* to = row.data();
      for (int c = 0; c < 3; ++c)
        for (int f = 0; f < o.tubelet; ++f)
          for (int dy = 0; dy < o.patch; ++dy) {
            const int64_t frame = int64_t(t) * o.tubelet + f;
            const int64_t at = (frame * o.H + py * o.patch + dy) * o.W + px * o.patch;
            for (int dx = 0; dx < o.patch; ++dx)
              *to++ = values[c][o.rgb[(at + dx) * 3 + c]];
          }
      store_row(y, i, row.data());
    }
  });
}

}  // namespace looktwice::compute
