#pragma once
// The blocks of a plain vision transformer over packed clips, with Token Merging between them.

#include <memory>
#include <vector>

#include "checkpoint/vit_config.h"
#include "compute/backend.h"
#include "models/reduction.h"

namespace looktwice::models {

struct NormWeights {
  compute::Tensor weight, bias;  ///< f32 [hidden]
};

struct BlockWeights {
  NormWeights norm1, norm2;
  compute::LinearPtr qkv, proj, fc1, fc2;
};

/// The tokens of a batch on their way through the blocks.
struct PackedTokens {
  compute::Tensor x;                     ///< f32 [rows, hidden], changed in place
  std::vector<int32_t> offset;           ///< [clips+1] clip b is rows offset[b] … offset[b+1)
  std::vector<std::vector<float>> size;  ///< [clips][rows of the clip]; all empty: ones
};

class MergeAccount;    // models/block_ops.h
class RecordedBlocks;  // models/recorded_blocks.h

/// Runs all blocks. `result.clips` (one a clip) receives tokens, layers, sizes, groups, hidden.
/// `tokens.x` may afterwards be memory of the stack's own, good until its next run. Threads: one at
/// a time.
class BlockStack {
 public:
  BlockStack(const checkpoint::VitConfig& config, std::vector<BlockWeights> blocks);
  void run(compute::Backend& backend, PackedTokens& tokens, const Reduction& reduction,
           Result& result) const;

 private:
  void merge(compute::Backend& backend, PackedTokens& tokens, const compute::Tensor& metric, int r,
             const Reduction& reduction, int layer, compute::Tensor& spare,
             MergeAccount& account) const;
  checkpoint::VitConfig config_;
  std::vector<BlockWeights> blocks_;
  std::shared_ptr<RecordedBlocks> recorded_;
};

/// FLOPs of one block: `before` tokens enter and attend, `after` pass the MLP.
double block_flops(const checkpoint::VitConfig& config, double before, double after);

/// FLOPs of the whole forward pass of one clip with all its `patches`: embedding, blocks, head.
double dense_flops(const checkpoint::VitConfig& config, double patches);
/// Bytes of activations that a forward pass holds at its largest: the buffers of a block for the
/// tokens that enter (merging shortens later layers, not these), and the residual stream.
double activation_bytes(const checkpoint::VitConfig& config, double tokens, DType dtype,
                        bool merging);

}  // namespace looktwice::models
