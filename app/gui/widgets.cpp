#include "widgets.h"

#include <algorithm>
#include <cmath>
#include <cstdarg>
#include <cstdio>

#include "fonts.h"
#include "probe.h"
#include "theme.h"

namespace looktwice::gui {

ImU32 color_text(double a) {
  return imgui_color(current_theme().text, a);
}
ImU32 color_dim(double a) {
  return imgui_color(current_theme().dim, a);
}
ImU32 color_faint(double a) {
  return imgui_color(current_theme().faint, a);
}
ImU32 color_line(double a) {
  return imgui_color(current_theme().line, a);
}
ImU32 color_field(double a) {
  return imgui_color(current_theme().field, a);
}
ImU32 color_accent(double a) {
  return imgui_color(current_theme().accent, a);
}
ImU32 color_kept(double a) {
  return imgui_color(current_theme().kept, a);
}
ImU32 color_pruned(double a) {
  return imgui_color(current_theme().pruned, a);
}

void section(const char* title) {
  ImGui::Dummy(ImVec2(0, float(px(2))));
  ImGui::PushFont(bold_font());
  ImGui::TextUnformatted(title);
  ImGui::PopFont();
  const ImVec2 min = ImGui::GetItemRectMin(), max = ImGui::GetItemRectMax();
  const float right = ImGui::GetWindowPos().x + ImGui::GetWindowContentRegionMax().x;
  const float y = std::floor((min.y + max.y) / 2) + 0.5f;
  if (right > max.x + 10) {
    ImGui::GetWindowDrawList()->AddLine(ImVec2(max.x + float(px(10)), y), ImVec2(right, y),
                                        color_line());
  }
}

void dim_text(const char* format, ...) {
  va_list args;
  va_start(args, format);
  ImGui::PushStyleColor(ImGuiCol_Text, color_dim());
  ImGui::TextV(format, args);
  ImGui::PopStyleColor();
  va_end(args);
}

void small_text(const char* format, ...) {
  va_list args;
  va_start(args, format);
  ImGui::PushFont(small_font());
  ImGui::PushStyleColor(ImGuiCol_Text, color_dim());
  ImGui::TextV(format, args);
  ImGui::PopStyleColor();
  ImGui::PopFont();
  va_end(args);
}

std::string fitted(std::string text, float width) {
  if (ImGui::CalcTextSize(text.c_str()).x <= width) return text;
  do {
    // One character: bytes that continue it, then its first.
    while (!text.empty() && (static_cast<unsigned char>(text.back()) & 0xC0U) == 0x80U)
      text.pop_back();
    if (!text.empty()) text.pop_back();
  } while (!text.empty() && ImGui::CalcTextSize((text + "…").c_str()).x > width);
  return text + "…";
}

void tooltip(const std::string& text) {
  if (text.empty()) return;
  ImGui::PushStyleVar(ImGuiStyleVar_WindowPadding, ImVec2(float(px(10)), float(px(7))));
  ImGui::BeginTooltip();
  ImGui::PushTextWrapPos(float(px(300)));
  ImGui::TextUnformatted(text.c_str());
  ImGui::PopTextWrapPos();
  ImGui::EndTooltip();
  ImGui::PopStyleVar();
}

void draw_icon(ImDrawList* d, Icon icon, ImVec2 c, float s, ImU32 col) {
  const float h = s / 2, w = std::max(1.2f, s / 9);
  const auto p = [&](float x, float y) { return ImVec2(c.x + x * h, c.y + y * h); };
  switch (icon) {
    case Icon::play:
      d->AddTriangleFilled(p(-0.6f, -0.85f), p(0.85f, 0), p(-0.6f, 0.85f), col);
      break;
    case Icon::pause:
      d->AddRectFilled(p(-0.65f, -0.8f), p(-0.18f, 0.8f), col, 1);
      d->AddRectFilled(p(0.18f, -0.8f), p(0.65f, 0.8f), col, 1);
      break;
    case Icon::step_forward:
      d->AddTriangleFilled(p(-0.65f, -0.7f), p(0.3f, 0), p(-0.65f, 0.7f), col);
      d->AddRectFilled(p(0.38f, -0.7f), p(0.65f, 0.7f), col);
      break;
    case Icon::step_back:
      d->AddTriangleFilled(p(0.65f, -0.7f), p(0.65f, 0.7f), p(-0.3f, 0), col);
      d->AddRectFilled(p(-0.65f, -0.7f), p(-0.38f, 0.7f), col);
      break;
    case Icon::to_start:
      d->AddRectFilled(p(-0.85f, -0.7f), p(-0.62f, 0.7f), col);
      d->AddTriangleFilled(p(0.1f, -0.65f), p(0.1f, 0.65f), p(-0.6f, 0), col);
      d->AddTriangleFilled(p(0.85f, -0.65f), p(0.85f, 0.65f), p(0.12f, 0), col);
      break;
    case Icon::to_end:
      d->AddRectFilled(p(0.62f, -0.7f), p(0.85f, 0.7f), col);
      d->AddTriangleFilled(p(-0.1f, -0.65f), p(0.6f, 0), p(-0.1f, 0.65f), col);
      d->AddTriangleFilled(p(-0.85f, -0.65f), p(-0.12f, 0), p(-0.85f, 0.65f), col);
      break;
    case Icon::loop:
      d->PathArcTo(c, h * 0.72f, 0.6f, 5.6f, 20);
      d->PathStroke(col, 0, w);
      d->AddTriangleFilled(p(0.95f, -0.75f), p(0.9f, 0.05f), p(0.25f, -0.35f), col);
      break;
    case Icon::in_point:
      d->AddLine(p(0.3f, -0.8f), p(-0.3f, -0.8f), col, w);
      d->AddLine(p(-0.3f, -0.8f), p(-0.3f, 0.8f), col, w);
      d->AddLine(p(-0.3f, 0.8f), p(0.3f, 0.8f), col, w);
      break;
    case Icon::out_point:
      d->AddLine(p(-0.3f, -0.8f), p(0.3f, -0.8f), col, w);
      d->AddLine(p(0.3f, -0.8f), p(0.3f, 0.8f), col, w);
      d->AddLine(p(0.3f, 0.8f), p(-0.3f, 0.8f), col, w);
      break;
    case Icon::eye:
    case Icon::eye_off:
      d->PathArcTo(p(0, 0.75f), h * 1.2f, -2.45f, -0.69f, 14);
      d->PathStroke(col, 0, w);
      d->PathArcTo(p(0, -0.75f), h * 1.2f, 0.69f, 2.45f, 14);
      d->PathStroke(col, 0, w);
      if (icon == Icon::eye) {
        d->AddCircleFilled(c, h * 0.32f, col);
      } else {
        d->AddLine(p(-0.75f, 0.75f), p(0.75f, -0.75f), col, w);
      }
      break;
    case Icon::pin:
      d->AddCircleFilled(p(0, -0.35f), h * 0.45f, col);
      d->AddLine(p(0, 0), p(0, 0.9f), col, w);
      break;
    case Icon::close:
      d->AddLine(p(-0.55f, -0.55f), p(0.55f, 0.55f), col, w);
      d->AddLine(p(0.55f, -0.55f), p(-0.55f, 0.55f), col, w);
      break;
    case Icon::warning:
      d->AddTriangle(p(0, -0.85f), p(0.9f, 0.7f), p(-0.9f, 0.7f), col, w);
      d->AddLine(p(0, -0.3f), p(0, 0.2f), col, w);
      d->AddCircleFilled(p(0, 0.45f), w * 0.7f, col);
      break;
  }
}

bool icon_button(const char* id, Icon icon, const std::string& tip, bool active, bool enabled,
                 float size) {
  if (size <= 0) size = float(px(28));
  ImGui::BeginDisabled(!enabled);
  const bool clicked = ImGui::InvisibleButton(id, ImVec2(size, size));
  ImGui::EndDisabled();
  const bool hovered = enabled && ImGui::IsItemHovered();
  const ImVec2 min = ImGui::GetItemRectMin(), max = ImGui::GetItemRectMax();
  probe(id, min, max);
  ImDrawList* draw = ImGui::GetWindowDrawList();
  if (hovered) {
    draw->AddRectFilled(min, max, imgui_color(current_theme().field_hover), float(px(5)));
  }
  const ImU32 color = !enabled ? color_faint(0.6)
                      : active ? color_accent()
                               : (hovered ? color_text() : color_text(0.82));
  draw_icon(draw, icon, ImVec2((min.x + max.x) / 2, (min.y + max.y) / 2), size * 0.44f, color);
  if (ImGui::IsItemHovered(ImGuiHoveredFlags_AllowWhenDisabled)) tooltip(tip);
  return clicked && enabled;
}

bool value_field(const char* id, double* value, double low, double high, const char* format,
                 float width) {
  ImGui::SetNextItemWidth(width);
  double typed = *value;
  const std::string name = std::string("##field.") + id;
  ImGui::InputDouble(name.c_str(), &typed, 0, 0, format,
                     ImGuiInputTextFlags_AutoSelectAll | ImGuiInputTextFlags_CharsScientific);
  probe_item(id);
  if (!ImGui::IsItemDeactivatedAfterEdit()) return false;
  if (!std::isfinite(typed)) return false;
  typed = std::clamp(typed, low, high);
  if (typed == *value) return false;
  *value = typed;
  return true;
}

bool value_slider(const char* id, const char* label, double* value, double low, double high,
                  const char* format, const char* unit, const char* help, bool scale_log) {
  ImGui::PushID(id);
  bool changed = false;
  const float full = ImGui::GetContentRegionAvail().x;
  const float field = float(px(64));
  ImGui::AlignTextToFramePadding();
  dim_text("%s", label);
  if (help != nullptr && ImGui::IsItemHovered()) tooltip(help);
  const float unit_width =
      unit != nullptr && *unit != 0 ? ImGui::CalcTextSize(unit).x + float(px(4)) : 0;
  ImGui::SameLine(ImGui::GetCursorPosX() + full - field - unit_width);
  changed |= value_field((std::string(id) + ".field").c_str(), value, low, high, format, field);
  if (unit_width > 0) {
    ImGui::SameLine(0, float(px(4)));
    dim_text("%s", unit);
  }
  // The track.
  const float height = float(px(16));
  ImGui::SetCursorPosY(ImGui::GetCursorPosY() - float(px(4)));
  ImGui::InvisibleButton("track", ImVec2(full, height));
  const ImVec2 min = ImGui::GetItemRectMin(), max = ImGui::GetItemRectMax();
  probe(std::string(id) + ".track", min, max);
  const bool hovered = ImGui::IsItemHovered(), held = ImGui::IsItemActive();
  const float radius = float(px(6));
  const double span = scale_log ? std::log(high / low) : high - low;
  const auto to_unit = [&](double v) {
    return std::clamp(scale_log ? std::log(v / low) / span : (v - low) / span, 0.0, 1.0);
  };
  if (held) {
    const double u = std::clamp(double(ImGui::GetIO().MousePos.x - min.x - radius) /
                                    std::max(1.0, double(max.x - min.x - 2 * radius)),
                                0.0, 1.0);
    const double next = scale_log ? low * std::exp(u * span) : low + u * span;
    if (next != *value) {
      *value = next;
      changed = true;
    }
  }
  ImDrawList* draw = ImGui::GetWindowDrawList();
  const float y = std::floor((min.y + max.y) / 2);
  const float x = min.x + radius + float(to_unit(*value)) * (max.x - min.x - 2 * radius);
  const float half = float(px(1.5));
  draw->AddRectFilled(ImVec2(min.x, y - half), ImVec2(max.x, y + half), color_line(), half);
  draw->AddRectFilled(ImVec2(min.x, y - half), ImVec2(x, y + half), color_accent(0.9), half);
  draw->AddCircleFilled(ImVec2(x, y), held || hovered ? radius : radius * 0.85f, color_accent(),
                        24);
  ImGui::PopID();
  return changed;
}

bool segments(const char* id, int* chosen, const char* const* names, int count,
              const char* const* tips) {
  ImGui::PushID(id);
  bool changed = false;
  const float full = ImGui::GetContentRegionAvail().x;
  // As wide as their words need, and the rest shared.
  const auto width_of_words = [&] {
    float sum = 0;
    for (int i = 0; i < count; ++i)
      sum += ImGui::CalcTextSize(names[i]).x;
    return sum;
  };
  float words = width_of_words();
  // Narrow panels and wide fonts: smaller letters rather than words that touch.
  const bool tight = words + float(px(14)) * float(count) > full;
  if (tight) {
    ImGui::PushFont(small_font());
    words = width_of_words();
  }
  const float spare = std::max(0.0f, (full - words) / float(count));
  const float height = ImGui::GetFrameHeight();
  const ImVec2 at = ImGui::GetCursorScreenPos();
  ImDrawList* draw = ImGui::GetWindowDrawList();
  draw->AddRectFilled(at, ImVec2(at.x + full, at.y + height), color_field(), float(px(5)));
  for (int i = 0; i < count; ++i) {
    if (i > 0) ImGui::SameLine(0, 0);
    ImGui::PushID(i);
    const float width = std::floor(ImGui::CalcTextSize(names[i]).x + spare);
    if (ImGui::InvisibleButton("segment", ImVec2(width, height)) && *chosen != i) {
      *chosen = i;
      changed = true;
    }
    ImGui::PopID();
    const ImVec2 min = ImGui::GetItemRectMin(), max = ImGui::GetItemRectMax();
    probe(std::string(id) + "." + std::to_string(i), min, max);
    const bool lit = *chosen == i, hovered = ImGui::IsItemHovered();
    if (lit) {
      const float inset = float(px(2));
      draw->AddRectFilled(ImVec2(min.x + inset, min.y + inset),
                          ImVec2(max.x - inset, max.y - inset), color_accent(), float(px(4)));
    }
    const ImVec2 size = ImGui::CalcTextSize(names[i]);
    const ImU32 color =
        lit ? imgui_color(current_theme().on_accent) : (hovered ? color_text() : color_dim());
    draw->AddText(
        ImVec2(std::floor((min.x + max.x - size.x) / 2), std::floor((min.y + max.y - size.y) / 2)),
        color, names[i]);
    if (hovered && tips != nullptr) tooltip(tips[i]);
  }
  if (tight) ImGui::PopFont();
  ImGui::PopID();
  return changed;
}

bool toggle(const char* id, const char* label, bool* on, const char* help) {
  ImGui::PushID(id);
  const float full = ImGui::GetContentRegionAvail().x;
  const float height = float(px(18)), width = float(px(30));
  const bool clicked = ImGui::InvisibleButton("toggle", ImVec2(full, height));
  const ImVec2 min = ImGui::GetItemRectMin(), max = ImGui::GetItemRectMax();
  probe(id, min, max);
  if (clicked) *on = !*on;
  const bool hovered = ImGui::IsItemHovered();
  ImDrawList* draw = ImGui::GetWindowDrawList();
  draw->AddText(ImVec2(min.x, std::floor((min.y + max.y - ImGui::GetFontSize()) / 2)),
                *on ? color_text() : color_dim(), label);
  const float y = (min.y + max.y) / 2, r = float(px(6));
  const ImVec2 a(max.x - width, y - float(px(8))), b(max.x, y + float(px(8)));
  draw->AddRectFilled(a, b, *on ? color_accent(hovered ? 1.0 : 0.9) : color_line(), float(px(8)));
  draw->AddCircleFilled(ImVec2(*on ? b.x - float(px(8)) : a.x + float(px(8)), y), r,
                        *on ? imgui_color(current_theme().on_accent) : color_dim(), 20);
  if (hovered && help != nullptr) tooltip(help);
  ImGui::PopID();
  return clicked;
}

}  // namespace looktwice::gui
