// The names of the built-in scenes and what stands behind the '?'.
#include <algorithm>

#include "base/error.h"
#include "base/text.h"
#include "frames/scenes.h"

namespace looktwice::frames {
namespace {

constexpr std::string_view kPrefix = "synth:";

std::vector<std::string> scene_names() {
  std::vector<std::string> names;
  for (const SceneInfo& scene : scene_list())
    names.push_back(scene.name);
  return names;
}

int64_t integer_between(const std::string& text, int64_t low, int64_t high,
                        const std::string& where) {
  const int64_t value = parse_integer(text, where);
  if (value < low || value > high)
    throw bad_input(where, std::to_string(value) + " is out of range",
                    "give " + std::to_string(low) + " to " + std::to_string(high));
  return value;
}

}  // namespace

const std::vector<SceneInfo>& scene_list() {
  static const std::vector<SceneInfo> scenes{
      {"static", "Valley, static camera",
       "a train, a balloon and birds cross a still valley: RLT keeps what moves and drops the "
       "rest"},
      {"drift", "Aurora, slow drift",
       "northern lights change so slowly that each step stays below the threshold: nearly all "
       "drops "
       "out, although the picture at the end is another one"},
      {"pan", "City, pan",
       "the camera passes a city at dusk: the layers move, the smooth sky above them repeats"},
      {"zoom", "Atlas, zoom", "a slow zoom into a map: everything moves, little can be dropped"},
      {"cut", "Posters, scene cuts",
       "three posters, cut hard: within a shot little moves, at each cut every token is new"},
      {"lowlight", "Street lamp, low light",
       "a street lamp, fireflies and a sensor that hisses: noise decides what is dropped"},
  };
  return scenes;
}

const std::vector<SceneParameter>& scene_parameters() {
  static const std::vector<SceneParameter> parameters{
      {"seed", "1", "another layout and palette for each number"},
      {"width", "1280", "pixels, 16 to 7680"},
      {"height", "720", "pixels, 16 to 4320"},
      {"fps", "30", "frames a second, 1 to 240; the motion keeps its speed"},
      {"frames", "300", "length in frames"},
  };
  return parameters;
}

bool is_scene(const std::string& input) {
  return input.starts_with(kPrefix);
}

SceneOptions parse_scene(const std::string& input) {
  if (!is_scene(input)) throw bad_input(input, "is no built-in scene", "give synth:NAME");
  const std::string rest = input.substr(kPrefix.size());
  const size_t mark = rest.find('?');
  SceneOptions options;
  options.name = rest.substr(0, mark);
  const std::vector<std::string> names = scene_names();
  if (std::find(names.begin(), names.end(), options.name) == names.end()) {
    const auto near = nearest(options.name, names);
    throw bad_input(input, "there is no built-in scene '" + options.name + "'",
                    near ? "did you mean synth:" + *near + "?" : "known are " + join(names, ", "));
  }
  if (mark == std::string::npos) return options;
  for (const auto& [key, value] : parse_query(rest.substr(mark + 1), input)) {
    const std::string where = input + ": " + key;
    if (key == "seed") {
      options.seed = uint64_t(integer_between(value, 0, INT64_MAX, where));
    } else if (key == "width") {
      options.width = int(integer_between(value, 16, 7680, where));
    } else if (key == "height") {
      options.height = int(integer_between(value, 16, 4320, where));
    } else if (key == "fps") {
      options.fps = parse_number(value, where);
      if (options.fps < 1 || options.fps > 240)
        throw bad_input(where, value + " is out of range", "give 1 to 240");
    } else if (key == "frames") {
      options.frames = integer_between(value, 1, 100'000'000, where);
    } else {
      std::vector<std::string> keys;
      for (const SceneParameter& parameter : scene_parameters())
        keys.push_back(parameter.name);
      const auto near = nearest(key, keys);
      throw bad_input(input, "scenes have no parameter '" + key + "'",
                      near ? "did you mean " + *near + "?" : "known are " + join(keys, ", "));
    }
  }
  return options;
}

std::string scene_text(const SceneOptions& options) {
  const SceneOptions plain;
  std::vector<std::string> query;
  if (options.seed != plain.seed) query.push_back("seed=" + std::to_string(options.seed));
  if (options.width != plain.width) query.push_back("width=" + std::to_string(options.width));
  if (options.height != plain.height) query.push_back("height=" + std::to_string(options.height));
  if (options.fps != plain.fps) query.push_back("fps=" + number_text(options.fps));
  if (options.frames != plain.frames) query.push_back("frames=" + std::to_string(options.frames));
  return std::string(kPrefix) + options.name + (query.empty() ? "" : "?" + join(query, "&"));
}

}  // namespace looktwice::frames
