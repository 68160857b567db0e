#pragma once
// Everything the user can set, as one value: undo and redo, sessions and exports work on it.

#include <string>

#include "base/json.h"
#include "compose/scene.h"
#include "engine/settings.h"

namespace looktwice::gui {

struct Document {
  engine::Settings settings;  ///< what a run is a function of
  compose::Scene scene;       ///< how it is drawn, on screen and in exports
  bool operator==(const Document&) const = default;
};

/// What a fresh start shows: RLT at the paper's τ on back-to-back clips, single view.
Document default_document();

Json to_json(const Document& document);
/// Missing keys keep their defaults; unknown keys and wrong types throw Error(input).
Document document_from_json(const Json& json, const std::string& where);

/// The scene's layout changed by name; panes, marks and style are kept as far as they can be.
void set_layout(Document& document, compose::Layout layout);

/// Two ways to cut a video into what a model sees.
enum class ModelView {
  model_crop,   ///< 224 pixel centre crop, every 4th frame: what VideoMAE gets
  whole_frame,  ///< every pixel of every frame: what a native-resolution model would get
  other
};
ModelView model_view(const frames::ClipOptions& clip);
void set_model_view(Document& document, ModelView view);

}  // namespace looktwice::gui
