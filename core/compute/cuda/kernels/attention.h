#pragma once
// Attention over packed, variable-length segments with an optional bias per key. The logits are
// never in memory: keys are walked in tiles while maximum, sum and output are kept per query
// (Milakov & Gimelshein, "Online normalizer calculation for softmax", 2018; Dao et al.,
// "FlashAttention", 2022). Softmax in float32, to base 2.

#include "compute/cuda/kernels/env.h"
#include "compute/cuda/kernels/plans.h"

namespace looktwice::compute::cuda {

inline constexpr int kAttentionRows = 128;  // queries of a tile
inline constexpr int kAttentionTiles = 2;   // 16-row tiles of a warp: each key that a warp reads
                                            // from shared memory serves 32 queries
inline constexpr int kAttentionKeys = 64;   // keys of a step
inline constexpr int kAttentionPad = 8;     // elements between rows in shared memory: no conflicts
inline constexpr int kAttentionMostDim = 128;
inline constexpr int kPlainMostDim = 256;
inline constexpr int kShortMost = 32;  // longest segment of the short kernel
inline constexpr float kLog2e = 1.4426950408889634f;

/// Width of the values in the kernel that serves a head of `dim`: the next one that is compiled; 0
/// where none is.
constexpr int padded_dim(int dim) {
  for (int d : {16, 32, 64, 72, 80, 96, 128})
    if (dim <= d) return d;
  return 0;
}
/// Width of queries and keys there: the matrix units multiply along 16.
constexpr int query_dim(int padded) {
  return (padded + 15) / 16 * 16;
}
constexpr uint32_t attention_shared(int padded) {
  return uint32_t(kAttentionRows + 4 * kAttentionKeys) *
             uint32_t(query_dim(padded) + kAttentionPad) * 2 +
         2 * kAttentionKeys * 4;
}
constexpr uint32_t short_shared(int padded, int most) {
  return 4 * (3 * uint32_t(most) * uint32_t(query_dim(padded) + kAttentionPad) * 2 +
              uint32_t(most) * 4);
}

/// Whether the matrix units' kernels take these arguments (16-bit elements in 16-byte parts).
inline bool attention_on_matrix_units(const AttentionArgs& a) {
  const auto fits = [&](const Matrix& m) {
    return m.element == a.q.element && reinterpret_cast<uintptr_t>(m.data) % 16 == 0 &&
           m.stride % 8 == 0;
  };
  return a.q.element != Element::f32 && a.head_dim % 8 == 0 && a.head_dim <= kAttentionMostDim &&
         fits(a.q) && fits(a.k) && fits(a.v);
}

LT_FN float lower_infinity() {
  return float_from_bits(0xff800000u);
}
LT_FN float larger(float a, float b) {
  return a > b ? a : b;
}

/// Writes two neighbouring columns.
LT_FN void store_pair(const Matrix& y, int64_t row, int col, float low, float high) {
  const int64_t at = row * y.stride + col;
  if (y.element != Element::f32 && at % 2 == 0 && reinterpret_cast<uintptr_t>(y.data) % 4 == 0) {
    static_cast<uint32_t*>(y.data)[at / 2] = pack(low, high, y.element);
  } else {
    store_one(y.data, y.element, at, low);
    store_one(y.data, y.element, at + 1, high);
  }
}

/// Where the rows of one head of one segment lie.
struct HeadRows {
  const uint16_t* base;
  int64_t stride, step;
  int length, dim;
  LT_FN const uint16_t* at(int row, int col) const { return base + row * step * stride + col; }
};

LT_FN HeadRows head_rows(const Matrix& m, int start, int length, int64_t step, int head, int dim) {
  return {static_cast<const uint16_t*>(m.data) + int64_t(start) * m.stride + int64_t(head) * dim,
          m.stride, step, length, dim};
}

/// Starts to copy `rows` rows from row `first` on into shared memory, zeros past the ends.
template <int D>
LT_FN void fetch_rows(uint16_t* shared, const HeadRows& from, int first, int rows, int worker,
                      int workers) {
  constexpr int kParts = D / 8;
  for (int i = worker; i < rows * kParts; i += workers) {
    const int r = i / kParts, col = i % kParts * 8;
    const bool there = first + r < from.length && col < from.dim;
    copy_async(shared + r * (D + kAttentionPad) + col, there ? from.at(first + r, col) : from.base,
               there);
  }
}

/// A warp's share: R times 16 queries with their running softmax and output. D: width of the
/// values.
template <Element E, int D, int R>
struct Queries {
  static constexpr int kDim = query_dim(D), kRow = kDim + kAttentionPad;
  static constexpr bool kKeep = kDim <= 64;  // in registers; wider ones are read anew every step
  uint32_t q[kKeep ? R : 1][kKeep ? kDim / 16 : 1][4];
  const uint16_t* shared;
  float out[R][D / 8][4];
  float highest[R][2], sum[R][2];

