#include "diffusion/caching/pab.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/text.h"
#include "diffusion/caching/json_fields.h"

namespace looktwice::diffusion {
namespace {

using models::Module;

/// What PAB treats alike.
enum Kind { spatial, temporal, cross, mlp, kKinds };
constexpr const char* kKindNames[kKinds] = {"spatial attention", "temporal attention",
                                            "cross-attention", "MLP of the first blocks"};

class PabPolicy : public CachePolicy {
 public:
  explicit PabPolicy(Pab settings) : set_(std::move(settings)) {}

  PolicyNeeds begin(const RunShape& shape, trace::CacheTrace& trace) override {
    for (const int every : {set_.spatial_every, set_.temporal_every, set_.cross_every})
      if (every < 1) throw bad_input("--cache", "pab: an interval is below 1", "give 1 or more");
    steps_ = shape.steps;
    depth_ = shape.depth;
    t_ = shape.timesteps;
    for (std::vector<bool>& r : reuse_)
      r.assign(static_cast<size_t>(steps_) + 2, false);
    for (int i = 0; i < steps_; ++i) {
      if (!in_window(i)) continue;
      const size_t step = static_cast<size_t>(i) + 1;
      reuse_[spatial][step] = i % set_.spatial_every != 0;
      reuse_[temporal][step] = i % set_.temporal_every != 0;
      reuse_[cross][step] = i % set_.cross_every != 0;
    }
    if (shape.timesteps.empty() || !any_in_window())
      throw bad_input("--cache",
                      "pab: no timestep of this schedule lies within " +
                          number_text(set_.window_low) + " to " + number_text(set_.window_high),
                      "use more --steps or another policy");
    // A window may open on a step at which nothing has been kept yet.
    for (std::vector<bool>& r : reuse_)
      r[1] = false;
    bind_mlp(trace);
    trace.policy_settings = to_json(set_);
    return {};
  }

  models::StepPlan plan(int step, const InputChange&, trace::CacheStep& record) override {
    models::StepPlan plan;
    plan.reuse.assign(static_cast<size_t>(depth_) * 2 * models::kModules, 0);
    plan.keep = plan.reuse;
    for (int pair = 0; pair < depth_; ++pair) {
      for (const bool is_temporal : {false, true}) {
        mark(plan, pair, is_temporal, Module::self_attention, is_temporal ? temporal : spatial,
             step);
        mark(plan, pair, is_temporal, Module::cross_attention, cross, step);
        if (pair < set_.mlp_blocks) mark(plan, pair, is_temporal, Module::mlp, mlp, step);
      }
    }
    record.reason = reason(step);
    return plan;
  }

 private:
  int int_t(int i) const { return static_cast<int>(t_[static_cast<size_t>(i)]); }
  bool in_window(int i) const { return set_.window_low < int_t(i) && int_t(i) < set_.window_high; }
  bool any_in_window() const {
    for (int i = 0; i < steps_; ++i)
      if (in_window(i)) return true;
    return false;
  }

  void bind_mlp(trace::CacheTrace& trace) {
    for (const int key : set_.mlp_keys) {
      int at = -1;
      for (int i = 0; i < steps_; ++i) {
        if (set_.reference_keys) {
          if (int_t(i) == key && at < 0) at = i;
        } else if (at < 0 || std::fabs(t_[static_cast<size_t>(i)] - key) <
                                 std::fabs(t_[static_cast<size_t>(at)] - key)) {
          at = i;
        }
      }
      const std::string name = "pab: MLP key " + std::to_string(key);
      if (at < 0) {
        trace.notes.push_back(name + " meets no timestep of this schedule, so it does nothing");
        continue;
      }
      if (!set_.reference_keys)
        trace.notes.push_back(name + " is bound to step " + std::to_string(at + 1) + " (t " +
                              brief(t_[static_cast<size_t>(at)]) + ")");
      for (int k = 1; k <= set_.mlp_skip && at + k < steps_; ++k)
        reuse_[mlp][static_cast<size_t>(at + k) + 1] = true;
    }
    if (set_.reference_keys) return;
    // Keys may be bound to neighbouring steps of a short schedule: a key computes.
    for (const int key : set_.mlp_keys) {
      size_t at = 0;
      for (size_t i = 1; i < t_.size(); ++i)
        if (std::fabs(t_[i] - key) < std::fabs(t_[at] - key)) at = i;
      reuse_[mlp][at + 1] = false;
    }
  }

