// The app's state for tests and automation; docs/automation.md lists the keys.

#include <QApplication>
#include <QDockWidget>
#include <algorithm>
#include <cmath>

#include "charts_panel.h"
#include "export_dialog.h"
#include "latency.h"
#include "log_panel.h"
#include "main_window.h"
#include "model_state.h"
#include "models_panel.h"
#include "probe.h"
#include "theme.h"
#include "viewport.h"
#include "viewport_overlay.h"

namespace looktwice::gui {

Json MainWindow::state() const {
  const video::PlayerStatus& status = workspace_.status();
  Json json = document("app-state", 1);
  json["input"] = status.input;
  json["name"] = status.info.name;
  json["opening"] = workspace_.opening();
  json["open"] = workspace_.has_source();
  json["error"] = workspace_.open_error();
  json["drawing_error"] = viewport_->drawing_error();
  json["frame"] = workspace_.frame() ? workspace_.frame()->index : -1;
  json["position"] = workspace_.frame() ? workspace_.position() : -1;
  json["frames"] = status.info.frame_count ? Json(*status.info.frame_count) : Json();
  json["width"] = status.info.width;
  json["height"] = status.info.height;
  json["playing"] = status.playing;
  json["speed"] = status.speed;
  json["loop"] = status.loop;
  json["in"] = status.in;
  json["out"] = status.out;
  json["live"] = status.info.live;
  json["dropped"] = status.dropped;
  json["tau"] = workspace_.tau();
  json["model"] = model_state(workspace_);
  const auto clip = workspace_.clip();
  json["clip"] = workspace_.measured() ? Json(workspace_.measured()->number) : Json();
  json["kept_ratio"] = clip ? Json(workspace_.kept_ratio()) : Json();
  json["kept_tokens"] = clip ? Json(clip->kept()) : Json();
  json["tokens"] = clip ? Json(clip->tokens()) : Json();
  json["stale"] = workspace_.stale();
  json["clips"] = workspace_.store().count();
  json["measured"] = workspace_.store().measured_count();
  json["analysis_error"] = workspace_.analysis_error();
  json["layout"] = compose::layout_name(workspace_.document().scene.layout);
  json["zoom"] = viewport_->zoom();
  const auto place_json = [](const std::optional<Place>& place) {
    return place ? Json{{"row", place->row}, {"column", place->column}} : Json();
  };
  json["hovered"] = place_json(workspace_.hovered());
  json["pinned"] = place_json(workspace_.pinned());
  if (workspace_.pinned()) {
    if (const auto token = token_at(workspace_, *workspace_.pinned())) {
      json["pinned"]["kept"] = token->kept;
      json["pinned"]["tubelet"] = token->t;
      json["pinned"]["head"] = token->head;
      json["pinned"]["run_length"] = token->run_length;
      json["pinned"]["difference"] = finite(double(token->difference));
    }
  }
  const auto* focused = dynamic_cast<const ImGuiWidget*>(QApplication::focusWidget());
  json["settled"] =
      std::ranges::all_of(findChildren<const ImGuiWidget*>(), [](const ImGuiWidget* widget) {
        return widget->visibleRegion().isEmpty() || widget->settled();
      });
  json["editing"] = focused != nullptr && focused->editing();
  json["undo"] = workspace_.history().undo_name();
  json["redo"] = workspace_.history().redo_name();
  json["theme"] = theme_name().toStdString();
  json["scale"] = ui_scale();
  json["tour"] = tour_step_;
  json["log"] = log_->count();
  json["second_viewport"] = second_ != nullptr && second_->isVisible();
  Json docks = Json::object();
  for (const QDockWidget* dock : docks_) {
    docks[dock->objectName().toStdString()] = {{"visible", dock->isVisible()},
                                               {"floating", dock->isFloating()}};
  }
  json["docks"] = docks;
  const QWidget* active = QApplication::activeModalWidget();
  if (active == nullptr && export_ != nullptr && export_->isVisible()) active = export_;
  json["dialog"] = active != nullptr ? active->objectName().toStdString() : "";
  json["export"] = export_ != nullptr ? export_->state() : "idle";
  json["export_message"] = export_ != nullptr ? export_->message() : "";
  if (export_ != nullptr) export_->add_probes();
  if (const auto* models = findChild<ModelsPanel*>()) models->add_probes();
  const QRect region = workspace_.region().value_or(QRect());
  json["region"] =
      workspace_.region() ? Json{region.x(), region.y(), region.width(), region.height()} : Json();
  charts_->add_probes();
  json["charts"] = {{"page", int(charts_->page())},
                    {"busy", quality_.busy()},
                    {"quality_frames", quality_.frames().size()},
                    {"area", quality_.area()},
                    {"error", quality_.error()},
                    {"first_cell", charts_->cell(0, 0).toStdString()},
                    {"a", runs_.a() ? Json(runs_.a()->tau()) : Json()}};
  if (const auto& mean = quality_.mean()) {
    json["charts"]["psnr"] = finite(mean->psnr);
    json["charts"]["ssim"] = finite(mean->ssim);
  }
  json["tau_latency_p95_ms"] = tau_latency().quantile(0.95);
  json["tau_latency_samples"] = tau_latency().count();
  const QPoint corner = mapToGlobal(QPoint(0, 0)) * devicePixelRatioF();
  Json rects = {{"window",
                 {corner.x(), corner.y(), int(width() * devicePixelRatioF()),
                  int(height() * devicePixelRatioF())}}};
  for (const auto& [name, rect] : Probes::instance().rectangles()) {
    rects[name] = {rect.x(), rect.y(), rect.width(), rect.height()};
  }
  json["rects"] = rects;
  for (const auto& part : state_parts_)
    part(json);
  return json;
}

}  // namespace looktwice::gui
