#include "generate_state.h"

namespace looktwice::gui {

Json generate_state(const GenerateSession& session) {
  using State = GeneratedEntry::State;
  const engine::GenerateSettings& settings = session.settings();
  Json json;
  json["prompt"] = settings.prompt;
  json["cache"] = settings.cache;
  json["from"] = settings.from;
  json["running"] = session.running();
  json["progress"] = session.progress();
  json["error"] = session.error();
  json["policy_error"] = session.policy_error();
  json["note"] = session.prediction_note();
  json["predicted"] = session.prediction() ? Json(session.prediction()->computed_steps()) : Json();
  json["chosen"] = session.chosen();
  json["right"] = session.record().same;
  json["predicted_steps"] = session.record().steps;
  const EntryPtr a = session.a(), b = session.b();
  json["a"] = a ? a->id : 0;
  json["b"] = b ? b->id : 0;
  json["runs"] = Json::array();
  for (const EntryPtr& e : session.entries()) {
    Json one = {{"id", e->id},
                {"cache", e->settings.generate.cache},
                {"state", e->state == State::running  ? "running"
                          : e->state == State::done   ? "done"
                          : e->state == State::failed ? "failed"
                                                      : "cancelled"},
                {"error", e->error},
                {"previews", e->previews.size()},
                {"changes", e->changes.size()}};
    one["computed"] = e->trace ? Json(e->trace->computed_steps()) : Json();
    one["psnr"] = e->quality ? finite(e->quality->psnr_all) : Json();
    one["agreement"] = e->agreement ? Json(e->agreement->same) : Json();
    json["runs"].push_back(std::move(one));
  }
  json["row_predicted"] = Json();
  if (const auto content = session.content(); content && content->curve >= 0) {
    const timeline::Row& row = content->rows[size_t(content->curve)];
    if (row.predicted) json["row_predicted"] = row.predicted->computed_steps();
  }
  json["thresholds"] = Json::array();
  for (const timeline::Threshold& t : session.thresholds())
    json["thresholds"].push_back(t.value);
  return json;
}

}  // namespace looktwice::gui