  LT_FN void load(uint32_t (&to)[4], int tile, int kk) const {
    const int lane = thread_x() % 32;
    load_matrices(to, shared + (tile * 16 + lane % 16) * kRow + kk * 16 + lane / 16 * 8);
  }

  LT_FN void start(const uint16_t* from) {
    shared = from;
    if constexpr (kKeep) {
      LT_UNROLL for (int t = 0; t < R; ++t) LT_UNROLL for (int kk = 0; kk < kDim / 16; ++kk)
          load(q[t][kk], t, kk);
    }
    LT_UNROLL for (int t = 0; t < R; ++t) {
      LT_UNROLL for (int n = 0; n < D / 8; ++n) LT_UNROLL for (int i = 0; i < 4; ++i) out[t][n][i] =
          0;
      highest[t][0] = highest[t][1] = lower_infinity();
      sum[t][0] = sum[t][1] = 0;
    }
  }

  /// N keys. `bias` is in base 2, -inf where there is no key; null where all N are there without
  /// one. scale2 > 0.
  template <int N>
  LT_FN void step(const uint16_t* keys, const uint16_t* values, const float* bias, float scale2) {
    const int lane = thread_x() % 32, part = lane / 8, p = lane % 4 * 2;
    float s[R][N / 8][4];
    LT_UNROLL for (int t = 0; t < R; ++t) LT_UNROLL for (int n = 0; n < N / 8; ++n)
        LT_UNROLL for (int i = 0; i < 4; ++i) s[t][n][i] = 0;
    LT_UNROLL for (int kk = 0; kk < kDim / 16; ++kk) {
      uint32_t again[R][4] = {};
      if constexpr (!kKeep) {
        LT_UNROLL for (int t = 0; t < R; ++t) load(again[t], t, kk);
      }
      LT_UNROLL for (int n = 0; n < N / 8; n += 2) {
        uint32_t r[4];
        load_matrices(r, keys + ((n + part / 2) * 8 + lane % 8) * kRow + kk * 16 + part % 2 * 8);
        LT_UNROLL for (int t = 0; t < R; ++t) {
          const uint32_t(&a)[4] = kKeep ? q[kKeep ? t : 0][kKeep ? kk : 0] : again[t];
          matrix_multiply<E>(s[t][n], a, r[0], r[1]);
          matrix_multiply<E>(s[t][n + 1], a, r[2], r[3]);
        }
      }
    }
    const float factor = bias ? 1.0f : scale2;
    if (bias) {
      LT_UNROLL for (int n = 0; n < N / 8; ++n) {
        const float b0 = bias[n * 8 + p], b1 = bias[n * 8 + p + 1];
        LT_UNROLL for (int t = 0; t < R; ++t) LT_UNROLL for (int i = 0; i < 4; ++i) s[t][n][i] =
            fused(s[t][n][i], scale2, i % 2 ? b1 : b0);
      }
    }
    LT_UNROLL for (int t = 0; t < R; ++t) soften<N>(s[t], t, factor);
    LT_UNROLL for (int kk = 0; kk < N / 16; ++kk) {
      // The accumulators' layout is that of the next product's left operand.
      uint32_t a[R][4];
      LT_UNROLL for (int t = 0; t < R; ++t) {
        a[t][0] = pack_pair<E>(s[t][2 * kk][0], s[t][2 * kk][1]);
        a[t][1] = pack_pair<E>(s[t][2 * kk][2], s[t][2 * kk][3]);
        a[t][2] = pack_pair<E>(s[t][2 * kk + 1][0], s[t][2 * kk + 1][1]);
        a[t][3] = pack_pair<E>(s[t][2 * kk + 1][2], s[t][2 * kk + 1][3]);
      }
      LT_UNROLL for (int n = 0; n < D / 8; n += 2) {
        uint32_t r[4];  // the last of an odd number of parts reads the padding beside it
        load_matrices_transposed(
            r, values + (kk * 16 + part % 2 * 8 + lane % 8) * kRow + (n + part / 2) * 8);
        LT_UNROLL for (int t = 0; t < R; ++t) {
          matrix_multiply<E>(out[t][n], a[t], r[0], r[1]);
          if (n + 1 < D / 8)
            matrix_multiply<E>(out[t][n + 1 < D / 8 ? n + 1 : n], a[t], r[2], r[3]);
        }
      }
    }
  }

