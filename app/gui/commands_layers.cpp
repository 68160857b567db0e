// Commands of the main window: everything about the marks that the Layers panel offers too, so that
// the keyboard reaches it, and values to type.

#include <QInputDialog>
#include <algorithm>
#include <functional>

#include "main_window.h"
#include "overlay/token_picture.h"
#include "viewport.h"

namespace looktwice::gui {

void MainWindow::ask_value(const ValueQuestion& q) {
  QInputDialog dialog(this);
  dialog.setObjectName("value");
  dialog.setWindowTitle(q.title);
  dialog.setInputMode(QInputDialog::DoubleInput);
  dialog.setLabelText(q.label);
  dialog.setDoubleDecimals(q.decimals);
  dialog.setDoubleRange(q.low, q.high);
  dialog.setDoubleValue(q.now());
  if (dialog.exec() == QDialog::Accepted) q.set(dialog.doubleValue());
}

std::optional<QString> MainWindow::ask_text(const char* name, const QString& title,
                                            const QString& label, const QString& now,
                                            double width) {
  QInputDialog dialog(this);
  dialog.setObjectName(name);
  dialog.setWindowTitle(title);
  dialog.setLabelText(label);
  dialog.setTextValue(now);
  if (width > 0) dialog.resize(int(width), dialog.height());
  if (dialog.exec() != QDialog::Accepted) return std::nullopt;
  return dialog.textValue().trimmed();
}

void MainWindow::add_layer_commands() {
  const auto edit = [this](const char* what, const std::function<void(compose::Scene&)>& change) {
    Document next = workspace_.document();
    change(next.scene);
    workspace_.change(std::move(next), what);
  };
  const auto scene = [this]() -> const compose::Scene& { return workspace_.document().scene; };

  using Flag = std::function<bool&(compose::Scene&)>;
  const auto flag = [&](const char* id, const char* text, const char* tip, const Flag& member) {
    commands_.add(
        {id,
         "Layers",
         text,
         tip,
         {},
         [edit, text, member] { edit(text, [&](compose::Scene& s) { member(s) = !member(s); }); },
         {},
         [scene, member] {
           compose::Scene copy = scene();
           return member(copy);
         }});
  };
  flag("layers.outline", "Outline kept patches", "Draw a border around what the model gets",
       [](compose::Scene& s) -> bool& { return s.style.rlt.outline_kept; });
  flag("layers.crop", "Dim outside the crop", "Darken what the model does not see",
       [](compose::Scene& s) -> bool& { return s.style.crop.visible; });
  flag("layers.titles", "Pane titles", "Write on every picture what it shows",
       [](compose::Scene& s) -> bool& { return s.titles; });
  flag("layers.luma", "Difference: luma only", "Compare brightness and leave colour out",
       [](compose::Scene& s) -> bool& { return s.luma_only; });

  struct Choice {
    const char *id, *text;
    overlay::PrunedStyle style;
  };
  for (const Choice& choice :
       {Choice{"layers.none", "Pruned patches: no mark", overlay::PrunedStyle::none},
        Choice{"layers.dim", "Pruned patches: dim", overlay::PrunedStyle::dim},
        Choice{"layers.hatch", "Pruned patches: hatch", overlay::PrunedStyle::hatch},
        Choice{"layers.run_length", "Pruned patches: colour of their run length",
               overlay::PrunedStyle::run_length}}) {
    commands_.add({choice.id,
                   "Layers",
                   choice.text,
                   "How pruned patches are marked",
                   {},
                   [edit, style = choice.style] {
                     edit("Marks", [&](compose::Scene& s) { s.style.rlt.pruned = style; });
                   },
                   {},
                   [scene, style = choice.style] { return scene().style.rlt.pruned == style; }});
  }
  struct Colours {
    const char *id, *text;
    overlay::Palette palette;
  };
  for (const Colours& colours :
       {Colours{"layers.viridis", "Colours: Viridis", overlay::Palette::viridis},
        Colours{"layers.cividis", "Colours: Cividis", overlay::Palette::cividis},
        Colours{"layers.inferno", "Colours: Inferno", overlay::Palette::inferno}}) {
    commands_.add({colours.id,
                   "Layers",
                   colours.text,
                   "Colours of run lengths and of the heat map",
                   {},
                   [edit, palette = colours.palette] {
                     edit("Colours", [&](compose::Scene& s) {
                       s.style.rlt.palette = palette;
                       s.style.difference.palette = palette;
                     });
                   },
                   {},
                   [scene, palette = colours.palette] {
                     return scene().style.difference.palette == palette;
                   }});
  }

  const auto ask = [&](const char* id, const char* group, const char* text, const char* tip,
                       const QList<QKeySequence>& keys, const ValueQuestion& question) {
    commands_.add({id, group, text, tip, keys, [this, question] { ask_value(question); }});
  };
  using Value = std::function<double&(compose::Scene&)>;
  const auto scene_value = [&](const char* title, const char* label, double low, double high,
                               double factor, int decimals, const Value& member) {
    return ValueQuestion{title,
                         label,
                         low,
                         high,
                         decimals,
                         [scene, member, factor] {
                           compose::Scene copy = scene();
                           return member(copy) * factor;
                         },
                         [edit, title, member, factor](double value) {
                           edit(title, [&](compose::Scene& s) { member(s) = value / factor; });
                         }};
  };
  ask("layers.opacity", "Layers", "Set opacity of the marks…", "Type how opaque marks are", {},
      scene_value("Opacity of the marks", "Percent:", 0, 100, 100, 0,
                  [](compose::Scene& s) -> double& { return s.style.rlt.opacity; }));
  ask("layers.heat_opacity", "Layers", "Set opacity of the heat map…",
      "Type how opaque the heat map is", {},
      scene_value("Opacity of the heat map", "Percent:", 0, 100, 100, 0,
                  [](compose::Scene& s) -> double& { return s.style.difference.opacity; }));
  ask("layers.heat_maximum", "Layers", "Set range of the heat map…",
      "Type the difference that gets the last colour", {},
      scene_value("Range of the heat map", "Full colour at (0: four times τ):", 0, 20, 1, 3,
                  [](compose::Scene& s) -> double& { return s.style.difference.maximum; }));
  ask("layers.gain", "Layers", "Set gain of the difference…",
      "Type how much the difference is amplified", {},
      scene_value("Gain of the difference", "Times:", 0.1, 1000, 1, 1,
                  [](compose::Scene& s) -> double& { return s.gain; }));
  ask("layers.wipe", "Layers", "Set wipe position…", "Type where the wipe lies", {},
      scene_value("Wipe position", "Percent of the width:", 0, 100, 100, 1,
                  [](compose::Scene& s) -> double& { return s.wipe; }));
  ask("tau.type", "Threshold", "Set τ…", "Type the threshold, normalised units",
      {QKeySequence("Shift+T")},
      {"Threshold τ", "Normalised units (0.1 is the paper's):", 0, 20, 4,
       [this] { return double(workspace_.tau()); },
       [this](double tau) { workspace_.set_tau(float(tau)); }});
  ask("play.goto", "Playback", "Go to frame…", "Type the number of a frame, from 0",
      {QKeySequence("Ctrl+G")},
      {"Go to frame", "Frame, from 0:", 0, 1e9, 0, [this] { return double(workspace_.position()); },
       [this](double frame) {
         const auto count = workspace_.status().info.frame_count;
         if (workspace_.status().info.live) return;
         workspace_.seek(std::min(int64_t(frame), count ? *count - 1 : int64_t(frame)));
       }});
  ask("view.zoom", "View", "Set zoom…", "Type the zoom of the picture", {},
      {"Zoom", "Percent of the video's own size:", 1, 6400, 1,
       [this] { return viewport_->zoom() * 100; },
       [this](double percent) {
         compose::View view = viewport_->view();
         view.zoom = percent / 100;
         viewport_->set_view(view);
       }});
  add_patch_commands();
}

void MainWindow::add_patch_commands() {
  const auto known = [this] { return workspace_.clip() != nullptr; };
  const auto move = [this](int rows, int columns) {
    return [this, rows, columns] {
      const auto clip = workspace_.clip();
      if (!clip) return;
      Place place = workspace_.pinned().value_or(Place{clip->h / 2, clip->w / 2});
      if (workspace_.pinned()) {
        place.row = std::clamp(place.row + rows, 0, clip->h - 1);
        place.column = std::clamp(place.column + columns, 0, clip->w - 1);
      }
      workspace_.pin(place);
    };
  };
  struct Step {
    const char *id, *text, *keys;
    int rows, columns;
  };
  for (const Step& step : {Step{"patch.left", "Inspect the patch at the left", "Alt+Left", 0, -1},
                           Step{"patch.right", "Inspect the patch at the right", "Alt+Right", 0, 1},
                           Step{"patch.up", "Inspect the patch above", "Alt+Up", -1, 0},
                           Step{"patch.down", "Inspect the patch below", "Alt+Down", 1, 0}}) {
    commands_.add({step.id,
                   "Inspector",
                   step.text,
                   "Move the pinned patch; without one, the middle is pinned",
                   {QKeySequence(step.keys)},
                   move(step.rows, step.columns),
                   known});
  }
}

}  // namespace looktwice::gui
