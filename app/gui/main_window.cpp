#include "main_window.h"

#include <QApplication>
#include <QCloseEvent>
#include <QDockWidget>
#include <QDragEnterEvent>
#include <QLabel>
#include <QMimeData>
#include <QMouseEvent>
#include <QStatusBar>
#include <QVBoxLayout>
#include <cstdio>
#include <utility>

#include "charts_panel.h"
#include "export_dialog.h"
#include "latency.h"
#include "probe.h"
#include "theme.h"
#include "threshold_panel.h"
#include "transport_bar.h"
#include "viewport.h"

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
  // Writing a label repaints the window's own pixels: after the picture has answered.
  status_later_.setSingleShot(true);
  status_later_.setInterval(80);
  connect(&status_later_, &QTimer::timeout, this, &MainWindow::update_status);
  const auto status_later = [this] {
    if (!status_later_.isActive()) status_later_.start();
  };
  connect(&workspace_, &Workspace::analysis_changed, this, status_later);
  connect(&workspace_, &Workspace::analysis_changed, &commands_, &CommandRegistry::refresh);
  connect(&workspace_, &Workspace::document_changed, this, [this, status_later] {
    status_later();
    commands_.refresh();
    const auto named = [](const char* verb, const std::string& what) {
      return QString(verb) + (what.empty() ? QString() : " " + QString::fromStdString(what));
    };
    commands_.action("edit.undo")->setText(named("&Undo", workspace_.history().undo_name()));
    commands_.action("edit.redo")->setText(named("&Redo", workspace_.history().redo_name()));
    save_soon();
  });
  connect(&theme_events(), &ThemeEvents::changed, this, &MainWindow::save_soon);
  connect(&workspace_, &Workspace::playback_changed, this, &MainWindow::save_soon);
  for (const QDockWidget* dock : docks_) {
    connect(dock, &QDockWidget::visibilityChanged, this, &MainWindow::save_soon);
    connect(dock, &QDockWidget::topLevelChanged, this, &MainWindow::save_soon);
  }
  connect(&workspace_, &Workspace::playback_changed, &commands_, &CommandRegistry::refresh);
  connect(&workspace_, &Workspace::place_changed, &commands_, &CommandRegistry::refresh);
  connect(&workspace_, &Workspace::playback_changed, this, &MainWindow::update_quality_need);
  connect(&workspace_, &Workspace::document_changed, this, &MainWindow::update_quality_need);
  connect(charts_, &ChartsPanel::page_shown, this, &MainWindow::update_quality_need);
  connect(charts_, &ChartsPanel::page_shown, &commands_, &CommandRegistry::refresh);
  connect(&runs_, &Runs::changed, &commands_, &CommandRegistry::refresh);
  viewport_->set_quality(&quality_);
  autosave_.setSingleShot(true);
  autosave_.setInterval(2000);
  connect(&autosave_, &QTimer::timeout, this, &MainWindow::save);

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

MainWindow::~MainWindow() {
  // Panels speak to members of this class, and hiding them makes them speak: they go first.
  charts_->disconnect(this);
  for (const QDockWidget* dock : std::as_const(docks_))
    dock->disconnect(this);
  delete export_.data();
  delete takeCentralWidget();
  qDeleteAll(std::exchange(docks_, {}));
}

void MainWindow::start_tau_bench() {
  // Drags the handle with real mouse events: press once, then move, each when the one before has
  // been answered by the picture.
  const auto mouse = [this](QEvent::Type type, QPointF at) {
    QMouseEvent event(type, at, threshold_->mapToGlobal(at),
                      type == QEvent::MouseMove ? Qt::NoButton : Qt::LeftButton, Qt::LeftButton,
                      Qt::NoModifier);
    QCoreApplication::sendEvent(threshold_, &event);
  };
  auto* timer = new QTimer(this);
  timer->setInterval(30);
  connect(timer, &QTimer::timeout, this, [this, timer, mouse, moves = 0]() mutable {
    if (!workspace_.clip() || workspace_.progress() < 1 || tau_latency().waiting()) return;
    const auto at = threshold_->on_track(0.45 + 0.01 * double(moves % 40));
    if (!at) return;
    if (moves == options_.bench_tau) {
      timer->stop();
      mouse(QEvent::MouseButtonRelease, *at);
      std::printf("τ to pixels: p50 %.1f ms, p95 %.1f ms over %zu changes\n",
                  tau_latency().quantile(0.5), tau_latency().quantile(0.95), tau_latency().count());
      std::fflush(stdout);
      close();
      return;
    }
    mouse(moves == 0 ? QEvent::MouseButtonPress : QEvent::MouseMove, *at);
    ++moves;
  });
  timer->start();
}

void MainWindow::open(const QString& input) {
  if (input.isEmpty()) return;
  pending_recent_ = input;
  workspace_.open(input.toStdString());
}

void MainWindow::save_soon() {
  // A crash, a lost display or a power cut costs two seconds of settings at most.
  if (!autosave_.isActive()) autosave_.start();
}

void MainWindow::update_quality_need() {
  // Paused comparisons carry figures too; while playing they would cost frames.
  const bool compared =
      workspace_.document().scene.panes.size() > 1 && !workspace_.status().playing;
  quality_.set_active(charts_->shows_quality() || compared);
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

void MainWindow::closeEvent(QCloseEvent* event) {
  save();
  if (watchdog_) {
    std::fprintf(stderr, "%s\n", watchdog_->text().c_str());
    std::fprintf(stderr, "first picture %.0f ms after the start\n", first_picture_after());
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
