#include "main_window.h"

#include <QApplication>
#include <QCloseEvent>
#include <QDockWidget>
#include <QDragEnterEvent>
#include <QLabel>
#include <QMimeData>
#include <QStatusBar>
#include <QVBoxLayout>
#include <cstdio>

#include "dock_title.h"
#include "export_dialog.h"
#include "inspector_panel.h"
#include "latency.h"
#include "layers_panel.h"
#include "log_panel.h"
#include "probe.h"
#include "source_panel.h"
#include "theme.h"
#include "threshold_panel.h"
#include "transport_bar.h"
#include "viewport.h"
#include "viewport_overlay.h"

namespace looktwice::gui {

MainWindow::MainWindow(const StartOptions& options) : options_(options), commands_(this) {
  setObjectName("main");
  setAcceptDrops(true);
  setDockNestingEnabled(true);
  setTabPosition(Qt::AllDockWidgetAreas, QTabWidget::North);
  if (options.print_state) Probes::instance().enable();
  add_commands();

  auto* center = new QWidget;
  auto* column = new QVBoxLayout(center);
  column->setContentsMargins(0, 0, 0, 0);
  column->setSpacing(0);
  viewport_ = new Viewport(workspace_, "view");
  transport_ = new TransportBar(workspace_, commands_);
  column->addWidget(viewport_, 1);
  column->addWidget(transport_);
  setCentralWidget(center);
  connect(viewport_, &Viewport::open_requested, this, [this] { commands_.run("file.open"); });
  connect(viewport_, &Viewport::view_changed, &commands_, &CommandRegistry::refresh);

  build_docks();
  build_menus();
  status_left_ = new QLabel;
  status_right_ = new QLabel;
  statusBar()->setSizeGripEnabled(false);
  statusBar()->setContentsMargins(int(px(8)), 0, int(px(8)), 0);
  statusBar()->addWidget(status_left_, 1);
  statusBar()->addPermanentWidget(status_right_);

  connect(&workspace_, &Workspace::source_changed, this, [this] {
    update_title();
    update_status();
    if (workspace_.has_source() && !workspace_.opening() && !pending_recent_.isEmpty()) {
      if (workspace_.open_error().empty()) remember_recent(pending_recent_);
      pending_recent_.clear();
    }
    commands_.refresh();
  });
  connect(&workspace_, &Workspace::analysis_changed, this, &MainWindow::update_status);
  connect(&workspace_, &Workspace::document_changed, this, [this] {
    update_status();
    commands_.refresh();
    const auto named = [](const char* verb, const std::string& what) {
      return QString(verb) + (what.empty() ? QString() : " " + QString::fromStdString(what));
    };
    commands_.action("edit.undo")->setText(named("&Undo", workspace_.history().undo_name()));
    commands_.action("edit.redo")->setText(named("&Redo", workspace_.history().redo_name()));
    if (!autosave_.isActive()) autosave_.start();
  });
  connect(&workspace_, &Workspace::playback_changed, &commands_, &CommandRegistry::refresh);
  connect(&workspace_, &Workspace::place_changed, &commands_, &CommandRegistry::refresh);
  autosave_.setSingleShot(true);
  autosave_.setInterval(2000);
  connect(&autosave_, &QTimer::timeout, this, &MainWindow::autosave);

  default_layout_ = saveState();
  restore();
  commands_.refresh();
  update_title();
  update_status();
  if (options.watchdog) watchdog_ = std::make_unique<Watchdog>();
  if (options.bench_tau > 0) start_tau_bench();
  if (options.print_state) {
    state_report_ = std::make_unique<StateReport>([this] { return state(); });
  }
}

MainWindow::~MainWindow() = default;

void MainWindow::start_tau_bench() {
  auto* timer = new QTimer(this);
  timer->setInterval(30);
  connect(timer, &QTimer::timeout, this, [this, timer, moves = 0]() mutable {
    if (!workspace_.clip() || workspace_.progress() < 1 || tau_latency().waiting()) return;
    if (moves == options_.bench_tau) {
      timer->stop();
      std::printf("τ to pixels: p50 %.1f ms, p95 %.1f ms over %zu changes\n",
                  tau_latency().quantile(0.5), tau_latency().quantile(0.95), tau_latency().count());
      std::fflush(stdout);
      close();
      return;
    }
    tau_latency().input();
    workspace_.set_tau(0.02f + 0.01f * float(moves++ % 40));
    tau_latency().owed();
  });
  timer->start();
}

QDockWidget* MainWindow::add_dock(const char* name, const QString& title, QWidget* content,
                                  Qt::DockWidgetArea area) {
  auto* dock = new QDockWidget(title, this);
  dock->setObjectName(QStringLiteral("dock.") + name);
  dock->setTitleBarWidget(new DockTitle(dock));
  dock->setWidget(content);
  addDockWidget(area, dock);
  docks_ << dock;
  return dock;
}

void MainWindow::build_docks() {
  source_ = new SourcePanel(workspace_);
  threshold_ = new ThresholdPanel(workspace_);
  layers_ = new LayersPanel(workspace_);
  inspector_ = new InspectorPanel(workspace_);
  log_ = new LogPanel;
  QDockWidget* source = add_dock("source", "Source", source_, Qt::LeftDockWidgetArea);
  QDockWidget* threshold = add_dock("threshold", "Threshold", threshold_, Qt::RightDockWidgetArea);
  QDockWidget* inspector = add_dock("inspector", "Inspector", inspector_, Qt::RightDockWidgetArea);
  QDockWidget* layers = add_dock("layers", "Layers", layers_, Qt::LeftDockWidgetArea);
  QDockWidget* log = add_dock("log", "Log", log_, Qt::BottomDockWidgetArea);
  log->hide();
  setCorner(Qt::BottomRightCorner, Qt::RightDockWidgetArea);
  setCorner(Qt::BottomLeftCorner, Qt::LeftDockWidgetArea);
  resizeDocks({source, threshold}, {int(px(290)), int(px(340))}, Qt::Horizontal);
  resizeDocks({threshold, inspector}, {int(px(400)), int(px(400))}, Qt::Vertical);
  resizeDocks({source, layers}, {int(px(430)), int(px(370))}, Qt::Vertical);
  connect(log_, &LogPanel::attention, this,
          [this](const QString& message) { statusBar()->showMessage(message, 8000); });
}

void MainWindow::open(const QString& input) {
  if (input.isEmpty()) return;
  pending_recent_ = input;
  workspace_.open(input.toStdString());
}

void MainWindow::update_title() {
  if (workspace_.has_source()) {
    setWindowTitle(QString::fromStdString(workspace_.status().info.name) + " – LookTwice");
  } else {
    setWindowTitle("LookTwice");
  }
}

void MainWindow::update_status() {
  QString left;
  if (workspace_.opening()) {
    left = "Opening…";
  } else if (workspace_.has_source()) {
    const int all = workspace_.store().count(), done = workspace_.store().measured_count();
    if (done < all) {
      left = QStringLiteral("Measuring clip %1 of %2").arg(done + 1).arg(all);
    } else if (all > 0) {
      left = QStringLiteral("%1 clips measured").arg(all);
    } else if (!workspace_.analysis_error().empty()) {
      left = QString::fromStdString(workspace_.analysis_error());
    }
  }
  status_left_->setText(left);
  QString right;
  if (const auto kept = workspace_.store().kept(workspace_.tau())) {
    right = QStringLiteral("τ %1   kept %2 % of all clips")
                .arg(double(workspace_.tau()), 0, 'f', 3)
                .arg(*kept * 100, 0, 'f', 1);
  }
  status_right_->setText(right);
}

Json MainWindow::state() const {
  const video::PlayerStatus& status = workspace_.status();
  Json json = document("app-state", 1);
  json["input"] = status.input;
  json["name"] = status.info.name;
  json["opening"] = workspace_.opening();
  json["open"] = workspace_.has_source();
  json["error"] = workspace_.open_error();
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
  return json;
}

void MainWindow::closeEvent(QCloseEvent* event) {
  save();
  if (watchdog_) {
    std::fprintf(stderr, "%s\n", watchdog_->text().c_str());
    std::fprintf(stderr, "τ to pixels: p50 %.1f ms, p95 %.1f ms over %zu changes\n",
                 tau_latency().quantile(0.5), tau_latency().quantile(0.95), tau_latency().count());
  }
  state_report_.reset();
  event->accept();
}

void MainWindow::dragEnterEvent(QDragEnterEvent* event) {
  if (event->mimeData()->hasUrls()) event->acceptProposedAction();
}

void MainWindow::dropEvent(QDropEvent* event) {
  for (const QUrl& url : event->mimeData()->urls()) {
    const QString path = url.isLocalFile() ? url.toLocalFile() : url.toString();
    event->acceptProposedAction();
    if (path.endsWith(".looktwice", Qt::CaseInsensitive)) {
      open_session(path);
    } else {
      open(path);
    }
    return;
  }
}

void MainWindow::changeEvent(QEvent* event) {
  if (event->type() == QEvent::PaletteChange && theme_name() == "system") update_status();
  QMainWindow::changeEvent(event);
}

}  // namespace looktwice::gui
