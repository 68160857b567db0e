#include "model_state.h"

namespace looktwice::gui {

Json model_state(const Workspace& workspace) {
  const ModelLibrary& library = workspace.models();
  const TokenRunner& runner = workspace.runner();
  const engine::Settings& settings = workspace.document().settings;
  const overlay::Style& style = workspace.document().scene.style;
  Json json;
  json["found"] = Json::array();
  for (const ModelLibrary::Entry& entry : library.entries())
    json["found"].push_back({{"name", entry.info.name},
                             {"kind", engine::kind_text(entry.info.kind)},
                             {"problem", entry.info.problem}});
  json["backends"] = Json::array();
  for (const compute::BackendInfo& b : library.backends())
    json["backends"].push_back({{"name", b.name}, {"available", b.available}, {"note", b.note}});
  for (const auto use : {ModelLibrary::Use::classify, ModelLibrary::Use::generate}) {
    const ModelLibrary::Slot& slot = library.slot(use);
    json[use == ModelLibrary::Use::classify ? "classify" : "generate"] = {
        {"folder", slot.folder},
        {"loading", slot.loading},
        {"progress", slot.progress},
        {"failed", slot.failed},
        {"error", slot.error}};
  }
  json["settings"] = settings.model;
  json["tome"] = settings.tokens.tome;
  json["rlt"] = settings.tokens.rlt.has_value();
  json["drop"] = settings.tokens.drop;
  json["merges"] = style.merges.visible;
  json["layer"] = runner.layer();
  json["error"] = runner.error();
  json["stale"] = runner.stale();
  json["run"] = Json();
  if (const TokenRunPtr run = runner.run()) {
    Json tokens = Json::array();
    for (const trace::LayerTrace& layer : run->trace->layers)
      tokens.push_back(layer.tokens_in);
    if (!run->trace->layers.empty()) tokens.push_back(run->trace->layers.back().tokens_out);
    json["run"] = {
        {"clip", run->clip},
        {"tokens", tokens},
        {"class", run->trace->predictions.empty() ? -1 : run->trace->predictions[0].index}};
  }
  const DenseRunPtr dense = runner.dense();
  json["dense"] = dense && !dense->predictions.empty() ? Json(dense->predictions[0].index) : Json();
  const auto [same, both] = runner.agreement();
  json["agreement"] = {{"same", same}, {"of", both}};
  const RunnerStats& stats = runner.stats();
  json["done"] = stats.done;
  json["running"] = stats.running;
  json["clips_per_second"] = finite(stats.clips_per_second());
  int lit = 0;
  const auto token = runner.lit_token();
  const std::vector<int32_t>& roots = runner.roots();
  if (token && *token < roots.size() && roots[*token] >= 0)
    for (const int32_t root : roots)
      lit += root == roots[*token];
  json["lit"] = lit;
  return json;
}

}  // namespace looktwice::gui
