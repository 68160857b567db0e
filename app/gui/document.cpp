#include "document.h"

#include "base/error.h"

namespace looktwice::gui {

Document default_document() {
  Document document;
  document.settings.tokens.rlt = 0.1f;
  document.settings.clip.clips = 0;
  return document;
}

Json to_json(const Document& document) {
  Json json = looktwice::document("session", 1);
  json["settings"] = engine::to_json(document.settings);
  json["scene"] = compose::to_json(document.scene);
  return json;
}

Document document_from_json(const Json& json, const std::string& where) {
  if (!json.is_object()) throw bad_input(where, "is no session", "expected a JSON object");
  Document document = default_document();
  for (const auto& [key, value] : json.items()) {
    if (key == "settings") {
      document.settings =
          engine::settings_from_json(value, where + ": settings", document.settings);
    } else if (key == "scene") {
      document.scene = compose::scene_from_json(value, where + ": scene");
    } else if (key != "schema" && key != "version" && key != "input") {
      throw bad_input(where, "has an unknown key \"" + key + "\"");
    }
  }
  return document;
}

void set_layout(Document& document, compose::Layout layout) {
  compose::Scene& scene = document.scene;
  const compose::Scene fresh =
      layout == compose::Layout::single ? compose::Scene{} : compose::comparison_scene(layout);
  scene.layout = layout;
  scene.panes = fresh.panes;
  scene.only = -1;
}

ModelView model_view(const frames::ClipOptions& clip) {
  if (clip.size == 224 && clip.crop == frames::Crop::center && clip.stride == 4) {
    return ModelView::model_crop;
  }
  if (clip.size == 0 && clip.crop == frames::Crop::none && clip.stride == 1) {
    return ModelView::whole_frame;
  }
  return ModelView::other;
}

void set_model_view(Document& document, ModelView view) {
  frames::ClipOptions& clip = document.settings.clip;
  if (view == ModelView::model_crop) {
    clip.size = 224;
    clip.crop = frames::Crop::center;
    clip.stride = 4;
  } else if (view == ModelView::whole_frame) {
    clip.size = 0;
    clip.crop = frames::Crop::none;
    clip.stride = 1;
  }
}

}  // namespace looktwice::gui
