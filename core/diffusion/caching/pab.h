#pragma once
// Pyramid Attention Broadcast: within a window of timesteps every kind of attention is recomputed
// at its own interval and its gated output reused in between; MLPs of the first blocks are reused
// after three chosen steps (Zhao et al., "Real-Time Video Generation with Pyramid Attention
// Broadcast", 2024; the Open-Sora settings of VideoSys).

#include <string>
#include <vector>

#include "diffusion/caching/policy.h"

namespace looktwice::diffusion {

struct Pab {
  std::string preset = "246";  ///< spatial, temporal, cross interval: 246, 357 or 579
  int spatial_every = 2, temporal_every = 4, cross_every = 6;
  double window_low = 450, window_high = 930;  ///< reuse only for low < int(t) < high
  std::vector<int> mlp_keys{864, 788, 676};    ///< timesteps at which the MLP is kept
  int mlp_skip = 2;                            ///< steps that reuse it
  int mlp_blocks = 5;                          ///< block pairs 0 .. mlp_blocks-1
  /// The released code looks the keys up among the integer parts of the model's timesteps; they
  /// are those of one schedule in bfloat16, and elsewhere they are silently missed. false: bind
  /// each key to the nearest timestep of this schedule, and say so in the trace.
  bool reference_keys = false;
  bool operator==(const Pab&) const = default;
};

/// "246", "357", "579", optionally ",reference"; throws Error(input).
Pab parse_pab(const std::string& arguments);
PolicyPtr make_policy(const Pab& settings);
Pab pab_from_json(const Json& json, const std::string& where);
Json to_json(const Pab& settings);

}  // namespace looktwice::diffusion
