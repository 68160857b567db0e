// The commands of the main window for files, and the menus made from all of them.

#include <QApplication>
#include <QClipboard>
#include <QDockWidget>
#include <QFileDialog>
#include <QImage>
#include <QMenuBar>
#include <QStatusBar>

#include "base/log.h"
#include "device_dialog.h"
#include "export/command.h"
#include "export_dialog.h"
#include "main_window.h"
#include "theme.h"
#include "viewport.h"

namespace looktwice::gui {

void MainWindow::add_commands() {
  add_file_commands();
  add_playback_commands();
  add_view_commands();
  add_chart_commands();
  add_layer_commands();
  add_other_commands();
}

void MainWindow::add_file_commands() {
  const auto has_picture = [this] { return workspace_.frame() != nullptr; };
  commands_.add({"file.open",
                 "File",
                 "&Open video…",
                 "Open a video, a picture sequence or a tensor file",
                 {QKeySequence("Ctrl+O")},
                 [this] { open_dialog(); }});
  commands_.add({"file.open_address",
                 "File",
                 "Open &address…",
                 "Open a camera, the screen, a filter graph or a scene by its address",
                 {QKeySequence("Ctrl+L")},
                 [this] { open_url_dialog(); }});
  commands_.add({"file.open_device",
                 "File",
                 "Open &camera or screen…",
                 "Pick a camera or the screen",
                 {QKeySequence("Ctrl+Shift+O")},
                 [this] {
                   DeviceDialog dialog(this);
                   if (dialog.exec() == QDialog::Accepted) open(dialog.address());
                 }});
  commands_.add({"file.save_session",
                 "File",
                 "Save &session…",
                 "Save what is open and all settings to a file",
                 {QKeySequence("Ctrl+S")},
                 [this] { save_session_as(); }});
  commands_.add({"file.close",
                 "File",
                 "&Close video",
                 "Close what is open",
                 {QKeySequence("Ctrl+W")},
                 [this] { workspace_.close_source(); },
                 [this] { return workspace_.has_source(); }});
  commands_.add({"file.export",
                 "File",
                 "&Export video…",
                 "Write the picture as shown, with its marks and legend, to a video",
                 {QKeySequence("Ctrl+E")},
                 [this] { export_video(); },
                 [this] { return workspace_.has_source(); }});
  commands_.add({"file.screenshot",
                 "File",
                 "Save &picture…",
                 "Save the picture as shown, at the video's own size",
                 {QKeySequence("Ctrl+Shift+S")},
                 [this] { save_screenshot(); },
                 has_picture});
  commands_.add({"file.copy_command",
                 "File",
                 "Copy &command line",
                 "Copy the command that reproduces this picture as a video",
                 {QKeySequence("Ctrl+Shift+C")},
                 [this] { copy_command(); },
                 [this] { return workspace_.has_source(); }});
  commands_.add(
      {"file.quit", "File", "&Quit", "Close the program", {QKeySequence("Ctrl+Q")}, [this] {
         QMetaObject::invokeMethod(
             this, [this] { close(); }, Qt::QueuedConnection);
       }});
}

void MainWindow::build_menus() {
  QMenu* file = menuBar()->addMenu("&File");
  commands_.fill(file, {"file.open", "file.open_device", "file.open_address"});
  recent_ = file->addMenu("Open &recent");
  connect(recent_, &QMenu::aboutToShow, this, &MainWindow::fill_recent);
  commands_.fill(file, {"file.close", "", "file.save_session", "file.export", "file.screenshot",
                        "file.copy_command", "", "file.quit"});
  commands_.fill(menuBar()->addMenu("&Edit"), {"edit.undo", "edit.redo", "", "tau.type", "tau.up",
                                               "tau.down", "tau.reset", "", "edit.preferences"});
  commands_.fill(
      menuBar()->addMenu("&Playback"),
      {"play.toggle", "play.back", "play.forward", "play.second_back", "play.second_forward",
       "play.previous_clip", "play.next_clip", "play.start", "play.end", "play.goto", "",
       "play.loop", "play.in", "play.out", "", "play.slower", "play.normal", "play.faster"});
  commands_.fill(menuBar()->addMenu("&View"), {"view.single",
                                               "view.side_by_side",
                                               "view.stack",
                                               "view.wipe",
                                               "view.difference",
                                               "",
                                               "view.only_first",
                                               "view.only_second",
                                               "view.swap",
                                               "",
                                               "view.marks",
                                               "view.heat",
                                               "view.grid",
                                               "view.legend",
                                               "",
                                               "view.fit",
                                               "view.one_to_one",
                                               "view.place",
                                               "view.zoom_in",
                                               "view.zoom_out",
                                               "",
                                               "view.region",
                                               "view.clear_region",
                                               "",
                                               "view.second",
                                               "view.unpin",
                                               "view.fullscreen"});
  commands_.fill(menuBar()->addMenu("&Charts"),
                 {"charts.time", "charts.tau", "charts.quality", "charts.clips", "charts.compare",
                  "", "charts.keep", "charts.swap", "charts.forget", "", "charts.export"});
  QMenu* window = menuBar()->addMenu("&Window");
  for (QDockWidget* dock : docks_)
    window->addAction(dock->toggleViewAction());
  window->addSeparator();
  commands_.fill(window, {"window.reset", "", "window.dark", "window.light", "", "window.larger",
                          "window.smaller", "window.normal_size"});
  commands_.fill(menuBar()->addMenu("&Help"),
                 {"help.palette", "help.shortcuts", "help.tour", "", "help.about"});
}

void MainWindow::open_dialog() {
  const QString file =
      QFileDialog::getOpenFileName(this, "Open video", {},
                                   "Videos and tensors (*.mp4 *.mkv *.webm *.mov *.avi *.m4v *.ts "
                                   "*.mpg *.mpeg *.y4m *.gif *.ogv "
                                   "*.flv *.wmv *.mxf *.safetensors *.looktwice);;All files (*)");
  if (file.endsWith(".looktwice")) {
    open_session(file);
  } else {
    open(file);
  }
}

void MainWindow::open_url_dialog() {
  const auto answer = ask_text("address", "Open address",
                               "camera:/dev/video0, screen::0, lavfi:GRAPH, synth:NAME or a path",
                               QString::fromStdString(workspace_.input()), px(460));
  if (answer) open(*answer);
}

void MainWindow::save_screenshot() {
  viewport_->screenshot([this](const QImage& image) {
    const QString file =
        QFileDialog::getSaveFileName(this, "Save picture", "looktwice.png", "PNG (*.png)");
    if (file.isEmpty()) return;
    if (image.save(file, "PNG")) {
      statusBar()->showMessage("Saved " + file, 5000);
    } else {
      log(LogLevel::error, file.toStdString() + ": cannot be written");
    }
  });
}

void MainWindow::export_video() {
  if (export_ == nullptr) {
    export_ = new ExportDialog(workspace_, this);
    export_->setAttribute(Qt::WA_DeleteOnClose);
    connect(export_, &ExportDialog::exported, this, [this](const QString& file) {
      statusBar()->showMessage("Exported " + file, 8000);
      log(LogLevel::info, "Exported " + file.toStdString());
    });
  }
  export_->show();
  export_->raise();
  export_->activateWindow();
}

void MainWindow::copy_command() {
  const auto command =
      QString::fromStdString(exporting::command(screen_request(workspace_, "out.mp4")));
  QApplication::clipboard()->setText(command);
  statusBar()->showMessage("Copied: " + command, 8000);
}

}  // namespace looktwice::gui
