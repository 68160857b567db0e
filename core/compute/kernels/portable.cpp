// Kernels for any CPU, over the compiler's own vectors of four floats.

#include "compute/kernels/kernels.h"

namespace looktwice::compute {
namespace {

typedef float VF __attribute__((vector_size(16)));
typedef int32_t VI __attribute__((vector_size(16)));
constexpr int VL = 4, kRows = 4, kVectors = 2;
#define LT_K_BLOCK 256
#define LT_COLUMN_CHUNK 64
#define LT_KEY_BLOCK 128
#define LT_OP static inline __attribute__((always_inline))

LT_OP VF vload(const float* p) {
  VF v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}
LT_OP void vstore(float* p, VF v) {
  __builtin_memcpy(p, &v, sizeof v);
}
LT_OP VF vset1(float v) {
  return VF{v, v, v, v};
}
LT_OP VF vfma(VF a, VF b, VF c) {
  return a * b + c;
}
LT_OP VF vadd(VF a, VF b) {
  return a + b;
}
LT_OP VF vsub(VF a, VF b) {
  return a - b;
}
LT_OP VF vmul(VF a, VF b) {
  return a * b;
}
LT_OP VF vdiv(VF a, VF b) {
  return a / b;
}
LT_OP VF vchoose(VI mask, VF a, VF b) {
  return (VF)((mask & (VI)a) | (~mask & (VI)b));
}
LT_OP VF vmax(VF a, VF b) {
  return vchoose(a > b, a, b);
}
LT_OP VF vmin(VF a, VF b) {
  return vchoose(a < b, a, b);
}
LT_OP VF vabs(VF a) {
  return (VF)((VI)a & 0x7fffffff);
}
/// Nearest integer of |a| < 2^22: the sum with 1.5·2^23 has no fraction bits left.
LT_OP VF vround(VF a) {
  return (a + vset1(12582912.0f)) - vset1(12582912.0f);
}
LT_OP VF vscale2(VF a, VF n) {
  const VI whole = __builtin_convertvector(n, VI);
  const VI half = whole >> 1, rest = whole - half;
  return a * (VF)((half + 127) << 23) * (VF)((rest + 127) << 23);
}
/// a · 2^n in its exponent bits, n in the low bits of m.
LT_OP VF vraise(VF a, VF m) {
  return (VF)((VI)a + ((VI)m << 23));
}
LT_OP bool vany_greater(VF a, VF b) {
  const VI m = a > b;
  return (m[0] | m[1] | m[2] | m[3]) != 0;
}
/// a0 b0 a1 b1 …
LT_OP void vzip(VF a, VF b, VF* low, VF* high) {
  *low = VF{a[0], b[0], a[1], b[1]};
  *high = VF{a[2], b[2], a[3], b[3]};
}
LT_OP float vsum(VF a) {
  return (a[0] + a[1]) + (a[2] + a[3]);
}
LT_OP VF load_bf16(const uint16_t* p) {
  return (VF)(VI{p[0], p[1], p[2], p[3]} << 16);
}
LT_OP void store_bf16(uint16_t* p, VF v) {
  for (int i = 0; i < 4; ++i) {
    const float f = v[i];
    const uint32_t u = __builtin_bit_cast(uint32_t, f);
    p[i] = (u & 0x7fffffffu) > 0x7f800000u ? uint16_t((u >> 16) | 0x40u)
                                           : uint16_t((u + 0x7fffu + ((u >> 16) & 1u)) >> 16);
  }
}

#include "compute/kernels/body.inc"

}  // namespace

const Kernels kKernelsPortable = {
    "portable",        kPanel,     kKBlock,  kRows,    gemm,    gemm_scratch, finish, attention,
    attention_scratch, layer_norm, rms_norm, activate, to_bf16, from_bf16};

}  // namespace looktwice::compute
