#include "viewport_overlay.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "fonts.h"
#include "probe.h"
#include "region.h"
#include "theme.h"
#include "tokens/rlt.h"
#include "viewport.h"
#include "widgets.h"

namespace looktwice::gui {
namespace {

std::string format(const char* pattern, double a, double b = 0) {
  char text[128];
  std::snprintf(text, sizeof text, pattern, a, b);
  return text;
}

}  // namespace

std::optional<Place> place_at(const Workspace& workspace, compose::Point pixel) {
  const auto clip = workspace.clip();
  const auto moment = workspace.moment();
  if (!clip || !moment) return std::nullopt;
  const auto token = overlay::token_at(*clip, *moment, pixel.x + 0.5, pixel.y + 0.5);
  if (!token) return std::nullopt;
  return Place{token->row, token->column};
}

compose::Rect place_rect(const trace::ClipTrace& clip, Place place) {
  const double width = clip.crop_width / clip.w, height = clip.crop_height / clip.h;
  return {clip.crop_x + width * place.column, clip.crop_y + height * place.row, width, height};
}

std::optional<overlay::TokenState> token_at(const Workspace& workspace, Place place) {
  const auto clip = workspace.clip();
  const auto moment = workspace.moment();
  if (!clip || !moment || place.row >= clip->h || place.column >= clip->w) return std::nullopt;
  const compose::Rect rect = place_rect(*clip, place);
  return overlay::token_at(*clip, *moment, rect.x + rect.width / 2, rect.y + rect.height / 2);
}

std::string difference_text(float difference) {
  if (std::isinf(difference)) return "first tubelet: nothing to compare with";
  if (std::isnan(difference)) return "not a number";
  return format("%.4f (%.1f grey levels)", double(difference),
                double(difference) / tokens::normalised_per_grey_level());
}

std::string decision_text(const overlay::TokenState& token, float tau) {
  if (token.t == 0) return "The first tubelet of a clip is always kept.";
  if (token.kept) {
    return format("It changed by %.3f,\nmore than τ = %.3f.", double(token.difference),
                  double(tau));
  }
  return format("It changed by %.3f,\nno more than τ = %.3f.", double(token.difference),
                double(tau));
}

void Viewport::hover_tip(const compose::Cell&, compose::Point pixel) {
  if (!coach_title_.empty() || ImGui::IsMouseDown(0)) return;
  const frames::Frame& frame = *workspace_.frame();
  const Region dot = rgb_region(frame, int(pixel.x), int(pixel.y), 1, 1);
  if (dot.rgb.empty()) return;
  ImGui::PushStyleVar(ImGuiStyleVar_WindowPadding, ImVec2(float(px(10)), float(px(8))));
  ImGui::PushStyleVar(ImGuiStyleVar_ItemSpacing, ImVec2(float(px(8)), float(px(3))));
  ImGui::BeginTooltip();
  const auto place = workspace_.hovered();
  const auto token = place ? token_at(workspace_, *place) : std::nullopt;
  if (token) {
    ImGui::PushFont(bold_font());
    ImGui::TextColored(ImGui::ColorConvertU32ToFloat4(token->kept ? color_kept() : color_pruned()),
                       token->kept ? "Kept" : "Pruned");
    ImGui::PopFont();
    ImGui::SameLine();
    dim_text("tubelet %d, row %d, column %d", token->t, token->row, token->column);
    if (!workspace_.rlt_on()) {
      ImGui::TextUnformatted("RLT is off: every token enters the model");
    } else if (std::isfinite(token->difference)) {
      ImGui::Text("Difference %.4f  %s  τ %.4f", double(token->difference), token->kept ? ">" : "≤",
                  double(workspace_.tau()));
    } else {
      ImGui::TextUnformatted("First tubelet of the clip: always kept");
    }
    if (!token->kept) ImGui::Text("Repeats tubelet %d, run of %d", token->head, token->run_length);
  } else if (workspace_.clip()) {
    dim_text("Outside what the model sees");
  }
  const uint8_t* rgb = dot.rgb.data();
  const ImVec2 at = ImGui::GetCursorScreenPos();
  const float side = ImGui::GetFontSize() * 0.8f;
  ImGui::GetWindowDrawList()->AddRectFilled(ImVec2(at.x, at.y + side * 0.12f),
                                            ImVec2(at.x + side, at.y + side * 1.12f),
                                            IM_COL32(rgb[0], rgb[1], rgb[2], 255), 2);
  ImGui::Dummy(ImVec2(side, side));
  ImGui::SameLine();
  dim_text("x %d  y %d   RGB %d %d %d", int(pixel.x), int(pixel.y), rgb[0], rgb[1], rgb[2]);
  ImGui::EndTooltip();
  ImGui::PopStyleVar(2);
}

void Viewport::draw_box(const compose::Cell& cell, const compose::Rect& rect, unsigned color,
                        float width) {
  const double ratio = devicePixelRatioF();
  const compose::Point a = compose::to_logical(cell.mapping.to_output({rect.x, rect.y}), ratio);
  const compose::Point b = compose::to_logical(
      cell.mapping.to_output({rect.x + rect.width, rect.y + rect.height}), ratio);
  const compose::Point c0 = compose::to_logical({cell.clip.x, cell.clip.y}, ratio);
  const compose::Point c1 =
      compose::to_logical({cell.clip.x + cell.clip.width, cell.clip.y + cell.clip.height}, ratio);
  ImDrawList* draw = ImGui::GetWindowDrawList();
  draw->PushClipRect(ImVec2(float(c0.x), float(c0.y)), ImVec2(float(c1.x), float(c1.y)), true);
  const ImVec2 min(std::round(float(a.x)), std::round(float(a.y)));
  const ImVec2 max(std::round(float(b.x)), std::round(float(b.y)));
  // Dark under light: visible on any picture.
  draw->AddRect(min, max, IM_COL32(0, 0, 0, 200), 0, 0, width + float(px(2)));
  draw->AddRect(min, max, color, 0, 0, width);
  draw->PopClipRect();
}

void Viewport::draw_place(const compose::Cell& cell, Place place, unsigned color, float width) {
  draw_box(cell, place_rect(*workspace_.clip(), place), color, width);
}

void Viewport::draw_region(const compose::Arrangement& where) {
  const auto& region = workspace_.region();
  if (!region) return;
  const compose::Rect rect{double(region->x()), double(region->y()), double(region->width()),
                           double(region->height())};
  for (const compose::Cell& cell : where.cells)
    draw_box(cell, rect, color_accent(), float(px(2)));
}

void Viewport::draw_places(const compose::Arrangement& where) {
  if (!workspace_.clip()) return;
  const bool difference = workspace_.document().scene.layout == compose::Layout::difference;
  for (const compose::Cell& cell : where.cells) {
    if (const auto place = workspace_.hovered(); place && !difference) {
      draw_place(cell, *place, IM_COL32(255, 255, 255, 220), float(px(1)));
    }
    if (const auto place = workspace_.pinned()) {
      draw_place(cell, *place, IM_COL32(255, 255, 255, 255), float(px(2)));
    }
  }
}

void Viewport::draw_pixels(const compose::Arrangement& where) {
  // Numbers fit from about 44 logical pixels a pixel.
  const double ratio = devicePixelRatioF();
  const frames::Frame& frame = *workspace_.frame();
  for (const compose::Cell& cell : where.cells) {
    const double side = cell.mapping.scale / ratio;
    if (side < px(40)) continue;
    const compose::Point a = cell.mapping.to_frame({cell.clip.x, cell.clip.y});
    const compose::Point b =
        cell.mapping.to_frame({cell.clip.x + cell.clip.width, cell.clip.y + cell.clip.height});
    const int x0 = int(std::floor(a.x)), y0 = int(std::floor(a.y));
    const Region region =
        rgb_region(frame, x0, y0, int(std::ceil(b.x)) - x0, int(std::ceil(b.y)) - y0);
    ImDrawList* draw = ImGui::GetWindowDrawList();
    ImFont* font = small_font();
    const float size = font->FontSize / float(ratio);
    for (int y = region.y; y < region.y + region.height; ++y) {
      for (int x = region.x; x < region.x + region.width; ++x) {
        const uint8_t* rgb = region.at(x, y);
        const compose::Point at =
            compose::to_logical(cell.mapping.to_output({double(x), double(y)}), ratio);
        const int luma = (rgb[0] * 54 + rgb[1] * 183 + rgb[2] * 19) >> 8;
        const ImU32 color = luma > 128 ? IM_COL32(0, 0, 0, 220) : IM_COL32(255, 255, 255, 220);
        for (int c = 0; c < 3; ++c) {
          char text[8];
          std::snprintf(text, sizeof text, "%d", rgb[c]);
          draw->AddText(font, size,
                        ImVec2(float(at.x + px(4)), float(at.y + px(2)) + float(c) * size), color,
                        text);
        }
      }
    }
  }
}

void Viewport::draw_wipe(const compose::Arrangement& where) {
  const compose::Scene& scene = workspace_.document().scene;
  if (scene.layout != compose::Layout::wipe || where.cells.size() < 2) return;
  const compose::Rect& rect = where.cells.front().rect;
  const double ratio = devicePixelRatioF();
  const auto x = float(std::round((rect.x + rect.width * scene.wipe) / ratio));
  const auto top = float(rect.y / ratio), bottom = float((rect.y + rect.height) / ratio);
  ImDrawList* draw = ImGui::GetWindowDrawList();
  const float middle = (top + bottom) / 2, r = float(px(11));
  draw->AddCircleFilled(ImVec2(x, middle), r + 1, IM_COL32(0, 0, 0, 140), 24);
  draw->AddCircleFilled(ImVec2(x, middle), r, IM_COL32(255, 255, 255, 235), 24);
  const float s = float(px(4));
  draw->AddTriangleFilled(ImVec2(x - s * 1.8f, middle), ImVec2(x - s * 0.6f, middle - s),
                          ImVec2(x - s * 0.6f, middle + s), IM_COL32(30, 34, 40, 255));
  draw->AddTriangleFilled(ImVec2(x + s * 1.8f, middle), ImVec2(x + s * 0.6f, middle - s),
                          ImVec2(x + s * 0.6f, middle + s), IM_COL32(30, 34, 40, 255));
  probe(name_ + ".wipe", ImVec2(x - r, middle - r), ImVec2(x + r, middle + r));
}

std::string Viewport::describe() const {
  return gui::format("zoom %.4g", zoom());
}

}  // namespace looktwice::gui
