#include "engine/settings.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "base/error.h"
#include "base/hash.h"
#include "base/text.h"

namespace looktwice::engine {
namespace {

const std::vector<std::string> kBackends = {"auto", "reference", "onednn", "cuda", "cuda:"};
const std::vector<std::string> kDtypes = {"f32", "f16", "bf16"};

bool allowed(const std::string& value, const std::vector<std::string>& words) {
  return words.empty() || std::any_of(words.begin(), words.end(), [&](const std::string& w) {
           return w.back() == ':' ? value.rfind(w, 0) == 0 : value == w;
         });
}

void check_word(const std::string& option, const std::string& value,
                const std::vector<std::string>& words) {
  if (allowed(value, words)) return;
  std::vector<std::string> shown;
  for (const std::string& w : words)
    shown.push_back(w.back() == ':' ? w + "VALUE" : w);
  throw bad_input("--" + option, "\"" + value + "\" is not one of its values",
                  "choose " + join(shown, ", "));
}

/// Reads keys of one JSON object and names what is left over.
class Reader {
 public:
  Reader(const Json& json, std::string where) : json_(json), where_(std::move(where)) {
    if (!json.is_object()) throw bad_input(where_, "is not a JSON object");
  }
  const Json* find(const std::string& key) {
    seen_.insert(key);
    const auto it = json_.find(key);
    return it == json_.end() ? nullptr : &*it;
  }
  std::string at(const std::string& key) const { return where_ + ": " + key; }
  void text(const std::string& key, std::string& to) {
    if (const Json* v = find(key)) {
      if (!v->is_string()) throw bad_input(at(key), "is not a text");
      to = v->get<std::string>();
    }
  }
  template <typename T>
  void integer(const std::string& key, T& to) {
    if (const Json* v = find(key)) {
      if (!v->is_number_integer()) throw bad_input(at(key), "is not a whole number");
      to = v->get<T>();
    }
  }
  template <typename T>
  void optional_number(const std::string& key, std::optional<T>& to) {
    if (const Json* v = find(key)) {
      if (v->is_null()) {
        to.reset();
      } else if (v->is_number()) {
        to = v->get<T>();
      } else {
        throw bad_input(at(key), "is neither a number nor null");
      }
    }
  }
  void finish() const {
    for (const auto& [key, value] : json_.items())
      if (!seen_.count(key)) {
        const auto near = nearest(key, {seen_.begin(), seen_.end()});
        throw bad_input(where_, "\"" + key + "\" is not a setting",
                        near ? "did you mean \"" + *near + "\"?" : "");
      }
  }

