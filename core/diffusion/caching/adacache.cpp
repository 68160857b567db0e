#include "diffusion/caching/adacache.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "base/error.h"
#include "base/text.h"
#include "diffusion/caching/json_fields.h"

namespace looktwice::diffusion {
namespace {

constexpr double kEverything = std::numeric_limits<double>::infinity();

const std::vector<CodebookEntry> kFast30 = {{0.08, 6}, {0.16, 5}, {0.24, 4},
                                            {0.32, 3}, {0.40, 2}, {kEverything, 1}};
const std::vector<CodebookEntry> kSlow30 = {{0.08, 3}, {0.16, 2}, {kEverything, 1}};
const std::vector<CodebookEntry> kFast100 = {{0.03, 12}, {0.05, 10}, {0.07, 8},
                                             {0.09, 6},  {0.11, 4},  {kEverything, 3}};

const char* residual_name(AdaResidual residual) {
  switch (residual) {
    case AdaResidual::temporal:
      return "temporal";
    case AdaResidual::spatial:
      return "spatial";
    case AdaResidual::cross_mlp:
      return "cross-mlp";
  }
  return "temporal";
}

class AdaCachePolicy : public CachePolicy {
 public:
  explicit AdaCachePolicy(AdaCache settings) : set_(std::move(settings)) {}

  PolicyNeeds begin(const RunShape& shape, trace::CacheTrace& trace) override {
    check(set_, "--cache");
    require_four_steps(shape, "adacache");
    run_ = set_;
    steps_ = shape.steps;
    depth_ = shape.depth;
    rate_ = 1;
    last_ = 0;
    motion_before_.clear();
    resolve_blocks(shape, trace);
    if (run_.moreg) resolve_motion(shape);
    trace.policy_settings = to_json(run_);
    PolicyNeeds needs;
    needs.norm = run_.norm;
    if (run_.moreg) needs.motion_strides = run_.moreg->strides;
    for (const int pair : run_.metric_blocks) {
      if (run_.residual == AdaResidual::cross_mlp)
        needs.taps.push_back({pair, false, models::Residual::cross_mlp});
      needs.taps.push_back({pair, run_.residual != AdaResidual::spatial,
                            run_.residual == AdaResidual::cross_mlp ? models::Residual::cross_mlp
                                                                    : models::Residual::attention});
    }
    return needs;
  }

  models::StepPlan plan(int step, const InputChange&, trace::CacheStep& record) override {
    const bool due = step == last_ + rate_;
    if (due || forced(step)) {
      if (step <= 2)
        record.reason = "computed: the first two steps always are";
      else if (forced(step))
        record.reason = "computed: the last two steps always are";
      else
        record.reason =
            "computed: due " + steps_text(rate_) + " after step " + std::to_string(last_) + why_;
      last_ = step;
      return compute_all(depth_, true);
    }
    record.reason = "reused: " + verdict_ + ", next compute at step " + std::to_string(next());
    return reuse_all(depth_);
  }

  void measured(int step, std::span<const TapMeasure> measures, trace::CacheStep& record) override {
    const int rate_in = rate_;
    int chosen = rate_;
    double mean = 0;
    int count = 0;
    for (const TapMeasure& measure : measures) {
      trace::CacheDecision d;
      d.pair = measure.tap.pair;
      d.temporal = measure.tap.temporal;
      d.rate_in = rate_in;
      d.distance_here = measure.distance / rate_in;
      mean = (d.distance_here + count * mean) / (count + 1);
      ++count;
      d.distance = d.metric = mean;
      d.motion = 1;  // MoReg off leaves the distance as it is
      d.motion_gradient = 0;
      if (run_.moreg) regularise(step, measure, d);
      choose(d);
      chosen = d.rate_out;
      record.decisions.push_back(d);
    }
    rate_ = chosen;
    if (!record.decisions.empty()) remember(step, record);
  }

 private:
  void resolve_blocks(const RunShape& shape, trace::CacheTrace& trace) {
    if (run_.metric_blocks.empty()) {
      run_.metric_blocks = {shape.metric_block};
      trace.notes.push_back("metric block " + std::to_string(shape.metric_block) +
                            ": the model's own (config cache_block, else half the depth less one)");
    }
    for (const int pair : run_.metric_blocks)
      if (pair < 0 || pair >= shape.depth)
        throw bad_input("--cache",
                        "metric block " + std::to_string(pair) + " is not among the model's " +
                            std::to_string(shape.depth) + " block pairs",
                        "give 0 to " + std::to_string(shape.depth - 1));
  }

