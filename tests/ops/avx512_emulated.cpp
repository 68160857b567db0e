#include "avx512_emulated.h"

namespace looktwice::compute {
namespace {

#include "avx512_emulated.inc"
#include "compute/kernels/avx512.inc"
#include "compute/kernels/body.inc"

}  // namespace

const Kernels kKernelsAvx512Emulated = {
    "avx512_emulated", kPanel,     kKBlock,  kRows,    gemm,    gemm_scratch, finish, attention,
    attention_scratch, layer_norm, rms_norm, activate, to_bf16, from_bf16};

}  // namespace looktwice::compute
