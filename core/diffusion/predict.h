#pragma once
// Which steps a policy would compute, answered at once from the sketches of an uncached run.

#include <vector>

#include "diffusion/caching/settings.h"
#include "trace/cache_trace.h"

namespace looktwice::diffusion {

/// Replays a policy on the distances of an uncached run. The answer is a prediction: under the
/// policy the latents drift from the uncached ones. `shape` is the uncached run's. Records hold
/// modules, decisions and reasons; no times. Throws Error(input) where the policy cannot work for
/// such a run, or measures what the sketches do not hold.
trace::CacheTrace predict(const PolicySettings& settings, const RunShape& shape,
                          const trace::StepDistances& distances);

/// How far a prediction was right: steps on which both say the same, of all.
struct Agreement {
  int same = 0, steps = 0;
};
Agreement agreement(const trace::CacheTrace& predicted, const trace::CacheTrace& run);

}  // namespace looktwice::diffusion
