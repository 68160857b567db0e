#pragma once
// The AMX attention code over tiles that are arrays in memory: lets a CPU without AMX and AVX-512
// run its logic.

#include "compute/kernels/kernels.h"

namespace looktwice::compute {

void attention_amx_emulated(const AttentionTask* task);
long attention_amx_emulated_scratch(long keys, long dim);

}  // namespace looktwice::compute
