// Compiled with -mavx512bw: include nothing that generic code also includes inline functions from.
#include <immintrin.h>

#include "tokens/sad_kernels.h"

namespace looktwice::tokens::sad {

namespace {

inline __m512i absolute(__m512i x, __m512i y) {
  return _mm512_or_si512(_mm512_subs_epu8(x, y), _mm512_subs_epu8(y, x));
}

/// Adds the rows of one strip of 64 columns, of which `mask` are there.
inline void add_strip(const uint8_t* a, const uint8_t* b, size_t row_bytes, int rows,
                      __mmask64 mask, uint16_t* columns, bool first) {
  const __mmask32 low_mask = static_cast<__mmask32>(mask);
  const __mmask32 high_mask = static_cast<__mmask32>(mask >> 32);
  __m512i low = first ? _mm512_setzero_si512() : _mm512_maskz_loadu_epi16(low_mask, columns);
  __m512i high = first ? _mm512_setzero_si512() : _mm512_maskz_loadu_epi16(high_mask, columns + 32);
  for (int r = 0; r < rows; ++r) {
    const __m512i d = absolute(_mm512_maskz_loadu_epi8(mask, a + r * row_bytes),
                               _mm512_maskz_loadu_epi8(mask, b + r * row_bytes));
    low = _mm512_add_epi16(low, _mm512_cvtepu8_epi16(_mm512_castsi512_si256(d)));
    high = _mm512_add_epi16(high, _mm512_cvtepu8_epi16(_mm512_extracti64x4_epi64(d, 1)));
  }
  _mm512_mask_storeu_epi16(columns, low_mask, low);
  _mm512_mask_storeu_epi16(columns + 32, high_mask, high);
}

}  // namespace

void columns_avx512(const uint8_t* a, const uint8_t* b, size_t row_bytes, int rows, size_t bytes,
                    uint16_t* columns) {
  const __mmask64 all = ~__mmask64{0};
  const size_t rest = bytes % 64;
  // Four rows a pass: memory is still read nearly in order, the sums move a quarter as often.
  int r = 0;
  for (; r + 4 <= rows; r += 4, a += 4 * row_bytes, b += 4 * row_bytes) {
    size_t i = 0;
    for (; i + 64 <= bytes; i += 64) {
      __m512i low = _mm512_setzero_si512(), high = low;
      if (r != 0) {
        low = _mm512_loadu_si512(columns + i);
        high = _mm512_loadu_si512(columns + i + 32);
      }
      const uint8_t* pa = a + i;
      const uint8_t* pb = b + i;
      for (int k = 0; k < 4; ++k, pa += row_bytes, pb += row_bytes) {
        _mm_prefetch(reinterpret_cast<const char*>(pa) + kAhead, _MM_HINT_T0);
        _mm_prefetch(reinterpret_cast<const char*>(pb) + kAhead, _MM_HINT_T0);
        const __m512i d = absolute(_mm512_loadu_si512(pa), _mm512_loadu_si512(pb));
        low = _mm512_add_epi16(low, _mm512_cvtepu8_epi16(_mm512_castsi512_si256(d)));
        high = _mm512_add_epi16(high, _mm512_cvtepu8_epi16(_mm512_extracti64x4_epi64(d, 1)));
      }
      _mm512_storeu_si512(columns + i, low);
      _mm512_storeu_si512(columns + i + 32, high);
    }
    if (rest)
      add_strip(a + i, b + i, row_bytes, 4, (__mmask64{1} << rest) - 1, columns + i, r == 0);
  }
  for (; r < rows; ++r, a += row_bytes, b += row_bytes) {
    size_t i = 0;
    for (; i + 64 <= bytes; i += 64)
      add_strip(a + i, b + i, row_bytes, 1, all, columns + i, r == 0);
    if (rest)
      add_strip(a + i, b + i, row_bytes, 1, (__mmask64{1} << rest) - 1, columns + i, r == 0);
  }
}

}  // namespace looktwice::tokens::sad
