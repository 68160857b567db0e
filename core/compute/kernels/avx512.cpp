// Kernels for AVX-512 (F, BW, VL, DQ). Built with those flags; reached only through dispatch.cpp.

#include <immintrin.h>

#include "compute/kernels/kernels.h"

namespace looktwice::compute {
namespace {

using VF = __m512;
constexpr int VL = 16, kRows = 8, kVectors = 3;
#define LT_K_BLOCK 192
#define LT_COLUMN_CHUNK 16
#define LT_KEY_BLOCK 128
#define LT_OP static inline __attribute__((always_inline))

LT_OP VF vload(const float* p) {
  return _mm512_loadu_ps(p);
}
LT_OP void vstore(float* p, VF v) {
  _mm512_storeu_ps(p, v);
}
LT_OP VF vset1(float v) {
  return _mm512_set1_ps(v);
}
LT_OP VF vfma(VF a, VF b, VF c) {
  return _mm512_fmadd_ps(a, b, c);
}
LT_OP VF vadd(VF a, VF b) {
  return _mm512_add_ps(a, b);
}
LT_OP VF vsub(VF a, VF b) {
  return _mm512_sub_ps(a, b);
}
LT_OP VF vmul(VF a, VF b) {
  return _mm512_mul_ps(a, b);
}
LT_OP VF vdiv(VF a, VF b) {
  return _mm512_div_ps(a, b);
}
LT_OP VF vmax(VF a, VF b) {
  return _mm512_max_ps(a, b);
}
LT_OP VF vmin(VF a, VF b) {
  return _mm512_min_ps(a, b);
}
LT_OP VF vabs(VF a) {
  return _mm512_abs_ps(a);
}
LT_OP VF vround(VF a) {
  return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
LT_OP VF vscale2(VF a, VF n) {
  return _mm512_scalef_ps(a, n);
}
LT_OP bool vany_greater(VF a, VF b) {
  return _mm512_cmp_ps_mask(a, b, _CMP_GT_OQ) != 0;
}
LT_OP float vsum(VF a) {
  return _mm512_reduce_add_ps(a);
}
LT_OP VF load_bf16(const uint16_t* p) {
  const __m256i raw = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(raw), 16));
}
LT_OP void store_bf16(uint16_t* p, VF v) {
  const __m512i u = _mm512_castps_si512(v);
  const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(u, 16), _mm512_set1_epi32(1));
  const __m512i rounded =
      _mm512_srli_epi32(_mm512_add_epi32(_mm512_add_epi32(u, _mm512_set1_epi32(0x7fff)), odd), 16);
  const __mmask16 nan = _mm512_cmp_ps_mask(v, v, _CMP_UNORD_Q);
  const __m512i kept = _mm512_or_si512(_mm512_srli_epi32(u, 16), _mm512_set1_epi32(0x40));
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p),
                      _mm512_cvtepi32_epi16(_mm512_mask_mov_epi32(rounded, nan, kept)));
}

#include "compute/kernels/body.inc"

}  // namespace

const Kernels kKernelsAvx512 = {
    "avx512",          kPanel,     kKBlock,  kRows,   gemm,     gemm_scratch, finish, attention,
    attention_scratch, layer_norm, activate, to_bf16, from_bf16};

}  // namespace looktwice::compute
