#pragma once
// One look for Qt and ImGui: colours, type scale, spacing; dark and light; the user's scale.

#include <QColor>
#include <QObject>
#include <QString>
#include <cstdint>

namespace looktwice::gui {

struct Theme {
  bool dark = true;
  QColor window;  ///< behind everything; the picture's surround
  QColor panel;   ///< docks, bars, menus
  QColor field;   ///< inputs, tracks, graph backgrounds
  QColor field_hover;
  QColor line;  ///< separators and borders
  QColor text, dim, faint;
  QColor accent;        ///< what is selected or can be moved
  QColor on_accent;     ///< text on accent
  QColor kept, pruned;  ///< as on the overlay
  QColor playhead;
  QColor warning, error, good;
};

const Theme& current_theme();

/// "dark", "light" or "system" (dark unless the desktop's palette is light).
void set_theme(const QString& name);
QString theme_name();

/// The user's scale, 0.75 to 3, on top of the display's.
void set_ui_scale(double scale);
double ui_scale();
/// Logical pixels at the current scale.
inline double px(double at_100) {
  return at_100 * ui_scale();
}

/// Palette, style sheet and font of the application for the current theme and scale.
void apply_to_application();
/// Colours and sizes of the current ImGui context. Cheap: called every frame.
void apply_imgui_style(const Theme& theme, double scale);

/// 0xAABBGGRR, as ImGui's draw lists take it.
uint32_t imgui_color(const QColor& color, double alpha = 1.0);

class ThemeEvents : public QObject {
  Q_OBJECT
 signals:
  void changed();
};
ThemeEvents& theme_events();

}  // namespace looktwice::gui
