#pragma once
// Caching policies decide, step by step, what a diffusion transformer computes and what it reuses.
// They see numbers, never tensors: the runner measures what a policy asks for. So the same code
// decides in a run, in a replay of recorded numbers and in a prediction from sketches.

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "models/step_plan.h"
#include "trace/cache_trace.h"

namespace looktwice::diffusion {

/// How far a residual moved from a (older) to b (newer): |a-b|/|a| in L1 or L2, or 1 - cos(a,b).
enum class Norm { l1, l2, cosine };
const char* norm_name(Norm norm);

/// What a policy wants measured.
struct PolicyNeeds {
  std::vector<models::Tap> taps;  ///< in the order of execution; after every computed step
  Norm norm = Norm::l1;
  std::vector<int> motion_strides;  ///< latent frames; empty: no motion
  bool first_block_input = false;   ///< TeaCache: change of block 0's modulated input
};

/// One measured residual. There is none before the second compute.
struct TapMeasure {
  models::Tap tap;
  double distance = 0;         ///< since the last compute, not divided by anything
  std::vector<double> motion;  ///< per stride: |R[i:]-R[:-i]| / (|R[i:]|+|R[:-i]|) over frames, L1
};

/// What a run is like, as far as policies care.
struct RunShape {
  int steps = 0;                  ///< N
  int depth = 0;                  ///< block pairs
  int frames = 1;                 ///< latent frames
  int metric_block = 0;           ///< the model's own choice of block pair
  std::vector<double> timesteps;  ///< [N], 1000 is noise
  bool guided = true;             ///< batches are [prompt; null]
};

/// One run at a time; begin() forgets the one before. Not thread-safe.
class CachePolicy {
 public:
  virtual ~CachePolicy() = default;
  /// Throws Error(input), naming option and cure, where the policy cannot work for such a run.
  /// `trace.policy_settings` and `trace.notes` receive every parameter in force.
  virtual PolicyNeeds begin(const RunShape& shape, trace::CacheTrace& trace) = 0;
  /// Mean |new-old| / mean |old| of block 0's modulated input against the last time it was asked
  /// for; NaN the first time.
  using InputChange = std::function<double()>;
  /// The plan of step `step` (from 1, in order). Writes the reason and decisions taken before the
  /// stack into `record`.
  virtual models::StepPlan plan(int step, const InputChange& input_change,
                                trace::CacheStep& record) = 0;
  /// After a step in which the stack was computed; `measures` as asked for (empty at the first).
  virtual void measured(int step, std::span<const TapMeasure> measures, trace::CacheStep& record) {
    (void)step, (void)measures, (void)record;
  }
};
using PolicyPtr = std::unique_ptr<CachePolicy>;

/// Policies that either run the whole stack or add its residual: AdaCache, intervals, plans,
/// TeaCache.
models::StepPlan compute_all(int depth, bool keep_residual);
models::StepPlan reuse_all(int depth);

/// "4 of 30" style helpers for reasons: a number with at most four significant digits.
std::string brief(double value);

/// Throws Error(input) unless a caching policy has its four forced steps.
void require_four_steps(const RunShape& shape, const std::string& policy);

}  // namespace looktwice::diffusion
