#pragma once
// The window: puts viewport, transport and docks together, keeps layout and session.

#include <QMainWindow>
#include <QPointer>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "commands.h"
#include "quality_meter.h"
#include "runs.h"
#include "state_report.h"
#include "watchdog.h"
#include "workspace.h"

class QLabel;
class QMenu;

namespace looktwice::gui {

class ChartsPanel;
class ExportDialog;
class GenerateSession;
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
  /// Runs a command by its id; false where it is disabled.
  bool run(const QString& id) { return commands_.run(id); }
  const CommandRegistry& commands() const { return commands_; }
  const Workspace& workspace() const { return workspace_; }

 protected:
  void closeEvent(QCloseEvent* event) override;
  void dragEnterEvent(QDragEnterEvent* event) override;
  void dropEvent(QDropEvent* event) override;
  void changeEvent(QEvent* event) override;

 private:
  // main_docks.cpp
  void build_docks();
  void fold_titles();
  // main_generate.cpp
  /// Beside which panels of the right column (upper, lower) and of the bottom theirs go.
  void build_generate_docks(QDockWidget* upper, QDockWidget* lower, QDockWidget* bottom);
  /// `beside`: the panel shares its place with that one, as a tab.
  QDockWidget* add_dock(const char* name, const QString& title, QWidget* content,
                        Qt::DockWidgetArea area, QDockWidget* beside = nullptr);
  /// Commands to show, hide and undock it. Once for every panel that stays.
  void add_dock_commands(QDockWidget* dock);
  void reset_layout();
  void toggle_second_viewport();
  // main_window.cpp
  void start_tau_bench();
  void save_soon();
  /// Picture quality is measured while somebody looks at its figures.
  void update_quality_need();
  void update_title();
  void update_status();
  // main_session.cpp
  void restore();
  void save();
  void remember_recent(const QString& input);
  void fill_recent();
  void save_session_as();
  void open_session(const QString& file);
  // main_commands.cpp, commands_*.cpp
  void add_commands();
  void add_file_commands();
  void add_playback_commands();
  void add_view_commands();
  void add_chart_commands();
  void add_layer_commands();
  void add_patch_commands();
  void add_other_commands();
  void build_menus();
  void open_dialog();
  void open_url_dialog();
  void save_screenshot();
  void export_video();
  void copy_command();
  void export_table();
  void type_region();
  void type_view();
  /// A value to type where no control is at hand.
  struct ValueQuestion {
    QString title, label;
    double low = 0, high = 1;
    int decimals = 2;
    std::function<double()> now;
    std::function<void(double)> set;
  };
  void ask_value(const ValueQuestion& question);
  /// A line of text, trimmed; none if the user thinks better of it. `width` of the dialog in
  /// logical pixels; 0: as it comes.
  std::optional<QString> ask_text(const char* name, const QString& title, const QString& label,
                                  const QString& now, double width = 0);
  // tour
  void start_tour();
  void show_tour_step(int step);

  StartOptions options_;
  Workspace workspace_;
  QualityMeter quality_{workspace_};
  Runs runs_{workspace_, quality_};
  std::shared_ptr<GenerateSession> generate_;  ///< panels refer to it; gone before the workspace
  CommandRegistry commands_;
  Viewport* viewport_ = nullptr;
  TransportBar* transport_ = nullptr;
  ThresholdPanel* threshold_ = nullptr;
  LayersPanel* layers_ = nullptr;
  InspectorPanel* inspector_ = nullptr;
  SourcePanel* source_ = nullptr;
  ChartsPanel* charts_ = nullptr;
  LogPanel* log_ = nullptr;
  QDockWidget* second_ = nullptr;
  Viewport* second_view_ = nullptr;
  QList<QDockWidget*> docks_;
  /// What panels add to the state report (--print-state).
  std::vector<std::function<void(Json&)>> state_parts_;
  QByteArray default_layout_;
  QLabel *status_left_ = nullptr, *status_right_ = nullptr;
  QMenu* recent_ = nullptr;
  QPointer<ExportDialog> export_;
  QTimer autosave_, status_later_;
  std::unique_ptr<Watchdog> watchdog_;
  std::unique_ptr<StateReport> state_report_;
  QString pending_recent_;
  int tour_step_ = -1;
};

}  // namespace looktwice::gui