  void mark(models::StepPlan& plan, int pair, bool is_temporal, Module module, Kind kind,
            int step) const {
    const size_t cell = models::StepPlan::index(pair, is_temporal, module);
    const size_t s = static_cast<size_t>(step);
    plan.reuse[cell] = reuse_[kind][s];
    plan.keep[cell] = !reuse_[kind][s] && reuse_[kind][s + 1];
  }

  std::string reason(int step) const {
    const size_t s = static_cast<size_t>(step);
    std::vector<std::string> names;
    for (int k = 0; k < kKinds; ++k)
      if (reuse_[k][s]) names.push_back(kKindNames[k]);
    const std::string t = "t " + brief(t_[s - 1]);
    if (!names.empty()) return "reused: " + join(names, ", ") + "; the rest computed";
    if (!in_window(step - 1))
      return "computed: " + t + " lies outside the window " + number_text(set_.window_low) +
             " to " + number_text(set_.window_high);
    return "computed: all intervals end here";
  }

  Pab set_;
  int steps_ = 0, depth_ = 0;
  std::vector<double> t_;
  std::vector<bool> reuse_[kKinds];  ///< [N+2], from 1
};

}  // namespace

Pab parse_pab(const std::string& arguments) {
  Pab out;
  for (const std::string& part : split(arguments, ',')) {
    if (part == "reference") {
      out.reference_keys = true;
    } else if (part == "246" || part == "357" || part == "579") {
      out.preset = part;
      out.spatial_every = part[0] - '0';
      out.temporal_every = part[1] - '0';
      out.cross_every = part[2] - '0';
    } else {
      throw bad_input("--cache", "pab has no preset \"" + part + "\"",
                      "give 246, 357 or 579, and \",reference\" for the released code's MLP keys");
    }
  }
  return out;
}

PolicyPtr make_policy(const Pab& settings) {
  return std::make_unique<PabPolicy>(settings);
}

Pab pab_from_json(const Json& json, const std::string& where) {
  Fields f(json, where,
           {"policy", "preset", "spatial_every", "temporal_every", "cross_every", "window",
            "mlp_keys", "mlp_skip", "mlp_blocks", "reference_keys"});
  f.expect_text("policy", "pab");
  Pab out;
  out.preset = f.text("preset", "own");
  out.spatial_every = f.integer("spatial_every", out.spatial_every);
  out.temporal_every = f.integer("temporal_every", out.temporal_every);
  out.cross_every = f.integer("cross_every", out.cross_every);
  const auto window = f.numbers("window", {out.window_low, out.window_high});
  if (window.size() != 2) throw bad_input(where, "\"window\" must be [low, high]");
  out.window_low = window[0];
  out.window_high = window[1];
  out.mlp_keys = f.integers("mlp_keys", out.mlp_keys);
  out.mlp_skip = f.integer("mlp_skip", out.mlp_skip);
  out.mlp_blocks = f.integer("mlp_blocks", out.mlp_blocks);
  out.reference_keys = f.flag("reference_keys", out.reference_keys);
  return out;
}

Json to_json(const Pab& s) {
  return Json{{"policy", "pab"},
              {"preset", s.preset},
              {"spatial_every", s.spatial_every},
              {"temporal_every", s.temporal_every},
              {"cross_every", s.cross_every},
              {"window", {s.window_low, s.window_high}},
              {"mlp_keys", s.mlp_keys},
              {"mlp_skip", s.mlp_skip},
              {"mlp_blocks", s.mlp_blocks},
              {"reference_keys", s.reference_keys}};
}

}  // namespace looktwice::diffusion
