#include "diffusion/caching/deltadit.h"

#include <algorithm>

#include "base/error.h"
#include "diffusion/caching/json_fields.h"
#include "diffusion/caching/options.h"

namespace looktwice::diffusion {
namespace {

class DeltaDitPolicy : public CachePolicy {
 public:
  explicit DeltaDitPolicy(DeltaDit settings) : set_(settings) {}

  PolicyNeeds begin(const RunShape& shape, trace::CacheTrace& trace) override {
    run_ = set_;
    if (run_.blocks == 0) run_.blocks = std::max(1, shape.depth / 2);
    if (run_.boundary == 0) run_.boundary = shape.steps / 2;
    if (run_.every < 1)
      throw bad_input("--cache",
                      "deltadit: every=" + std::to_string(run_.every) + " is no interval",
                      "give 1 or more steps");
    if (run_.blocks < 1 || run_.blocks > shape.depth)
      throw bad_input("--cache", "deltadit: blocks=" + std::to_string(run_.blocks) +
                                     " does not fit the model's " + std::to_string(shape.depth) +
                                     " block pairs");
    if (run_.boundary < 0 || run_.boundary > shape.steps)
      throw bad_input("--cache", "deltadit: boundary=" + std::to_string(run_.boundary) +
                                     " is not within the " + std::to_string(shape.steps) +
                                     " steps of the run");
    steps_ = shape.steps;
    depth_ = shape.depth;
    last_ = 0;
    kept_ = {};
    trace.policy_settings = to_json(run_);
    return {};
  }

  models::StepPlan plan(int step, const InputChange&, trace::CacheStep& record) override {
    const models::PairRange range = range_at(step);
    models::StepPlan plan;
    const bool due = last_ == 0 || step - last_ >= run_.every;
    if (due || !(kept_ == range)) {
      // Kept for the next step: past the boundary that is the other range.
      plan.keep_residual = kept_ = range_at(std::min(step + 1, steps_));
      record.reason = due ? (step == 1 ? "computed: the first step"
                                       : "computed: every " + std::to_string(run_.every) + " steps")
                          : "computed: the boundary";
      last_ = step;
      return plan;
    }
    plan.add_residual = range;
    record.reason = "reused: block pairs " + std::to_string(range.first) + " to " +
                    std::to_string(range.last - 1) + "; the rest computed";
    return plan;
  }

 private:
  models::PairRange range_at(int step) const {
    return step <= run_.boundary ? models::PairRange{depth_ - run_.blocks, depth_}
                                 : models::PairRange{0, run_.blocks};
  }

  DeltaDit set_, run_;
  int steps_ = 0, depth_ = 0, last_ = 0;
  models::PairRange kept_;
};

}  // namespace

DeltaDit parse_deltadit(const std::string& arguments) {
  DeltaDit out;
  read_options("deltadit", arguments, "every",
               {{"every", &out.every}, {"blocks", &out.blocks}, {"boundary", &out.boundary}});
  return out;
}

PolicyPtr make_policy(const DeltaDit& settings) {
  return std::make_unique<DeltaDitPolicy>(settings);
}

DeltaDit deltadit_from_json(const Json& json, const std::string& where) {
  Fields f(json, where, {"policy", "every", "blocks", "boundary"});
  f.expect_text("policy", "deltadit");
  DeltaDit out;
  out.every = f.integer("every", out.every);
  out.blocks = f.integer("blocks", out.blocks);
  out.boundary = f.integer("boundary", out.boundary);
  return out;
}

Json to_json(const DeltaDit& s) {
  return Json{
      {"policy", "deltadit"}, {"every", s.every}, {"blocks", s.blocks}, {"boundary", s.boundary}};
}

}  // namespace looktwice::diffusion
