#pragma once
// What a diffusion transformer does at one denoising step, module by module, and what it lets
// others see of itself. Models carry plans out; the policies of diffusion/caching make them.

#include <cstdint>
#include <vector>

#include "trace/cache_trace.h"

namespace looktwice::models {

using trace::block_row;
using trace::kModules;
using trace::Module;

/// Block pairs first .. last-1.
struct PairRange {
  int first = 0, last = 0;
  bool empty() const { return last <= first; }
  bool contains(int pair) const { return pair >= first && pair < last; }
  bool operator==(const PairRange&) const = default;
};

/// The plan of one step. By default everything is computed and nothing is kept.
struct StepPlan {
  /// Pairs that do not run: their kept residual is added instead (x_out = x_in + Δ). The whole
  /// stack for AdaCache, a part of it for Δ-DiT. Must have been kept with the same range.
  PairRange add_residual;
  /// Pairs that run and whose Δ = x_out - x_in is kept for later steps (one activation-sized
  /// tensor for all of them).
  PairRange keep_residual;
  /// [2*depth, 3] 1: add this module's kept output instead of running it. Empty: none.
  std::vector<uint8_t> reuse;
  /// [2*depth, 3] 1: keep this module's output. Empty: none.
  std::vector<uint8_t> keep;
  /// Keep the mean over the two guidance halves of each kept output (T-GATE at its gate).
  bool keep_mean_of_halves = false;
  /// Run the null branch alone, without guidance (T-GATE after its gate).
  bool null_branch_only = false;

  bool reuses(int pair, bool temporal, Module m) const {
    return !reuse.empty() && reuse[index(pair, temporal, m)] != 0;
  }
  bool keeps(int pair, bool temporal, Module m) const {
    return !keep.empty() && keep[index(pair, temporal, m)] != 0;
  }
  static size_t index(int pair, bool temporal, Module m) {
    return static_cast<size_t>(block_row(pair, temporal)) * kModules + static_cast<size_t>(m);
  }
};

/// Which modules a plan computes: [2*depth, 3], 1 computed.
std::vector<uint8_t> computed_modules(const StepPlan& plan, int depth);

/// A residual of a block that can be observed: the gated self-attention residual A, or
/// M = cross-attention + gated MLP.
enum class Residual : uint8_t { attention, cross_mlp };

/// One residual of one block.
struct Tap {
  int pair = 0;
  bool temporal = true;
  Residual residual = Residual::attention;
  bool operator==(const Tap&) const = default;
};

}  // namespace looktwice::models
