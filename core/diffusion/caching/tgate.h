#pragma once
// T-GATE: cross-attention converges early, so after a gate step its output is frozen (the mean of
// the guidance halves) and guidance is dropped: only the null branch runs on (Zhang et al.,
// "Cross-Attention Makes Inference Cumbersome in Text-to-Image Diffusion Models", 2024, with the
// self-attention intervals of the released code). Its steps count from 0: i = step - 1.

#include <string>

#include "diffusion/caching/policy.h"

namespace looktwice::diffusion {

struct Tgate {
  int gate = 10;           ///< first step (from 0) with frozen cross-attention and no guidance
  int self_interval = 5;   ///< before the gate self-attention is recomputed at multiples of this
  int final_interval = 1;  ///< the same after the gate
  int warm_up = 2;         ///< steps 0 .. warm_up compute everything
  bool operator==(const Tgate&) const = default;
};

/// "gate=10,sp=5,fi=1,warmup=2", any subset, or a bare gate step; throws Error(input).
Tgate parse_tgate(const std::string& arguments);
PolicyPtr make_policy(const Tgate& settings);
Tgate tgate_from_json(const Json& json, const std::string& where);
Json to_json(const Tgate& settings);

}  // namespace looktwice::diffusion
