#pragma once
// A remembered division of attention into blocks; see CudaBackend::plan_attention.

#include "compute/cuda/cuda_backend.h"

namespace looktwice::compute::cuda {

/// Queries of a block; the kernels' kAttentionRows.
inline constexpr int kAttentionTileRows = 64;

struct CudaBackend::AttentionPlan {
  Segments q, k;
  Tensor memory;  ///< i32: q start, q length, k start, k length [segments]; segment, first [tiles]
  int32_t tiles = 0, longest = 0;
};

}  // namespace looktwice::compute::cuda