  /// Logits (times `factor`, to base 2) become shares of the highest so far.
  template <int N>
  LT_FN void soften(float (&s)[N / 8][4], int t, float factor) {
    float top[2] = {lower_infinity(), lower_infinity()}, base[2];
    LT_UNROLL for (int n = 0; n < N / 8; ++n) LT_UNROLL for (int i = 0; i < 4; ++i) top[i / 2] =
        larger(top[i / 2], s[n][i]);
    LT_UNROLL for (int h = 0; h < 2; ++h) {
      top[h] = larger(top[h], warp_xor(top[h], 1));
      top[h] = larger(top[h], warp_xor(top[h], 2));
      top[h] = larger(highest[t][h], top[h] * factor);
      base[h] = top[h] == lower_infinity() ? 0.0f : top[h];
      const float shrink = fast_exp2(highest[t][h] - base[h]);
      highest[t][h] = top[h];
      sum[t][h] *= shrink;
      LT_UNROLL for (int n = 0; n < D / 8; ++n) {
        out[t][n][2 * h] *= shrink;
        out[t][n][2 * h + 1] *= shrink;
      }
    }
    LT_UNROLL for (int n = 0; n < N / 8; ++n) LT_UNROLL for (int i = 0; i < 4; ++i) {
      s[n][i] = fast_exp2(fused(s[n][i], factor, -base[i / 2]));
      sum[t][i / 2] += s[n][i];
    }
  }

