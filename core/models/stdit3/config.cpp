#include "models/stdit3/config.h"

#include <cmath>

#include "base/error.h"
#include "base/text.h"

namespace looktwice::models {
namespace {

class Keys {
 public:
  Keys(const Json& json, const std::string& where) : json_(json), where_(where) {}

  bool has(const char* key) const { return json_.contains(key) && !json_.at(key).is_null(); }
  int integer(const char* key, int fallback, int low, int high) const {
    if (!has(key)) return fallback;
    const Json& v = json_.at(key);
    if (!v.is_number_integer()) wrong(key, "a whole number");
    const int64_t n =
        v.is_number_unsigned() && v.get<uint64_t>() > INT64_MAX ? INT64_MAX : v.get<int64_t>();
    if (n < low || n > high)
      wrong(key, ("within " + std::to_string(low) + " to " + std::to_string(high)).c_str());
    return static_cast<int>(n);
  }
  double number(const char* key, double fallback, double low, double high) const {
    if (!has(key)) return fallback;
    if (!json_.at(key).is_number()) wrong(key, "a number");
    const double v = json_.at(key).get<double>();
    if (!(v >= low) || !(v <= high))
      wrong(key, ("within " + number_text(low) + " to " + number_text(high)).c_str());
    return v;
  }
  bool flag(const char* key, bool fallback) const {
    if (!has(key)) return fallback;
    if (!json_.at(key).is_boolean()) wrong(key, "true or false");
    return json_.at(key).get<bool>();
  }
  /// Three whole numbers; null entries stay as they are.
  void triple(const char* key, std::array<int, 3>& to, int high) const {
    if (!has(key)) return;
    const Json& v = json_.at(key);
    if (!v.is_array() || v.size() != 3) wrong(key, "a list of three");
    for (size_t i = 0; i < 3; ++i) {
      if (v[i].is_null()) continue;
      if (!v[i].is_number_integer() || v[i].get<int64_t>() < 1 || v[i].get<int64_t>() > high)
        wrong(key, "three positive whole numbers");
      to[i] = v[i].get<int>();
    }
  }
  [[noreturn]] void wrong(const char* key, const char* wanted) const {
    throw bad_input(where_,
                    std::string("\"") + key + "\" is " +
                        (json_.contains(key) ? json_.at(key).dump().substr(0, 60) : "missing"),
                    std::string("it must be ") + wanted);
  }

 private:
  const Json& json_;
  const std::string& where_;
};

}  // namespace

Stdit3Config read_stdit3_config(const Json& json, const std::string& where) {
  if (!json.is_object()) throw bad_input(where, "is not a JSON object");
  const Keys k(json, where);
  Stdit3Config c;
  c.hidden = k.integer("hidden_size", c.hidden, 4, 65536);
  c.depth = k.integer("depth", c.depth, 1, 1024);
  c.heads = k.integer("num_heads", c.heads, 1, 1024);
  if (c.hidden % c.heads != 0 || c.head_dim() % 2 != 0)
    throw bad_input(where, "\"hidden_size\" " + std::to_string(c.hidden) + " does not split into " +
                               std::to_string(c.heads) + " heads of an even width");
  if (c.hidden % 4 != 0)
    throw bad_input(where, "\"hidden_size\" " + std::to_string(c.hidden) +
                               " is no multiple of 4, as its position table needs");
  c.mlp = static_cast<int>(c.hidden * k.number("mlp_ratio", 4.0, 1.0 / 64, 64));
  c.in_channels = k.integer("in_channels", c.in_channels, 1, 1024);
  c.out_channels = c.in_channels * (k.flag("pred_sigma", true) ? 2 : 1);
  k.triple("patch_size", c.patch, 64);
  if (c.patch[0] != 1) k.wrong("patch_size", "1 in time");
  c.caption_channels = k.integer("caption_channels", c.caption_channels, 1, 1 << 20);
  c.caption_tokens = k.integer("model_max_length", c.caption_tokens, 1, 1 << 16);
  c.input_sq_size = k.number("input_sq_size", c.input_sq_size, 1, 1e6);
  c.qk_norm = k.flag("qk_norm", c.qk_norm);
  c.qk_norm_legacy = k.flag("qk_norm_legacy", c.qk_norm_legacy);
  if (k.has("time_shift")) c.time_shift = k.number("time_shift", 1, 1e-6, 1e6);
  if (k.has("cache_block")) {
    c.cache_block = k.integer("cache_block", 0, -1000000, 1000000);
    if (*c.cache_block < 0 || *c.cache_block >= c.depth)
      throw bad_input(where,
                      "\"cache_block\" " + std::to_string(*c.cache_block) + " is not among the " +
                          std::to_string(c.depth) + " block pairs",
                      "give 0 to " + std::to_string(c.depth - 1));
  }
  k.triple("input_size", c.sample, 1 << 16);
  c.fps = k.number("fps", c.fps, 0.001, 1e6);
  c.steps = k.integer("num_sampling_steps", c.steps, 1, 100000);
  c.guidance = k.number("cfg_scale", c.guidance, -1000, 1000);
  return c;
}

}  // namespace looktwice::models
