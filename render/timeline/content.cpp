#include "timeline/content.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "base/text.h"

namespace looktwice::timeline {
namespace {

std::string format(const char* pattern, double value) {
  char text[64];
  std::snprintf(text, sizeof text, pattern, value);
  return text;
}

const trace::CacheStep* step_of(const TracePtr& run, int step) {
  if (!run || step < 1 || step > static_cast<int>(run->run.size())) return nullptr;
  return &run->run[static_cast<size_t>(step) - 1];
}

/// Mean milliseconds of the run's computed or reused steps; none: NaN.
double mean_ms(const trace::CacheTrace& run, bool computed) {
  double sum = 0;
  int count = 0;
  for (const trace::CacheStep& s : run.run) {
    if (s.computed != computed) continue;
    sum += s.ms;
    ++count;
  }
  return count > 0 ? sum / count : trace::kNone;
}

/// Computed modules of all of a step's, 0..1.
double share_of(const trace::CacheStep& step) {
  if (step.modules.empty()) return step.computed ? 1 : 0;
  const auto on = std::count(step.modules.begin(), step.modules.end(), uint8_t{1});
  return static_cast<double>(on) / static_cast<double>(step.modules.size());
}

std::string module_words(const trace::CacheStep& s, int block, int module) {
  std::string out;
  for (int m = 0; m < trace::kModules; ++m) {
    if (module >= 0 && m != module) continue;
    const auto at = static_cast<size_t>(block * trace::kModules + m);
    if (at >= s.modules.size()) continue;
    if (!out.empty()) out += "\n";
    out += std::string(module_name(m)) + ": " + (s.modules[at] != 0 ? "computed" : "reused");
    if (at < s.module_ms.size() && s.module_ms[at] > 0)
      out += ", " + time_text(static_cast<double>(s.module_ms[at]));
  }
  return out;
}

}  // namespace

std::vector<Threshold> thresholds_of(const trace::CacheTrace& run) {
  std::vector<Threshold> out;
  const Json& set = run.policy_settings;
  if (!set.is_object()) return out;
  if (set.contains("codebook") && set["codebook"].is_array()) {
    for (const Json& entry : set["codebook"]) {
      if (!entry.is_array() || entry.size() != 2 || !entry[0].is_number() ||
          !entry[1].is_number_integer())
        continue;
      out.push_back({entry[0].get<double>(), entry[1].get<int>()});
    }
  } else if (set.contains("threshold") && set["threshold"].is_number()) {
    out.push_back({set["threshold"].get<double>(), 0});
  }
  return out;
}

const trace::CacheDecision* decision_of(const trace::CacheStep& step) {
  return step.decisions.empty() ? nullptr : &step.decisions.back();
}

int steps_of(const Content& content) {
  int steps = 0;
  for (const Row& row : content.rows)
    for (const TracePtr& t : {row.run, row.predicted})
      if (t) steps = std::max({steps, t->steps, static_cast<int>(t->run.size())});
  return steps;
}

double denoising_ms(const trace::CacheTrace& run) {
  double sum = 0;
  for (const trace::CacheStep& s : run.run)
    sum += s.ms;
  return sum;
}

int reference_row(const Content& content) {
  for (size_t i = 0; i < content.rows.size(); ++i) {
    const TracePtr& run = content.rows[i].run;
    if (!run || run->run.empty() || static_cast<int>(run->run.size()) < run->steps) continue;
    if (std::all_of(run->run.begin(), run->run.end(),
                    [](const trace::CacheStep& s) { return share_of(s) == 1; }))
      return static_cast<int>(i);
  }
  return -1;
}

std::string time_text(double ms) {
  if (!std::isfinite(ms)) return "–";
  if (ms >= 9950) return format("%.1f s", ms / 1000);
  if (ms >= 995) return format("%.2f s", ms / 1000);
  if (ms >= 9.95) return format("%.0f ms", ms);
  if (ms >= 0.995) return format("%.1f ms", ms);
  return format("%.2f ms", ms);
}

std::string summary(const Content& content, int index) {
  const Row& row = content.rows.at(static_cast<size_t>(index));
  if (!row.note.empty()) return row.note;
  const TracePtr& run = row.run ? row.run : row.predicted;
  if (!run) return "";
  const auto computed = run->computed_steps().size();
  if (!row.run)
    return std::to_string(computed) + " of " + std::to_string(run->steps) + " predicted";
  if (static_cast<int>(run->run.size()) < run->steps)
    return "step " + std::to_string(run->run.size()) + " of " + std::to_string(run->steps);
  std::string out;
  const double share = run->computed_share();
  const bool partial = std::any_of(run->run.begin(), run->run.end(), [](const auto& s) {
    const double part = share_of(s);
    return part > 0 && part < 1;
  });
  if (partial) {
    out = format("%.0f %% of modules", 100 * share);
  } else {
    out = std::to_string(computed) + " of " + std::to_string(run->steps);
  }
  const double ms = denoising_ms(*run);
  out += " · " + time_text(ms);
  const int reference = reference_row(content);
  if (reference >= 0 && reference != index && ms > 0) {
    const TracePtr& base = content.rows[static_cast<size_t>(reference)].run;
    if (base->steps == run->steps) out += format(" · %.2f×", denoising_ms(*base) / ms);
  }
  return out;
}

std::string policy_label(const std::string& policy) {
  if (policy == "none") return "uncached";
  const size_t open = policy.find_first_of("[{");
  if (open == std::string::npos) return policy;
  const std::string name = policy.substr(0, policy.find(':'));
  return name + (name == "adacache" ? ": own codebook" : ": own settings");
}

std::string block_name(int block) {
  return (block % 2 == 0 ? "spatial " : "temporal ") + std::to_string(block / 2);
}

const char* module_name(int module) {
  static const char* const kNames[] = {"self-attention", "cross-attention", "MLP"};
  return module >= 0 && module < 3 ? kNames[module] : "";
}

std::string words(const Content& content, int index, int step, int block, int module) {
  if (index < 0 || index >= static_cast<int>(content.rows.size())) return "";
  const Row& row = content.rows[static_cast<size_t>(index)];
  const trace::CacheStep* s = step_of(row.run, step);
  const trace::CacheStep* p = step_of(row.predicted, step);
  if (s == nullptr && p == nullptr) return "";
  const int steps = (row.run ? row.run : row.predicted)->steps;
  std::string out = "Step " + std::to_string(step) + " of " + std::to_string(steps) +
                    format(" · t %.0f", (s != nullptr ? s : p)->t);
  if (s != nullptr) {
    if (block >= 0) {
      out += "\n" + block_name(block) + "\n" + module_words(*s, block, module);
    } else {
      out += "\n" + s->reason;
      const double part = share_of(*s);
      if (part > 0 && part < 1) out += format("\n%.0f %% of the modules computed", 100 * part);
      if (const trace::CacheDecision* d = decision_of(*s); d != nullptr && d->pair >= 0) {
        out += "\nmeasured on " + block_name(trace::block_row(d->pair, d->temporal)) +
               format(": distance %.4g", d->distance);
        if (std::isfinite(d->motion) && (d->motion != 1 || d->motion_gradient != 0))
          out += format(", motion %.3g", d->motion) + format(", gradient %.3g", d->motion_gradient);
      }
      out += "\n" + time_text(s->ms);
      const double other = mean_ms(*row.run, !s->computed);
      if (std::isfinite(other))
        out += std::string(s->computed ? " (reused steps take " : " (computed steps take ") +
               time_text(other) + ")";
      if (s->flops > 0) out += format(" · %.3g GFLOP", s->flops / 1e9);
      if (s->metric_ms > 0) out += " · measuring " + time_text(s->metric_ms);
    }
  }
  if (p != nullptr && block < 0) {
    out += std::string("\npredicted from the sketches: ") + (p->computed ? "computed" : "reused");
    if (s == nullptr && !p->reason.empty()) out += "\n" + p->reason;
    if (s != nullptr && s->computed != p->computed) out += ", so the prediction was wrong here";
  }
  return out;
}

}  // namespace looktwice::timeline
