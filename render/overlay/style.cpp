#include "overlay/style.h"

#include "overlay/json_fields.h"

namespace looktwice::overlay {
namespace {

const Words<PrunedStyle> kPruned = {{"none", PrunedStyle::none},
                                    {"dim", PrunedStyle::dim},
                                    {"hatch", PrunedStyle::hatch},
                                    {"run-length", PrunedStyle::run_length}};
const Words<Palette> kPalettes = {
    {"viridis", Palette::viridis}, {"cividis", Palette::cividis}, {"inferno", Palette::inferno}};
const Words<MergeView> kMergeViews = {{"groups", MergeView::groups},
                                      {"outlines", MergeView::outlines}};

}  // namespace

Json to_json(const Style& style) {
  Json json;
  json["rlt"] = {{"visible", style.rlt.visible},
                 {"pruned", word_of(kPruned, style.rlt.pruned)},
                 {"outline_kept", style.rlt.outline_kept},
                 {"opacity", style.rlt.opacity},
                 {"palette", word_of(kPalettes, style.rlt.palette)}};
  json["difference"] = {{"visible", style.difference.visible},
                        {"opacity", style.difference.opacity},
                        {"maximum", style.difference.maximum},
                        {"palette", word_of(kPalettes, style.difference.palette)}};
  json["merges"] = {{"visible", style.merges.visible},
                    {"view", word_of(kMergeViews, style.merges.view)},
                    {"layer", style.merges.layer},
                    {"opacity", style.merges.opacity}};
  json["sizes"] = {{"visible", style.sizes.visible},
                   {"opacity", style.sizes.opacity},
                   {"palette", word_of(kPalettes, style.sizes.palette)}};
  json["grid"] = {{"visible", style.grid.visible}, {"opacity", style.grid.opacity}};
  json["crop"] = {{"visible", style.crop.visible}, {"dim", style.crop.dim}};
  return json;
}

Style style_from_json(const Json& json, const std::string& where) {
  Style style;
  JsonFields fields(json, where);
  if (const Json* v = fields.find("rlt")) {
    JsonFields rlt(*v, fields.at("rlt"));
    rlt.flag("visible", style.rlt.visible);
    rlt.word("pruned", kPruned, style.rlt.pruned);
    rlt.flag("outline_kept", style.rlt.outline_kept);
    rlt.number("opacity", style.rlt.opacity, 0, 1);
    rlt.word("palette", kPalettes, style.rlt.palette);
    rlt.finish();
  }
  if (const Json* v = fields.find("difference")) {
    JsonFields difference(*v, fields.at("difference"));
    difference.flag("visible", style.difference.visible);
    difference.number("opacity", style.difference.opacity, 0, 1);
    difference.number("maximum", style.difference.maximum, 0, 1000);
    difference.word("palette", kPalettes, style.difference.palette);
    difference.finish();
  }
  if (const Json* v = fields.find("merges")) {
    JsonFields merges(*v, fields.at("merges"));
    merges.flag("visible", style.merges.visible);
    merges.word("view", kMergeViews, style.merges.view);
    double layer = style.merges.layer;
    merges.number("layer", layer, 0, 1024);
    style.merges.layer = static_cast<int>(layer);
    merges.number("opacity", style.merges.opacity, 0, 1);
    merges.finish();
  }
  if (const Json* v = fields.find("sizes")) {
    JsonFields sizes(*v, fields.at("sizes"));
    sizes.flag("visible", style.sizes.visible);
    sizes.number("opacity", style.sizes.opacity, 0, 1);
    sizes.word("palette", kPalettes, style.sizes.palette);
    sizes.finish();
  }
  if (const Json* v = fields.find("grid")) {
    JsonFields grid(*v, fields.at("grid"));
    grid.flag("visible", style.grid.visible);
    grid.number("opacity", style.grid.opacity, 0, 1);
    grid.finish();
  }
  if (const Json* v = fields.find("crop")) {
    JsonFields crop(*v, fields.at("crop"));
    crop.flag("visible", style.crop.visible);
    crop.number("dim", style.crop.dim, 0, 1);
    crop.finish();
  }
  fields.finish();
  return style;
}

}  // namespace looktwice::overlay
