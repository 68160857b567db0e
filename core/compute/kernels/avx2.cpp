// Kernels for AVX2 with FMA. Built with those flags; reached only through dispatch.cpp.

#include <immintrin.h>

#include "compute/kernels/kernels.h"

namespace looktwice::compute {
namespace {

using VF = __m256;
constexpr int VL = 8, kRows = 4, kVectors = 3;
#define LT_K_BLOCK 256
#define LT_COLUMN_CHUNK 32
#define LT_KEY_BLOCK 128
#define LT_OP static inline __attribute__((always_inline))

LT_OP VF vload(const float* p) {
  return _mm256_loadu_ps(p);
}
LT_OP void vstore(float* p, VF v) {
  _mm256_storeu_ps(p, v);
}
LT_OP VF vset1(float v) {
  return _mm256_set1_ps(v);
}
LT_OP VF vfma(VF a, VF b, VF c) {
  return _mm256_fmadd_ps(a, b, c);
}
LT_OP VF vadd(VF a, VF b) {
  return _mm256_add_ps(a, b);
}
LT_OP VF vsub(VF a, VF b) {
  return _mm256_sub_ps(a, b);
}
LT_OP VF vmul(VF a, VF b) {
  return _mm256_mul_ps(a, b);
}
LT_OP VF vdiv(VF a, VF b) {
  return _mm256_div_ps(a, b);
}
LT_OP VF vmax(VF a, VF b) {
  return _mm256_max_ps(a, b);
}
LT_OP VF vmin(VF a, VF b) {
  return _mm256_min_ps(a, b);
}
LT_OP VF vabs(VF a) {
  return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), a);
}
LT_OP VF vround(VF a) {
  return _mm256_round_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
/// a · 2^n for n in -150 … 127, in two halves so that small results fade to zero.
LT_OP VF vscale2(VF a, VF n) {
  const __m256i whole = _mm256_cvtps_epi32(n);
  const __m256i half = _mm256_srai_epi32(whole, 1), rest = _mm256_sub_epi32(whole, half);
  const __m256i bias = _mm256_set1_epi32(127);
  const VF x = _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(half, bias), 23));
  const VF y = _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(rest, bias), 23));
  return _mm256_mul_ps(_mm256_mul_ps(a, x), y);
}
/// a · 2^n in its exponent bits, n in the low bits of m.
LT_OP VF vraise(VF a, VF m) {
  const __m256i n = _mm256_slli_epi32(_mm256_castps_si256(m), 23);
  return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(a), n));
}
LT_OP bool vany_greater(VF a, VF b) {
  return _mm256_movemask_ps(_mm256_cmp_ps(a, b, _CMP_GT_OQ)) != 0;
}
/// a0 b0 a1 b1 …
LT_OP void vzip(VF a, VF b, VF* low, VF* high) {
  const VF x = _mm256_unpacklo_ps(a, b), y = _mm256_unpackhi_ps(a, b);
  *low = _mm256_permute2f128_ps(x, y, 0x20);
  *high = _mm256_permute2f128_ps(x, y, 0x31);
}
LT_OP float vsum(VF a) {
  const __m128 s = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
  const __m128 t = _mm_add_ps(s, _mm_movehl_ps(s, s));
  return _mm_cvtss_f32(_mm_add_ss(t, _mm_shuffle_ps(t, t, 1)));
}
LT_OP VF load_bf16(const uint16_t* p) {
  const __m128i raw = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(raw), 16));
}
LT_OP void store_bf16(uint16_t* p, VF v) {
  const __m256i u = _mm256_castps_si256(v);
  const __m256i high = _mm256_srli_epi32(u, 16);
  const __m256i odd = _mm256_and_si256(high, _mm256_set1_epi32(1));
  const __m256i rounded =
      _mm256_srli_epi32(_mm256_add_epi32(_mm256_add_epi32(u, _mm256_set1_epi32(0x7fff)), odd), 16);
  const __m256i nan = _mm256_castps_si256(_mm256_cmp_ps(v, v, _CMP_UNORD_Q));
  const __m256i kept = _mm256_or_si256(high, _mm256_set1_epi32(0x40));
  const __m256i chosen = _mm256_blendv_epi8(rounded, kept, nan);
  const __m256i packed = _mm256_permute4x64_epi64(_mm256_packus_epi32(chosen, chosen), 0xd8);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm256_castsi256_si128(packed));
}

// The loop that everything waits for. Twelve sums, three columns and one broadcast are all sixteen
// registers, and a compiler that unrolls it folds the columns' loads into the multiply-adds: four
// loads where one does, more than the core has ports for.
// clang-format off
#define LT_ROW(i, r, x, y, z)                              \
  "vbroadcastss 16*" #i "+4*" #r "(%[a]), %%ymm15\n\t"     \
  "vfmadd231ps %%ymm12, %%ymm15, %[" #x "]\n\t"            \
  "vfmadd231ps %%ymm13, %%ymm15, %[" #y "]\n\t"            \
  "vfmadd231ps %%ymm14, %%ymm15, %[" #z "]\n\t"
#define LT_STEP(i)                                         \
  "vmovups 96*" #i "(%[b]), %%ymm12\n\t"                   \
  "vmovups 96*" #i "+32(%[b]), %%ymm13\n\t"                \
  "vmovups 96*" #i "+64(%[b]), %%ymm14\n\t"                \
  LT_ROW(i, 0, c0, c1, c2)                                 \
  LT_ROW(i, 1, c3, c4, c5)                                 \
  LT_ROW(i, 2, c6, c7, c8)                                 \
  LT_ROW(i, 3, c9, c10, c11)

#define LT_TILE_WHOLE
static_assert(kRows == 4 && kVectors == 3 && VL == 8);
LT_OP void tile_whole(const float* a, const float* b, long k, VF (&acc)[kRows][kVectors]) {
  long steps = k / 4;
  if (steps)
    __asm__ volatile(".p2align 5\n1:\n\t"
                     LT_STEP(0) LT_STEP(1) LT_STEP(2) LT_STEP(3)
                     "add $64, %[a]\n\t"
                     "add $384, %[b]\n\t"
                     "dec %[steps]\n\t"
                     "jnz 1b"
                     : [a] "+r"(a), [b] "+r"(b), [steps] "+r"(steps),
                       [c0] "+x"(acc[0][0]), [c1] "+x"(acc[0][1]), [c2] "+x"(acc[0][2]),
                       [c3] "+x"(acc[1][0]), [c4] "+x"(acc[1][1]), [c5] "+x"(acc[1][2]),
                       [c6] "+x"(acc[2][0]), [c7] "+x"(acc[2][1]), [c8] "+x"(acc[2][2]),
                       [c9] "+x"(acc[3][0]), [c10] "+x"(acc[3][1]), [c11] "+x"(acc[3][2])
                     :
                     : "xmm12", "xmm13", "xmm14", "xmm15", "memory", "cc");
  for (long i = 0; i < k % 4; ++i, a += kRows, b += kVectors * VL)
    for (int r = 0; r < kRows; ++r)
      for (int v = 0; v < kVectors; ++v)
        acc[r][v] = vfma(vset1(a[r]), vload(b + v * VL), acc[r][v]);
}
// clang-format on

#include "compute/kernels/body.inc"

}  // namespace

const Kernels kKernelsAvx2 = {
    "avx2",  kPanel,    kKBlock,           kRows,      gemm,     gemm_scratch,
    finish,  attention, attention_scratch, layer_norm, rms_norm, activate,
    to_bf16, from_bf16};

}  // namespace looktwice::compute
