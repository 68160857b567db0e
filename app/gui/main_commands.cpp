// The commands of the main window and the menus made from them.

#include <QApplication>
#include <QClipboard>
#include <QDockWidget>
#include <QFileDialog>
#include <QImage>
#include <QInputDialog>
#include <QMenuBar>
#include <QStatusBar>

#include "about_dialog.h"
#include "base/log.h"
#include "command_palette.h"
#include "device_dialog.h"
#include "export/command.h"
#include "export_dialog.h"
#include "main_window.h"
#include "preferences_dialog.h"
#include "theme.h"
#include "viewport.h"

namespace looktwice::gui {

void MainWindow::add_commands() {
  add_file_commands();
  add_playback_commands();
  add_view_commands();
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

void MainWindow::add_playback_commands() {
  // Quitting works from every window of the app.
  commands_.action("file.quit")->setShortcutContext(Qt::ApplicationShortcut);
  const auto ready = [this] { return workspace_.has_source(); };
  const auto seekable = [this] {
    return workspace_.has_source() && !workspace_.status().info.live;
  };
  const auto last = [this] {
    const auto count = workspace_.status().info.frame_count;
    return count ? *count - 1 : int64_t{0};
  };
  const auto one_second = [this] {
    const double fps = workspace_.status().info.fps;
    return int64_t(fps > 0 ? fps + 0.5 : 30);
  };
  commands_.add({"play.toggle",
                 "Playback",
                 "&Play or pause",
                 "Play or pause",
                 {QKeySequence("Space"), QKeySequence("K")},
                 [this] { workspace_.toggle_play(); },
                 ready});
  commands_.add({"play.forward",
                 "Playback",
                 "Next frame",
                 "Go one frame forward",
                 {QKeySequence("Right"), QKeySequence(".")},
                 [this] { workspace_.step(1); },
                 seekable});
  commands_.add({"play.back",
                 "Playback",
                 "Previous frame",
                 "Go one frame back",
                 {QKeySequence("Left"), QKeySequence(",")},
                 [this] { workspace_.step(-1); },
                 seekable});
  commands_.add({"play.second_forward",
                 "Playback",
                 "Forward one second",
                 "Go one second forward",
                 {QKeySequence("Shift+Right")},
                 [this, one_second] { workspace_.step(one_second()); },
                 seekable});
  commands_.add({"play.second_back",
                 "Playback",
                 "Back one second",
                 "Go one second back",
                 {QKeySequence("Shift+Left")},
                 [this, one_second] { workspace_.step(-one_second()); },
                 seekable});
  commands_.add({"play.next_clip",
                 "Playback",
                 "Next clip",
                 "Go to the first frame of the next clip",
                 {QKeySequence("Ctrl+Right")},
                 [this] {
                   const ClipStore& store = workspace_.store();
                   for (int i = 0; i < store.count(); ++i) {
                     if (store.frames_of(i).front() > workspace_.position()) {
                       workspace_.seek(store.frames_of(i).front());
                       return;
                     }
                   }
                 },
                 seekable});
  commands_.add({"play.previous_clip",
                 "Playback",
                 "Previous clip",
                 "Go to the first frame of the clip before",
                 {QKeySequence("Ctrl+Left")},
                 [this] {
                   const ClipStore& store = workspace_.store();
                   for (int i = store.count() - 1; i >= 0; --i) {
                     if (store.frames_of(i).front() < workspace_.position()) {
                       workspace_.seek(store.frames_of(i).front());
                       return;
                     }
                   }
                 },
                 seekable});
  commands_.add({"play.start",
                 "Playback",
                 "To the start",
                 "Go to the first frame (or the in point)",
                 {QKeySequence("Home")},
                 [this] { workspace_.seek(workspace_.status().in); },
                 seekable});
  commands_.add({"play.end",
                 "Playback",
                 "To the end",
                 "Go to the last frame (or the out point)",
                 {QKeySequence("End")},
                 [this, last] {
                   workspace_.seek(workspace_.status().out >= 0 ? workspace_.status().out : last());
                 },
                 seekable});
  commands_.add({"play.loop",
                 "Playback",
                 "&Loop",
                 "Start again at the end",
                 {QKeySequence("L")},
                 [this] { workspace_.set_loop(!workspace_.status().loop); },
                 seekable,
                 [this] { return workspace_.status().loop; }});
  commands_.add({"play.in",
                 "Playback",
                 "Set &in point",
                 "Playback loops from here; at the in point: clear it",
                 {QKeySequence("I")},
                 [this] {
                   const auto& s = workspace_.status();
                   const int64_t at = workspace_.position();
                   workspace_.set_range(s.in == at ? 0 : at, s.out >= 0 && s.out < at ? -1 : s.out);
                 },
                 seekable});
  commands_.add({"play.out",
                 "Playback",
                 "Set &out point",
                 "Playback loops up to here; at the out point: clear it",
                 {QKeySequence("O")},
                 [this] {
                   const auto& s = workspace_.status();
                   const int64_t at = workspace_.position();
                   workspace_.set_range(s.in > at ? 0 : s.in, s.out == at ? -1 : at);
                 },
                 seekable});
  commands_.add({"play.faster",
                 "Playback",
                 "Faster",
                 "Play faster, up to 4×",
                 {QKeySequence("]")},
                 [this] { workspace_.set_speed(workspace_.status().speed * 1.25); },
                 seekable});
  commands_.add({"play.slower",
                 "Playback",
                 "Slower",
                 "Play slower, down to 0.1×",
                 {QKeySequence("[")},
                 [this] { workspace_.set_speed(workspace_.status().speed / 1.25); },
                 seekable});
  commands_.add({"play.normal",
                 "Playback",
                 "Normal speed",
                 "Play at the video's own speed",
                 {QKeySequence("Backspace")},
                 [this] { workspace_.set_speed(1); },
                 seekable});
}

void MainWindow::add_view_commands() {
  using compose::Layout;
  const auto layout = [this](Layout wanted) {
    return [this, wanted] {
      Document next = workspace_.document();
      set_layout(next, wanted);
      workspace_.change(std::move(next), "Layout");
    };
  };
  const auto is = [this](Layout wanted) {
    return [this, wanted] { return workspace_.document().scene.layout == wanted; };
  };
  const auto scene = [this](const char* what, auto&& edit) {
    return [this, what, edit] {
      Document next = workspace_.document();
      edit(next.scene);
      workspace_.change(std::move(next), what);
    };
  };
  commands_.add({"view.single",
                 "View",
                 "&Single",
                 "The video with its marks",
                 {QKeySequence("1")},
                 layout(Layout::single),
                 {},
                 is(Layout::single)});
  commands_.add({"view.side_by_side",
                 "View",
                 "Side &by side",
                 "The video beside what RLT hands on",
                 {QKeySequence("2")},
                 layout(Layout::side_by_side),
                 {},
                 is(Layout::side_by_side)});
  commands_.add({"view.wipe",
                 "View",
                 "&Wipe",
                 "Both in one place, with a line to drag",
                 {QKeySequence("3")},
                 layout(Layout::wipe),
                 {},
                 is(Layout::wipe)});
  commands_.add({"view.difference",
                 "View",
                 "&Difference",
                 "What RLT throws away, amplified",
                 {QKeySequence("4")},
                 layout(Layout::difference),
                 {},
                 is(Layout::difference)});
  commands_.add({"view.swap",
                 "View",
                 "S&wap sides",
                 "Exchange the two pictures",
                 {QKeySequence("S")},
                 scene("Swap sides",
                       [](compose::Scene& s) {
                         if (s.panes.size() > 1) std::swap(s.panes[0], s.panes[1]);
                       }),
                 [this] { return workspace_.document().scene.panes.size() > 1; }});
  commands_.add({"view.fit",
                 "View",
                 "&Fit to window",
                 "Show the whole frame",
                 {QKeySequence("F"), QKeySequence("0")},
                 [this] { viewport_->fit(); }});
  commands_.add({"view.one_to_one",
                 "View",
                 "&1:1 pixels",
                 "One pixel of the video on one of the screen",
                 {QKeySequence("Ctrl+1")},
                 [this] { viewport_->one_to_one(); }});
  commands_.add({"view.zoom_in",
                 "View",
                 "Zoom in",
                 "Enlarge the picture",
                 {QKeySequence("+"), QKeySequence("=")},
                 [this] { viewport_->zoom_by(1.25); }});
  commands_.add(
      {"view.zoom_out", "View", "Zoom out", "Reduce the picture", {QKeySequence("-")}, [this] {
         viewport_->zoom_by(1 / 1.25);
       }});
  commands_.add(
      {"view.marks",
       "View",
       "RLT &marks",
       "Show or hide the marks on the picture",
       {QKeySequence("M")},
       scene("Marks", [](compose::Scene& s) { s.style.rlt.visible = !s.style.rlt.visible; }),
       {},
       [this] { return workspace_.document().scene.style.rlt.visible; }});
  commands_.add(
      {"view.heat",
       "View",
       "Difference &heat map",
       "Colour patches by their difference",
       {QKeySequence("H")},
       scene("Heat map",
             [](compose::Scene& s) { s.style.difference.visible = !s.style.difference.visible; }),
       {},
       [this] { return workspace_.document().scene.style.difference.visible; }});
  commands_.add(
      {"view.grid",
       "View",
       "Patch &grid",
       "Show the borders of all patches",
       {QKeySequence("G")},
       scene("Grid", [](compose::Scene& s) { s.style.grid.visible = !s.style.grid.visible; }),
       {},
       [this] { return workspace_.document().scene.style.grid.visible; }});
  commands_.add(
      {"view.legend",
       "View",
       "&Legend",
       "Explain the colours on the picture",
       {QKeySequence("Shift+L")},
       scene("Legend",
             [](compose::Scene& s) {
               s.legend = s.legend == compose::LegendPlace::none ? compose::LegendPlace::inside
                                                                 : compose::LegendPlace::none;
             }),
       {},
       [this] { return workspace_.document().scene.legend != compose::LegendPlace::none; }});
  commands_.add({"view.second",
                 "View",
                 "Second view",
                 "A second view of the same moment, with its own zoom",
                 {QKeySequence("Ctrl+2")},
                 [this] { toggle_second_viewport(); },
                 {},
                 [this] { return second_ != nullptr && second_->isVisible(); }});
  commands_.add({"view.unpin",
                 "View",
                 "Unpin patch",
                 "Let the inspector follow the mouse again",
                 {QKeySequence("Escape")},
                 [this] { workspace_.pin(std::nullopt); },
                 [this] { return workspace_.pinned().has_value(); }});
  commands_.add({"view.fullscreen",
                 "View",
                 "F&ull screen",
                 "Use the whole screen",
                 {QKeySequence("F11")},
                 [this] { setWindowState(windowState() ^ Qt::WindowFullScreen); },
                 {},
                 [this] { return isFullScreen(); }});
}

void MainWindow::add_other_commands() {
  commands_.add({"edit.undo",
                 "Edit",
                 "&Undo",
                 "Take back the last change of settings",
                 {QKeySequence("Ctrl+Z")},
                 [this] { workspace_.undo(); },
                 [this] { return workspace_.history().can_undo(); }});
  commands_.add({"edit.preferences",
                 "Edit",
                 "&Preferences…",
                 "Colours, interface size, playback",
                 {QKeySequence("Ctrl+,")},
                 [this] {
                   PreferencesDialog dialog(this);
                   connect(&dialog, &PreferencesDialog::autoplay_changed, this,
                           [this](bool on) { workspace_.set_autoplay(on); });
                   dialog.exec();
                 }});
  commands_.add({"edit.redo",
                 "Edit",
                 "&Redo",
                 "Do again what was taken back",
                 {QKeySequence("Ctrl+Shift+Z"), QKeySequence("Ctrl+Y")},
                 [this] { workspace_.redo(); },
                 [this] { return workspace_.history().can_redo(); }});
  const auto nudge = [this](float factor) {
    return [this, factor] { workspace_.set_tau(std::max(0.001f, workspace_.tau()) * factor); };
  };
  commands_.add({"tau.up",
                 "Threshold",
                 "Raise τ",
                 "Prune more: 5 % more threshold",
                 {QKeySequence("Up")},
                 nudge(1.05f)});
  commands_.add({"tau.down",
                 "Threshold",
                 "Lower τ",
                 "Prune less: 5 % less threshold",
                 {QKeySequence("Down")},
                 nudge(1 / 1.05f)});
  commands_.add({"tau.reset",
                 "Threshold",
                 "τ of the paper",
                 "Set τ to 0.1, as the paper does",
                 {QKeySequence("T")},
                 [this] { workspace_.set_tau(0.1f); }});
  for (const char* name : {"source", "layers", "threshold", "inspector", "log"}) {
    const QString id = QStringLiteral("dock.") + name;
    const auto dock = [this, id] { return findChild<QDockWidget*>(id); };
    commands_.add({QStringLiteral("float.") + name,
                   "Window",
                   QStringLiteral("Undock or dock: ") + name,
                   "Give this panel a window of its own, or put it back",
                   {},
                   [dock] {
                     dock()->show();
                     dock()->setFloating(!dock()->isFloating());
                   }});
    commands_.add({QStringLiteral("show.") + name,
                   "Window",
                   QStringLiteral("Show or hide: ") + name,
                   "Show or hide this panel",
                   {},
                   [dock] { dock()->setVisible(!dock()->isVisible()); }});
  }
  commands_.add(
      {"window.reset", "Window", "&Reset layout", "Put all panels back in place", {}, [this] {
         reset_layout();
       }});
  commands_.add({"window.dark",
                 "Window",
                 "&Dark",
                 "Light text on dark",
                 {},
                 [] { set_theme("dark"); },
                 {},
                 [] { return theme_name() == "dark"; }});
  commands_.add({"window.light",
                 "Window",
                 "&Light",
                 "Dark text on light",
                 {},
                 [] { set_theme("light"); },
                 {},
                 [] { return theme_name() == "light"; }});
  commands_.add({"window.larger",
                 "Window",
                 "Larger interface",
                 "Enlarge text and controls",
                 {QKeySequence("Ctrl++"), QKeySequence("Ctrl+=")},
                 [] { set_ui_scale(ui_scale() + 0.25); }});
  commands_.add({"window.smaller",
                 "Window",
                 "Smaller interface",
                 "Reduce text and controls",
                 {QKeySequence("Ctrl+-")},
                 [] { set_ui_scale(ui_scale() - 0.25); }});
  commands_.add({"window.normal_size",
                 "Window",
                 "Normal interface",
                 "Text and controls at 100 %",
                 {QKeySequence("Ctrl+0")},
                 [] { set_ui_scale(1); }});
  commands_.add({"help.palette",
                 "Help",
                 "&Commands…",
                 "Find and run any command by name",
                 {QKeySequence("Ctrl+K"), QKeySequence("Ctrl+Shift+P")},
                 [this] { CommandPalette(commands_, this).exec(); }});
  commands_.add({"help.shortcuts",
                 "Help",
                 "&Keyboard shortcuts",
                 "All shortcuts on one sheet",
                 {QKeySequence("F1"), QKeySequence("?")},
                 [this] { ShortcutSheet(commands_, this).exec(); }});
  commands_.add({"help.tour", "Help", "&Tour", "Five steps through the main window", {}, [this] {
                   start_tour();
                 }});
  commands_.add({"help.about", "Help", "&About LookTwice", "Versions and devices", {}, [this] {
                   AboutDialog(this).exec();
                 }});
  commands_.add({"tour.next",
                 "Help",
                 "Next step of the tour",
                 "Go on with the tour",
                 {QKeySequence("Return")},
                 [this] { show_tour_step(tour_step_ + 1); },
                 [this] { return tour_step_ >= 0; }});
}

void MainWindow::build_menus() {
  QMenu* file = menuBar()->addMenu("&File");
  commands_.fill(file, {"file.open", "file.open_device", "file.open_address"});
  recent_ = file->addMenu("Open &recent");
  connect(recent_, &QMenu::aboutToShow, this, &MainWindow::fill_recent);
  commands_.fill(file, {"file.close", "", "file.save_session", "file.export", "file.screenshot",
                        "file.copy_command", "", "file.quit"});
  commands_.fill(menuBar()->addMenu("&Edit"), {"edit.undo", "edit.redo", "", "tau.up", "tau.down",
                                               "tau.reset", "", "edit.preferences"});
  commands_.fill(
      menuBar()->addMenu("&Playback"),
      {"play.toggle", "play.back", "play.forward", "play.second_back", "play.second_forward",
       "play.previous_clip", "play.next_clip", "play.start", "play.end", "", "play.loop", "play.in",
       "play.out", "", "play.slower", "play.normal", "play.faster"});
  commands_.fill(
      menuBar()->addMenu("&View"),
      {"view.single", "view.side_by_side", "view.wipe", "view.difference", "view.swap", "",
       "view.marks", "view.heat", "view.grid", "view.legend", "", "view.fit", "view.one_to_one",
       "view.zoom_in", "view.zoom_out", "", "view.second", "view.unpin", "view.fullscreen"});
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
  QInputDialog dialog(this);
  dialog.setObjectName("address");
  dialog.setWindowTitle("Open address");
  dialog.setLabelText("camera:/dev/video0, screen::0, lavfi:GRAPH, synth:NAME or a path");
  dialog.setTextValue(QString::fromStdString(workspace_.input()));
  dialog.resize(int(px(460)), dialog.height());
  if (dialog.exec() == QDialog::Accepted) open(dialog.textValue().trimmed());
}

void MainWindow::save_screenshot() {
  const QImage image = viewport_->screenshot();
  if (image.isNull()) return;
  const QString file =
      QFileDialog::getSaveFileName(this, "Save picture", "looktwice.png", "PNG (*.png)");
  if (file.isEmpty()) return;
  if (image.save(file, "PNG")) {
    statusBar()->showMessage("Saved " + file, 5000);
  } else {
    log(LogLevel::error, file.toStdString() + ": cannot be written");
  }
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
