#pragma once
// Δ-DiT: the residual of a run of consecutive blocks is kept and added on the steps in between; the
// rear blocks before a boundary, the front blocks after it (Chen et al., "Δ-DiT: A Training-Free
// Acceleration Method Tailored for Diffusion Transformers", 2024; no code was released, settings
// as reported by later papers: half of the blocks, every second step).

#include <string>

#include "diffusion/caching/policy.h"

namespace looktwice::diffusion {

struct DeltaDit {
  int every = 2;     ///< full compute every `every` steps
  int blocks = 0;    ///< block pairs cached; 0: half the depth
  int boundary = 0;  ///< last step (from 1) at which the rear blocks are cached; 0: half the steps
  bool operator==(const DeltaDit&) const = default;
};

/// "every=2,blocks=14,boundary=15", any subset; throws Error(input).
DeltaDit parse_deltadit(const std::string& arguments);
PolicyPtr make_policy(const DeltaDit& settings);
DeltaDit deltadit_from_json(const Json& json, const std::string& where);
Json to_json(const DeltaDit& settings);

}  // namespace looktwice::diffusion
