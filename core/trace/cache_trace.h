#pragma once
// What happened at every denoising step: what was computed, what was reused, why, and what it cost.
// Runs of a video diffusion transformer produce it; timeline, hover text, charts, exports, dumps
// and tests read it. Needs nothing of the rooms that make it. On disk: docs/file-formats.md.

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"

namespace looktwice::trace {

inline constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

/// Modules of a transformer block, in the order in which a block runs them.
enum class Module : uint8_t { self_attention = 0, cross_attention = 1, mlp = 2 };
inline constexpr int kModules = 3;

/// Row of a block in module tables: blocks in the order of execution, spatial d at 2d, temporal d
/// at 2d+1.
inline int block_row(int pair, bool temporal) {
  return 2 * pair + (temporal ? 1 : 0);
}

/// One decision of a policy. Quantities that a method does not have are NaN (null in JSON).
struct CacheDecision {
  int pair = -1;                   ///< block pair whose residual was measured, from 0; -1: none
  bool temporal = true;            ///< its temporal or its spatial block
  double distance_here = kNone;    ///< relative change of this residual since the last compute,
                                   ///< divided by `rate_in`
  double distance = kNone;         ///< running mean of it over the blocks measured in this step
  double motion = kNone;           ///< MoReg: after scale, power and divisor
  double motion_gradient = kNone;  ///< MoReg: signed
  double metric = kNone;           ///< what is compared with thresholds
  double threshold = kNone;        ///< the one it lies below; NaN: above them all
  int rate_in = 0;                 ///< rate in force when measured
  int rate_out = 0;                ///< chosen: steps until the next compute
};

struct CacheStep {
  int step = 0;                  ///< from 1
  double t = 0;                  ///< diffusion time, 1000 is noise
  bool computed = true;          ///< at least one module of the stack ran
  int batch = 1;                 ///< samples in the forward pass (2: guided, [prompt; null])
  bool guided = true;            ///< classifier-free guidance was applied
  std::vector<uint8_t> modules;  ///< [2*depth, 3] 1 computed, 0 reused; see block_row, Module
  std::vector<float> module_ms;  ///< [2*depth, 3] wall clock of each module, reuse included
  std::vector<CacheDecision> decisions;  ///< in the order taken; the last one counts
  std::string reason;    ///< in words: "reused: distance 0.06 below 0.08, next compute at step 14"
  double ms = 0;         ///< whole step, wall clock
  double metric_ms = 0;  ///< measuring distance and motion, part of `ms`
  double flops = 0;      ///< floating-point operations of the model (2 per multiply-add)
};

/// How far apart the metric residuals of any two steps are: from sketches (a fixed random subset of
/// elements kept at every step of an uncached run).
struct StepDistances {
  struct Tap {
    int pair = 0;
    bool temporal = true;
    std::string residual;  ///< "attention" or "cross-mlp"
    /// [steps, steps] row = older step i, column = newer step j: |a_i - a_j| / |a_i| in L1 and L2,
    /// and 1 - cos(a_i, a_j).
    std::vector<float> l1, l2, cosine;
    std::vector<float> motion;  ///< [steps] latent frame difference, first stride, before scaling
  };
  int steps = 0;
  int elements = 0;  ///< of each residual that were kept
  std::vector<Tap> taps;
};

struct CacheTrace {
  std::string policy;    ///< as the command line spells it
  Json policy_settings;  ///< every parameter in force, published defaults written out
  std::string model;     ///< folder name or description
  std::string backend, dtype;
  std::string residual_dtype = "f32", metric_dtype = "f32";
  int steps = 0, depth = 0;  ///< depth counts block pairs
  double guidance = 1;
  Json settings;                   ///< the whole settings value of the run; may be null
  std::vector<std::string> notes;  ///< what a reader must know: bound keys, defaults taken
  std::vector<CacheStep> run;      ///< one per step that was finished
  std::optional<StepDistances> distances;

  std::vector<int> computed_steps() const;
  /// Share of the modules that were computed, weighting all alike.
  double computed_share() const;
};

Json to_json(const CacheTrace& trace);
/// Throws Error(input) naming `where` and the key.
CacheTrace cache_trace_from_json(const Json& json, const std::string& where);
/// Writes and reads the JSON document "looktwice/cache-trace".
void save(const CacheTrace& trace, const std::string& file_or_dash);
CacheTrace load_cache_trace(const std::string& file);
/// True if the file begins like such a document; false for anything else, missing files included.
bool is_cache_trace(const std::string& file);

}  // namespace looktwice::trace
