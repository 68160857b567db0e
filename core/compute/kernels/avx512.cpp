// Kernels for AVX-512 (F, BW, VL, DQ). Built with those flags; reached only through dispatch.cpp.

#include <immintrin.h>

#include "compute/kernels/kernels.h"

namespace looktwice::compute {
namespace {

#include "compute/kernels/avx512.inc"
#include "compute/kernels/body.inc"

}  // namespace

const Kernels kKernelsAvx512 = {
    "avx512",          kPanel,     kKBlock,  kRows,    gemm,    gemm_scratch, finish, attention,
    attention_scratch, layer_norm, rms_norm, activate, to_bf16, from_bf16};

}  // namespace looktwice::compute
