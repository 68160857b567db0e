#pragma once
// Reads a JSON object field by field and refuses what it does not know.

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "base/text.h"

namespace looktwice::overlay {

/// Words of an enumeration, in JSON and on the command line.
template <typename E>
using Words = std::vector<std::pair<const char*, E>>;

template <typename E>
std::string word_of(const Words<E>& words, E value) {
  for (const auto& [word, v] : words)
    if (v == value) return word;
  return "";
}

template <typename E>
E from_word(const Words<E>& words, const std::string& word, const std::string& where) {
  std::vector<std::string> choices;
  for (const auto& [w, v] : words) {
    if (word == w) return v;
    choices.emplace_back(w);
  }
  throw bad_input(where, "\"" + word + "\" is not one of its values",
                  "choose " + join(choices, ", "));
}

class JsonFields {
 public:
  JsonFields(const Json& json, std::string where) : json_(json), where_(std::move(where)) {
    if (!json_.is_object()) throw bad_input(where_, "is not a JSON object");
  }
  const Json* find(const char* key) {
    known_.emplace_back(key);
    const auto it = json_.find(key);
    return it == json_.end() ? nullptr : &*it;
  }
  std::string at(const char* key) const { return where_ + ": " + key; }

  void flag(const char* key, bool& to) {
    if (const Json* v = find(key)) {
      if (!v->is_boolean()) throw bad_input(at(key), "is neither true nor false");
      to = v->get<bool>();
    }
  }
  void text(const char* key, std::string& to) {
    if (const Json* v = find(key)) {
      if (!v->is_string()) throw bad_input(at(key), "is not a text");
      to = v->get<std::string>();
    }
  }
  void number(const char* key, double& to, double least, double most) {
    if (const Json* v = find(key)) {
      const double value = v->is_number() ? v->get<double>() : std::nan("");
      if (!(value >= least && value <= most)) {
        throw bad_input(at(key),
                        "is not a number from " + number_text(least) + " to " + number_text(most));
      }
      to = value;
    }
  }
  template <typename E>
  void word(const char* key, const Words<E>& words, E& to) {
    std::string value;
    text(key, value);
    if (json_.contains(key)) to = from_word(words, value, at(key));
  }
  /// Throws for a key that nobody asked for.
  void finish() const {
    for (const auto& [key, value] : json_.items()) {
      if (std::find(known_.begin(), known_.end(), key) != known_.end()) continue;
      const auto near = nearest(key, known_);
      throw bad_input(where_, "\"" + key + "\" is not a setting",
                      near ? "did you mean \"" + *near + "\"?" : "");
    }
  }

 private:
  const Json& json_;
  std::string where_;
  std::vector<std::string> known_;
};

}  // namespace looktwice::overlay
