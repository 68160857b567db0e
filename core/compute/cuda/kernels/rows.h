#pragma once
// Kernels that sum along rows or over rows: norms, groups, comparison. Sums are taken in a fixed
// order, so equal calls give equal bits on every device.

#include "compute/cuda/kernels/env.h"
#include "compute/cuda/kernels/plans.h"

namespace looktwice::compute::cuda {

LT_FN float warp_sum(float v) {
  LT_UNROLL for (int mask = 16; mask > 0; mask /= 2) v += warp_xor(v, mask);
  return v;
}

/// One warp a row. C > 0: a row of at most C·32·V columns stays in registers; C = 0: it is read
/// three times.
template <int V, int C, bool Modulated>
LT_KERNEL(128)
layer_norm_kernel(NormArgs a) {
  const int lane = thread_x() % 32;
  const int64_t row = int64_t(block_x()) * 4 + thread_x() / 32;
  if (row >= a.x.rows) return;  // whole warps only
  constexpr int kKept = C > 0 ? C : 1;
  float x[kKept][V];
  float sum = 0;
  const auto each = [&](auto&& body) {
    if constexpr (C > 0) {
      LT_UNROLL for (int c = 0; c < C; ++c) {
        const int col = (c * 32 + lane) * V;
        if (col < a.x.cols) body(x[c], col);
      }
    } else {
      for (int col = lane * V; col < a.x.cols; col += 32 * V) {
        load_row_part<V>(a.x, row, col, x[0]);
        body(x[0], col);
      }
    }
  };
  if constexpr (C > 0) each([&](float(&v)[V], int col) { load_row_part<V>(a.x, row, col, v); });
  each([&](float(&v)[V], int) { LT_UNROLL for (int k = 0; k < V; ++k) sum += v[k]; });
  const float mean = warp_sum(sum) / float(a.x.cols);
  float squares = 0;
  each([&](float(&v)[V], int) {
    LT_UNROLL for (int k = 0; k < V; ++k) squares += (v[k] - mean) * (v[k] - mean);
  });
  const float variance = warp_sum(squares) / float(a.x.cols);
  const float scale = 1.0f / sqrtf(variance + a.eps);
  each([&](float(&v)[V], int col) {
    float y[V], t[V];
    LT_UNROLL for (int k = 0; k < V; ++k) y[k] = (v[k] - mean) * scale;
    if constexpr (Modulated) {
      const int64_t group = a.group ? a.group[row] : 0;
      float u[V];
      load_table<V>(a.scale, group, col, t);
      load_table<V>(a.shift, group, col, u);
      LT_UNROLL for (int k = 0; k < V; ++k) y[k] = y[k] * (1.0f + t[k]) + u[k];
    }
    if (a.weight) {
      load_some<V>(a.weight, Element::f32, col, t);
      LT_UNROLL for (int k = 0; k < V; ++k) y[k] *= t[k];
    }
    if (a.bias) {
      load_some<V>(a.bias, Element::f32, col, t);
      LT_UNROLL for (int k = 0; k < V; ++k) y[k] += t[k];
    }
    store_row_part<V>(a.y, row, col, y);
  });
}

/// Sixteen lanes a head of a row. Rotary: pairs turn after the norm (V is even).
template <int V, bool Rotary>
LT_KERNEL(128)
rms_norm_kernel(NormArgs a) {
  const int lane = thread_x() % 16, dim = a.x.cols / a.heads;
  const int64_t task = int64_t(block_x()) * 8 + thread_x() / 16;
  const bool there = task < int64_t(a.x.rows) * a.heads;
  const int64_t row = there ? task / a.heads : 0;
  const int first = there ? int(task % a.heads) * dim : 0;
  float v[V], t[V], squares = 0;
  if (there)
    for (int c = lane * V; c < dim; c += 16 * V) {
      load_row_part<V>(a.x, row, first + c, v);
      LT_UNROLL for (int k = 0; k < V; ++k) squares += v[k] * v[k];
    }
  LT_UNROLL for (int mask = 8; mask > 0; mask /= 2) squares += warp_xor(squares, mask);
  if (!there) return;
  const float scale = 1.0f / sqrtf(squares / float(dim) + a.eps);
  for (int c = lane * V; c < dim; c += 16 * V) {
    load_row_part<V>(a.x, row, first + c, v);
    load_some<V>(a.weight, Element::f32, c, t);
    LT_UNROLL for (int k = 0; k < V; ++k) v[k] = v[k] * scale * t[k];
    if constexpr (Rotary) {
      const float* cosines = a.scale.data + int64_t(a.group[row]) * a.scale.stride;
      const float* sines = a.shift.data + int64_t(a.group[row]) * a.shift.stride;
      LT_UNROLL for (int k = 0; k + 1 < V; k += 2) {
        const float co = cosines[(c + k) / 2], si = sines[(c + k) / 2], u = v[k], w = v[k + 1];
        v[k] = u * co - w * si;
        v[k + 1] = w * co + u * si;
      }
    }
    store_row_part<V>(a.y, row, first + c, v);
  }
}

/// Mean keeps a group of one row bit for bit; Add adds the members to what y holds.
template <int V, bool Add>
LT_KERNEL(256)
group_kernel(GroupArgs a) {
  int64_t row;
  int col;
  if (!place_of<V>(uint64_t(block_x()) * 256 + uint32_t(thread_x()), a.y.rows, a.y.cols, row, col))
    return;
  const int begin = a.offset[row], end = a.offset[row + 1];
  float sum[V], x[V], total = 0;
  if (Add) {
    if (begin == end) return;
    load_row_part<V>(a.y, row, col, sum);
  } else {
    if (end - begin == 1 && !a.divisor) {
      load_row_part<V>(a.x, a.member[begin], col, x);
      store_row_part<V>(a.y, row, col, x);
      return;
    }
    LT_UNROLL for (int k = 0; k < V; ++k) sum[k] = 0;
  }
  for (int m = begin; m < end; ++m) {
    const int i = a.member[m];
    load_row_part<V>(a.x, i, col, x);
    if (Add) {
      LT_UNROLL for (int k = 0; k < V; ++k) sum[k] += x[k];
    } else {
      const float w = a.weight ? a.weight[i] : 1.0f;
      total += w;
      LT_UNROLL for (int k = 0; k < V; ++k) sum[k] += w * x[k];
    }
  }
  if (!Add) {
    if (a.divisor) total = a.divisor[row];
    LT_UNROLL for (int k = 0; k < V; ++k) sum[k] = end > begin ? sum[k] / total : 0.0f;
  }
  store_row_part<V>(a.y, row, col, sum);
}

/// Adds 256 doubles of a block in a fixed tree; the sum is in values[0].
LT_FN void block_sum(double* values) {
  for (int n = 128; n > 0; n /= 2) {
    block_sync();
    if (thread_x() < n) values[thread_x()] += values[thread_x() + n];
  }
  block_sync();
}

template <int V>
LT_KERNEL(256)
compare_kernel(CompareArgs a) {
  LT_SHARED double values[256];
  double s[kCompareSums] = {};
  int64_t row;
  int col;
  for (uint64_t i = uint64_t(block_x()) * 256 + uint32_t(thread_x());
       place_of<V>(i, a.a.rows, a.a.cols, row, col); i += uint64_t(blocks_x()) * 256) {
    float xs[V], ys[V];
    load_row_part<V>(a.a, row, col, xs);
    load_row_part<V>(a.b, row, col, ys);
    LT_UNROLL for (int k = 0; k < V; ++k) {
      const double x = xs[k], y = ys[k], d = x - y;
      s[0] += fabs(d);
      s[1] += fabs(x);
      s[2] += fabs(y);
      s[3] += d * d;
      s[4] += x * x;
      s[5] += y * y;
      s[6] += x * y;
    }
  }
  LT_UNROLL for (int k = 0; k < kCompareSums; ++k) {
    values[thread_x()] = s[k];
    block_sum(values);
    if (thread_x() == 0) a.partial[int(block_x()) * kCompareSums + k] = values[0];
    block_sync();
  }
}

LT_KERNEL(256) compare_end_kernel(CompareArgs a) {
  LT_SHARED double values[256];
  for (int k = 0; k < kCompareSums; ++k) {
    values[thread_x()] = thread_x() < a.blocks ? a.partial[thread_x() * kCompareSums + k] : 0.0;
    block_sum(values);
    if (thread_x() == 0) a.sums[k] = values[0];
    block_sync();
  }
}
static_assert(kCompareBlocks == 256, "one thread a partial sum");

template <int V, bool Modulated, class L>
void start_layer_norm(L& launcher, const NormArgs& a) {
  Launch l;
  l.threads = 128;
  l.x = blocks_for(uint64_t(a.x.rows), 4);
  const int parts = (a.x.cols + 32 * V - 1) / (32 * V);
  if (parts <= 4) {
    launcher.start(layer_norm_kernel<V, 4, Modulated>, l, a);
  } else if (parts <= 6) {
    launcher.start(layer_norm_kernel<V, 6, Modulated>, l, a);
  } else {
    launcher.start(layer_norm_kernel<V, 0, Modulated>, l, a);
  }
}

template <bool Add, class L>
void start_groups(L& launcher, const GroupArgs& a) {
  const bool by8 = wide(a.y) && wide(a.x);
  Launch l;
  l.alone = true;
  l.threads = 256;
  l.x = blocks_for(uint64_t(a.y.rows) * uint64_t(a.y.cols / (by8 ? 8 : 1)), l.threads);
  if (by8) {
    launcher.start(group_kernel<8, Add>, l, a);
  } else {
    launcher.start(group_kernel<1, Add>, l, a);
  }
}

template <class L>
bool run_rows(L& launcher, Kernel kernel, const void* args) {
  Launch l;
  switch (kernel) {
    case Kernel::layer_norm: {
      const auto& a = *static_cast<const NormArgs*>(args);
      if (wide(a.y) && wide(a.x) && wide(a.weight, a.x.cols) && wide(a.bias, a.x.cols)) {
        start_layer_norm<8, false>(launcher, a);
      } else {
        start_layer_norm<1, false>(launcher, a);
      }
      return true;
    }
    case Kernel::norm_modulate: {
      const auto& a = *static_cast<const NormArgs*>(args);
      if (wide(a.y) && wide(a.x) && wide(a.scale, a.x.cols) && wide(a.shift, a.x.cols)) {
        start_layer_norm<8, true>(launcher, a);
      } else {
        start_layer_norm<1, true>(launcher, a);
      }
      return true;
    }
    case Kernel::rms_norm:
    case Kernel::rms_rotary: {
      const auto& a = *static_cast<const NormArgs*>(args);
      l.threads = 128;
      l.x = blocks_for(uint64_t(a.x.rows) * uint64_t(a.heads), 8);
      const int dim = a.x.cols / a.heads;
      const bool by8 = wide(a.y) && wide(a.x) && wide(a.weight, dim);
      if (kernel == Kernel::rms_rotary) {
        if (by8) {
          launcher.start(rms_norm_kernel<8, true>, l, a);
        } else {
          launcher.start(rms_norm_kernel<2, true>, l, a);
        }
      } else if (by8) {
        launcher.start(rms_norm_kernel<8, false>, l, a);
      } else {
        launcher.start(rms_norm_kernel<1, false>, l, a);
      }
      return true;
    }
    case Kernel::group_mean:
      start_groups<false>(launcher, *static_cast<const GroupArgs*>(args));
      return true;
    case Kernel::group_add:
      start_groups<true>(launcher, *static_cast<const GroupArgs*>(args));
      return true;
    case Kernel::compare: {
      CompareArgs a = *static_cast<const CompareArgs*>(args);
      const bool by8 = a.a.cols % 8 == 0 && wide(a.a) && wide(a.b);
      l.threads = 256;
      l.x = blocks_for(uint64_t(a.a.rows) * uint64_t(a.a.cols / (by8 ? 8 : 1)), l.threads);
      if (l.x > uint32_t(kCompareBlocks)) l.x = uint32_t(kCompareBlocks);
      a.blocks = int32_t(l.x);
      if (by8) {
        launcher.start(compare_kernel<8>, l, a);
      } else {
        launcher.start(compare_kernel<1>, l, a);
      }
      l.x = 1;
      launcher.start(compare_end_kernel, l, a);
      return true;
    }
    default:
      return false;
  }
}

}  // namespace looktwice::compute::cuda
