#pragma once
// Kernels of pictures and tokens: patches, RLT's differences and masks, ToMe's matching, and a
// plain matrix product for what the library has no algorithm for.

#include "compute/cuda/kernels/env.h"
#include "compute/cuda/kernels/merging.h"
#include "compute/cuda/kernels/plans.h"

namespace looktwice::compute::cuda {

template <int V>
LT_KERNEL(256)
patchify_kernel(PatchifyArgs a) {
  int64_t row;
  int col;
  if (!place_of<V>(uint64_t(block_x()) * 256 + uint32_t(thread_x()), a.y.rows, a.y.cols, row, col))
    return;
  const int h = a.H / a.patch, w = a.W / a.patch, token = a.tokens[row];
  const int t = token / (h * w), py = token / w % h, px = token % w;
  const int dx = col % a.patch, dy = col / a.patch % a.patch;
  const int f = col / (a.patch * a.patch) % a.tubelet, c = col / (a.patch * a.patch * a.tubelet);
  const int64_t frame = int64_t(t) * a.tubelet + f;
  const int64_t at = (frame * a.H + py * a.patch + dy) * a.W + px * a.patch + dx;
  float y[V];
  LT_UNROLL for (int k = 0; k < V; ++k) y[k] =
      (float(a.rgb[(at + k) * 3 + c]) * (1.0f / 255.0f) - a.mean[c]) / a.std[c];
  store_row_part<V>(a.y, row, col, y);
}

inline constexpr int kRltBandPatches = 64;  // patches of a band that a block sums at a time

/// One block a row of patches of a pair of pictures: the last frame of tubelet k+1 against the
/// first of tubelet k. Sums of byte differences are integers: exact in any order. Wide: 16 bytes at
/// a time (rows of whole, aligned vectors, and patches of whole vectors).
template <bool Wide>
LT_KERNEL(256)
rlt_kernel(RltArgs a) {
  LT_SHARED uint32_t sads[kRltBandPatches * 3];
  const int h = a.H / a.patch, w = a.W / a.patch, t = a.T / a.tubelet;
  const int band = int(block_x() % uint32_t(h)), pair = int(block_x() / uint32_t(h) % uint32_t(t));
  const int64_t clip = block_x() / uint32_t(h) / uint32_t(t);
  float* to = a.difference + ((clip * t + pair) * h + band) * w;
  if (pair == 0) {
    for (int j = thread_x(); j < w; j += 256)
      to[j] = float_from_bits(0x7f800000u);
    return;
  }
  const int64_t row_bytes = int64_t(a.W) * 3, frame_bytes = row_bytes * a.H;
  const int64_t top = int64_t(band) * a.patch * row_bytes;
  const uint8_t* first = a.rgb + (clip * a.T + int64_t(pair - 1) * a.tubelet) * frame_bytes + top;
  const uint8_t* last =
      a.rgb + (clip * a.T + int64_t(pair + 1) * a.tubelet - 1) * frame_bytes + top;
  const int patch_bytes = a.patch * 3;
  for (int begin = 0; begin < w; begin += kRltBandPatches) {
    const int count = w - begin < kRltBandPatches ? w - begin : kRltBandPatches;
    for (int i = thread_x(); i < count * 3; i += 256)
      sads[i] = 0;
    block_sync();
    const int unit = Wide ? 16 : 1, columns = count * patch_bytes / unit;
    // Threads share columns: 64 neighbours read neighbouring vectors, four rows at a time.
    for (int x = thread_x() % 64; x < columns; x += 64) {
      const int64_t offset = int64_t(begin) * patch_bytes + int64_t(x) * unit;
      uint32_t sum[3] = {};
      for (int row = thread_x() / 64; row < a.patch; row += 4) {
        const uint8_t* p = first + row * row_bytes + offset;
        const uint8_t* q = last + row * row_bytes + offset;
        if constexpr (Wide) {
          const Quad u = load_quad(p), v = load_quad(q);
          const uint32_t d[4] = {bytes_difference(u.x, v.x), bytes_difference(u.y, v.y),
                                 bytes_difference(u.z, v.z), bytes_difference(u.w, v.w)};
          // Byte i of word k is channel (k + i) mod 3, counted from the vector's first byte.
          LT_UNROLL for (int k = 0; k < 4; ++k) {
            sum[k % 3] = bytes_dot(d[k], 0x01000001u, sum[k % 3]);
            sum[(k + 1) % 3] = bytes_dot(d[k], 0x00000100u, sum[(k + 1) % 3]);
            sum[(k + 2) % 3] = bytes_dot(d[k], 0x00010000u, sum[(k + 2) % 3]);
          }
        } else {
          const int d = int(*p) - int(*q);
          sum[0] += uint32_t(d < 0 ? -d : d);
        }
      }
      const int byte = x * unit, patch = byte / patch_bytes;
      LT_UNROLL for (int k = 0; k < (Wide ? 3 : 1); ++k)
          shared_add(&sads[patch * 3 + (byte + k) % 3], sum[k]);
    }
    block_sync();
    for (int j = thread_x(); j < count; j += 256)
      to[begin + j] =
          float(double(sads[3 * j]) * a.scale[0] + double(sads[3 * j + 1]) * a.scale[1] +
                double(sads[3 * j + 2]) * a.scale[2]);
    block_sync();
  }
}

/// One block a clip: keep = difference > tau, and the kept tokens' indices, in order.
LT_KERNEL(256) rlt_keep_kernel(KeepArgs a) {
  LT_SHARED int32_t counts[256];
  const int64_t base = int64_t(block_x()) * a.tokens;
  int before = 0;
  for (int begin = 0; begin < a.tokens; begin += 256) {
    const int i = begin + thread_x();
    const bool kept = i < a.tokens && (i < a.first || a.difference[base + i] > a.tau);
    if (i < a.tokens) a.keep[base + i] = kept ? 1 : 0;
    counts[thread_x()] = kept ? 1 : 0;
    for (int n = 1; n < 256; n *= 2) {
      block_sync();
      const int add = thread_x() >= n ? counts[thread_x() - n] : 0;
      block_sync();
      counts[thread_x()] += add;
    }
    block_sync();
    if (kept) a.kept[base + before + counts[thread_x()] - 1] = i;
    before += counts[255];
    block_sync();
  }
  if (thread_x() == 0) a.count[block_x()] = before;
}

/// One thread a row: lengths in float64, in eight chains, as on the host.
LT_KERNEL(128) prepare_metric_kernel(PrepareArgs a) {
  const int row = int(block_x()) * 128 + thread_x();
  if (row >= a.rows) return;
  const float* from = a.metric + row * a.stride;
  float* to = a.prepared + int64_t(row) * a.width;
  if (!a.cosine) {
    for (int k = 0; k < a.width; ++k)
      to[k] = from[k] - from[k] == 0 ? from[k] : 0.0f;
    return;
  }
  double chain[8] = {};
  int k = 0;
  for (; k + 8 <= a.width; k += 8)
    LT_UNROLL for (int c = 0; c < 8; ++c) chain[c] += double(from[k + c]) * double(from[k + c]);
  LT_UNROLL for (int c = 0; c < 8; ++c) if (k + c < a.width) chain[c] +=
      double(from[k + c]) * double(from[k + c]);
  const double squares = ((chain[0] + chain[4]) + (chain[2] + chain[6])) +
                         ((chain[1] + chain[5]) + (chain[3] + chain[7]));
  if (!(squares > 0) || !(squares - squares == 0)) {
    for (int i = 0; i < a.width; ++i)
      to[i] = 0;
    return;
  }
  const double length = sqrt(squares);
  const float rounded = float(length);
  const bool normal = rounded - rounded == 0 && rounded >= 1.17549435e-38f;
  for (int i = 0; i < a.width; ++i)
    to[i] = normal ? from[i] / rounded : float(double(from[i]) / length);
}

inline constexpr int kPartnerRows = 32;      // sources of a block
inline constexpr int kPartnerColumns = 128;  // candidates of a step
inline constexpr int kPartnerDepth = 32;     // of the width, in shared memory at a time

/// Every score is one chain of fused multiply-adds from the first column to the last, as on the
/// host; strictly greater wins, so the lowest index among equals, and NaN never. A thread has two
/// sources and eight candidates, so that six loads from shared memory serve sixteen products.
LT_KERNEL(256) best_partners_kernel(PartnerArgs p) {
  LT_SHARED float as[kPartnerDepth][kPartnerRows + 2];
  LT_SHARED_16 float bs[kPartnerDepth][kPartnerColumns + 4];
  LT_SHARED float best_score[kPartnerRows][16];
  LT_SHARED int32_t best_index[kPartnerRows][16];
  const int clip = p.tile_clip[block_x()], first = p.tile_first[block_x()];
  const int b_first = p.b_offset[clip], b_count = p.b_offset[clip + 1] - b_first;
  int rows = p.a_offset[clip + 1] - first;
  if (rows > kPartnerRows) rows = kPartnerRows;
  const int tx = thread_x() % 16, ty = thread_x() / 16;
  float score[2] = {float_from_bits(0xff800000u), float_from_bits(0xff800000u)};
  int index[2] = {};
  for (int at = 0; at < b_count; at += kPartnerColumns) {
    float sum[2][8] = {};
    for (int k0 = 0; k0 < p.width; k0 += kPartnerDepth) {
      for (int i = thread_x(); i < kPartnerRows * kPartnerDepth; i += 256) {
        const int r = i / kPartnerDepth, k = i % kPartnerDepth;
        as[k][r] = r < rows && k0 + k < p.width
                       ? p.metric[int64_t(p.a[first + r]) * p.width + k0 + k]
                       : 0.0f;
      }
      for (int i = thread_x(); i < kPartnerColumns * kPartnerDepth; i += 256) {
        const int c = i / kPartnerDepth, k = i % kPartnerDepth;
        bs[k][c] = at + c < b_count && k0 + k < p.width
                       ? p.metric[int64_t(p.b[b_first + at + c]) * p.width + k0 + k]
                       : 0.0f;
      }
      block_sync();
      const int depth = p.width - k0 < kPartnerDepth ? p.width - k0 : kPartnerDepth;
      for (int k = 0; k < depth; ++k) {
        const float x[2] = {as[k][ty * 2], as[k][ty * 2 + 1]};
        float y[8];
        // Columns 4 tx … and 64 + 4 tx …: neighbours read neighbouring vectors.
        LT_UNROLL for (int h = 0; h < 2; ++h) {
          const Quad q = load_quad(&bs[k][64 * h + 4 * tx]);
          y[4 * h] = float_from_bits(q.x);
          y[4 * h + 1] = float_from_bits(q.y);
          y[4 * h + 2] = float_from_bits(q.z);
          y[4 * h + 3] = float_from_bits(q.w);
        }
        if (p.squared) {
          LT_UNROLL for (int r = 0; r < 2; ++r) LT_UNROLL for (int c = 0; c < 8; ++c) {
            const float d = x[r] - y[c];
            sum[r][c] = fused(d, d, sum[r][c]);
          }
        } else {
          LT_UNROLL for (int r = 0; r < 2; ++r) LT_UNROLL for (int c = 0; c < 8; ++c) sum[r][c] =
              fused(x[r], y[c], sum[r][c]);
        }
      }
      block_sync();
    }
    LT_UNROLL for (int r = 0; r < 2; ++r) LT_UNROLL for (int c = 0; c < 8; ++c) {
      const int j = at + c / 4 * 64 + 4 * tx + c % 4;
      const float s = p.squared ? 0.0f - sum[r][c] : sum[r][c];
      if (j < b_count && s > score[r]) {
        score[r] = s;
        index[r] = j;
      }
    }
  }
  LT_UNROLL for (int r = 0; r < 2; ++r) {
    best_score[ty * 2 + r][tx] = score[r];
    best_index[ty * 2 + r][tx] = index[r];
  }
  block_sync();
  const int r = thread_x();
  if (r >= rows) return;
  float s = best_score[r][0];
  int j = best_index[r][0];
  for (int t = 1; t < 16; ++t)
    if (best_score[r][t] > s || (best_score[r][t] == s && best_index[r][t] < j)) {
      s = best_score[r][t];
      j = best_index[r][t];
    }
  p.score[first + r] = s;
  p.partner[first + r] = j;
}

inline constexpr int kMatmulTile = 16;

/// d = x wᵀ with sums in float32, in order of the columns.
LT_KERNEL(256) plain_matmul_kernel(MatmulArgs a) {
  LT_SHARED float xs[kMatmulTile][kMatmulTile + 1], ws[kMatmulTile][kMatmulTile + 1];
  const int tx = thread_x() % kMatmulTile, ty = thread_x() / kMatmulTile;
  const int row = int(block_x()) * kMatmulTile + ty, col = int(block_y()) * kMatmulTile + tx;
  const int w_row = int(block_y()) * kMatmulTile + ty;
  float sum = 0;
  for (int at = 0; at < a.x.cols; at += kMatmulTile) {
    const int c = at + tx;
    xs[ty][tx] = row < a.d.rows && c < a.x.cols
                     ? load_one(a.x.data, a.x.element, row * a.x.stride + c)
                     : 0.0f;
    ws[ty][tx] = w_row < a.d.cols && c < a.x.cols
                     ? load_one(a.w, a.w_element, int64_t(w_row) * a.x.cols + c)
                     : 0.0f;
    block_sync();
    LT_UNROLL for (int k = 0; k < kMatmulTile; ++k) sum = fused(xs[ty][k], ws[tx][k], sum);
    block_sync();
  }
  if (row < a.d.rows && col < a.d.cols)
    store_one(a.d.data, a.d.element, row * a.d.stride + col, sum);
}

template <class L>
bool run_tokens(L& launcher, Kernel kernel, const void* args) {
  Launch l;
  l.threads = 256;
  switch (kernel) {
    case Kernel::patchify: {
      const auto& a = *static_cast<const PatchifyArgs*>(args);
      const bool by8 = wide(a.y) && a.patch % 8 == 0;
      l.alone = true;
      l.x = blocks_for(uint64_t(a.y.rows) * uint64_t(a.y.cols / (by8 ? 8 : 1)), l.threads);
      if (by8) {
        launcher.start(patchify_kernel<8>, l, a);
      } else {
        launcher.start(patchify_kernel<1>, l, a);
      }
      return true;
    }
    case Kernel::rlt_differences: {
      const auto& a = *static_cast<const RltArgs*>(args);
      l.x = uint32_t(a.clips) * uint32_t(a.T / a.tubelet) * uint32_t(a.H / a.patch);
      const bool vectors = a.patch * 3 % 16 == 0 && a.W * 3 % 16 == 0 &&
                           reinterpret_cast<uintptr_t>(a.rgb) % 16 == 0;
      if (vectors) {
        launcher.start(rlt_kernel<true>, l, a);
      } else {
        launcher.start(rlt_kernel<false>, l, a);
      }
      return true;
    }
    case Kernel::rlt_keep:
      l.x = uint32_t(static_cast<const KeepArgs*>(args)->clips);
      launcher.start(rlt_keep_kernel, l, *static_cast<const KeepArgs*>(args));
      return true;
    case Kernel::prepare_metric: {
      const auto& a = *static_cast<const PrepareArgs*>(args);
      l.alone = true;
      l.threads = 128;
      l.x = blocks_for(uint64_t(a.rows), 128);
      launcher.start(prepare_metric_kernel, l, a);
      return true;
    }
    case Kernel::best_partners: {
      const auto& a = *static_cast<const PartnerArgs*>(args);
      l.x = uint32_t(a.tiles);
      launcher.start(best_partners_kernel, l, a);
      return true;
    }
    case Kernel::plain_matmul: {
      const auto& a = *static_cast<const MatmulArgs*>(args);
      l.x = blocks_for(uint64_t(a.d.rows), kMatmulTile);
      l.y = blocks_for(uint64_t(a.d.cols), kMatmulTile);
      launcher.start(plain_matmul_kernel, l, a);
      return true;
    }
    default:
      return run_merging(launcher, kernel, args);
  }
}

}  // namespace looktwice::compute::cuda
