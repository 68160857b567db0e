#pragma once
// Everything that decides a run, as one plain value with a JSON form. The command line parses it,
// the app edits it, a trace and an exported video carry it. Names are those of the options.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "engine/generate_settings.h"
#include "frames/clip.h"

namespace looktwice::engine {

/// Token reduction: which tokens enter the model and which are merged inside it. Words are checked
/// by check(); their meanings are in docs/settings.md.
struct TokenSettings {
  std::optional<float> rlt;                  ///< τ in normalised units; none: RLT off
  std::string length_encoding = "auto";      ///< auto | on | off
  std::string length_order = "aligned";      ///< aligned | reference
  std::string drop = "none";                 ///< none | random:KEEP (fraction kept)
  std::string drop_count = "exact";          ///< exact | reference (one token fewer)
  std::string tome = "0";                    ///< R | R,INFLECT | [r0,r1,…]
  std::string tome_match = "bipartite";      ///< bipartite | kth:K | random
  std::string tome_sizes = "ones";           ///< ones | run-lengths
  std::string prop_attn = "auto";            ///< auto | on | off
  std::string pool = "auto";                 ///< auto | size-weighted | unweighted
  std::optional<double> ln_eps;              ///< none: what the checkpoint was trained with
  std::string tome_feature = "k";            ///< k | q | v | x
  std::string tome_distance = "cosine";      ///< cosine | dot | l2
  std::string tome_heads = "mean";           ///< mean | concat
  std::string tome_partition = "alternate";  ///< alternate | sequential | random
  std::string tome_position = "attention";   ///< attention | mlp
  bool operator==(const TokenSettings&) const = default;
};

/// Where and how a model runs.
struct RunSettings {
  std::string backend = "auto";  ///< reference | onednn | cuda | cuda:N (the N-th GPU) | auto
  std::string dtype = "f32";     ///< f32 | f16 | bf16
  int threads = 0;               ///< 0: all cores
  int device_memory = 0;         ///< most memory to take of a GPU, MiB; 0: what is free
  bool tf32 = false;             ///< a GPU may round float32 products to TF32
  uint64_t seed = 0;
  bool operator==(const RunSettings&) const = default;
};

struct Settings {
  frames::ClipOptions clip;
  TokenSettings tokens;
  RunSettings run;
  std::string model;  ///< model folder; empty: model-free
  GenerateSettings generate;
  bool operator==(const Settings&) const = default;
  /// Throws Error(input) naming the option.
  void check() const;
};

/// One named text setting and the words it may hold (a trailing ':' means "word:VALUE"; an empty
/// list means free text). The table drives the command line, JSON and check().
struct WordOption {
  const char* option;  ///< without the leading "--"
  std::string TokenSettings::*member;
  std::vector<std::string> words;
  const char* help;
};
const std::vector<WordOption>& token_word_options();

Json to_json(const Settings& settings);
/// Missing keys keep the values of `base`; unknown keys and wrong types throw Error(input).
Settings settings_from_json(const Json& json, const std::string& where, const Settings& base = {});
/// The options of the command line that turn `base` into `settings`, quoted for a shell.
std::string command_options(const Settings& settings, const Settings& base = {});
/// Names a result: equal settings of the same source have equal hashes.
uint64_t hash(const Settings& settings);

/// Sets exactly what a paper's code does: "paper:rlt", "paper:tome", "paper:rlt-tome-baseline".
/// Throws Error(input) naming the known ones.
void apply_preset(Settings& settings, const std::string& preset);
std::vector<std::string> preset_names();

}  // namespace looktwice::engine
