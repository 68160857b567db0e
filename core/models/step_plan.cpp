#include "models/step_plan.h"

namespace looktwice::models {

std::vector<uint8_t> computed_modules(const StepPlan& plan, int depth) {
  std::vector<uint8_t> out(static_cast<size_t>(depth) * 2 * kModules, 1);
  for (int pair = 0; pair < depth; ++pair)
    for (const bool temporal : {false, true})
      for (const Module m : {Module::self_attention, Module::cross_attention, Module::mlp})
        if (plan.add_residual.contains(pair) || plan.reuses(pair, temporal, m))
          out[StepPlan::index(pair, temporal, m)] = 0;
  return out;
}

}  // namespace looktwice::models
