#pragma once
// Rows of any floating dtype as float: how the scalar code reads and writes tensors.

#include "compute/tensor.h"

namespace looktwice::compute {

/// Copies row `row` of `x` (f32, bf16 or f16) to `to` [cols].
void load_row(const Tensor& x, int64_t row, float* to);
/// Rounds `from` [cols] to row `row` of `y`.
void store_row(const Tensor& y, int64_t row, const float* from);

}  // namespace looktwice::compute
