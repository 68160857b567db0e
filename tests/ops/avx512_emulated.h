#pragma once
// The kernels for AVX-512 over its operations written out lane by lane: lets a CPU with AVX2 and
// FMA run their logic.

#include "compute/kernels/kernels.h"

namespace looktwice::compute {

extern const Kernels kKernelsAvx512Emulated;

}  // namespace looktwice::compute
