#pragma once
// Token merging on the device: the order of the candidates, who merges into whom, and the
// size-weighted means. What tokens::decide and tokens::merge_weighted say, without atomics: every
// thread finds its own place by counting, so equal inputs give equal bits.

#include "compute/cuda/kernels/env.h"
#include "compute/cuda/kernels/plans.h"

namespace looktwice::compute::cuda {

/// Rises as (score descending, index ascending); -0 and 0 are equal.
LT_FN uint64_t merge_key(float score, int index) {
  const uint32_t bits = bits_of_float(score + 0.0f);
  const uint32_t rising = bits & 0x80000000u ? ~bits : bits | 0x80000000u;
  return uint64_t(~rising) << 32 | uint32_t(index);
}

/// One thread a candidate: its place is the number of candidates before it.
LT_KERNEL(kMergeTask) merge_rank_kernel(MergeArgs m) {
  LT_SHARED uint64_t keys[kMergeTask];
  const int clip = m.task_clip[block_x()], i = m.task_first[block_x()] + thread_x();
  const int first = m.a_offset[clip], count = m.a_offset[clip + 1] - first;
  const uint64_t mine = i < count ? merge_key(m.score[first + i], i) : 0;
  int rank = 0;
  for (int at = 0; at < count; at += kMergeTask) {
    const int j = at + thread_x();
    block_sync();
    keys[thread_x()] = j < count ? merge_key(m.score[first + j], j) : ~uint64_t{0};
    block_sync();
    const int n = count - at < kMergeTask ? count - at : kMergeTask;
    for (int k = 0; k < n; ++k)
      rank += keys[k] < mine ? 1 : 0;
  }
  if (i >= count) return;
  m.rank[first + i] = rank;
  m.order[first + rank] = i;
}

/// One thread a candidate, one a destination, one a pair: where each row of y comes from, and the
/// chain of pairs of each destination in order of merging.
LT_KERNEL(kMergeTask) merge_link_kernel(MergeArgs m) {
  const int clip = m.task_clip[block_x()], i = m.task_first[block_x()] + thread_x();
  const int a_first = m.a_offset[clip], a_count = m.a_offset[clip + 1] - a_first;
  const int b_first = m.b_offset[clip], b_count = m.b_offset[clip + 1] - b_first;
  const int pairs = m.pairs[clip], out = m.out_first[clip];
  const int32_t* order = m.order + a_first;
  const int32_t* partner = m.partner + a_first;
  if (i < m.fixed && i < m.in_first[clip + 1] - m.in_first[clip]) {
    m.keeper[out + i] = m.in_first[clip] + i;
    m.head[out + i] = -1;
  }
  if (i < a_count && m.rank[a_first + i] >= pairs) {
    int place = m.rank[a_first + i] - pairs;
    if (m.ordered) {
      place = 0;
      for (int j = 0; j < i; ++j)
        place += m.rank[a_first + j] >= pairs ? 1 : 0;
    }
    m.keeper[out + m.fixed + place] = m.a[a_first + i];
    m.head[out + m.fixed + place] = -1;
  }
  if (i < b_count) {
    const int row = out + m.fixed + a_count - pairs + i;
    int p = 0;
    while (p < pairs && partner[order[p]] != i)
      ++p;
    m.keeper[row] = m.b[b_first + i];
    m.head[row] = p < pairs ? a_first + p : -1;
  }
  if (i < pairs) {
    const int mine = partner[order[i]];
    int p = i + 1;
    while (p < pairs && partner[order[p]] != mine)
      ++p;
    m.next[a_first + i] = p < pairs ? a_first + p : -1;
    m.from[a_first + i] = m.a[a_first + order[i]];
  }
}

/// y = Σ size x / Σ size: the keeper first, then its sources in order of merging. A row without
/// sources is copied bit for bit.
template <int V>
LT_KERNEL(256)
merge_rows_kernel(MergeArgs m) {
  int64_t row;
  int col;
  if (!place_of<V>(uint64_t(block_x()) * 256 + uint32_t(thread_x()), m.y.rows, m.y.cols, row, col))
    return;
  const int keeper = m.keeper[row];
  float x[V], sum[V], total = m.size_in ? m.size_in[keeper] : 1.0f;
  load_row_part<V>(m.x, keeper, col, x);
  if (m.head[row] < 0) {
    store_row_part<V>(m.y, row, col, x);
  } else {
    LT_UNROLL for (int k = 0; k < V; ++k) sum[k] = total * x[k];
    for (int p = m.head[row]; p >= 0; p = m.next[p]) {
      const int from = m.from[p];
      const float w = m.size_in ? m.size_in[from] : 1.0f;
      load_row_part<V>(m.x, from, col, x);
      total += w;
      LT_UNROLL for (int k = 0; k < V; ++k) sum[k] += w * x[k];
    }
    LT_UNROLL for (int k = 0; k < V; ++k) sum[k] = sum[k] / total;
    store_row_part<V>(m.y, row, col, sum);
  }
  if (col == 0) {
    m.size_out[row] = total;
    m.log_size[row] = logf(total);
  }
}

template <class L>
bool run_merging(L& launcher, Kernel kernel, const void* args) {
  Launch l;
  l.threads = kMergeTask;
  switch (kernel) {
    case Kernel::merge_rank:
    case Kernel::merge_link: {
      const auto& m = *static_cast<const MergeArgs*>(args);
      l.x = uint32_t(m.tasks);
      if (kernel == Kernel::merge_rank) {
        launcher.start(merge_rank_kernel, l, m);
      } else {
        l.alone = true;
        launcher.start(merge_link_kernel, l, m);
      }
      return true;
    }
    case Kernel::merge_rows: {
      const auto& m = *static_cast<const MergeArgs*>(args);
      const bool by8 = wide(m.y) && wide(m.x);
      l.alone = true;
      l.threads = 256;
      l.x = blocks_for(uint64_t(m.y.rows) * uint64_t(m.y.cols / (by8 ? 8 : 1)), l.threads);
      if (by8) {
        launcher.start(merge_rows_kernel<8>, l, m);
      } else {
        launcher.start(merge_rows_kernel<1>, l, m);
      }
      return true;
    }
    default:
      return false;
  }
}

}  // namespace looktwice::compute::cuda
