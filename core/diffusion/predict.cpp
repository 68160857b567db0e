#include "diffusion/predict.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace looktwice::diffusion {
namespace {

const trace::StepDistances::Tap& tap_of(const trace::StepDistances& distances,
                                        const models::Tap& tap) {
  const char* residual = tap.residual == models::Residual::attention ? "attention" : "cross-mlp";
  for (const auto& t : distances.taps)
    if (t.pair == tap.pair && t.temporal == tap.temporal && t.residual == residual) return t;
  throw bad_input("sketches",
                  std::string("do not hold the ") + (tap.temporal ? "temporal" : "spatial") +
                      " block of pair " + std::to_string(tap.pair),
                  "run uncached with this metric block once");
}

}  // namespace

trace::CacheTrace predict(const PolicySettings& settings, const RunShape& shape,
                          const trace::StepDistances& distances) {
  if (distances.steps != shape.steps)
    throw bad_input("sketches", "are of " + std::to_string(distances.steps) + " steps, not " +
                                    std::to_string(shape.steps));
  trace::CacheTrace out;
  const PolicyPtr policy = make_policy(settings);
  const PolicyNeeds needs = policy->begin(shape, out);
  if (needs.first_block_input)
    throw bad_input("--cache",
                    "teacache watches the first block's input, which sketches do not hold");
  for (const int stride : needs.motion_strides)
    if (stride != 1) throw bad_input("--moreg", "sketches hold the motion of stride 1 only");
  out.policy = settings.text;
  out.steps = shape.steps;
  out.depth = shape.depth;
  const size_t n = static_cast<size_t>(distances.steps);
  int last = 0;
  for (int step = 1; step <= shape.steps; ++step) {
    trace::CacheStep record;
    record.step = step;
    record.t = shape.timesteps[static_cast<size_t>(step) - 1];
    const models::StepPlan plan = policy->plan(
        step, [] { return std::nan(""); }, record);
    record.modules = models::computed_modules(plan, shape.depth);
    record.computed =
        std::find(record.modules.begin(), record.modules.end(), uint8_t{1}) != record.modules.end();
    if (record.computed) {
      std::vector<TapMeasure> measures;
      for (const models::Tap& tap : needs.taps) {
        const auto& held = tap_of(distances, tap);
        if (last == 0) continue;
        const auto& matrix = needs.norm == Norm::l1   ? held.l1
                             : needs.norm == Norm::l2 ? held.l2
                                                      : held.cosine;
        const size_t from = static_cast<size_t>(last) - 1, to = static_cast<size_t>(step) - 1;
        measures.push_back({tap, matrix[from * n + to],
                            std::vector<double>(needs.motion_strides.size(), held.motion[to])});
      }
      last = step;
      policy->measured(step, measures, record);
    }
    out.run.push_back(std::move(record));
  }
  return out;
}

Agreement agreement(const trace::CacheTrace& predicted, const trace::CacheTrace& run) {
  Agreement out;
  const size_t n = std::min(predicted.run.size(), run.run.size());
  for (size_t i = 0; i < n; ++i)
    out.same += predicted.run[i].computed == run.run[i].computed;
  out.steps = static_cast<int>(std::max(predicted.run.size(), run.run.size()));
  return out;
}

}  // namespace looktwice::diffusion
