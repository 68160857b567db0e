// Commands of the main window: what the picture shows.

#include <QDockWidget>
#include <QRegularExpression>
#include <QStatusBar>

#include "main_window.h"
#include "viewport.h"

namespace looktwice::gui {

void MainWindow::type_view() {
  const int width = workspace_.status().info.width, height = workspace_.status().info.height;
  const compose::View now = viewport_->view();
  const auto answer = ask_text("view", "Zoom and position",
                               "x, y of the pixel in the middle, zoom in % (0: the whole frame)",
                               QStringLiteral("%1, %2, %3")
                                   .arg(now.center_x * width, 0, 'f', 1)
                                   .arg(now.center_y * height, 0, 'f', 1)
                                   .arg(now.zoom * 100, 0, 'g', 6));
  if (!answer) return;
  const QStringList words = answer->split(QRegularExpression(R"([\s,;%]+)"), Qt::SkipEmptyParts);
  bool good[3] = {};
  double value[3] = {};
  for (int i = 0; i < 3 && i < words.size(); ++i)
    value[i] = words[i].toDouble(&good[i]);
  const bool inside = value[0] >= 0 && value[0] <= width && value[1] >= 0 && value[1] <= height;
  const bool zooms = value[2] == 0 || (value[2] >= 1 && value[2] <= 6400);
  if (words.size() != 3 || !good[0] || !good[1] || !good[2] || !inside || !zooms) {
    statusBar()->showMessage(
        QStringLiteral("\"%1\" is no place in a picture of %2 × %3: give x, y and a zoom of 1 to "
                       "6400 %, as in 640, 360, 200")
            .arg(*answer)
            .arg(width)
            .arg(height),
        10000);
    return;
  }
  if (value[2] == 0) {
    viewport_->fit();
  } else {
    viewport_->set_view({value[2] / 100, value[0] / width, value[1] / height});
  }
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
  commands_.add({"view.stack",
                 "View",
                 "S&tack",
                 "The video above what RLT hands on",
                 {QKeySequence("5")},
                 layout(Layout::stack),
                 {},
                 is(Layout::stack)});
  const auto only = [&](const char* id, const char* name, const char* tip, const char* keys,
                        int pane) {
    commands_.add(
        {id,
         "View",
         name,
         tip,
         {QKeySequence(keys)},
         scene("One side",
               [pane](compose::Scene& s) { s.only = compose::only_pane(s) == pane ? -1 : pane; }),
         [this] { return compose::shows_several(workspace_.document().scene); },
         [this, pane] { return compose::only_pane(workspace_.document().scene) == pane; }});
  };
  only("view.only_first", "Only the &first", "Hide what RLT hands on; again to show both", "Q", 0);
  only("view.only_second", "Only the s&econd", "Hide the video; again to show both", "W", 1);
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
  commands_.add({"view.place",
                 "View",
                 "Zoom and &position…",
                 "Type which pixel is in the middle and how large, to see the same place again",
                 {QKeySequence("Ctrl+Shift+G")},
                 [this] { type_view(); },
                 [this] { return workspace_.frame() != nullptr; }});
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

}  // namespace looktwice::gui
