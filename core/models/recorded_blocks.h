#pragma once
// The blocks on a device that decides about tokens itself and starts a whole pass as one recording:
// the host waits for nothing between layers, and learns what was merged when all is done.

#include <cstdint>
#include <list>
#include <memory>
#include <vector>

#include "models/vit_blocks.h"

namespace looktwice::models {

/// Rows of a pass without merging are rounded up to one of these, so that few recordings serve all
/// token counts; at most a sixteenth more, from 512 on.
int64_t bucket_rows(int64_t rows);

/// Passes of the last few shapes. The first pass of a shape runs operation by operation, the second
/// is written down, later ones are replayed: all give the same bits. Threads: one at a time.
class RecordedBlocks {
 public:
  RecordedBlocks();
  ~RecordedBlocks();

  /// False, with nothing done, where the host has to take part in every layer: on the CPU, for
  /// kinds of matching that only the host knows, where hidden states are asked for, and for passes
  /// so large that starting operations one by one costs nothing.
  bool run(compute::Backend& backend, const checkpoint::VitConfig& config,
           const std::vector<BlockWeights>& blocks, PackedTokens& tokens,
           const Reduction& reduction, Result& result);

  size_t shapes() const { return passes_.size(); }  ///< that are remembered

 private:
  struct Pass;
  Pass& pass_for(compute::Backend& backend, const checkpoint::VitConfig& config,
                 const PackedTokens& tokens, const Reduction& reduction);
  std::list<std::unique_ptr<Pass>> passes_;  // the last used first
};

}  // namespace looktwice::models
