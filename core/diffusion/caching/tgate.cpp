#include "diffusion/caching/tgate.h"

#include "base/error.h"
#include "diffusion/caching/json_fields.h"
#include "diffusion/caching/options.h"

namespace looktwice::diffusion {
namespace {

using models::Module;

class TgatePolicy : public CachePolicy {
 public:
  explicit TgatePolicy(Tgate settings) : set_(settings) {}

  PolicyNeeds begin(const RunShape& shape, trace::CacheTrace& trace) override {
    if (set_.self_interval < 1 || set_.final_interval < 1 || set_.warm_up < 0)
      throw bad_input("--cache", "tgate: an interval is below 1", "give 1 or more");
    if (set_.gate < 1 || set_.gate > shape.steps)
      throw bad_input("--cache",
                      "tgate: gate " + std::to_string(set_.gate) + " is not within the " +
                          std::to_string(shape.steps) + " steps of the run",
                      "give tgate:gate=K with 1 to " + std::to_string(shape.steps));
    if (!shape.guided)
      throw bad_input("--cache", "tgate drops guidance after its gate, but this run has none",
                      "give a --guidance other than 1, or another policy");
    steps_ = shape.steps;
    depth_ = shape.depth;
    trace.policy_settings = to_json(set_);
    return {};
  }

  models::StepPlan plan(int step, const InputChange&, trace::CacheStep& record) override {
    const int i = step - 1;
    const bool self = reuses_self(i), cross = i >= set_.gate;
    models::StepPlan plan;
    plan.null_branch_only = i >= set_.gate;
    plan.keep_mean_of_halves = i == set_.gate - 1;
    plan.reuse.assign(static_cast<size_t>(depth_) * 2 * models::kModules, 0);
    plan.keep = plan.reuse;
    for (int pair = 0; pair < depth_; ++pair) {
      for (const bool temporal : {false, true}) {
        const size_t a = models::StepPlan::index(pair, temporal, Module::self_attention);
        const size_t c = models::StepPlan::index(pair, temporal, Module::cross_attention);
        plan.reuse[a] = self;
        plan.keep[a] = !self && step < steps_ && reuses_self(i + 1);
        plan.reuse[c] = cross;
        plan.keep[c] = i == set_.gate - 1 && step < steps_;
      }
    }
    if (i == set_.gate - 1)
      record.reason = "computed: the gate; both guidance halves are kept as their mean";
    else if (cross)
      record.reason = std::string("reused: cross-attention") + (self ? " and self-attention" : "") +
                      "; past the gate, without guidance";
    else if (self)
      record.reason = "reused: self-attention; the rest computed";
    else
      record.reason = i <= set_.warm_up ? "computed: warm-up" : "computed: interval ends here";
    return plan;
  }

 private:
  bool reuses_self(int i) const {
    if (i < set_.gate - 1) return i > set_.warm_up && i % set_.self_interval != 0;
    if (i == set_.gate - 1) return false;
    return i % set_.final_interval != 0;
  }

  Tgate set_;
  int steps_ = 0, depth_ = 0;
};

}  // namespace

Tgate parse_tgate(const std::string& arguments) {
  Tgate out;
  read_options("tgate", arguments, "gate",
               {{"gate", &out.gate},
                {"sp", &out.self_interval},
                {"fi", &out.final_interval},
                {"warmup", &out.warm_up}});
  return out;
}

PolicyPtr make_policy(const Tgate& settings) {
  return std::make_unique<TgatePolicy>(settings);
}

Tgate tgate_from_json(const Json& json, const std::string& where) {
  Fields f(json, where, {"policy", "gate", "self_interval", "final_interval", "warm_up"});
  f.expect_text("policy", "tgate");
  Tgate out;
  out.gate = f.integer("gate", out.gate);
  out.self_interval = f.integer("self_interval", out.self_interval);
  out.final_interval = f.integer("final_interval", out.final_interval);
  out.warm_up = f.integer("warm_up", out.warm_up);
  return out;
}

Json to_json(const Tgate& s) {
  return Json{{"policy", "tgate"},
              {"gate", s.gate},
              {"self_interval", s.self_interval},
              {"final_interval", s.final_interval},
              {"warm_up", s.warm_up}};
}

}  // namespace looktwice::diffusion
