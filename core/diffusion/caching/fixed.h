#pragma once
// Schedules that are known before the run: none, every K-th step, any list of steps.

#include <vector>

#include "diffusion/caching/policy.h"

namespace looktwice::diffusion {

/// Computes everything.
struct NoCache {
  bool operator==(const NoCache&) const = default;
};
PolicyPtr make_policy(const NoCache& settings);

/// Computes steps 1, 2, N-1, N and every K-th after step 2, as AdaCache does with one fixed rate.
struct Interval {
  int every = 2;
  bool operator==(const Interval&) const = default;
};
PolicyPtr make_policy(const Interval& settings);

/// Computes exactly these steps (from 1, ascending, step 1 among them): replays published or
/// recorded schedules.
struct Plan {
  std::vector<int> steps;
  bool operator==(const Plan&) const = default;
};
PolicyPtr make_policy(const Plan& settings);

}  // namespace looktwice::diffusion
