#pragma once
// The part of the settings that decides what `looktwice generate` makes, with its JSON form. Names
// are those of the options.

#include <optional>
#include <string>
#include <vector>

#include "base/json.h"

namespace looktwice::engine {

struct GenerateSettings {
  std::string prompt;                ///< words of the model's vocabulary; empty: no prompt
  std::string noise;                 ///< safetensors file; empty: noise from the seed
  std::optional<int> steps;          ///< none: the model's own
  std::optional<double> guidance;    ///< none: the model's own
  std::string cache = "none";        ///< POLICY
  std::optional<std::string> moreg;  ///< window FIRST..LAST, or empty for the published one
  std::string from;                  ///< INPUT to start from (SDEdit); empty: pure noise
  double strength = 0.6;             ///< with `from`: share of the schedule that is run
  std::string video;                 ///< HEIGHTxWIDTHxFRAMES in pixels; empty: the model's own
  std::optional<double> fps;         ///< none: the noise file's or the model's own
  bool operator==(const GenerateSettings&) const = default;
  /// Throws Error(input) naming the option.
  void check() const;
};

/// Sets steps, guidance and policy as a paper's code runs them: "paper:adacache-fast",
/// "paper:pab-246", …. Throws Error(input) naming the known ones.
void apply_preset(GenerateSettings& settings, const std::string& preset);
std::vector<std::string> generate_preset_names();

Json to_json(const GenerateSettings& settings);
/// Missing keys keep the values of `base`; unknown keys and wrong types throw Error(input).
GenerateSettings generate_settings_from_json(const Json& json, const std::string& where,
                                             const GenerateSettings& base = {});
/// Options of the command line, unquoted words, that turn `base` into `settings`.
std::vector<std::string> command_words(const GenerateSettings& settings,
                                       const GenerateSettings& base = {});

}  // namespace looktwice::engine
