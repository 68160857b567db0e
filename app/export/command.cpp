#include "export/command.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/text.h"

namespace looktwice::exporting {
namespace {

using Words = std::vector<std::string>;

void put(Words& words, const std::string& option, const std::string& value) {
  words.push_back("--" + option);
  words.push_back(shell_quote(value));
}

/// What `export` takes where nothing is said: every clip of the video.
engine::Settings unsaid() {
  engine::Settings settings;
  settings.clip.clips = 0;
  return settings;
}

/// The members of `json` that are not those of `usual`; null if there are none.
Json difference(const Json& json, const Json& usual) {
  Json out;
  for (const auto& [key, value] : json.items()) {
    const auto it = usual.find(key);
    if (it != usual.end() && *it == value) continue;
    if (it != usual.end() && value.is_object() && it->is_object()) {
      out[key] = difference(value, *it);
    } else {
      out[key] = value;
    }
  }
  return out;
}

std::string pane_text(const PaneSource& pane) {
  Words words;
  if (!pane.input.empty()) words.push_back(shell_quote(pane.input));
  const std::string options = engine::command_options(pane.settings, unsaid());
  if (!options.empty()) words.push_back(options);
  if (!pane.trace_file.empty()) put(words, "trace", pane.trace_file);
  return join(words, " ");
}

void put_scene(Words& words, const compose::Scene& scene) {
  if (scene == compose::comparison_scene(scene.layout)) {
    if (scene.layout != compose::Layout::side_by_side)
      put(words, "layout", compose::layout_name(scene.layout));
    return;
  }
  const Json json = difference(compose::to_json(scene), compose::to_json(compose::Scene{}));
  put(words, "scene", (json.is_null() ? Json::object() : json).dump());
}

void put_encoder(Words& words, const Request& request) {
  const auto& e = request.encoder;
  if (!e.codec.empty()) put(words, "codec", e.codec);
  if (!e.preset.empty()) put(words, "encoder-preset", e.preset);
  if (e.quality) put(words, "crf", number_text(*e.quality));
  if (!e.pixel_format.empty()) put(words, "pixel-format", e.pixel_format);
  if (e.fps.num > 0) put(words, "fps", std::to_string(e.fps.num) + "/" + std::to_string(e.fps.den));
  if (!request.size.empty())
    put(words, "output-size",
        std::to_string(request.size.width) + "x" + std::to_string(request.size.height));
  if (request.first > 0 || request.last)
    put(words, "range",
        std::to_string(request.first) + ":" + (request.last ? std::to_string(*request.last) : ""));
}

}  // namespace

std::string command(const Request& request) {
  Words words{"looktwice", "export", shell_quote(request.input), "-o", shell_quote(request.output)};
  put_scene(words, request.scene);
  const auto same = [&](const PaneSource& p) {
    const PaneSource& first = request.panes.front();
    return p.input.empty() && p.settings == first.settings && p.trace_file == first.trace_file;
  };
  if (!request.panes.empty() && std::ranges::all_of(request.panes, same)) {
    const std::string options = pane_text(request.panes.front());
    if (!options.empty()) words.push_back(options);
  } else {
    for (const PaneSource& pane : request.panes)
      put(words, "pane", pane_text(pane));
  }
  put_encoder(words, request);
  return join(words, " ");
}

void describe(Request& request, const std::string& given) {
  Json panes = Json::array();
  for (const PaneSource& p : request.panes)
    panes.push_back({{"input", p.input.empty() ? request.input : p.input},
                     {"settings", engine::to_json(p.settings)},
                     {"trace", p.trace_file}});
  Json doc = document("export", 1);
  doc["input"] = request.input;
  doc["scene"] = compose::to_json(request.scene);
  doc["panes"] = std::move(panes);
  auto& metadata = request.encoder.metadata;
  metadata["title"] = "LookTwice: " + request.input;
  metadata["comment"] = given.empty() ? command(request) : given;
  metadata["looktwice"] = doc.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace looktwice::exporting
