#pragma once
// Attention on AMX tiles: what dispatch.cpp and the backend see of it.

#include "compute/kernels/kernels.h"

namespace looktwice::compute {

/// For bfloat16 q, k, v. Call only when amx_bf16() is true.
void attention_amx(const AttentionTask* task);
long attention_amx_scratch(long keys, long dim);

}  // namespace looktwice::compute
