#include "diffusion/vocabulary.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/text.h"
#include "diffusion/caching/json_fields.h"

namespace looktwice::diffusion {
namespace {

/// Words of a prompt: letters, digits, hyphens and bytes beyond ASCII, lower-cased.
std::vector<std::string> words_of(const std::string& prompt) {
  std::vector<std::string> out(1);
  for (const char c : prompt) {
    const auto u = static_cast<unsigned char>(c);
    const bool upper = u >= 'A' && u <= 'Z';
    const bool inside = upper || (u >= 'a' && u <= 'z') || (u >= '0' && u <= '9') || u == '-' ||
                        u == '_' || u == '\'' || u >= 0x80;
    if (inside)
      out.back() += static_cast<char>(upper ? u - 'A' + 'a' : u);
    else if (!out.back().empty())
      out.emplace_back();
  }
  if (out.back().empty()) out.pop_back();
  return out;
}

}  // namespace

std::vector<std::string> Vocabulary::words() const {
  std::vector<std::string> out;
  for (const auto& [word, row] : rows_of_words_)
    out.push_back(word);
  return out;
}

std::optional<Vocabulary> Vocabulary::load(const std::filesystem::path& folder,
                                           int caption_channels, int caption_tokens) {
  const std::filesystem::path file = folder / "vocab.json";
  std::error_code ec;
  if (!std::filesystem::exists(file, ec)) return std::nullopt;
  const Json json = read_json(file);
  Vocabulary out;
  out.where_ = file.string();
  out.channels_ = caption_channels;
  out.limit_ = caption_tokens;
  const std::string& where = out.where_;
  Fields f(json, where, {"schema", "version", "rows", "words", "fillers", "slots"});
  f.expect_text("schema", "looktwice/vocabulary");
  for (const Json& row : f.list("rows")) {
    std::vector<float> values;
    if (row.is_array())
      for (const Json& v : row)
        if (v.is_number()) values.push_back(v.get<float>());
    if (static_cast<int>(values.size()) != caption_channels)
      throw bad_input(where, "row " + std::to_string(out.rows_.size()) + " has " +
                                 std::to_string(values.size()) + " numbers, not the model's " +
                                 std::to_string(caption_channels) + " caption channels");
    out.rows_.push_back(std::move(values));
  }
  if (!f.has("words") || !json.at("words").is_object())
    throw bad_input(where, "\"words\" must be an object from word to row");
  for (const auto& [word, row] : json.at("words").items()) {
    if (!row.is_number_integer() || row.get<int64_t>() < 0 ||
        row.get<int64_t>() >= static_cast<int64_t>(out.rows_.size()))
      throw bad_input(where, "word \"" + word + "\" has no row");
    out.rows_of_words_[word] = row.get<int>();
  }
  if (f.has("fillers"))
    for (const Json& word : f.list("fillers"))
      if (word.is_string()) out.fillers_.insert(word.get<std::string>());
  if (f.has("slots")) {
    for (const Json& s : f.list("slots")) {
      Fields g(s, where + ": slots", {"name", "words", "default"});
      Slot slot;
      slot.name = g.text("name", "slot " + std::to_string(out.slots_.size() + 1));
      for (const Json& word : g.list("words"))
        if (word.is_string()) slot.words.push_back(word.get<std::string>());
      if (g.has("default") && !s.at("default").is_null()) slot.fallback = g.text("default", "");
      std::vector<std::string> all = slot.words;
      if (!slot.fallback.empty()) all.push_back(slot.fallback);
      for (const std::string& word : all)
        if (!out.rows_of_words_.count(word))
          throw bad_input(where, "slot \"" + slot.name + "\" names \"" + word +
                                     "\", which is not among the words");
      out.slots_.push_back(std::move(slot));
    }
    if (static_cast<int>(out.slots_.size()) > caption_tokens)
      throw bad_input(where, "has more slots than the model's " + std::to_string(caption_tokens) +
                                 " caption tokens");
  }
  return out;
}

Caption Vocabulary::encode(const std::string& prompt) const {
  std::vector<std::string> found, unknown;
  for (const std::string& word : words_of(prompt)) {
    if (rows_of_words_.count(word))
      found.push_back(word);
    else if (!fillers_.count(word))
      unknown.push_back(word);
  }
  if (!unknown.empty()) {
    std::vector<std::string> said;
    for (const std::string& word : unknown) {
      const auto near = nearest(word, words());
      said.push_back("\"" + word + "\"" + (near ? " (nearest: " + *near + ")" : ""));
    }
    throw bad_input("--prompt", "this model does not know " + join(said, ", "),
                    "it knows: " + join(words(), ", "));
  }
  std::vector<int> rows;  // -1: no token
  if (slots_.empty()) {
    for (const std::string& word : found)
      rows.push_back(rows_of_words_.at(word));
  } else {
    for (const Slot& slot : slots_) {
      std::string taken;
      for (const std::string& word : found) {
        if (std::find(slot.words.begin(), slot.words.end(), word) == slot.words.end()) continue;
        if (!taken.empty() && rows_of_words_.at(taken) != rows_of_words_.at(word))
          throw bad_input("--prompt",
                          "\"" + taken + "\" and \"" + word + "\" both say the " + slot.name,
                          "give one of them");
        taken = word;
      }
      if (taken.empty()) taken = slot.fallback;
      rows.push_back(taken.empty() ? -1 : rows_of_words_.at(taken));
    }
  }
  if (rows.empty() || std::all_of(rows.begin(), rows.end(), [](int r) { return r < 0; }))
    throw bad_input("--prompt", "has none of the words that this model knows",
                    "it knows: " + join(words(), ", "));
  if (static_cast<int>(rows.size()) > limit_)
    throw bad_input("--prompt", "has " + std::to_string(rows.size()) + " words, too long",
                    "the model takes at most " + std::to_string(limit_));
  Caption out;
  out.tokens = compute::Tensor::zeros({1, static_cast<int64_t>(rows.size()), channels_});
  float* to = out.tokens.data<float>();
  for (const int row : rows) {
    if (row >= 0)
      std::copy(rows_[static_cast<size_t>(row)].begin(), rows_[static_cast<size_t>(row)].end(), to);
    to += channels_;
    out.mask.push_back(row >= 0);
  }
  return out;
}

}  // namespace looktwice::diffusion
