// Compiled with -mavx512f: include nothing that generic code also includes inline functions from.
#include <immintrin.h>

#include "tokens/match_kernels.h"

namespace looktwice::tokens::match {

namespace {

constexpr int kRows = kRowsAvx512, kVectors = kColumnsAvx512 / 16;

/// 8 rows against one panel of 48 candidates: 24 sums stay in registers.
template <bool kSquared>
inline void panel(const float* a, const float* b, int width, __m512 (&sum)[kRows][kVectors]) {
  for (int r = 0; r < kRows; ++r)
    for (int v = 0; v < kVectors; ++v)
      sum[r][v] = _mm512_setzero_ps();
  for (int k = 0; k < width; ++k, a += kRows, b += kColumnsAvx512) {
    const __m512 b0 = _mm512_loadu_ps(b), b1 = _mm512_loadu_ps(b + 16),
                 b2 = _mm512_loadu_ps(b + 32);
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
      const __m512 x = _mm512_set1_ps(a[r]);
      if constexpr (kSquared) {
        const __m512 d0 = _mm512_sub_ps(x, b0), d1 = _mm512_sub_ps(x, b1),
                     d2 = _mm512_sub_ps(x, b2);
        sum[r][0] = _mm512_fmadd_ps(d0, d0, sum[r][0]);
        sum[r][1] = _mm512_fmadd_ps(d1, d1, sum[r][1]);
        sum[r][2] = _mm512_fmadd_ps(d2, d2, sum[r][2]);
      } else {
        sum[r][0] = _mm512_fmadd_ps(x, b0, sum[r][0]);
        sum[r][1] = _mm512_fmadd_ps(x, b1, sum[r][1]);
        sum[r][2] = _mm512_fmadd_ps(x, b2, sum[r][2]);
      }
    }
  }
}

template <bool kSquared>
inline void search(const float* a, const float* b, int width, int count, float* score,
                   int32_t* index) {
  const __m512i lanes = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  __m512 best[kRows];
  __m512i where[kRows];
  for (int r = 0; r < kRows; ++r) {
    best[r] = _mm512_set1_ps(-__builtin_inff());
    where[r] = _mm512_setzero_si512();
  }
  for (int first = 0; first < count; first += kColumnsAvx512, b += size_t(width) * kColumnsAvx512) {
    __m512 sum[kRows][kVectors];
    panel<kSquared>(a, b, width, sum);
    for (int v = 0; v < kVectors; ++v) {
      const __m512i candidate = _mm512_add_epi32(lanes, _mm512_set1_epi32(first + 16 * v));
      const __mmask16 there = _mm512_cmplt_epi32_mask(candidate, _mm512_set1_epi32(count));
      for (int r = 0; r < kRows; ++r) {
        const __m512 s = kSquared ? _mm512_sub_ps(_mm512_setzero_ps(), sum[r][v]) : sum[r][v];
        const __mmask16 better = _mm512_mask_cmp_ps_mask(there, s, best[r], _CMP_GT_OQ);
        best[r] = _mm512_mask_mov_ps(best[r], better, s);
        where[r] = _mm512_mask_mov_epi32(where[r], better, candidate);
      }
    }
  }
  for (int r = 0; r < kRows; ++r) {
    float value[16];
    int32_t at[16];
    _mm512_storeu_ps(value, best[r]);
    _mm512_storeu_si512(at, where[r]);
    score[r] = value[0];
    index[r] = at[0];
    for (int lane = 1; lane < 16; ++lane)
      if (value[lane] > score[r] || (value[lane] == score[r] && at[lane] < index[r])) {
        score[r] = value[lane];
        index[r] = at[lane];
      }
  }
}

}  // namespace

void best_avx512(const float* a, const float* b, int width, int count, int squared, float* score,
                 int32_t* index) {
  if (squared)
    search<true>(a, b, width, count, score, index);
  else
    search<false>(a, b, width, count, score, index);
}

}  // namespace looktwice::tokens::match
