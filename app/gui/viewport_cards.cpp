// What lies over the picture: badges, the empty state, errors, the tour.

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <cstdio>

#include "fonts.h"
#include "probe.h"
#include "quality_meter.h"
#include "theme.h"
#include "viewport.h"
#include "viewport_overlay.h"
#include "widgets.h"

namespace looktwice::gui {
namespace {

/// A small dark plate with text; returns its width.
float badge(ImVec2 right_top, const char* text, ImU32 color) {
  const ImVec2 size = ImGui::CalcTextSize(text);
  const float pad = float(px(8)), height = size.y + float(px(6));
  const ImVec2 min(right_top.x - size.x - 2 * pad, right_top.y);
  ImDrawList* draw = ImGui::GetWindowDrawList();
  draw->AddRectFilled(min, ImVec2(right_top.x, min.y + height), IM_COL32(10, 12, 15, 190),
                      float(px(5)));
  draw->AddText(ImVec2(min.x + pad, min.y + float(px(3))), color, text);
  return size.x + 2 * pad;
}

bool begin_card(const char* name, ImVec2 center, float width, float pivot_y = 0.5f) {
  const Theme& theme = current_theme();
  ImGui::SetNextWindowPos(center, ImGuiCond_Always, ImVec2(0.5f, pivot_y));
  // The height follows the text, the width does not.
  ImGui::SetNextWindowSizeConstraints(ImVec2(width, 0), ImVec2(width, FLT_MAX));
  ImGui::PushStyleColor(ImGuiCol_ChildBg, imgui_color(theme.panel, 0.97));
  ImGui::PushStyleColor(ImGuiCol_WindowBg, imgui_color(theme.panel, 0.97));
  ImGui::PushStyleColor(ImGuiCol_Border, imgui_color(theme.line));
  ImGui::PushStyleVar(ImGuiStyleVar_WindowRounding, float(px(8)));
  ImGui::PushStyleVar(ImGuiStyleVar_WindowBorderSize, 1.0f);
  ImGui::PushStyleVar(ImGuiStyleVar_WindowPadding, ImVec2(float(px(18)), float(px(16))));
  return ImGui::Begin(name, nullptr,
                      ImGuiWindowFlags_NoDecoration | ImGuiWindowFlags_NoMove |
                          ImGuiWindowFlags_NoSavedSettings | ImGuiWindowFlags_AlwaysAutoResize |
                          ImGuiWindowFlags_NoFocusOnAppearing);
}

void end_card() {
  ImGui::End();
  ImGui::PopStyleVar(3);
  ImGui::PopStyleColor(3);
}

bool primary_button(const char* label) {
  const Theme& theme = current_theme();
  ImGui::PushStyleColor(ImGuiCol_Button, imgui_color(theme.accent));
  ImGui::PushStyleColor(ImGuiCol_ButtonHovered, imgui_color(theme.accent, 0.85));
  ImGui::PushStyleColor(ImGuiCol_ButtonActive, imgui_color(theme.accent, 0.7));
  ImGui::PushStyleColor(ImGuiCol_Text, imgui_color(theme.on_accent));
  ImGui::PushStyleVar(ImGuiStyleVar_FramePadding, ImVec2(float(px(14)), float(px(6))));
  const bool clicked = ImGui::Button(label);
  ImGui::PopStyleVar();
  ImGui::PopStyleColor(4);
  return clicked;
}

}  // namespace

void Viewport::draw_status() {
  if (!workspace_.frame()) return;
  const ImVec2 size = ImGui::GetIO().DisplaySize;
  const float gap = float(px(6));
  ImVec2 at(size.x - float(px(10)), float(px(10)));
  char text[160];
  if (view_.zoom > 0) {
    std::snprintf(text, sizeof text, "%.0f %%", zoom() * 100);
    at.x -= badge(at, text, IM_COL32(223, 227, 232, 255)) + gap;
  }
  if (workspace_.stale()) {
    at.x -= badge(at, "Stale: measuring with the new settings", IM_COL32(230, 180, 80, 255)) + gap;
  } else if (!workspace_.clip() && workspace_.analysing()) {
    at.x -= badge(at, "Measuring…", IM_COL32(152, 161, 173, 255)) + gap;
  }
  if (const auto figures = quality_text(); !figures.empty()) {
    at.x -= badge(at, figures.c_str(), IM_COL32(223, 227, 232, 255)) + gap;
  }
  const video::PlayerStatus& status = workspace_.status();
  if (status.info.live && status.dropped > 0) {
    std::snprintf(text, sizeof text, "%lld frames dropped", static_cast<long long>(status.dropped));
    at.x -= badge(at, text, IM_COL32(230, 180, 80, 255)) + gap;
  }
}

std::string Viewport::quality_text() const {
  const auto moment = workspace_.moment();
  if (quality_ == nullptr || !moment || workspace_.document().scene.panes.size() < 2) return {};
  const int64_t frame = workspace_.clip()->frame_indices[size_t(moment->sample)];
  for (const FrameQuality& q : quality_->frames()) {
    if (q.frame != frame) continue;
    if (std::isinf(q.psnr)) return "identical in " + quality_->area();
    char text[160];
    std::snprintf(text, sizeof text, "PSNR %.1f dB  SSIM %.3f in %s", q.psnr, q.ssim,
                  quality_->area().c_str());
    return text;
  }
  return {};
}

void Viewport::draw_cards() {
  const ImVec2 size = ImGui::GetIO().DisplaySize;
  const float width = std::min(float(px(440)), size.x - float(px(24)));
  const std::string& error =
      !workspace_.open_error().empty() ? workspace_.open_error() : drawing_error();
  if (!error.empty()) {
    const bool center = !workspace_.frame();
    begin_card("##error", ImVec2(size.x / 2, center ? size.y / 2 : float(px(14))), width,
               center ? 0.5f : 0.0f);
    ImDrawList* draw = ImGui::GetWindowDrawList();
    const ImVec2 at = ImGui::GetCursorScreenPos();
    const float icon = ImGui::GetFontSize() * 1.1f;
    draw_icon(draw, Icon::warning, ImVec2(at.x + icon / 2, at.y + icon / 2), icon,
              imgui_color(current_theme().error));
    ImGui::Dummy(ImVec2(icon, icon));
    ImGui::SameLine();
    ImGui::PushFont(bold_font());
    ImGui::TextUnformatted(!workspace_.open_error().empty() ? "This could not be opened"
                                                            : "The picture cannot be drawn");
    ImGui::PopFont();
    ImGui::PushTextWrapPos(width - float(px(18)));
    ImGui::TextUnformatted(error.c_str());
    if (workspace_.frame()) dim_text("What was open stays as it was.");
    ImGui::PopTextWrapPos();
    ImGui::Dummy(ImVec2(0, float(px(2))));
    if (primary_button("Open another…"))
      QMetaObject::invokeMethod(
          this, [this] { emit open_requested(); }, Qt::QueuedConnection);
    ImGui::SameLine();
    if (ImGui::Button("Dismiss")) {
      QMetaObject::invokeMethod(
          &workspace_, [this] { workspace_.dismiss_error(); }, Qt::QueuedConnection);
    }
    probe_item(name_ + ".dismiss");
    end_card();
    return;
  }
  if (!workspace_.frame()) {
    begin_card("##empty", ImVec2(size.x / 2, size.y / 2), width);
    if (workspace_.opening()) {
      ImGui::PushFont(bold_font());
      ImGui::TextUnformatted("Opening…");
      ImGui::PopFont();
      ImGui::PushTextWrapPos(width - float(px(18)));
      dim_text("%s", workspace_.status().input.c_str());
      ImGui::PopTextWrapPos();
    } else {
      ImGui::PushFont(title_font());
      ImGui::TextUnformatted("Open a video");
      ImGui::PopFont();
      ImGui::PushTextWrapPos(width - float(px(18)));
      dim_text(
          "Drop a file here, or open a file, a camera, the screen or a built-in scene. LookTwice "
          "marks the patches that a video transformer has already seen.");
      ImGui::PopTextWrapPos();
      ImGui::Dummy(ImVec2(0, float(px(4))));
      if (primary_button("Open…"))
        QMetaObject::invokeMethod(
            this, [this] { emit open_requested(); }, Qt::QueuedConnection);
    }
    end_card();
    return;
  }
  if (!coach_title_.empty()) {
    begin_card("##tour", ImVec2(size.x / 2, size.y - float(px(20))), width, 1.0f);
    ImGui::PushFont(bold_font());
    ImGui::TextUnformatted(coach_title_.c_str());
    ImGui::PopFont();
    ImGui::PushTextWrapPos(width - float(px(18)));
    ImGui::TextUnformatted(coach_text_.c_str());
    dim_text("%s", coach_footer_.c_str());
    ImGui::PopTextWrapPos();
    end_card();
  }
}

}  // namespace looktwice::gui
