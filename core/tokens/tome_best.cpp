#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "base/error.h"
#include "tokens/match_kernels.h"
#include "tokens/tome.h"

namespace looktwice::tokens {

namespace match {

void best_portable(const float* a, const float* b, int width, int count, int squared, float* score,
                   int32_t* index) {
  constexpr int kRows = kRowsPortable, kColumns = kColumnsPortable;
  for (int r = 0; r < kRows; ++r) {
    score[r] = -std::numeric_limits<float>::infinity();
    index[r] = 0;
  }
  for (int first = 0; first < count; first += kColumns, b += size_t(width) * kColumns)
    for (int r = 0; r < kRows; ++r) {
      // The product of two float32 is exact in float64, so rounding the sum once to float32 is what
      // a fused multiply-add does (but for ties of the double rounding, one in 2^29).
      float sum[kColumns] = {};
      for (int k = 0; k < width; ++k) {
        const float x = a[k * kRows + r];
        const float* y = b + size_t(k) * kColumns;
        if (squared) {
          for (int c = 0; c < kColumns; ++c) {
            const float d = x - y[c];
            sum[c] = static_cast<float>(double(d) * double(d) + double(sum[c]));
          }
        } else {
          for (int c = 0; c < kColumns; ++c)
            sum[c] = static_cast<float>(double(x) * double(y[c]) + double(sum[c]));
        }
      }
      const int columns = count - first < kColumns ? count - first : kColumns;
      for (int c = 0; c < columns; ++c) {
        const float s = squared ? 0.0f - sum[c] : sum[c];
        if (s > score[r]) {
          score[r] = s;
          index[r] = first + c;
        }
      }
    }
}

}  // namespace match

namespace {

match::Kernel kernel_for(Isa isa) {
#if defined(LT_TOKENS_X86)
  switch (usable(isa)) {
    case Isa::avx512:
      return {match::best_avx512, match::kRowsAvx512, match::kColumnsAvx512};
    case Isa::avx2:
      return {match::best_avx2, match::kRowsAvx2, match::kColumnsAvx2};
    case Isa::portable:
      break;
  }
#endif
  (void)isa;
  return {match::best_portable, match::kRowsPortable, match::kColumnsPortable};
}

/// The row as the kernels take it: unit length for cosine (zeros if it has no direction), finite
/// otherwise. Lengths are summed in float64 in eight chains, the same everywhere.
void prepare_row(const float* from, int width, Distance distance, float* to) {
  if (distance != Distance::cosine) {
    for (int k = 0; k < width; ++k)
      to[k] = std::isfinite(from[k]) ? from[k] : 0.0f;
    return;
  }
  double chain[8] = {};
  int k = 0;
  for (; k + 8 <= width; k += 8)
    for (int c = 0; c < 8; ++c)
      chain[c] += double(from[k + c]) * double(from[k + c]);
  for (; k < width; ++k)
    chain[k % 8] += double(from[k]) * double(from[k]);
  const double squares = ((chain[0] + chain[4]) + (chain[2] + chain[6])) +
                         ((chain[1] + chain[5]) + (chain[3] + chain[7]));
  if (!(squares > 0) || !std::isfinite(squares)) {
    std::fill_n(to, width, 0.0f);
    return;
  }
  const double length = std::sqrt(squares);
  const auto rounded = static_cast<float>(length);
  if (std::isfinite(rounded) && rounded >= std::numeric_limits<float>::min()) {
    for (int i = 0; i < width; ++i)
      to[i] = from[i] / rounded;
  } else {
    for (int i = 0; i < width; ++i)
      to[i] = static_cast<float>(double(from[i]) / length);
  }
}

/// Rows `list` of the metric, transposed in panels of `columns` rows: [panels][width][columns].
void pack_panel(const float* metric, size_t stride, int width, std::span<const int32_t> list,
                int panel, int columns, Distance distance, float* to) {
  thread_local std::vector<float> rows;
  rows.resize(size_t(columns) * width);
  for (int c = 0; c < columns; ++c) {
    const size_t i = size_t(panel) * columns + c;
    float* row = rows.data() + size_t(c) * width;
    if (i < list.size())
      prepare_row(metric + size_t(list[i]) * stride, width, distance, row);
    else
      std::fill_n(row, width, 0.0f);
  }
  for (int k = 0; k < width; ++k)
    for (int c = 0; c < columns; ++c)
      to[size_t(k) * columns + c] = rows[size_t(c) * width + k];
}

void run(const ParallelFor& parallel, int tasks, const std::function<void(int)>& fn) {
  if (parallel && tasks > 1)
    parallel(tasks, fn);
  else
    for (int i = 0; i < tasks; ++i)
      fn(i);
}

}  // namespace

BestPartners best_partners(const float* metric, int tokens, int width, size_t stride,
                           std::span<const int32_t> a, std::span<const int32_t> b,
                           Distance distance, Isa isa, const ParallelFor& parallel) {
  if (stride == 0) stride = size_t(width);
  if (width < 1 || stride < size_t(width))
    throw bad_input("metric", "its rows are " + std::to_string(width) + " wide");
  for (const auto list : {a, b})
    for (const int32_t token : list)
      if (token < 0 || token >= tokens)
        throw bad_input("metric", "has no token " + std::to_string(token));

  BestPartners best;
  best.score.assign(a.size(), -std::numeric_limits<float>::infinity());
  best.partner.assign(a.size(), 0);
  if (a.empty() || b.empty()) return best;

  const match::Kernel kernel = kernel_for(isa);
  const auto panels_of = [](size_t rows, int each) {
    return int((rows + size_t(each) - 1) / size_t(each));
  };
  const int a_panels = panels_of(a.size(), kernel.rows);
  const int b_panels = panels_of(b.size(), kernel.columns);
  const size_t a_size = size_t(kernel.rows) * width, b_size = size_t(kernel.columns) * width;
  thread_local std::vector<float> workspace;  // kept: fresh pages would cost more than the packing
  if (workspace.size() < size_t(a_panels) * a_size + size_t(b_panels) * b_size)
    workspace.resize(size_t(a_panels) * a_size + size_t(b_panels) * b_size);
  float* const packed_b = workspace.data();
  float* const packed_a = packed_b + size_t(b_panels) * b_size;

  run(parallel, b_panels, [&](int p) {
    pack_panel(metric, stride, width, b, p, kernel.columns, distance,
               packed_b + size_t(p) * b_size);
  });
  constexpr int kPerTask = 8;  // blocks of rows
  run(parallel, (a_panels + kPerTask - 1) / kPerTask, [&](int task) {
    for (int p = task * kPerTask; p < std::min(a_panels, (task + 1) * kPerTask); ++p) {
      float* const rows = packed_a + size_t(p) * a_size;
      pack_panel(metric, stride, width, a, p, kernel.rows, distance, rows);
      float score[16];
      int32_t index[16];
      kernel.best(rows, packed_b, width, int(b.size()), distance == Distance::l2, score, index);
      const size_t first = size_t(p) * kernel.rows;
      for (size_t r = 0; r < size_t(kernel.rows) && first + r < a.size(); ++r) {
        best.score[first + r] = score[r];
        best.partner[first + r] = index[r];
      }
    }
  });
  return best;
}

}  // namespace looktwice::tokens
