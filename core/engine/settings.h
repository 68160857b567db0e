#pragma once
// Everything that decides a run, as one plain value with a JSON form. The command line parses it,
// the app edits it, a trace and an exported video carry it.

#include <optional>
#include <string>

#include "base/json.h"
#include "frames/clip.h"

namespace looktwice::engine {

struct RltSettings {
  float tau = 0.1f;  ///< normalised units
  bool operator==(const RltSettings&) const = default;
};

struct Settings {
  frames::ClipOptions clip;
  std::optional<RltSettings> rlt;
  bool operator==(const Settings&) const = default;
};

Json to_json(const Settings& settings);
/// Missing keys keep their defaults; unknown keys and wrong types throw Error(input).
Settings settings_from_json(const Json& json, const std::string& where);
/// The options of `looktwice inspect|classify|export` that give these settings (defaults left out),
/// quoted for a shell.
std::string command_options(const Settings& settings);

}  // namespace looktwice::engine