  void resolve_motion(const RunShape& shape) {
    MoReg& m = *run_.moreg;
    if (m.first_step == 0 && m.last_step == 0) {
      if (shape.steps == 30) {
        m.first_step = 4, m.last_step = 26;
      } else if (shape.steps == 100) {
        m.first_step = 10, m.last_step = 90;
      } else {
        throw bad_input("--moreg",
                        "has no published window at " + std::to_string(shape.steps) + " steps",
                        "give one, for example --moreg 4..26, or use 30 or 100 steps");
      }
    }
    if (m.last_step > shape.steps)
      throw bad_input("--moreg",
                      "its window ends at step " + std::to_string(m.last_step) + ", beyond the " +
                          std::to_string(shape.steps) + " steps",
                      "end it at or before the last step");
    if (shape.frames < 2)
      throw bad_input("--moreg", "one latent frame has no motion",
                      "use more frames, or leave --moreg out");
    for (const int stride : m.strides)
      if (stride >= shape.frames)
        throw bad_input("--moreg",
                        "stride " + std::to_string(stride) + " does not fit " +
                            std::to_string(shape.frames) + " latent frames",
                        "use strides below the number of latent frames");
  }

  bool forced(int step) const { return step <= 2 || step >= steps_ - 1; }
  int next() const {
    const int due = last_ + rate_;
    return due > steps_ - 1 ? steps_ - 1 : due;
  }

  /// c ← c·(m + |g|), m and g of this block.
  void regularise(int step, const TapMeasure& measure, trace::CacheDecision& d) {
    const MoReg& s = *run_.moreg;
    double m = 1;
    if (step >= s.first_step && step <= s.last_step) {
      double sum = 0;
      for (const double ratio : measure.motion)
        sum += ratio;
      m = std::pow(sum / static_cast<double>(measure.motion.size()) / s.scale, s.power) / s.divisor;
    }
    double& before =
        motion_before_.try_emplace(models::block_row(d.pair, d.temporal), 1.0).first->second;
    d.motion = m;
    d.motion_gradient = s.gradient * (m - before) / d.rate_in;
    before = m;
    d.metric = d.distance * (m + std::fabs(d.motion_gradient));
  }

  /// The first threshold above the metric; the last rate if there is none (or no number: a zero
  /// residual has no relative change).
  void choose(trace::CacheDecision& d) const {
    for (const CodebookEntry& entry : run_.codebook) {
      if (d.metric < entry.threshold) {
        d.rate_out = entry.rate;
        if (std::isfinite(entry.threshold)) d.threshold = entry.threshold;
        return;
      }
    }
    d.rate_out = run_.codebook.back().rate;
  }

  static std::string steps_text(int n) { return std::to_string(n) + (n == 1 ? " step" : " steps"); }

  void remember(int step, trace::CacheStep& record) {
    const trace::CacheDecision& d = record.decisions.back();
    const std::string what = run_.moreg ? "distance × motion " : "distance ";
    if (!std::isfinite(d.metric))
      verdict_ = "the residual is zero, so its change is unknown";
    else if (std::isfinite(d.threshold))
      verdict_ = what + brief(d.metric) + " below " + number_text(d.threshold);
    else
      verdict_ = what + brief(d.metric) + " above all thresholds";
    why_ = " (" + verdict_ + ")";
    record.reason += "; " + verdict_;
    if (step < steps_ - 1) record.reason += ", next compute at step " + std::to_string(next());
  }

