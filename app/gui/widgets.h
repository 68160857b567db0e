#pragma once
// The few ImGui controls that all panels share, so that they look and behave alike.

#include <string>

#include <imgui.h>

namespace looktwice::gui {

enum class Icon {
  play,
  pause,
  step_back,
  step_forward,
  to_start,
  to_end,
  loop,
  in_point,
  out_point,
  eye,
  eye_off,
  pin,
  close,
  warning
};

/// Draws an icon in a square.
void draw_icon(ImDrawList* draw, Icon icon, ImVec2 center, float size, ImU32 color);
/// A flat icon button; `active` tints it. `id` names it for tests too.
bool icon_button(const char* id, Icon icon, const std::string& tooltip, bool active = false,
                 bool enabled = true, float size = 0);

/// "THRESHOLD" in small letters with a hairline.
void section(const char* title);
void dim_text(const char* format, ...) IM_FMTARGS(1);
void small_text(const char* format, ...) IM_FMTARGS(1);
void tooltip(const std::string& text);
/// As much of the text as fits `width` in the present font, with an ellipsis where it is cut.
std::string fitted(std::string text, float width);

/// A slim slider and a field to type into, on one line under its label. `scale_log` makes the
/// slider logarithmic. True when the value changed.
bool value_slider(const char* id, const char* label, double* value, double low, double high,
                  const char* format, const char* unit, const char* help = nullptr,
                  bool scale_log = false);
/// A field alone: commits on Enter, Tab or when the focus leaves; a bad number leaves the old one.
bool value_field(const char* id, double* value, double low, double high, const char* format,
                 float width);
/// Segmented choice: one of `names` is lit. True when it changed.
bool segments(const char* id, int* chosen, const char* const* names, int count,
              const char* const* tips = nullptr);
bool toggle(const char* id, const char* label, bool* on, const char* help = nullptr);

/// Colours of the theme as ImGui takes them.
ImU32 color_text(double alpha = 1);
ImU32 color_dim(double alpha = 1);
ImU32 color_faint(double alpha = 1);
ImU32 color_line(double alpha = 1);
ImU32 color_field(double alpha = 1);
ImU32 color_accent(double alpha = 1);
ImU32 color_kept(double alpha = 1);
ImU32 color_pruned(double alpha = 1);

}  // namespace looktwice::gui
