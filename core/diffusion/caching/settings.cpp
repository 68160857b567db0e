#include "diffusion/caching/settings.h"

#include <algorithm>
#include <filesystem>

#include "base/error.h"
#include "base/text.h"
#include "diffusion/caching/json_fields.h"

namespace looktwice::diffusion {
namespace {

const std::vector<std::string> kPolicies = {"none", "interval", "plan",     "adacache",
                                            "pab",  "tgate",    "deltadit", "teacache"};

Json read_policy_file(const std::string& policy, const std::string& file,
                      const std::string& otherwise) {
  std::error_code ec;
  if (!std::filesystem::exists(file, ec))
    throw bad_input("--cache", policy + ":" + file + " is neither " + otherwise + " nor a file",
                    "check the spelling or the path");
  return read_json(file, size_t{1} << 20);
}

int to_int(const std::string& text, const std::string& where) {
  const int64_t value = parse_integer(text, where);
  if (value < -1000000 || value > 1000000) throw bad_input(where, text + " is out of range");
  return static_cast<int>(value);
}

AdaCache parse_adacache(const std::string& name) {
  if (name.empty())
    throw bad_input("--cache", "adacache: which codebook?",
                    "give adacache:fast, adacache:slow, adacache:100 or adacache:FILE");
  if (name[0] == '[') {
    const std::string where = "--cache adacache";
    AdaCache out = adacache_from_json(Json{{"codebook", parse_json(name, where)}}, where);
    out.name = "own";
    return out;
  }
  if (const auto* book = published_codebook(name)) {
    AdaCache out;
    out.name = name;
    out.codebook = *book;
    return out;
  }
  std::string known = "fast, slow, 100";
  if (const auto near = nearest(name, {"fast", "slow", "100"})) known += " (" + *near + "?)";
  AdaCache out = adacache_from_json(read_policy_file("adacache", name, known), name);
  out.name = name;
  return out;
}

void add_moreg(AdaCache& ada, const std::string& window) {
  if (!ada.moreg) ada.moreg = MoReg{};
  if (window.empty()) return;
  const size_t dots = window.find("..");
  if (dots == std::string::npos)
    throw bad_input("--moreg", "\"" + window + "\" is no window", "give FIRST..LAST, as 4..26");
  ada.moreg->first_step = to_int(window.substr(0, dots), "--moreg");
  ada.moreg->last_step = to_int(window.substr(dots + 2), "--moreg");
  if (ada.moreg->first_step < 1 || ada.moreg->last_step < ada.moreg->first_step)
    throw bad_input("--moreg", "the window " + window + " is empty",
                    "give FIRST..LAST, counted from 1");
}

Plan parse_plan(const std::string& arguments) {
  Plan out;
  for (const std::string& part : split(arguments, ','))
    out.steps.push_back(to_int(part, "--cache plan"));
  return out;
}

}  // namespace

PolicySettings parse_policy(const std::string& given, const std::optional<std::string>& moreg) {
  PolicySettings out;
  std::optional<std::string> window = moreg;
  std::string text(trim(given));
  if (const size_t plus = text.find("+moreg"); plus != std::string::npos) {
    const std::string tail = text.substr(plus + 6);
    if (!tail.empty() && tail[0] != '=')
      throw bad_input("--cache", "\"" + text.substr(plus) + "\" is no option of a policy",
                      "write +moreg or +moreg=FIRST..LAST");
    window = tail.empty() ? std::string() : tail.substr(1);
    text.resize(plus);
  }
  const size_t colon = text.find(':');
  const std::string name = text.substr(0, colon);
  const bool has_arguments = colon != std::string::npos;
  const std::string arguments = has_arguments ? text.substr(colon + 1) : std::string();
  const bool known = std::find(kPolicies.begin(), kPolicies.end(), name) != kPolicies.end();
  if (has_arguments && arguments.empty())
    throw bad_input("--cache", "nothing stands behind \"" + name + ":\"",
                    "see looktwice generate --help");
  if (known && !arguments.empty() && arguments[0] == '{') {
    Json json = parse_json(arguments, "--cache " + name);
    if (json.is_object()) json["policy"] = name;
    out = policy_from_json(json, "--cache " + name);
    if (auto* ada = std::get_if<AdaCache>(&out.method); ada && ada->name.empty()) ada->name = "own";
  } else if (name == "none") {
    if (has_arguments) throw bad_input("--cache", "none takes no arguments");
    out.method = NoCache{};
  } else if (name == "interval") {
    const int every = to_int(arguments, "--cache interval");
    if (every < 1)
      throw bad_input("--cache", "interval:" + arguments + " is no interval",
                      "give 1 or more steps");
    out.method = Interval{every};
  } else if (name == "plan") {
    out.method = parse_plan(arguments);
  } else if (name == "adacache") {
    out.method = parse_adacache(arguments);
  } else if (name == "pab") {
    out.method = has_arguments ? parse_pab(arguments) : Pab{};
  } else if (name == "tgate") {
    out.method = parse_tgate(arguments);
  } else if (name == "deltadit") {
    out.method = parse_deltadit(arguments);
  } else if (name == "teacache") {
    if (!has_arguments)
      throw bad_input("--cache", "teacache: which threshold?",
                      "give teacache:0.1 (slow) or teacache:0.2 (fast)");
    std::error_code ec;
    out.method = std::filesystem::is_regular_file(arguments, ec)
                     ? teacache_from_json(read_json(arguments, size_t{1} << 20), arguments)
                     : parse_teacache(arguments);
  } else {
    const auto near = nearest(name, kPolicies);
    throw bad_input("--cache", "there is no policy \"" + name + "\"",
                    near ? "did you mean " + *near + "?" : "known: " + join(kPolicies, ", "));
  }
  out.text = text;
  if (window) {
    auto* ada = std::get_if<AdaCache>(&out.method);
    if (!ada)
      throw bad_input("--moreg", "regularises adacache, not " + name,
                      "use it with --cache adacache:…");
    add_moreg(*ada, *window);
    out.text += "+moreg";
    if (!window->empty()) out.text += "=" + *window;
  }
  return out;
}

std::string policy_text(const PolicySettings& settings) {
  const auto means = [&](const std::string& text) {
    try {
      return parse_policy(text).method == settings.method;
    } catch (const Error&) {
      return false;
    }
  };
  std::vector<std::string> ways = {"none"};
  if (const auto* every = std::get_if<Interval>(&settings.method))
    ways.push_back("interval:" + std::to_string(every->every));
  if (const auto* plan = std::get_if<Plan>(&settings.method)) {
    std::vector<std::string> steps;
    for (const int step : plan->steps)
      steps.push_back(std::to_string(step));
    ways.push_back("plan:" + join(steps, ","));
  }
  if (const auto* ada = std::get_if<AdaCache>(&settings.method)) {
    std::string moreg;
    if (ada->moreg && ada->moreg->first_step == 0) moreg = "+moreg";
    if (ada->moreg && ada->moreg->first_step > 0)
      moreg = "+moreg=" + std::to_string(ada->moreg->first_step) + ".." +
              std::to_string(ada->moreg->last_step);
    ways.push_back("adacache:" + ada->name + moreg);
    Json book = to_json(*ada).at("codebook");
    ways.push_back("adacache:" + book.dump() + moreg);
  }
  for (const char* preset : {"246", "357", "579"})
    for (const char* keys : {"", ",reference"})
      ways.push_back(std::string("pab:") + preset + keys);
  if (const auto* t = std::get_if<Tgate>(&settings.method))
    ways.push_back(
        "tgate:gate=" + std::to_string(t->gate) + ",sp=" + std::to_string(t->self_interval) +
        ",fi=" + std::to_string(t->final_interval) + ",warmup=" + std::to_string(t->warm_up));
  if (const auto* d = std::get_if<DeltaDit>(&settings.method)) {
    ways.push_back("deltadit:every=" + std::to_string(d->every));
    ways.push_back(ways.back() + ",blocks=" + std::to_string(d->blocks) +
                   ",boundary=" + std::to_string(d->boundary));
  }
  if (const auto* tea = std::get_if<TeaCache>(&settings.method))
    for (const char* last : {"", ",verbatim"})
      ways.push_back("teacache:" + number_text(tea->threshold) + last);
  for (const std::string& way : ways)
    if (means(way)) return way;
  // Whatever has no short spelling is written out.
  Json json = to_json(settings);
  const std::string name = json.at("policy").get<std::string>();
  for (const char* key : {"policy", "text", "name"})
    json.erase(key);
  return name + ":" + json.dump();
}

PolicyPtr make_policy(const PolicySettings& settings) {
  return std::visit([](const auto& method) { return make_policy(method); }, settings.method);
}

Json to_json(const PolicySettings& settings) {
  Json out = std::visit(
      [](const auto& method) -> Json {
        using T = std::decay_t<decltype(method)>;
        if constexpr (std::is_same_v<T, NoCache>)
          return Json{{"policy", "none"}};
        else if constexpr (std::is_same_v<T, Interval>)
          return Json{{"policy", "interval"}, {"every", method.every}};
        else if constexpr (std::is_same_v<T, Plan>)
          return Json{{"policy", "plan"}, {"steps", method.steps}};
        else
          return to_json(method);
      },
      settings.method);
  out["text"] = settings.text;
  return out;
}

PolicySettings policy_from_json(const Json& given, const std::string& where) {
  if (!given.is_object() || !given.contains("policy") || !given.at("policy").is_string())
    throw bad_input(where, "has no \"policy\"", "known: " + join(kPolicies, ", "));
  const std::string name = given.at("policy").get<std::string>();
  PolicySettings out;
  Json json = given;
  out.text = name;
  if (json.contains("text") && json.at("text").is_string()) out.text = json.at("text");
  json.erase("text");
  if (name == "none") {
    Fields(json, where, {"policy"});
    out.method = NoCache{};
  } else if (name == "interval") {
    out.method = Interval{Fields(json, where, {"policy", "every"}).integer("every", 2)};
  } else if (name == "plan") {
    out.method = Plan{Fields(json, where, {"policy", "steps"}).integers("steps", {})};
  } else if (name == "adacache") {
    out.method = adacache_from_json(json, where);
  } else if (name == "pab") {
    out.method = pab_from_json(json, where);
  } else if (name == "tgate") {
    out.method = tgate_from_json(json, where);
  } else if (name == "deltadit") {
    out.method = deltadit_from_json(json, where);
  } else if (name == "teacache") {
    out.method = teacache_from_json(json, where);
  } else {
    const auto near = nearest(name, kPolicies);
    throw bad_input(where, "there is no policy \"" + name + "\"",
                    near ? "did you mean " + *near + "?" : "known: " + join(kPolicies, ", "));
  }
  return out;
}

}  // namespace looktwice::diffusion
