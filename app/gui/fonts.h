#pragma once
// The interface's font: Inter where it is installed, else DejaVu Sans, else what Qt finds. All of
// them have τ, Δ, × and the arrows that the interface uses.

#include <QString>
#include <cstdint>
#include <memory>
#include <vector>

#include <imgui.h>

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

/// How much of every texel the glyphs cover.
struct FontPixels {
  int width = 0, height = 0;
  std::vector<uint8_t> coverage;  ///< [height,width]
};
using FontPixelsPtr = std::shared_ptr<const FontPixels>;

/// The faces of one scale, for all ImGui contexts that draw at it.
struct FontAtlas {
  ImFontAtlas faces;
  FontPixelsPtr pixels;
  double scale = 1;
};
/// Builds them where nobody holds them yet. Threads: UI thread only.
std::shared_ptr<FontAtlas> font_atlas(double scale);

/// Faces of the current ImGui context.
ImFont* body_font();
ImFont* bold_font();
ImFont* small_font();
ImFont* title_font();

}  // namespace looktwice::gui
