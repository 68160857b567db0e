#pragma once
// Kernels in which every output value depends on a handful of inputs: one thread computes V
// neighbouring columns of a row. Arithmetic in the order of the reference backend, without fused
// multiply-adds, so float32 results have the same bits wherever no exp or tanh is involved.

#include "compute/cuda/kernels/env.h"
#include "compute/cuda/kernels/plans.h"

namespace looktwice::compute::cuda {

LT_FN float curve_of(float x, Curve curve) {
  switch (curve) {
    case Curve::none:
      return x;
    case Curve::gelu_erf:
      return 0.5f * x * (1.0f + erff(x * 0.70710678118654752f));
    case Curve::gelu_tanh:
      return 0.5f * x * (1.0f + tanhf(0.79788456080286536f * (x + 0.044715f * x * x * x)));
    case Curve::silu:
      return x / (1.0f + expf(-x));
  }
  return x;
}

template <Kernel K, int V>
LT_KERNEL(256)
element_kernel(ElementArgs a) {
  int64_t row;
  int col;
  if (!place_of<V>(uint64_t(block_x()) * 256 + uint32_t(thread_x()), a.y.rows, a.y.cols, row, col))
    return;
  const int64_t group = a.group ? a.group[row] : 0;
  float y[V], b[V], t[V];

  if constexpr (K == Kernel::head_mean) {
    LT_UNROLL for (int k = 0; k < V; ++k) y[k] = 0;
    for (int h = 0; h < a.heads; ++h) {
      load_row_part<V>(a.a, row, h * a.y.cols + col, b);
      LT_UNROLL for (int k = 0; k < V; ++k) y[k] += b[k];
    }
    LT_UNROLL for (int k = 0; k < V; ++k) y[k] = y[k] / float(a.heads);
  } else {
    load_row_part<V>(a.a, K == Kernel::gather ? a.index[row] : row, col, y);
  }
  if constexpr (K == Kernel::modulate) {
    load_table<V>(a.table, group, col, b);
    load_table<V>(a.table2, group, col, t);
    LT_UNROLL for (int k = 0; k < V; ++k) y[k] = y[k] * (1.0f + b[k]) + t[k];
  }
  if constexpr (K == Kernel::gated_add) {
    load_row_part<V>(a.b, row, col, b);
    if (a.table.data) {
      load_table<V>(a.table, group, col, t);
      LT_UNROLL for (int k = 0; k < V; ++k) b[k] = t[k] * b[k];
    }
    LT_UNROLL for (int k = 0; k < V; ++k) y[k] += b[k];
  }
  if constexpr (K == Kernel::combine) {
    load_row_part<V>(a.b, row, col, b);
    LT_UNROLL for (int k = 0; k < V; ++k) y[k] = a.alpha * y[k] + a.beta * b[k];
  }
  if constexpr (K == Kernel::activate) {
    LT_UNROLL for (int k = 0; k < V; ++k) y[k] = curve_of(y[k], a.curve);
  }
  if constexpr (K == Kernel::add_rows) {
    load_row_part<V>(a.b, a.index[row], col, b);
    LT_UNROLL for (int k = 0; k < V; ++k) y[k] += b[k];
  }
  if constexpr (K == Kernel::epilogue) {
    if (a.table2.data) {
      load_table<V>(a.table2, 0, col, t);
      LT_UNROLL for (int k = 0; k < V; ++k) y[k] += t[k];
    }
    LT_UNROLL for (int k = 0; k < V; ++k) y[k] = curve_of(y[k], a.curve);
    if (a.table.data) {
      load_table<V>(a.table, group, col, t);
      LT_UNROLL for (int k = 0; k < V; ++k) y[k] *= t[k];
    }
    if (a.b.data) {
      load_row_part<V>(a.b, row, col, b);
      LT_UNROLL for (int k = 0; k < V; ++k) y[k] += b[k];
    }
  }
  if constexpr (K == Kernel::rotary) {
    const int dim = a.y.cols / a.heads;
    const float* cosines = a.table.data + int64_t(a.index[row]) * a.table.stride;
    const float* sines = a.table2.data + int64_t(a.index[row]) * a.table2.stride;
    LT_UNROLL for (int k = 0; k + 1 < V; k += 2) {
      const int j = (col + k) % dim / 2;
      const float c = cosines[j], s = sines[j], u = y[k], v = y[k + 1];
      y[k] = u * c - v * s;
      y[k + 1] = v * c + u * s;
    }
  }
  store_row_part<V>(a.y, row, col, y);
}

template <Kernel K, class L>
void start_elements(L& launcher, const ElementArgs& a) {
  constexpr int narrow = K == Kernel::rotary ? 2 : 1;
  const bool by8 = wide(a.y) && wide(a.a) && (K == Kernel::head_mean || wide(a.b)) &&
                   (K == Kernel::rotary || (wide(a.table, a.y.cols) && wide(a.table2, a.y.cols)));
  const int v = by8 ? 8 : narrow;
  Launch l;
  l.alone = true;
  l.threads = 256;
  l.x = blocks_for(uint64_t(a.y.rows) * uint64_t(a.y.cols / v), l.threads);
  if (by8) {
    launcher.start(element_kernel<K, 8>, l, a);
  } else {
    launcher.start(element_kernel<K, narrow>, l, a);
  }
}

template <class L>
bool run_elements(L& launcher, Kernel kernel, const void* args) {
  const auto& a = *static_cast<const ElementArgs*>(args);
  switch (kernel) {
#define LT_CASE(K)                          \
  case Kernel::K:                           \
    start_elements<Kernel::K>(launcher, a); \
    return true;
    LT_CASE(copy)
    LT_CASE(gather)
    LT_CASE(modulate)
    LT_CASE(gated_add)
    LT_CASE(combine)
    LT_CASE(activate)
    LT_CASE(add_rows)
    LT_CASE(epilogue)
    LT_CASE(rotary)
    LT_CASE(head_mean)
#undef LT_CASE
    default:
      return false;
  }
}

}  // namespace looktwice::compute::cuda
