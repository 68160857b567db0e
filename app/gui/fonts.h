#pragma once
// The interface's font: Inter where it is installed, else DejaVu Sans, else what Qt finds. All of
// them have τ, Δ, × and the arrows that the interface uses.

#include <QString>

struct ImFont;
struct ImFontAtlas;

namespace looktwice::gui {

/// File of the regular (or semi-bold) face; empty if none of the known fonts is installed.
QString ui_font_file(bool bold);
/// Family for Qt widgets; registers the files with Qt on the first call (needs QGuiApplication).
QString ui_font_family();

/// Text sizes in logical pixels at 100%.
inline constexpr double kTextSize = 13, kSmallSize = 11.5, kTitleSize = 22;

/// Fills `atlas` with body, bold, small and title faces for `scale` physical pixels per logical
/// one.
void build_font_atlas(ImFontAtlas* atlas, double scale);

/// Faces of the current ImGui context.
ImFont* body_font();
ImFont* bold_font();
ImFont* small_font();
ImFont* title_font();

}  // namespace looktwice::gui
