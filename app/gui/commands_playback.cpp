// Commands of the main window: playback.

#include "main_window.h"

namespace looktwice::gui {

void MainWindow::add_playback_commands() {
  // Quitting works from every window of the app.
  commands_.action("file.quit")->setShortcutContext(Qt::ApplicationShortcut);
  const auto ready = [this] { return workspace_.has_source(); };
  const auto seekable = [this] {
    return workspace_.has_source() && !workspace_.status().info.live;
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
                 [this] {
                   workspace_.seek(workspace_.status().out >= 0 ? workspace_.status().out
                                                                : workspace_.last_frame());
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

}  // namespace looktwice::gui
