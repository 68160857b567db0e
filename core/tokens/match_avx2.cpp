// Compiled with -mavx2 -mfma: include nothing that generic code also includes inline functions
// from.
#include <immintrin.h>

#include "tokens/match_kernels.h"

namespace looktwice::tokens::match {

namespace {

constexpr int kRows = kRowsAvx2, kVectors = kColumnsAvx2 / 8;

/// 4 rows against one panel of 24 candidates: 12 sums stay in registers.
template <bool kSquared>
inline void panel(const float* a, const float* b, int width, __m256 (&sum)[kRows][kVectors]) {
  for (int r = 0; r < kRows; ++r)
    for (int v = 0; v < kVectors; ++v)
      sum[r][v] = _mm256_setzero_ps();
  for (int k = 0; k < width; ++k, a += kRows, b += kColumnsAvx2) {
    const __m256 b0 = _mm256_loadu_ps(b), b1 = _mm256_loadu_ps(b + 8), b2 = _mm256_loadu_ps(b + 16);
#pragma GCC unroll 4
    for (int r = 0; r < kRows; ++r) {
      const __m256 x = _mm256_broadcast_ss(a + r);
      if constexpr (kSquared) {
        __m256 d = _mm256_sub_ps(x, b0);
        sum[r][0] = _mm256_fmadd_ps(d, d, sum[r][0]);
        d = _mm256_sub_ps(x, b1);
        sum[r][1] = _mm256_fmadd_ps(d, d, sum[r][1]);
        d = _mm256_sub_ps(x, b2);
        sum[r][2] = _mm256_fmadd_ps(d, d, sum[r][2]);
      } else {
        sum[r][0] = _mm256_fmadd_ps(x, b0, sum[r][0]);
        sum[r][1] = _mm256_fmadd_ps(x, b1, sum[r][1]);
        sum[r][2] = _mm256_fmadd_ps(x, b2, sum[r][2]);
      }
    }
  }
}

template <bool kSquared>
inline void search(const float* a, const float* b, int width, int count, float* score,
                   int32_t* index) {
  const __m256i lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  __m256 best[kRows];
  __m256i where[kRows];
  for (int r = 0; r < kRows; ++r) {
    best[r] = _mm256_set1_ps(-__builtin_inff());
    where[r] = _mm256_setzero_si256();
  }
  for (int first = 0; first < count; first += kColumnsAvx2, b += size_t(width) * kColumnsAvx2) {
    __m256 sum[kRows][kVectors];
    panel<kSquared>(a, b, width, sum);
    for (int v = 0; v < kVectors; ++v) {
      const __m256i candidate = _mm256_add_epi32(lanes, _mm256_set1_epi32(first + 8 * v));
      const __m256 there =
          _mm256_castsi256_ps(_mm256_cmpgt_epi32(_mm256_set1_epi32(count), candidate));
      for (int r = 0; r < kRows; ++r) {
        const __m256 s = kSquared ? _mm256_sub_ps(_mm256_setzero_ps(), sum[r][v]) : sum[r][v];
        const __m256 better = _mm256_and_ps(there, _mm256_cmp_ps(s, best[r], _CMP_GT_OQ));
        best[r] = _mm256_blendv_ps(best[r], s, better);
        where[r] = _mm256_castps_si256(_mm256_blendv_ps(_mm256_castsi256_ps(where[r]),
                                                        _mm256_castsi256_ps(candidate), better));
      }
    }
  }
  for (int r = 0; r < kRows; ++r) {
    float value[8];
    int32_t at[8];
    _mm256_storeu_ps(value, best[r]);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(at), where[r]);
    score[r] = value[0];
    index[r] = at[0];
    for (int lane = 1; lane < 8; ++lane)
      if (value[lane] > score[r] || (value[lane] == score[r] && at[lane] < index[r])) {
        score[r] = value[lane];
        index[r] = at[lane];
      }
  }
}

}  // namespace

void best_avx2(const float* a, const float* b, int width, int count, int squared, float* score,
               int32_t* index) {
  if (squared)
    search<true>(a, b, width, count, score, index);
  else
    search<false>(a, b, width, count, score, index);
}

}  // namespace looktwice::tokens::match
