#pragma once
// The rows that merged tokens lie in: what border colours and dumps go by.

#include <cstdint>
#include <vector>

#include "trace/token_trace.h"

namespace looktwice::trace {

/// Row of each token's group among the tokens that leave the first `layers` layers (all if
/// negative), [M]; -1 where dropped. The rows of the published bipartite matching: what is left of
/// the even tokens in their order, then the odd ones (with a distillation token: after the first of
/// each). For class-token models these are the rows that the model has; without a class token the
/// model leaves the even ones by similarity instead, which a trace does not keep.
std::vector<int32_t> group_rows(const ClipTrace& clip, int layers = -1);

}  // namespace looktwice::trace
