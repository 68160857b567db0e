#pragma once
// A division of attention into blocks, on the device; see CudaBackend::plan_attention.

#include "compute/cuda/cuda_backend.h"

namespace looktwice::compute::cuda {

/// Queries of a block; the kernels' kAttentionRows.
inline constexpr int kAttentionTileRows = 128;

struct CudaBackend::AttentionPlan {
  Segments q, k;
  Tensor memory;  ///< i32: q start, q length, k start, k length [segments]; segment, first [tiles]
  int32_t segments = 0, tiles = 0;  ///< places in `memory`, used or not
  int32_t longest = 0;
};

/// A plan that changes in place, with room for more than it holds.
struct CudaBackend::SegmentsOnDevice : PlannedSegments {
  AttentionPlan plan;
  int64_t most_rows = 0;
};

/// The lists of a plan as they stand in memory: places that are not used hold segment -1 and
/// lengths of 0.
std::vector<int32_t> attention_lists(const Segments& q, const Segments& k,
                                     const AttentionTiles& tiles, int32_t segment_places,
                                     int32_t tile_places);

}  // namespace looktwice::compute::cuda