  /// Rows `first`… of the segment, those below `length`.
  LT_FN void finish(const Matrix& y, int start, int64_t row_step, int first, int length, int head,
                    int dim) {
    const int lane = thread_x() % 32, p = lane % 4 * 2;
    LT_UNROLL for (int t = 0; t < R; ++t) LT_UNROLL for (int h = 0; h < 2; ++h) {
      sum[t][h] += warp_xor(sum[t][h], 1);
      sum[t][h] += warp_xor(sum[t][h], 2);
    }
    LT_UNROLL for (int t = 0; t < R; ++t) LT_UNROLL for (int h = 0; h < 2; ++h) {
      const int row = first + t * 16 + lane / 4 + 8 * h;
      if (row >= length) continue;
      const float share = sum[t][h] > 0 ? 1.0f / sum[t][h] : 0.0f;
      LT_UNROLL for (int n = 0; n < D / 8; ++n) if (n * 8 < dim)
          store_pair(y, start + row * row_step, head * dim + n * 8 + p, out[t][n][2 * h] * share,
                     out[t][n][2 * h + 1] * share);
    }
  }
};

/// One block: 128 queries of one head of one segment, 32 a warp; keys in steps of 64, the next
/// step's keys and values on their way while this one's are used.
template <Element E, int D>
LT_KERNEL(128)
attention_kernel(AttentionArgs a) {
  LT_DYNAMIC_SHARED(memory);
  constexpr int kDim = query_dim(D), kRow = kDim + kAttentionPad;
  auto* queries = reinterpret_cast<uint16_t*>(memory);
  uint16_t* keys = queries + kAttentionRows * kRow;
  uint16_t* values = keys + 2 * kAttentionKeys * kRow;
  auto* bias = reinterpret_cast<float*>(values + 2 * kAttentionKeys * kRow);

  const int head = int(block_y()), segment = a.tile_segment[block_x()];
  if (segment < 0) return;  // the whole block
  const int first = a.tile_first[block_x()], worker = thread_x();
  const int q_start = a.q_start[segment], k_start = a.k_start[segment];
  const int nq = a.q_length[segment], nk = a.k_length[segment];
  const HeadRows q = head_rows(a.q, q_start, nq, a.q_step, head, a.head_dim);
  const HeadRows k = head_rows(a.k, k_start, nk, a.k_step, head, a.head_dim);
  const HeadRows v = head_rows(a.v, k_start, nk, a.k_step, head, a.head_dim);
  const int steps = (nk + kAttentionKeys - 1) / kAttentionKeys;

  const auto fetch = [&](int step) {
    const int at = step * kAttentionKeys, half = step % 2 * kAttentionKeys;
    fetch_rows<kDim>(keys + half * kRow, k, at, kAttentionKeys, worker, 128);
    fetch_rows<kDim>(values + half * kRow, v, at, kAttentionKeys, worker, 128);
    if (worker < kAttentionKeys) {
      const int j = at + worker;
      float b = j < nk ? 0.0f : lower_infinity();
      if (j < nk && a.key_bias) b = a.key_bias[k_start + j * a.k_step] * kLog2e;
      bias[half + worker] = b;
    }
  };

  fetch_rows<kDim>(queries, q, first, kAttentionRows, worker, 128);
  if (steps > 0) fetch(0);
  copy_commit();
  const float scale2 = a.scale * kLog2e;
  const int own = first + worker / 32 * 16 * kAttentionTiles;  // this warp's first query
  Queries<E, D, kAttentionTiles> mine;
  for (int step = 0; step < steps || step == 0; ++step) {
    copy_wait<0>();
    block_sync();  // this step's rows are there, and nobody reads the last one's
    if (step + 1 < steps) fetch(step + 1);
    copy_commit();
    if (step == 0) mine.start(queries + worker / 32 * 16 * kAttentionTiles * kRow);
    const int half = step % 2 * kAttentionKeys;
    const bool biased = a.key_bias || (step + 1) * kAttentionKeys > nk || !(scale2 > 0);
    if (steps > 0 && own < nq)  // whole warps
      mine.template step<kAttentionKeys>(keys + half * kRow, values + half * kRow,
                                         biased ? bias + half : nullptr, scale2);
  }
  copy_wait<0>();
  if (own < nq) mine.finish(a.y, q_start, a.q_step, own, nq, head, a.head_dim);
}

/// Segments of at most M rows (attention over time): one warp a head of a segment, four a block.
template <Element E, int D, int M>
LT_KERNEL(128)
short_attention_kernel(AttentionArgs a) {
  LT_DYNAMIC_SHARED(memory);
  constexpr int kDim = query_dim(D), kRow = kDim + kAttentionPad;
  const int lane = thread_x() % 32;
  const int64_t task = int64_t(block_x()) * 4 + thread_x() / 32;
  if (task >= int64_t(a.segments) * a.heads) return;  // whole warps
  const int segment = int(task / a.heads), head = int(task % a.heads);
  const int q_start = a.q_start[segment], k_start = a.k_start[segment];
  const int nq = a.q_length[segment], nk = a.k_length[segment];
  constexpr int kShare = 3 * M * kRow + 2 * M;  // of a warp, in 16-bit elements
  auto* queries = reinterpret_cast<uint16_t*>(memory) + thread_x() / 32 * kShare;
  uint16_t* keys = queries + M * kRow;
  uint16_t* values = keys + M * kRow;
  auto* bias = reinterpret_cast<float*>(values + M * kRow);
  fetch_rows<kDim>(queries, head_rows(a.q, q_start, nq, a.q_step, head, a.head_dim), 0, M, lane,
                   32);
  fetch_rows<kDim>(keys, head_rows(a.k, k_start, nk, a.k_step, head, a.head_dim), 0, M, lane, 32);
  fetch_rows<kDim>(values, head_rows(a.v, k_start, nk, a.k_step, head, a.head_dim), 0, M, lane, 32);
  copy_commit();
  for (int j = lane; j < M; j += 32) {
    bias[j] = j < nk ? 0.0f : lower_infinity();
    if (j < nk && a.key_bias) bias[j] = a.key_bias[k_start + j * a.k_step] * kLog2e;
  }
  copy_wait<0>();
  warp_sync();
  for (int first = 0; first < nq; first += 16) {
    Queries<E, D, 1> mine;
    mine.start(queries + first * kRow);
    if (nk > 0) mine.template step<M>(keys, values, bias, a.scale * kLog2e);
    mine.finish(a.y, q_start, a.q_step, first, nq, head, a.head_dim);
  }
}

/// Any element type and width, Rows queries a tile: one warp a query of a head; every lane scores
/// its own keys, then owns columns of the output.
template <int Rows>
LT_KERNEL(128)
plain_attention_kernel(AttentionArgs a) {
  LT_SHARED float queries[4][kPlainMostDim];
  LT_SHARED float shares[4][32];
  const int lane = thread_x() % 32, warp = thread_x() / 32, dim = a.head_dim;
  constexpr uint32_t kParts = Rows / 4;
  const int head = int(block_y()), segment = a.tile_segment[block_x() / kParts];
  if (segment < 0) return;
  const int row = a.tile_first[block_x() / kParts] + int(block_x() % kParts) * 4 + warp;
  const int q_start = a.q_start[segment], k_start = a.k_start[segment];
  const int nq = a.q_length[segment], nk = a.k_length[segment];
  if (row >= nq) return;  // whole warps
  const int64_t q_row = q_start + row * a.q_step;
  for (int c = lane; c < dim; c += 32)
    queries[warp][c] = load_one(a.q.data, a.q.element, q_row * a.q.stride + head * dim + c);
  warp_sync();
  float out[kPlainMostDim / 32] = {}, sum = 0, highest = lower_infinity();
  for (int at = 0; at < nk; at += 32) {
    float logit = lower_infinity();
    if (at + lane < nk) {
      const int64_t k_row = k_start + (at + lane) * a.k_step;
      const int64_t from = k_row * a.k.stride + head * dim;
      float dot = 0;
      for (int c = 0; c < dim; ++c)
        dot = fused(queries[warp][c], load_one(a.k.data, a.k.element, from + c), dot);
      logit = dot * a.scale;
      if (a.key_bias) logit += a.key_bias[k_row];
    }
    float top = larger(highest, logit);
    LT_UNROLL for (int mask = 16; mask > 0; mask /= 2) top = larger(top, warp_xor(top, mask));
    const float base = top == lower_infinity() ? 0.0f : top;
    const float shrink = expf(highest - base), share = expf(logit - base);
    highest = top;
    shares[warp][lane] = share;
    float total = share;
    LT_UNROLL for (int mask = 16; mask > 0; mask /= 2) total += warp_xor(total, mask);
    sum = sum * shrink + total;
    warp_sync();
    LT_UNROLL for (int i = 0; i < kPlainMostDim / 32; ++i) {
      const int c = lane + 32 * i;
      if (c >= dim) break;
      float o = out[i] * shrink;
      for (int j = 0; j < 32 && at + j < nk; ++j) {
        const int64_t v_row = k_start + (at + j) * a.k_step;
        o = fused(shares[warp][j],
                  load_one(a.v.data, a.v.element, v_row * a.v.stride + head * dim + c), o);
      }
      out[i] = o;
    }
    warp_sync();
  }
  LT_UNROLL for (int i = 0; i < kPlainMostDim / 32; ++i) {
    const int c = lane + 32 * i;
    if (c < dim)
      store_one(a.y.data, a.y.element, q_row * a.y.stride + head * dim + c,
                sum > 0 ? out[i] / sum : 0.0f);
  }
}

template <Element E, int D, class L>
void start_attention(L& launcher, const AttentionArgs& a, int longest) {
  Launch l;
  l.threads = 128;
  if (longest <= kShortMost) {
    const int most = longest <= 16 ? 16 : 32;
    l.x = blocks_for(uint64_t(a.segments) * uint64_t(a.heads), 4);
    l.shared = short_shared(D, most);
    if (most == 16) {
      launcher.start(short_attention_kernel<E, D, 16>, l, a);
    } else {
      launcher.start(short_attention_kernel<E, D, 32>, l, a);
    }
    return;
  }
  l.x = uint32_t(a.tiles);
  l.y = uint32_t(a.heads);
  l.shared = attention_shared(D);
  launcher.start(attention_kernel<E, D>, l, a);
}

template <Element E, class L>
void start_attention(L& launcher, const AttentionArgs& a) {
  switch (padded_dim(a.head_dim)) {
    case 16:
      return start_attention<E, 16>(launcher, a, a.longest);
    case 32:
      return start_attention<E, 32>(launcher, a, a.longest);
    case 64:
      return start_attention<E, 64>(launcher, a, a.longest);
    case 72:
      return start_attention<E, 72>(launcher, a, a.longest);
    case 80:
      return start_attention<E, 80>(launcher, a, a.longest);
    case 96:
      return start_attention<E, 96>(launcher, a, a.longest);
    default:
      return start_attention<E, 128>(launcher, a, a.longest);
  }
}

template <class L>
bool run_attention(L& launcher, Kernel kernel, const void* args) {
  if (kernel != Kernel::attention) return false;
  const auto& a = *static_cast<const AttentionArgs*>(args);
  if (a.path != AttentionPath::plain && attention_on_matrix_units(a)) {
    if (a.q.element == Element::bf16) {
      start_attention<Element::bf16>(launcher, a);
    } else {
      start_attention<Element::f16>(launcher, a);
    }
    return true;
  }
  if (a.head_dim > kPlainMostDim) return false;
  Launch l;
  l.threads = 128;
  l.x = uint32_t(a.tiles) * (kAttentionRows / 4);
  l.y = uint32_t(a.heads);
  launcher.start(plain_attention_kernel<kAttentionRows>, l, a);
  return true;
}

}  // namespace looktwice::compute::cuda
