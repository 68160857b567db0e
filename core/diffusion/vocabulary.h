#pragma once
// Captions of small models without a text encoder: words that are rows of a table. File format:
// docs/file-formats.md, vocab.json.

#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "compute/tensor.h"

namespace looktwice::diffusion {

/// A caption as the model takes it.
struct Caption {
  compute::Tensor tokens;     ///< host f32 [1, n, caption_channels]
  std::vector<uint8_t> mask;  ///< [n] 1 = token
};

class Vocabulary {
 public:
  /// Null where FOLDER has no vocab.json. Throws Error(input) naming file and key.
  static std::optional<Vocabulary> load(const std::filesystem::path& folder, int caption_channels,
                                        int caption_tokens);

  /// Lower-cases, drops punctuation and filler words, looks the rest up. Throws Error(input) naming
  /// every unknown word with its nearest known ones, two words for one slot, or too many words.
  Caption encode(const std::string& prompt) const;

  struct Slot {
    std::string name;
    std::vector<std::string> words;
    std::string fallback;  ///< word taken where the prompt has none; empty: no token
  };
  const std::vector<Slot>& caption_slots() const { return slots_; }
  std::vector<std::string> words() const;

 private:
  std::string where_;
  int channels_ = 0, limit_ = 0;
  std::map<std::string, int> rows_of_words_;
  std::set<std::string> fillers_;
  std::vector<Slot> slots_;
  std::vector<std::vector<float>> rows_;
};

}  // namespace looktwice::diffusion
