// What is remembered between starts, and the tour of the first one.

#include <QFileDialog>
#include <QFileInfo>
#include <QMenu>
#include <QSettings>
#include <QStandardPaths>
#include <QStatusBar>

#include "base/error.h"
#include "base/json.h"
#include "base/log.h"
#include "main_window.h"
#include "theme.h"
#include "viewport.h"

namespace looktwice::gui {
namespace {

constexpr int kLayoutVersion = 3;
constexpr int kRecent = 12;
constexpr const char* kFirstScene = "synth:static";

std::string session_file() {
  const QString folder = QStandardPaths::writableLocation(QStandardPaths::AppConfigLocation);
  return (folder + "/last-session.looktwice").toStdString();
}

}  // namespace

void MainWindow::restore() {
  QSettings settings;
  resize(int(px(1440)), int(px(900)));
  restoreGeometry(settings.value("window/geometry").toByteArray());
  restoreState(settings.value("window/layout").toByteArray(), kLayoutVersion);
  workspace_.set_autoplay(!options_.paused && settings.value("playback/autoplay", true).toBool());
  workspace_.set_loop(settings.value("playback/loop", true).toBool());
  const std::string file = session_file();
  if (QFileInfo::exists(QString::fromStdString(file))) {
    try {
      workspace_.load_document(document_from_json(read_json(file), file));
    } catch (const std::exception& error) {
      log(LogLevel::warning, error.what());
    }
  }
  const bool first = !settings.value("started", false).toBool();
  settings.setValue("started", true);
  if (!options_.input.empty()) {
    open(QString::fromStdString(options_.input));
  } else {
    open(settings.value("source/last", kFirstScene).toString());
  }
  if (first && options_.tour && options_.input.empty()) start_tour();
}

void MainWindow::save() {
  QSettings settings;
  settings.setValue("window/geometry", saveGeometry());
  settings.setValue("window/layout", saveState(kLayoutVersion));
  settings.setValue("window/theme", theme_name());
  settings.setValue("window/scale", ui_scale());
  settings.setValue("playback/loop", workspace_.status().loop);
  const std::string file = session_file();
  try {
    std::filesystem::create_directories(std::filesystem::path(file).parent_path());
    write_json(file, to_json(workspace_.document()));
  } catch (const std::exception& error) {
    log_once(LogLevel::warning, "autosave", error.what());
  }
}

void MainWindow::remember_recent(const QString& input) {
  QSettings settings;
  const QFileInfo info(input);
  const QString name = info.exists() ? info.absoluteFilePath() : input;
  settings.setValue("source/last", name);
  QStringList recent = settings.value("source/recent").toStringList();
  recent.removeAll(name);
  recent.prepend(name);
  while (recent.size() > kRecent)
    recent.removeLast();
  settings.setValue("source/recent", recent);
}

void MainWindow::fill_recent() {
  recent_->clear();
  const QStringList files = QSettings().value("source/recent").toStringList();
  for (const QString& file : files) {
    QString text = file;
    recent_->addAction(text.replace("&", "&&"), this, [this, file] { open(file); });
  }
  if (files.isEmpty()) {
    recent_->addAction("Nothing yet")->setEnabled(false);
    return;
  }
  recent_->addSeparator();
  recent_->addAction("Clear list", this, [] { QSettings().remove("source/recent"); });
}

void MainWindow::open_session(const QString& file) {
  try {
    const Json json = read_json(file.toStdString());
    workspace_.load_document(document_from_json(json, file.toStdString()));
    if (json.contains("input")) open(QString::fromStdString(json.at("input").get<std::string>()));
  } catch (const std::exception& error) {
    log(LogLevel::error, error.what());
    statusBar()->showMessage(error.what(), 10000);
  }
}

void MainWindow::save_session_as() {
  QString file = QFileDialog::getSaveFileName(this, "Save session", "session.looktwice",
                                              "LookTwice sessions (*.looktwice)");
  if (file.isEmpty()) return;
  if (!file.endsWith(".looktwice")) file += ".looktwice";
  try {
    Json json = to_json(workspace_.document());
    if (workspace_.has_source()) {
      const QFileInfo info(QString::fromStdString(workspace_.input()));
      json["input"] = info.exists() ? info.absoluteFilePath().toStdString() : workspace_.input();
    }
    write_json(file.toStdString(), json);
    statusBar()->showMessage("Saved " + file, 5000);
  } catch (const std::exception& error) {
    log(LogLevel::error, error.what());
    statusBar()->showMessage(error.what(), 10000);
  }
}

void MainWindow::start_tour() {
  show_tour_step(0);
}

void MainWindow::show_tour_step(int step) {
  struct Step {
    const char *title, *text;
  };
  static constexpr Step kSteps[] = {
      {"What you see",
       "A video transformer cuts a clip into patches. Run-length tokenization skips patches that "
       "have hardly changed since the moment before: those are marked."},
      {"Drag the threshold",
       "On the right, drag the line in the histogram. A patch whose difference is at most τ is "
       "pruned; the number above says how many tokens are left."},
      {"Look at one patch",
       "Move over the picture to see why a patch is kept or pruned. Click to pin it: the inspector "
       "shows its pixels and its run through time."},
      {"Compare",
       "Press 2 for the video beside what RLT hands on, 3 for a wipe, 4 for what is thrown away. 1 "
       "brings you back."},
      {"Open your own",
       "Drop a video on the window, or press Ctrl+O. Ctrl+K finds every command by name, F1 shows "
       "all shortcuts."}};
  constexpr int kCount = int(std::size(kSteps));
  tour_step_ = step < kCount ? step : -1;
  if (tour_step_ < 0) {
    viewport_->set_coach({}, {}, {});
  } else {
    viewport_->set_coach(kSteps[step].title, kSteps[step].text,
                         "Step " + std::to_string(step + 1) + " of " + std::to_string(kCount) +
                             (step + 1 < kCount ? ". Enter goes on." : ". Enter ends the tour."));
  }
  commands_.refresh();
}

}  // namespace looktwice::gui
