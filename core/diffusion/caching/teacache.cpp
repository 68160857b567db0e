#include "diffusion/caching/teacache.h"

#include <cmath>

#include "base/error.h"
#include "base/text.h"
#include "diffusion/caching/json_fields.h"

namespace looktwice::diffusion {
namespace {

class TeaCachePolicy : public CachePolicy {
 public:
  explicit TeaCachePolicy(TeaCache settings) : set_(std::move(settings)) {}

  PolicyNeeds begin(const RunShape& shape, trace::CacheTrace& trace) override {
    if (!(set_.threshold > 0) || !std::isfinite(set_.threshold))
      throw bad_input("--cache", "teacache: the threshold is not above 0",
                      "0.1 (slow) and 0.2 (fast) are published");
    if (set_.coefficients.empty())
      throw bad_input("--cache", "teacache: there are no coefficients");
    steps_ = shape.steps;
    depth_ = shape.depth;
    t_ = shape.timesteps;
    sum_ = 0;
    trace.policy_settings = to_json(set_);
    PolicyNeeds needs;
    needs.first_block_input = true;
    return needs;
  }

  models::StepPlan plan(int step, const InputChange& input_change,
                        trace::CacheStep& record) override {
    const double change = input_change();
    if (forced(step)) {
      sum_ = 0;
      record.reason =
          step == 1 ? "computed: the first step always is" : "computed: the last step always is";
      return compute_all(depth_, true);
    }
    double rescaled = 0;
    for (const double c : set_.coefficients)
      rescaled = rescaled * change + c;
    sum_ += rescaled;
    trace::CacheDecision d;
    d.pair = 0;
    d.temporal = false;
    d.distance_here = d.distance = change;
    d.metric = sum_;
    // Anything but "less" computes, a sum that is not a number included.
    const bool reuse = sum_ < set_.threshold;
    if (reuse) d.threshold = set_.threshold;
    record.decisions.push_back(d);
    record.reason = std::string(reuse ? "reused: sum " : "computed: sum ") + brief(sum_) +
                    (reuse ? " below " : " reached ") + number_text(set_.threshold) +
                    " (input changed by " + brief(change) + ")";
    if (reuse) return reuse_all(depth_);
    sum_ = 0;
    return compute_all(depth_, true);
  }

 private:
  bool forced(int step) const {
    if (step == 1) return true;
    if (!set_.verbatim_last) return step == steps_;
    return t_[static_cast<size_t>(step) - 1] == std::trunc(t_.back());
  }

  TeaCache set_;
  int steps_ = 0, depth_ = 0;
  std::vector<double> t_;
  double sum_ = 0;
};

}  // namespace

TeaCache parse_teacache(const std::string& arguments) {
  TeaCache out;
  bool first = true;
  for (const std::string& part : split(arguments, ',')) {
    if (part == "verbatim") {
      out.verbatim_last = true;
    } else if (first) {
      out.threshold = parse_number(part, "--cache teacache");
      if (!(out.threshold > 0))
        throw bad_input("--cache", "teacache: the threshold " + part + " is not above 0",
                        "0.1 (slow) and 0.2 (fast) are published");
    } else {
      throw bad_input("--cache", "teacache has no option \"" + part + "\"",
                      "give teacache:DELTA or teacache:DELTA,verbatim");
    }
    first = false;
  }
  return out;
}

PolicyPtr make_policy(const TeaCache& settings) {
  return std::make_unique<TeaCachePolicy>(settings);
}

TeaCache teacache_from_json(const Json& json, const std::string& where) {
  Fields f(json, where, {"policy", "threshold", "coefficients", "verbatim_last"});
  f.expect_text("policy", "teacache");
  TeaCache out;
  out.threshold = f.number("threshold", out.threshold);
  out.coefficients = f.numbers("coefficients", out.coefficients);
  out.verbatim_last = f.flag("verbatim_last", out.verbatim_last);
  return out;
}

Json to_json(const TeaCache& s) {
  return Json{{"policy", "teacache"},
              {"threshold", s.threshold},
              {"coefficients", s.coefficients},
              {"verbatim_last", s.verbatim_last}};
}

}  // namespace looktwice::diffusion
