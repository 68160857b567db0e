#pragma once
// Reading small settings objects from JSON with errors that name the file and the key.

#include <map>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "base/text.h"

namespace looktwice::diffusion {

class Fields {
 public:
  /// Throws Error(input) if `json` is no object or has a key that is not in `known`.
  Fields(const Json& json, std::string where, const std::vector<std::string>& known)
      : json_(json), where_(std::move(where)) {
    if (!json_.is_object()) throw bad_input(where_, "is not a JSON object");
    for (const auto& [key, value] : json_.items()) {
      bool found = false;
      for (const std::string& k : known)
        found = found || k == key;
      if (found) continue;
      const auto near = nearest(key, known);
      throw bad_input(where_, "has an unknown key \"" + key + "\"",
                      near ? "did you mean \"" + *near + "\"?" : "known: " + join(known, ", "));
    }
  }

  /// A key that is there and not null.
  bool has(const char* key) const { return json_.contains(key) && !json_.at(key).is_null(); }
  double number(const char* key, double fallback) const {
    if (!has(key)) return fallback;
    if (!json_.at(key).is_number()) wrong(key, "a number");
    return json_.at(key).get<double>();
  }
  int integer(const char* key, int fallback) const {
    if (!has(key)) return fallback;
    return to_integer(json_.at(key), key);
  }
  bool flag(const char* key, bool fallback) const {
    if (!has(key)) return fallback;
    if (!json_.at(key).is_boolean()) wrong(key, "true or false");
    return json_.at(key).get<bool>();
  }
  std::string text(const char* key, const std::string& fallback) const {
    if (!has(key)) return fallback;
    if (!json_.at(key).is_string()) wrong(key, "a text");
    return json_.at(key).get<std::string>();
  }
  const Json& list(const char* key) const {
    if (!has(key) || !json_.at(key).is_array()) wrong(key, "a list");
    return json_.at(key);
  }
  std::vector<int> integers(const char* key, std::vector<int> fallback) const {
    if (!has(key)) return fallback;
    std::vector<int> out;
    for (const Json& v : list(key))
      out.push_back(to_integer(v, key));
    return out;
  }
  std::vector<double> numbers(const char* key, std::vector<double> fallback) const {
    if (!has(key)) return fallback;
    std::vector<double> out;
    for (const Json& v : list(key)) {
      if (!v.is_number()) wrong(key, "a list of numbers");
      out.push_back(v.get<double>());
    }
    return out;
  }
  template <typename T>
  T choice(const char* key, T fallback, const std::map<std::string, T>& names) const {
    if (!has(key)) return fallback;
    const std::string given = text(key, "");
    const auto it = names.find(given);
    if (it != names.end()) return it->second;
    std::vector<std::string> known;
    for (const auto& [name, value] : names)
      known.push_back(name);
    throw bad_input(where_, std::string("\"") + key + "\" is \"" + given + "\"",
                    "known: " + join(known, ", "));
  }
  void expect_text(const char* key, const std::string& value) const {
    if (has(key) && text(key, "") != value)
      throw bad_input(where_, std::string("\"") + key + "\" is \"" + text(key, "") + "\", not \"" +
                                  value + "\"");
  }

 private:
  int to_integer(const Json& value, const char* key) const {
    if (!value.is_number_integer()) wrong(key, "whole numbers");
    const int64_t v = value.get<int64_t>();
    if (v < -1000000 || v > 1000000) wrong(key, "within ±1000000");
    return static_cast<int>(v);
  }
  [[noreturn]] void wrong(const char* key, const char* wanted) const {
    throw bad_input(where_, std::string("\"") + key + "\" must be " + wanted);
  }

  const Json& json_;
  std::string where_;
};

}  // namespace looktwice::diffusion
