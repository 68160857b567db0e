// The panels around the picture: where they lie, and their commands.

#include <QDockWidget>
#include <QStatusBar>
#include <QTabBar>
#include <utility>

#include "charts_panel.h"
#include "dock_title.h"
#include "inspector_panel.h"
#include "layers_panel.h"
#include "log_panel.h"
#include "main_window.h"
#include "source_panel.h"
#include "theme.h"
#include "threshold_panel.h"
#include "tokens_panel.h"
#include "viewport.h"

namespace looktwice::gui {

QDockWidget* MainWindow::add_dock(const char* name, const QString& title, QWidget* content,
                                  Qt::DockWidgetArea area, QDockWidget* beside) {
  auto* dock = new QDockWidget(title, this);
  dock->setObjectName(QStringLiteral("dock.") + name);
  dock->setTitleBarWidget(new DockTitle(dock));
  dock->setWidget(content);
  addDockWidget(area, dock);
  if (beside != nullptr) tabifyDockWidget(beside, dock);
  docks_ << dock;
  for (const auto signal : {&QDockWidget::visibilityChanged, &QDockWidget::topLevelChanged})
    connect(dock, signal, this, &MainWindow::fold_titles, Qt::QueuedConnection);
  connect(dock, &QDockWidget::dockLocationChanged, this, &MainWindow::fold_titles,
          Qt::QueuedConnection);
  return dock;
}

void MainWindow::fold_titles() {
  for (const QDockWidget* dock : std::as_const(docks_))
    if (auto* title = qobject_cast<DockTitle*>(dock->titleBarWidget())) title->fold_among_tabs();
  // Tabs stand for the titles that are folded: their double click undocks as a title's does.
  for (QTabBar* bar : findChildren<QTabBar*>(QString(), Qt::FindDirectChildrenOnly)) {
    if (bar->property("undocks").toBool()) continue;
    bar->setProperty("undocks", true);
    connect(bar, &QTabBar::tabBarDoubleClicked, this, [this, bar](int tab) {
      for (QDockWidget* dock : std::as_const(docks_))
        if (tab >= 0 && dock->windowTitle() == bar->tabText(tab)) dock->setFloating(true);
    });
  }
}

void MainWindow::add_dock_commands(QDockWidget* dock) {
  const QString name = dock->objectName().section('.', 1);
  commands_.add({"show." + name,
                 "Panels",
                 "Show or hide: " + dock->windowTitle(),
                 "Show or hide this panel",
                 {},
                 [dock] {
                   dock->setVisible(!dock->isVisible());
                   if (dock->isVisible()) dock->raise();
                 },
                 {},
                 [dock] { return dock->isVisible(); }});
  commands_.add({"float." + name,
                 "Panels",
                 "Undock or dock: " + dock->windowTitle(),
                 "Give this panel a window of its own, or put it back",
                 {},
                 [dock] {
                   dock->show();
                   dock->setFloating(!dock->isFloating());
                 }});
}

void MainWindow::build_docks() {
  source_ = new SourcePanel(workspace_);
  threshold_ = new ThresholdPanel(workspace_);
  layers_ = new LayersPanel(workspace_);
  inspector_ = new InspectorPanel(workspace_);
  charts_ = new ChartsPanel(workspace_, quality_, runs_, commands_);
  log_ = new LogPanel;
  QDockWidget* source = add_dock("source", "Source", source_, Qt::LeftDockWidgetArea);
  QDockWidget* threshold = add_dock("threshold", "Threshold", threshold_, Qt::RightDockWidgetArea);
  QDockWidget* tokens =
      add_dock("tokens", "Model", new TokensPanel(workspace_), Qt::RightDockWidgetArea, threshold);
  threshold->raise();
  QDockWidget* inspector = add_dock("inspector", "Inspector", inspector_, Qt::RightDockWidgetArea);
  // Whoever chooses a model wants to see what it does: its panel takes most of the column.
  connect(&workspace_.models(), &ModelLibrary::classifier_changed, tokens,
          [this, tokens, inspector] {
            if (!workspace_.models().classifier() || !tokens->isVisible()) return;
            tokens->raise();
            if (!tokens->isFloating() && !inspector->isFloating())
              resizeDocks({tokens, inspector}, {int(px(600)), int(px(200))}, Qt::Vertical);
          });
  QDockWidget* layers = add_dock("layers", "Layers", layers_, Qt::LeftDockWidgetArea);
  QDockWidget* charts = add_dock("charts", "Charts", charts_, Qt::BottomDockWidgetArea);
  QDockWidget* log = add_dock("log", "Log", log_, Qt::BottomDockWidgetArea, charts);
  log->hide();
  build_generate_docks(threshold, inspector, charts);
  for (QDockWidget* dock : docks_)
    add_dock_commands(dock);
  setCorner(Qt::BottomRightCorner, Qt::RightDockWidgetArea);
  setCorner(Qt::BottomLeftCorner, Qt::LeftDockWidgetArea);
  resizeDocks({source, threshold}, {int(px(290)), int(px(340))}, Qt::Horizontal);
  resizeDocks({threshold, inspector}, {int(px(400)), int(px(400))}, Qt::Vertical);
  resizeDocks({charts}, {int(px(230))}, Qt::Vertical);
  resizeDocks({source, layers}, {int(px(430)), int(px(370))}, Qt::Vertical);
  connect(log_, &LogPanel::attention, this,
          [this](const QString& message) { statusBar()->showMessage(message, 8000); });
}

void MainWindow::reset_layout() {
  for (QDockWidget* dock : docks_)
    dock->setFloating(false);
  restoreState(default_layout_);
}

void MainWindow::toggle_second_viewport() {
  if (second_ == nullptr) {
    second_view_ = new Viewport(workspace_, "view2");
    second_ = add_dock("view2", "View 2", second_view_, Qt::BottomDockWidgetArea);
    connect(second_view_, &Viewport::open_requested, this, [this] { commands_.run("file.open"); });
    connect(second_, &QDockWidget::visibilityChanged, &commands_, &CommandRegistry::refresh);
    return;
  }
  docks_.removeAll(second_);
  removeDockWidget(second_);
  second_->deleteLater();
  second_ = nullptr;
  second_view_ = nullptr;
}

}  // namespace looktwice::gui
