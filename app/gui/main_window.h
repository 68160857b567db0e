#pragma once
// The window: puts viewport, transport and docks together, keeps layout and session.

#include <QMainWindow>
#include <QPointer>
#include <memory>

#include "commands.h"
#include "state_report.h"
#include "watchdog.h"
#include "workspace.h"

class QLabel;
class QMenu;

namespace looktwice::gui {

class ExportDialog;
class InspectorPanel;
class LayersPanel;
class LogPanel;
class SourcePanel;
class ThresholdPanel;
class TransportBar;
class Viewport;

struct StartOptions {
  std::string input;  ///< empty: the last session's, or the built-in scene
  bool print_state = false;
  bool watchdog = false;
  bool tour = true;     ///< on the first start
  int bench_tau = 0;    ///< move τ so many times, print the latency and close
  bool paused = false;  ///< do not play what is opened
  QString theme;        ///< overrides the remembered one, for this run
  double scale = 0;     ///< the same
};

class MainWindow : public QMainWindow {
  Q_OBJECT
 public:
  explicit MainWindow(const StartOptions& options);
  ~MainWindow() override;

  void open(const QString& input);
  Json state() const;

 protected:
  void closeEvent(QCloseEvent* event) override;
  void dragEnterEvent(QDragEnterEvent* event) override;
  void dropEvent(QDropEvent* event) override;
  void changeEvent(QEvent* event) override;

 private:
  // main_window.cpp
  void build_docks();
  QDockWidget* add_dock(const char* name, const QString& title, QWidget* content,
                        Qt::DockWidgetArea area);
  void start_tau_bench();
  void update_title();
  void update_status();
  // main_session.cpp
  void restore();
  void save();
  void autosave();
  void remember_recent(const QString& input);
  void fill_recent();
  void save_session_as();
  void open_session(const QString& file);
  void reset_layout();
  // main_commands.cpp
  void add_commands();
  void add_file_commands();
  void add_playback_commands();
  void add_view_commands();
  void add_other_commands();
  void build_menus();
  void open_dialog();
  void open_url_dialog();
  void save_screenshot();
  void export_video();
  void copy_command();
  void toggle_second_viewport();
  // tour
  void start_tour();
  void show_tour_step(int step);

  StartOptions options_;
  Workspace workspace_;
  CommandRegistry commands_;
  Viewport* viewport_ = nullptr;
  TransportBar* transport_ = nullptr;
  ThresholdPanel* threshold_ = nullptr;
  LayersPanel* layers_ = nullptr;
  InspectorPanel* inspector_ = nullptr;
  SourcePanel* source_ = nullptr;
  LogPanel* log_ = nullptr;
  QDockWidget* second_ = nullptr;
  Viewport* second_view_ = nullptr;
  QList<QDockWidget*> docks_;
  QByteArray default_layout_;
  QLabel *status_left_ = nullptr, *status_right_ = nullptr;
  QMenu* recent_ = nullptr;
  QPointer<ExportDialog> export_;
  QTimer autosave_;
  std::unique_ptr<Watchdog> watchdog_;
  std::unique_ptr<StateReport> state_report_;
  QString pending_recent_;
  int tour_step_ = -1;
};

}  // namespace looktwice::gui
