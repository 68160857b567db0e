// Commands of the main window: settings, panels, help.

#include "about_dialog.h"
#include "command_palette.h"
#include "main_window.h"
#include "preferences_dialog.h"
#include "theme.h"

namespace looktwice::gui {

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

}  // namespace looktwice::gui
