#include "compose/scene.h"

#include <cmath>

#include "overlay/json_fields.h"

namespace looktwice::compose {
namespace {

using overlay::JsonFields;
using overlay::word_of;
using overlay::Words;

const Words<Layout> kLayouts = {{"single", Layout::single}, {"side-by-side", Layout::side_by_side},
                                {"stack", Layout::stack},   {"grid", Layout::grid},
                                {"wipe", Layout::wipe},     {"difference", Layout::difference}};
const Words<Content> kContents = {{"original", Content::original},
                                  {"handed-on", Content::handed_on}};
const Words<LegendPlace> kPlaces = {
    {"none", LegendPlace::none}, {"inside", LegendPlace::inside}, {"below", LegendPlace::below}};
constexpr size_t kMostPanes = 64;

}  // namespace

Scene comparison_scene(Layout layout) {
  Scene scene;
  scene.layout = layout;
  if (layout != Layout::single) scene.panes.push_back({Content::handed_on, false, ""});
  return scene;
}

bool shows_several(const Scene& scene) {
  return scene.layout != Layout::single && scene.layout != Layout::difference &&
         scene.panes.size() > 1;
}

int only_pane(const Scene& scene) {
  const bool there = scene.only >= 0 && scene.only < static_cast<int>(scene.panes.size());
  return shows_several(scene) && there ? scene.only : -1;
}

Layout layout_from_name(const std::string& name, const std::string& where) {
  return overlay::from_word(kLayouts, name, where);
}
std::string layout_name(Layout layout) {
  return word_of(kLayouts, layout);
}

Json to_json(const Scene& scene) {
  Json json;
  json["layout"] = layout_name(scene.layout);
  json["panes"] = Json::array();
  for (const Pane& pane : scene.panes) {
    json["panes"].push_back({{"content", word_of(kContents, pane.content)},
                             {"marks", pane.marks},
                             {"title", pane.title}});
  }
  json["only"] = scene.only;
  json["wipe"] = scene.wipe;
  json["gain"] = scene.gain;
  json["luma_only"] = scene.luma_only;
  json["style"] = overlay::to_json(scene.style);
  json["legend"] = word_of(kPlaces, scene.legend);
  json["timeline"] = scene.timeline;
  json["titles"] = scene.titles;
  json["text_scale"] = scene.text_scale;
  return json;
}

Scene scene_from_json(const Json& json, const std::string& where) {
  Scene scene;
  JsonFields fields(json, where);
  fields.word("layout", kLayouts, scene.layout);
  if (const Json* panes = fields.find("panes")) {
    if (!panes->is_array() || panes->empty() || panes->size() > kMostPanes) {
      throw bad_input(fields.at("panes"),
                      "is not a list of 1 to " + std::to_string(kMostPanes) + " panes");
    }
    scene.panes.clear();
    for (const Json& item : *panes) {
      Pane pane;
      JsonFields one(item, fields.at("panes") + "[" + std::to_string(scene.panes.size()) + "]");
      one.word("content", kContents, pane.content);
      one.flag("marks", pane.marks);
      one.text("title", pane.title);
      one.finish();
      scene.panes.push_back(pane);
    }
  }
  double only = scene.only;
  fields.number("only", only, -1, double(kMostPanes - 1));
  scene.only = static_cast<int>(std::floor(only));
  fields.number("wipe", scene.wipe, 0, 1);
  fields.number("gain", scene.gain, 0, 1000);
  fields.flag("luma_only", scene.luma_only);
  if (const Json* style = fields.find("style")) {
    scene.style = overlay::style_from_json(*style, fields.at("style"));
  }
  fields.word("legend", kPlaces, scene.legend);
  fields.flag("timeline", scene.timeline);
  fields.flag("titles", scene.titles);
  fields.number("text_scale", scene.text_scale, 0.25, 8);
  fields.finish();
  return scene;
}

}  // namespace looktwice::compose
