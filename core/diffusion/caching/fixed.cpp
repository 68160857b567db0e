#include "diffusion/caching/fixed.h"

#include "base/error.h"

namespace looktwice::diffusion {
namespace {

/// A list of steps to compute, filled by begin().
class FixedPolicy : public CachePolicy {
 public:
  models::StepPlan plan(int step, const InputChange&, trace::CacheStep& record) override {
    const auto at = [&](int s) { return s <= steps_ && compute_[static_cast<size_t>(s)]; };
    int next = step + 1;
    while (next <= steps_ && !at(next))
      ++next;
    if (at(step)) {
      record.reason = why_computed(step);
      return compute_all(depth_, next > step + 1);
    }
    record.reason = "reused: " + why_reused() +
                    (next <= steps_ ? ", next compute at step " + std::to_string(next)
                                    : std::string(", no later compute"));
    return reuse_all(depth_);
  }

 protected:
  virtual std::string why_computed(int step) const = 0;
  virtual std::string why_reused() const = 0;
  std::vector<bool> compute_;  ///< [N+1], from 1
  int steps_ = 0, depth_ = 0;
};

class NoCachePolicy : public FixedPolicy {
 public:
  PolicyNeeds begin(const RunShape& shape, trace::CacheTrace& trace) override {
    steps_ = shape.steps;
    depth_ = shape.depth;
    compute_.assign(static_cast<size_t>(steps_) + 1, true);
    trace.policy_settings = Json{{"policy", "none"}};
    return {};
  }

 protected:
  std::string why_computed(int) const override { return "computed: no caching"; }
  std::string why_reused() const override { return {}; }
};

class IntervalPolicy : public FixedPolicy {
 public:
  explicit IntervalPolicy(int every) : every_(every) {}
  PolicyNeeds begin(const RunShape& shape, trace::CacheTrace& trace) override {
    if (every_ < 1)
      throw bad_input("--cache", "interval:" + std::to_string(every_) + " is no interval",
                      "give 1 or more steps");
    require_four_steps(shape, "interval");
    steps_ = shape.steps;
    depth_ = shape.depth;
    compute_.assign(static_cast<size_t>(steps_) + 1, false);
    compute_[1] = compute_[static_cast<size_t>(steps_)] = true;
    compute_[static_cast<size_t>(steps_) - 1] = true;
    for (int64_t s = 2; s <= steps_; s += every_)
      compute_[static_cast<size_t>(s)] = true;
    trace.policy_settings = Json{{"policy", "interval"}, {"every", every_}};
    return {};
  }

 protected:
  std::string why_computed(int step) const override {
    if (step <= 2 || step >= steps_ - 1) return "computed: the first two and last two steps are";
    return "computed: every " + std::to_string(every_) + " steps";
  }
  std::string why_reused() const override {
    return "one step in " + std::to_string(every_) + " is computed";
  }

 private:
  int every_;
};

class PlanPolicy : public FixedPolicy {
 public:
  explicit PlanPolicy(std::vector<int> steps) : list_(std::move(steps)) {}
  PolicyNeeds begin(const RunShape& shape, trace::CacheTrace& trace) override {
    steps_ = shape.steps;
    depth_ = shape.depth;
    compute_.assign(static_cast<size_t>(steps_) + 1, false);
    if (list_.empty() || list_.front() != 1)
      throw bad_input("--cache", "plan: step 1 is missing, and it has nothing to reuse",
                      "start the list with 1");
    int before = 0;
    for (const int s : list_) {
      if (s <= before)
        throw bad_input(
            "--cache",
            "plan: step " + std::to_string(s) + " stands after " + std::to_string(before),
            "list the steps once each, in ascending order");
      if (s > steps_)
        throw bad_input("--cache",
                        "plan: step " + std::to_string(s) + " is beyond the " +
                            std::to_string(steps_) + " steps of the run",
                        "change the plan or --steps");
      compute_[static_cast<size_t>(s)] = true;
      before = s;
    }
    trace.policy_settings = Json{{"policy", "plan"}, {"steps", list_}};
    return {};
  }

 protected:
  std::string why_computed(int) const override { return "computed: in the plan"; }
  std::string why_reused() const override { return "not in the plan"; }

 private:
  std::vector<int> list_;
};

}  // namespace

PolicyPtr make_policy(const NoCache&) {
  return std::make_unique<NoCachePolicy>();
}
PolicyPtr make_policy(const Interval& settings) {
  return std::make_unique<IntervalPolicy>(settings.every);
}
PolicyPtr make_policy(const Plan& settings) {
  return std::make_unique<PlanPolicy>(settings.steps);
}

}  // namespace looktwice::diffusion
