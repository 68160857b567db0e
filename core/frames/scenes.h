#pragma once
// The built-in scenes: "synth:NAME?seed=1&width=1280&height=720&fps=30&frames=300". Drawn with
// integer arithmetic only, so a seed gives the same bytes on every machine.

#include <cstdint>
#include <string>
#include <vector>

#include "frames/source.h"

namespace looktwice::frames {

/// For lists and menus.
struct SceneInfo {
  std::string name;         ///< after "synth:"
  std::string title;        ///< two or three words
  std::string description;  ///< one line: what moves, and what RLT should make of it
};
/// One key behind the '?'.
struct SceneParameter {
  std::string name, default_value, description;
};

const std::vector<SceneInfo>& scene_list();
const std::vector<SceneParameter>& scene_parameters();

struct SceneOptions {
  std::string name;
  uint64_t seed = 1;
  int width = 1280, height = 720;  ///< 16 to 7680
  double fps = 30;                 ///< 1 to 240; scenes move in seconds, so more is smoother
  int64_t frames = 300;
};

/// True if the input starts with "synth:".
bool is_scene(const std::string& input);
/// Reads "synth:NAME?…". Throws Error(input) for an unknown scene or key (with the nearest known
/// one) or a value out of range.
SceneOptions parse_scene(const std::string& input);
/// The text that parse_scene reads back, defaults left out.
std::string scene_text(const SceneOptions& options);
/// A seekable source; every frame is a function of options and index alone. Scenes loop after ten
/// seconds, but for the pan, which goes on, and the sensor noise of the low-light scene.
SourcePtr open_scene(const SceneOptions& options);

}  // namespace looktwice::frames
