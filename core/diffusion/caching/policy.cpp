#include "diffusion/caching/policy.h"

#include <cmath>
#include <cstdio>

#include "base/error.h"

namespace looktwice::diffusion {

const char* norm_name(Norm norm) {
  switch (norm) {
    case Norm::l1:
      return "l1";
    case Norm::l2:
      return "l2";
    case Norm::cosine:
      return "cosine";
  }
  return "l1";
}

models::StepPlan compute_all(int depth, bool keep_residual) {
  models::StepPlan plan;
  if (keep_residual) plan.keep_residual = {0, depth};
  return plan;
}

models::StepPlan reuse_all(int depth) {
  models::StepPlan plan;
  plan.add_residual = {0, depth};
  return plan;
}

std::string brief(double value) {
  char text[32];
  // Timesteps are read as 1000, not as 1e+03.
  std::snprintf(text, sizeof text,
                std::fabs(value) < 1e6 && std::fabs(value) >= 999.5 ? "%.0f" : "%.3g", value);
  return text;
}

void require_four_steps(const RunShape& shape, const std::string& policy) {
  if (shape.steps < 4)
    throw bad_input("--steps",
                    std::to_string(shape.steps) + " steps are too few for --cache " + policy +
                        ", which always computes the first two and last two",
                    "give 4 or more, or --cache none");
}

}  // namespace looktwice::diffusion
