#include "trace/cache_trace.h"

#include <algorithm>
#include <cmath>
#include <fstream>

#include "base/error.h"
#include "base/text.h"

namespace looktwice::trace {
namespace {

double number_or_none(const Json& json, const char* key) {
  const auto it = json.find(key);
  return it == json.end() || it->is_null() ? kNone : it->get<double>();
}

Json floats(const std::vector<float>& values) {
  Json out = Json::array();
  for (const float v : values) {
    if (!std::isfinite(v)) {
      out.push_back(nullptr);
      continue;
    }
    // Six digits are what a sketch is worth, and keep the file small.
    const double scale = v == 0.0f ? 1.0 : std::pow(10.0, 5 - std::floor(std::log10(std::fabs(v))));
    out.push_back(std::round(v * scale) / scale);
  }
  return out;
}

std::vector<float> read_floats(const Json& json, size_t count, const char* key) {
  std::vector<float> out;
  for (const Json& v : json)
    out.push_back(v.is_null() ? std::numeric_limits<float>::quiet_NaN() : v.get<float>());
  if (out.size() != count)
    throw bad_input(
        key, "holds " + std::to_string(out.size()) + " numbers, not " + std::to_string(count));
  return out;
}

Json decision_json(const CacheDecision& d) {
  return Json{{"pair", d.pair},
              {"temporal", d.temporal},
              {"distance_here", finite(d.distance_here)},
              {"distance", finite(d.distance)},
              {"motion", finite(d.motion)},
              {"motion_gradient", finite(d.motion_gradient)},
              {"metric", finite(d.metric)},
              {"threshold", finite(d.threshold)},
              {"rate_in", d.rate_in},
              {"rate_out", d.rate_out}};
}

CacheDecision read_decision(const Json& json) {
  CacheDecision d;
  d.pair = json.at("pair").get<int>();
  d.temporal = json.at("temporal").get<bool>();
  d.distance_here = number_or_none(json, "distance_here");
  d.distance = number_or_none(json, "distance");
  d.motion = number_or_none(json, "motion");
  d.motion_gradient = number_or_none(json, "motion_gradient");
  d.metric = number_or_none(json, "metric");
  d.threshold = number_or_none(json, "threshold");
  d.rate_in = json.at("rate_in").get<int>();
  d.rate_out = json.at("rate_out").get<int>();
  return d;
}

Json step_json(const CacheStep& s) {
  std::string cells;
  for (const uint8_t m : s.modules)
    cells += m ? '1' : '0';
  Json decisions = Json::array();
  for (const CacheDecision& d : s.decisions)
    decisions.push_back(decision_json(d));
  return Json{{"step", s.step},           {"t", finite(s.t)},
              {"computed", s.computed},   {"batch", s.batch},
              {"guided", s.guided},       {"modules", cells},
              {"decisions", decisions},   {"reason", s.reason},
              {"ms", finite(s.ms)},       {"metric_ms", finite(s.metric_ms)},
              {"flops", finite(s.flops)}, {"module_ms", floats(s.module_ms)}};
}

CacheStep read_step(const Json& json, int depth) {
  CacheStep s;
  s.step = json.at("step").get<int>();
  s.t = number_or_none(json, "t");
  s.computed = json.at("computed").get<bool>();
  s.batch = json.at("batch").get<int>();
  s.guided = json.at("guided").get<bool>();
  for (const char c : json.at("modules").get<std::string>()) {
    if (c != '0' && c != '1') throw bad_input("modules", "is not a text of 0 and 1");
    s.modules.push_back(c == '1');
  }
  if (s.modules.size() != static_cast<size_t>(depth) * 2 * kModules)
    throw bad_input("modules", "of step " + std::to_string(s.step) + " has " +
                                   std::to_string(s.modules.size()) + " cells for depth " +
                                   std::to_string(depth));
  if (json.contains("module_ms"))
    s.module_ms = read_floats(json.at("module_ms"),
                              json.at("module_ms").empty() ? 0 : s.modules.size(), "module_ms");
  for (const Json& d : json.at("decisions"))
    s.decisions.push_back(read_decision(d));
  s.reason = json.at("reason").get<std::string>();
  s.ms = number_or_none(json, "ms");
  s.metric_ms = number_or_none(json, "metric_ms");
  s.flops = number_or_none(json, "flops");
  return s;
}

Json distances_json(const StepDistances& distances) {
  Json taps = Json::array();
  for (const StepDistances::Tap& tap : distances.taps)
    taps.push_back(Json{{"pair", tap.pair},
                        {"temporal", tap.temporal},
                        {"residual", tap.residual},
                        {"l1", floats(tap.l1)},
                        {"l2", floats(tap.l2)},
                        {"cosine", floats(tap.cosine)},
                        {"motion", floats(tap.motion)}});
  return Json{{"steps", distances.steps}, {"elements", distances.elements}, {"taps", taps}};
}

StepDistances read_distances(const Json& json) {
  StepDistances out;
  out.steps = json.at("steps").get<int>();
  out.elements = json.at("elements").get<int>();
  if (out.steps < 0 || out.steps > 100000) throw bad_input("steps", "is out of range");
  const size_t n = static_cast<size_t>(out.steps);
  for (const Json& t : json.at("taps")) {
    StepDistances::Tap tap;
    tap.pair = t.at("pair").get<int>();
    tap.temporal = t.at("temporal").get<bool>();
    tap.residual = t.at("residual").get<std::string>();
    tap.l1 = read_floats(t.at("l1"), n * n, "l1");
    tap.l2 = read_floats(t.at("l2"), n * n, "l2");
    tap.cosine = read_floats(t.at("cosine"), n * n, "cosine");
    tap.motion = read_floats(t.at("motion"), n, "motion");
    out.taps.push_back(std::move(tap));
  }
  return out;
}

}  // namespace

std::vector<int> CacheTrace::computed_steps() const {
  std::vector<int> out;
  for (const CacheStep& s : run)
    if (s.computed) out.push_back(s.step);
  return out;
}

double CacheTrace::computed_share() const {
  size_t cells = 0, computed = 0;
  for (const CacheStep& s : run) {
    cells += s.modules.size();
    computed += static_cast<size_t>(std::count(s.modules.begin(), s.modules.end(), uint8_t{1}));
  }
  return cells == 0 ? 0.0 : static_cast<double>(computed) / static_cast<double>(cells);
}

Json to_json(const CacheTrace& trace) {
  Json out = document("cache-trace", 1);
  out["policy"] = trace.policy;
  out["policy_settings"] = trace.policy_settings;
  out["model"] = trace.model;
  out["backend"] = trace.backend;
  out["dtype"] = trace.dtype;
  out["residual_dtype"] = trace.residual_dtype;
  out["metric_dtype"] = trace.metric_dtype;
  out["steps"] = trace.steps;
  out["depth"] = trace.depth;
  out["guidance"] = finite(trace.guidance);
  out["settings"] = trace.settings;
  out["notes"] = trace.notes;
  out["computed_steps"] = trace.computed_steps();
  Json run = Json::array();
  for (const CacheStep& s : trace.run)
    run.push_back(step_json(s));
  out["run"] = std::move(run);
  if (trace.distances) out["distances"] = distances_json(*trace.distances);
  return out;
}

CacheTrace cache_trace_from_json(const Json& json, const std::string& where) {
  try {
    if (!json.is_object() || json.value("schema", "") != "looktwice/cache-trace")
      throw bad_input(where, "is not a cache trace (its schema is not looktwice/cache-trace)");
    if (json.value("version", 0) != 1)
      throw bad_input(where, "is a cache trace of another version", "this program reads version 1");
    CacheTrace out;
    out.policy = json.at("policy").get<std::string>();
    out.policy_settings = json.at("policy_settings");
    out.model = json.at("model").get<std::string>();
    out.backend = json.at("backend").get<std::string>();
    out.dtype = json.at("dtype").get<std::string>();
    out.residual_dtype = json.at("residual_dtype").get<std::string>();
    out.metric_dtype = json.at("metric_dtype").get<std::string>();
    out.steps = json.at("steps").get<int>();
    out.depth = json.at("depth").get<int>();
    if (out.depth < 0 || out.depth > 10000 || out.steps < 0)
      throw bad_input(where, "depth or steps is out of range");
    out.guidance = number_or_none(json, "guidance");
    out.settings = json.at("settings");
    out.notes = json.at("notes").get<std::vector<std::string>>();
    for (const Json& s : json.at("run"))
      out.run.push_back(read_step(s, out.depth));
    if (json.contains("distances")) out.distances = read_distances(json.at("distances"));
    return out;
  } catch (const nlohmann::json::exception& e) {
    throw bad_input(where, std::string("is not a cache trace: ") + e.what());
  }
}

void save(const CacheTrace& trace, const std::string& file_or_dash) {
  write_json(file_or_dash, to_json(trace));
}

CacheTrace load_cache_trace(const std::string& file) {
  return cache_trace_from_json(read_json(file), file);
}

bool is_cache_trace(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  std::string head(256, '\0');
  in.read(head.data(), static_cast<std::streamsize>(head.size()));
  return head.find("\"looktwice/cache-trace\"") != std::string::npos;
}

}  // namespace looktwice::trace