 private:
  const Json& json_;
  std::string where_;
  std::set<std::string> seen_;
};

std::string key_of(std::string option) {
  std::replace(option.begin(), option.end(), '-', '_');
  return option;
}

}  // namespace

const std::vector<WordOption>& token_word_options() {
  using T = TokenSettings;
  static const std::vector<WordOption> table = {
      {"length-encoding",
       &T::length_encoding,
       {"auto", "on", "off"},
       "add the model's learned run-length embedding"},
      {"length-order",
       &T::length_order,
       {"aligned", "reference"},
       "order of run lengths; reference: the published code's, misaligned with its tokens"},
      {"drop", &T::drop, {"none", "random:"}, "baseline: keep a random fraction of the tokens"},
      {"drop-count",
       &T::drop_count,
       {"exact", "reference"},
       "how many random drop keeps; reference: one fewer, as the published code"},
      {"tome", &T::tome, {}, "tokens merged per layer: R, R,INFLECT or [r0,r1,...]"},
      {"tome-match", &T::tome_match, {"bipartite", "kth:", "random"}, "how pairs are found"},
      {"tome-sizes", &T::tome_sizes, {"ones", "run-lengths"}, "token sizes before the first merge"},
      {"prop-attn", &T::prop_attn, {"auto", "on", "off"}, "add log token size to attention"},
      {"pool",
       &T::pool,
       {"auto", "size-weighted", "unweighted"},
       "mean over tokens before the head"},
      {"tome-feature", &T::tome_feature, {"k", "q", "v", "x"}, "what similarity is measured on"},
      {"tome-distance", &T::tome_distance, {"cosine", "dot", "l2"}, "similarity measure"},
      {"tome-heads", &T::tome_heads, {"mean", "concat"}, "how heads join into the feature"},
      {"tome-partition",
       &T::tome_partition,
       {"alternate", "sequential", "random"},
       "how tokens are split into two sets"},
      {"tome-position",
       &T::tome_position,
       {"attention", "mlp"},
       "merge after attention or after the MLP"},
  };
  return table;
}

void Settings::check() const {
  clip.check();
  if (tokens.rlt && !(std::isfinite(*tokens.rlt) && *tokens.rlt >= 0))
    throw bad_input("--rlt", "τ must be a number of 0 or more", "0.1 is the paper's value");
  for (const WordOption& o : token_word_options())
    check_word(o.option, tokens.*o.member, o.words);
  if (tokens.drop.rfind("random:", 0) == 0) {
    const double keep = parse_number(tokens.drop.substr(7), "--drop");
    if (!(keep > 0 && keep <= 1))
      throw bad_input("--drop", "the fraction kept must be above 0 and at most 1");
    if (tokens.rlt) throw bad_input("--drop", "replaces RLT", "give either --drop or --rlt");
  }
  if (tokens.tome_match.rfind("kth:", 0) == 0 &&
      parse_integer(tokens.tome_match.substr(4), "--tome-match") < 2)
    throw bad_input("--tome-match", "K of kth:K must be at least 2");
  if (tokens.ln_eps && !(*tokens.ln_eps > 0 && *tokens.ln_eps < 1))
    throw bad_input("--ln-eps", "must lie between 0 and 1", "1e-6 is usual");
  generate.check();
  check_word("backend", run.backend, kBackends);
  check_word("dtype", run.dtype, kDtypes);
  if (run.threads < 0 || run.threads > 1024)
    throw bad_input("--threads", "must lie between 0 and 1024", "0 takes all cores");
  if (run.device_memory < 0 || run.device_memory > 1 << 24)
    throw bad_input("--device-memory", "must lie between 0 and 16777216 MiB",
                    "0 takes what is free");
}

Json to_json(const Settings& s) {
  Json tokens = Json::object();
  tokens["rlt"] = s.tokens.rlt ? parse_json(number_text(*s.tokens.rlt), "rlt") : Json(nullptr);
  for (const WordOption& o : token_word_options())
    tokens[key_of(o.option)] = s.tokens.*o.member;
  tokens["ln_eps"] = s.tokens.ln_eps ? Json(*s.tokens.ln_eps) : Json(nullptr);
  Json out = {{"clip", frames::to_json(s.clip)},
              {"tokens", tokens},
              {"run",
               {{"backend", s.run.backend},
                {"dtype", s.run.dtype},
                {"threads", s.run.threads},
                {"seed", s.run.seed}}},
              {"model", s.model}};
  if (s.run.device_memory) out["run"]["device_memory"] = s.run.device_memory;
  if (s.run.tf32) out["run"]["tf32"] = true;
  if (s.generate != GenerateSettings{}) out["generate"] = to_json(s.generate);
  return out;
}

Settings settings_from_json(const Json& json, const std::string& where, const Settings& base) {
  Settings s = base;
  Reader top(json, where);
  top.find("schema");
  top.find("version");
  if (const Json* clip = top.find("clip")) {
    if (!clip->is_object()) throw bad_input(top.at("clip"), "is not a JSON object");
    Json merged = frames::to_json(base.clip);
    merged.update(*clip);
    s.clip = frames::clip_options_from_json(merged, top.at("clip"));
  }
  if (const Json* tokens = top.find("tokens")) {
    Reader r(*tokens, top.at("tokens"));
    r.optional_number("rlt", s.tokens.rlt);
    for (const WordOption& o : token_word_options())
      r.text(key_of(o.option), s.tokens.*o.member);
    r.optional_number("ln_eps", s.tokens.ln_eps);
    r.finish();
  }
  if (const Json* run = top.find("run")) {
    Reader r(*run, top.at("run"));
    r.text("backend", s.run.backend);
    r.text("dtype", s.run.dtype);
    r.integer("threads", s.run.threads);
    r.integer("device_memory", s.run.device_memory);
    if (const Json* tf32 = r.find("tf32")) {
      if (!tf32->is_boolean()) throw bad_input(r.at("tf32"), "is not true or false");
      s.run.tf32 = tf32->get<bool>();
    }
    r.integer("seed", s.run.seed);
    r.finish();
  }
  top.text("model", s.model);
  if (const Json* generate = top.find("generate"))
    s.generate = generate_settings_from_json(*generate, top.at("generate"), base.generate);
  top.finish();
  s.check();
  return s;
}

std::string command_options(const Settings& s, const Settings& base) {
  std::vector<std::string> words;
  const auto put = [&](const std::string& option, const std::string& value) {
    words.push_back("--" + option);
    words.push_back(shell_quote(value));
  };
  for (const std::string& name : frames::clip_option_names()) {
    const std::string value = frames::clip_option_text(s.clip, name);
    if (value != frames::clip_option_text(base.clip, name)) put(name, value);
  }
  if (s.tokens.rlt && s.tokens.rlt != base.tokens.rlt) put("rlt", number_text(*s.tokens.rlt));
  for (const WordOption& o : token_word_options())
    if (s.tokens.*o.member != base.tokens.*o.member) put(o.option, s.tokens.*o.member);
  if (s.tokens.ln_eps && s.tokens.ln_eps != base.tokens.ln_eps)
    put("ln-eps", number_text(*s.tokens.ln_eps));
  if (s.model != base.model) put("model", s.model);
  for (const std::string& word : command_words(s.generate, base.generate))
    words.push_back(shell_quote(word));
  if (s.run.backend != base.run.backend) put("backend", s.run.backend);
  if (s.run.dtype != base.run.dtype) put("dtype", s.run.dtype);
  if (s.run.threads != base.run.threads) put("threads", std::to_string(s.run.threads));
  if (s.run.device_memory != base.run.device_memory)
    put("device-memory", std::to_string(s.run.device_memory));
  if (s.run.tf32 != base.run.tf32) put("tf32", s.run.tf32 ? "true" : "false");
  if (s.run.seed != base.run.seed) put("seed", std::to_string(s.run.seed));
  return join(words, " ");
}

uint64_t hash(const Settings& settings) {
  return hash_text(to_json(settings).dump());
}

std::vector<std::string> preset_names() {
  return {"paper:rlt", "paper:tome", "paper:rlt-tome-baseline"};
}

void apply_preset(Settings& s, const std::string& preset) {
  TokenSettings t;
  if (preset == "paper:rlt") {
    // The published code: τ 0.1, no length encoding, unweighted mean, LayerNorm's default epsilon.
    t.rlt = 0.1f;
    t.length_encoding = "off";
    t.length_order = "reference";
    t.pool = "unweighted";
    t.ln_eps = 1e-5;
  } else if (preset == "paper:tome") {
    t.tome = "65";
    t.prop_attn = "on";
    t.pool = "size-weighted";
  } else if (preset == "paper:rlt-tome-baseline") {
    t.tome = "65";
    t.prop_attn = "on";
    t.pool = "unweighted";
    t.ln_eps = 1e-5;
  } else {
    throw bad_input("--preset", "\"" + preset + "\" is not known",
                    "known: " + join(preset_names(), ", "));
  }
  s.tokens = t;
}

}  // namespace looktwice::engine
