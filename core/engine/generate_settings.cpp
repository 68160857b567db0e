#include "engine/generate_settings.h"

#include <cmath>
#include <set>

#include "base/error.h"
#include "base/text.h"

namespace looktwice::engine {

void GenerateSettings::check() const {
  if (steps && (*steps < 1 || *steps > 100000))
    throw bad_input("--steps", std::to_string(*steps) + " is no number of steps",
                    "give 1 to 100000");
  if (guidance && !std::isfinite(*guidance)) throw bad_input("--guidance", "is not a number");
  if (!(strength > 0 && strength <= 1))
    throw bad_input("--strength", number_text(strength) + " is not within 0 to 1",
                    "1 starts from pure noise, small values stay near the clip");
  if (fps && !(*fps > 0 && std::isfinite(*fps)))
    throw bad_input("--fps", "is not a positive number");
}

namespace {

struct Preset {
  const char* name;
  int steps;
  const char* cache;
  const char* moreg;  ///< null: off
};
// Open-Sora 1.2 at guidance 7, as the papers' code runs it.
constexpr Preset kPresets[] = {
    {"paper:adacache-fast", 30, "adacache:fast", nullptr},
    {"paper:adacache-fast-moreg", 30, "adacache:fast", ""},
    {"paper:adacache-slow", 30, "adacache:slow", nullptr},
    {"paper:adacache-100", 100, "adacache:100", nullptr},
    {"paper:adacache-100-moreg", 100, "adacache:100", ""},
    {"paper:pab-246", 30, "pab:246,reference", nullptr},
    {"paper:pab-357", 30, "pab:357,reference", nullptr},
    {"paper:pab-579", 30, "pab:579,reference", nullptr},
    {"paper:teacache-slow", 30, "teacache:0.1,verbatim", nullptr},
    {"paper:teacache-fast", 30, "teacache:0.2,verbatim", nullptr},
};

}  // namespace

std::vector<std::string> generate_preset_names() {
  std::vector<std::string> out;
  for (const Preset& p : kPresets)
    out.push_back(p.name);
  return out;
}

void apply_preset(GenerateSettings& s, const std::string& preset) {
  for (const Preset& p : kPresets) {
    if (preset != p.name) continue;
    s.steps = p.steps;
    s.guidance = 7;
    s.cache = p.cache;
    s.moreg = p.moreg ? std::optional<std::string>(p.moreg) : std::nullopt;
    return;
  }
  const auto near = nearest(preset, generate_preset_names());
  throw bad_input(
      "--preset", "\"" + preset + "\" is not known",
      near ? "did you mean " + *near + "?" : "known: " + join(generate_preset_names(), ", "));
}

Json to_json(const GenerateSettings& s) {
  Json out = Json::object();
  out["prompt"] = s.prompt;
  out["noise"] = s.noise;
  out["steps"] = s.steps ? Json(*s.steps) : Json(nullptr);
  out["guidance"] = s.guidance ? Json(*s.guidance) : Json(nullptr);
  out["cache"] = s.cache;
  out["moreg"] = s.moreg ? Json(*s.moreg) : Json(nullptr);
  out["from"] = s.from;
  out["strength"] = s.strength;
  out["video"] = s.video;
  out["fps"] = s.fps ? Json(*s.fps) : Json(nullptr);
  return out;
}

GenerateSettings generate_settings_from_json(const Json& json, const std::string& where,
                                             const GenerateSettings& base) {
  if (!json.is_object()) throw bad_input(where, "is not a JSON object");
  GenerateSettings s = base;
  std::set<std::string> known;
  const auto wrong = [&](const std::string& key, const char* wanted) {
    return bad_input(where + ": " + key, std::string("is not ") + wanted);
  };
  const auto find = [&](const char* key) -> const Json* {
    known.insert(key);
    const auto it = json.find(key);
    return it == json.end() ? nullptr : &*it;
  };
  const auto text = [&](const char* key, std::string& to) {
    const Json* v = find(key);
    if (v && !v->is_string()) throw wrong(key, "a text");
    if (v) to = v->get<std::string>();
  };
  const auto number = [&](const char* key, std::optional<double>& to) {
    const Json* v = find(key);
    if (v && !v->is_number() && !v->is_null()) throw wrong(key, "a number or null");
    if (v) to = v->is_null() ? std::nullopt : std::optional(v->get<double>());
  };
  text("prompt", s.prompt);
  text("noise", s.noise);
  if (const Json* v = find("steps")) {
    if (!v->is_null() && !v->is_number_integer()) throw wrong("steps", "a whole number or null");
    const int64_t n = v->is_null() ? 1 : v->get<int64_t>();
    if (n < 1 || n > 100000) throw wrong("steps", "within 1 to 100000");
    s.steps = v->is_null() ? std::nullopt : std::optional(static_cast<int>(n));
  }
  number("guidance", s.guidance);
  text("cache", s.cache);
  if (const Json* v = find("moreg")) {
    if (!v->is_null() && !v->is_string()) throw wrong("moreg", "a text or null");
    s.moreg = v->is_null() ? std::nullopt : std::optional(v->get<std::string>());
  }
  text("from", s.from);
  std::optional<double> strength = s.strength;
  number("strength", strength);
  s.strength = strength.value_or(GenerateSettings{}.strength);
  text("video", s.video);
  number("fps", s.fps);
  for (const auto& [key, value] : json.items())
    if (!known.count(key)) {
      const auto near = nearest(key, {known.begin(), known.end()});
      throw bad_input(where, "\"" + key + "\" is not a setting",
                      near ? "did you mean \"" + *near + "\"?" : "");
    }
  s.check();
  return s;
}

std::vector<std::string> command_words(const GenerateSettings& s, const GenerateSettings& base) {
  std::vector<std::string> out;
  const auto put = [&](const char* option, const std::string& value) {
    out.push_back(std::string("--") + option);
    out.push_back(value);
  };
  if (s.prompt != base.prompt) put("prompt", s.prompt);
  if (s.noise != base.noise) put("noise", s.noise);
  if (s.steps && s.steps != base.steps) put("steps", std::to_string(*s.steps));
  if (s.guidance && s.guidance != base.guidance) put("guidance", number_text(*s.guidance));
  if (s.cache != base.cache) put("cache", s.cache);
  if (s.moreg && s.moreg != base.moreg)
    out.push_back(s.moreg->empty() ? "--moreg" : "--moreg=" + *s.moreg);
  if (s.from != base.from) put("from", s.from);
  if (s.strength != base.strength) put("strength", number_text(s.strength));
  if (s.video != base.video) put("video", s.video);
  if (s.fps && s.fps != base.fps) put("fps", number_text(*s.fps));
  return out;
}

}  // namespace looktwice::engine
