#pragma once
// TeaCache: the relative L1 change of the first block's modulated input, through a fitted
// polynomial, is summed up; while the sum stays below δ the stack is not run and its residual is
// added (Liu et al., "Timestep Embedding Tells: It's Time to Cache for Video Diffusion Model",
// 2024, Algorithm 1; the Open-Sora 1.2 polynomial of the released code).

#include <string>
#include <vector>

#include "diffusion/caching/policy.h"

namespace looktwice::diffusion {

struct TeaCache {
  double threshold = 0.1;  ///< δ; published: 0.1 slow, 0.2 fast
  /// Highest power first.
  std::vector<double> coefficients{217.546007, -118.329252, 26.8662585, -0.0459364272, 0.048442624};
  /// The first and last steps are forced. The released code recognises the last by t == int(t),
  /// which holds for one bfloat16 schedule only; true does the same, false goes by the step.
  bool verbatim_last = false;
  bool operator==(const TeaCache&) const = default;
};

/// "0.2" or "0.2,verbatim"; throws Error(input).
TeaCache parse_teacache(const std::string& arguments);
PolicyPtr make_policy(const TeaCache& settings);
TeaCache teacache_from_json(const Json& json, const std::string& where);
Json to_json(const TeaCache& settings);

}  // namespace looktwice::diffusion