  AdaCache set_, run_;
  int steps_ = 0, depth_ = 0, rate_ = 1, last_ = 0;
  std::map<int, double> motion_before_;
  std::string verdict_, why_;
};

}  // namespace

const std::vector<CodebookEntry>* published_codebook(const std::string& name) {
  if (name == "fast") return &kFast30;
  if (name == "slow") return &kSlow30;
  if (name == "100") return &kFast100;
  return nullptr;
}

void check(const AdaCache& settings, const std::string& where) {
  const auto& book = settings.codebook;
  if (book.empty())
    throw bad_input(where, "the codebook has no thresholds", "give pairs of threshold and rate");
  for (size_t i = 0; i < book.size(); ++i) {
    const bool last = i + 1 == book.size();
    if (book[i].rate < 1)
      throw bad_input(
          where,
          "codebook entry " + std::to_string(i + 1) + " has rate " + std::to_string(book[i].rate),
          "rates are 1 or more steps");
    if (last != std::isinf(book[i].threshold))
      throw bad_input(where,
                      last ? "the codebook lacks its last entry for distances above all thresholds"
                           : "codebook entry " + std::to_string(i + 1) + " has no threshold",
                      "end the codebook, and only it, with [null, RATE]");
    if (!last && !(book[i].threshold > 0))
      throw bad_input(where, "threshold " + number_text(book[i].threshold) + " is not positive",
                      "thresholds are distances above 0");
    if (i > 0 && !(book[i].threshold > book[i - 1].threshold))
      throw bad_input(where,
                      "thresholds are not ascending: " + number_text(book[i].threshold) +
                          " stands after " + number_text(book[i - 1].threshold),
                      "sort the codebook by threshold");
  }
  auto blocks = settings.metric_blocks;
  std::sort(blocks.begin(), blocks.end());
  if (blocks != settings.metric_blocks ||
      std::adjacent_find(blocks.begin(), blocks.end()) != blocks.end())
    throw bad_input(where, "metric_blocks are not ascending", "list each block pair once");
  if (!settings.moreg) return;
  const MoReg& m = *settings.moreg;
  const bool automatic = m.first_step == 0 && m.last_step == 0;
  if (!automatic && (m.first_step < 1 || m.last_step < m.first_step))
    throw bad_input(where,
                    "the MoReg window " + std::to_string(m.first_step) + ".." +
                        std::to_string(m.last_step) + " is empty",
                    "give first and last step, counted from 1");
  if (m.strides.empty()) throw bad_input(where, "MoReg has no strides", "give for example [1]");
  for (const int s : m.strides)
    if (s < 1)
      throw bad_input(where, "MoReg stride " + std::to_string(s) + " is below 1",
                      "strides are latent frames");
  if (!(m.scale > 0) || !(m.divisor > 0))
    throw bad_input(where, "MoReg's scale and divisor must be above 0",
                    "0.385 and 1 are published");
}

PolicyPtr make_policy(const AdaCache& settings) {
  return std::make_unique<AdaCachePolicy>(settings);
}

AdaCache adacache_from_json(const Json& json, const std::string& where) {
  Fields f(json, where,
           {"policy", "codebook", "metric_blocks", "residual", "norm", "moreg", "name"});
  f.expect_text("policy", "adacache");
  AdaCache out;
  out.name = f.text("name", "");
  if (!f.has("codebook"))
    throw bad_input(where, "has no codebook", "add \"codebook\": [[0.08, 6], …, [null, 1]]");
  for (const Json& entry : f.list("codebook")) {
    if (!entry.is_array() || entry.size() != 2 || !(entry[0].is_number() || entry[0].is_null()) ||
        !entry[1].is_number_integer())
      throw bad_input(where, "codebook entry " + entry.dump() + " is no [threshold, rate]",
                      "rates are whole steps; the last threshold is null");
    const int64_t rate = entry[1].get<int64_t>();
    if (rate < 1 || rate > 1000000)
      throw bad_input(where, "codebook rate " + std::to_string(rate) + " is out of range",
                      "rates are 1 or more steps");
    out.codebook.push_back(
        {entry[0].is_null() ? kEverything : entry[0].get<double>(), static_cast<int>(rate)});
  }
  out.metric_blocks = f.integers("metric_blocks", {});
  out.residual = f.choice("residual", AdaResidual::temporal,
                          {{"temporal", AdaResidual::temporal},
                           {"spatial", AdaResidual::spatial},
                           {"cross-mlp", AdaResidual::cross_mlp}});
  out.norm =
      f.choice("norm", Norm::l1, {{"l1", Norm::l1}, {"l2", Norm::l2}, {"cosine", Norm::cosine}});
  if (f.has("moreg") && !json.at("moreg").is_null()) {
    Fields m(json.at("moreg"), where + ": moreg",
             {"first_step", "last_step", "strides", "scale", "power", "divisor", "gradient"});
    MoReg moreg;
    moreg.first_step = m.integer("first_step", 0);
    moreg.last_step = m.integer("last_step", 0);
    moreg.strides = m.integers("strides", moreg.strides);
    moreg.scale = m.number("scale", moreg.scale);
    moreg.power = m.number("power", moreg.power);
    moreg.divisor = m.number("divisor", moreg.divisor);
    moreg.gradient = m.number("gradient", moreg.gradient);
    out.moreg = moreg;
  }
  check(out, where);
  return out;
}

Json to_json(const AdaCache& settings) {
  Json book = Json::array();
  for (const CodebookEntry& e : settings.codebook)
    book.push_back(Json::array({finite(e.threshold), e.rate}));
  Json moreg = nullptr;
  if (settings.moreg) {
    const MoReg& m = *settings.moreg;
    moreg = Json{{"first_step", m.first_step}, {"last_step", m.last_step}, {"strides", m.strides},
                 {"scale", m.scale},           {"power", m.power},         {"divisor", m.divisor},
                 {"gradient", m.gradient}};
  }
  return Json{{"policy", "adacache"},
              {"name", settings.name},
              {"codebook", book},
              {"metric_blocks", settings.metric_blocks},
              {"residual", residual_name(settings.residual)},
              {"norm", norm_name(settings.norm)},
              {"moreg", moreg}};
}

}  // namespace looktwice::diffusion
