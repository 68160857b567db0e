#include "chart.h"

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <cstdio>

#include "fonts.h"
#include "probe.h"
#include "theme.h"
#include "widgets.h"

namespace looktwice::gui {
namespace {

std::string tick_text(const Axis& axis, double value) {
  if (axis.text) return axis.text(value);
  char text[32];
  std::snprintf(text, sizeof text, "%g", std::abs(value) < 1e-12 ? 0.0 : value);
  return text;
}

float small_size() {
  return small_font()->FontSize * ImGui::GetIO().FontGlobalScale;
}

float width_of(const std::string& text) {
  return small_font()->CalcTextSizeA(small_size(), FLT_MAX, 0, text.c_str()).x;
}

void small_label(ImDrawList* draw, ImVec2 at, const std::string& text) {
  draw->AddText(small_font(), small_size(), ImVec2(std::floor(at.x), std::floor(at.y)), color_dim(),
                text.c_str());
}

void dashes(ImDrawList* draw, ImVec2 a, ImVec2 b, ImU32 color, float width, float& phase) {
  const auto dash = float(px(5)), period = float(px(9));
  const float dx = b.x - a.x, dy = b.y - a.y, length = std::sqrt(dx * dx + dy * dy);
  if (length <= 0) return;
  for (float at = -phase; at < length; at += period) {
    const float from = std::max(0.0f, at), to = std::min(length, at + dash);
    if (to <= from) continue;
    draw->AddLine(ImVec2(a.x + dx * from / length, a.y + dy * from / length),
                  ImVec2(a.x + dx * to / length, a.y + dy * to / length), color, width);
  }
  phase = std::fmod(phase + length, period);
}

}  // namespace

std::vector<double> ticks(const Axis& axis, int wanted) {
  std::vector<double> places;
  if (!(axis.high > axis.low)) return places;
  if (axis.log) {
    const double first = std::ceil(std::log10(axis.low) - 1e-9),
                 last = std::floor(std::log10(axis.high) + 1e-9);
    for (double e = first; e <= last; e += 1)
      places.push_back(std::pow(10.0, e));
    return places;
  }
  const double rough = (axis.high - axis.low) / std::max(1, wanted);
  const double power = std::pow(10.0, std::floor(std::log10(rough)));
  double step = power * 10;
  for (const double nice : {1.0, 2.0, 5.0}) {
    if (power * nice >= rough * 0.999) {
      step = power * nice;
      break;
    }
  }
  for (double at = std::ceil(axis.low / step - 1e-9) * step; at <= axis.high + step * 1e-6;
       at += step)
    places.push_back(at);
  return places;
}

Chart::Chart(const char* id, ImVec2 size, Axis x, Axis y, const Axis* right)
    : x_(std::move(x)), y_(std::move(y)), has_right_(right != nullptr) {
  if (has_right_) right_ = *right;
  const ImVec2 at = ImGui::GetCursorScreenPos();
  ImGui::InvisibleButton(id, size);
  hovered_ = ImGui::IsItemHovered();
  held_ = ImGui::IsItemActive();
  released_ = ImGui::IsItemDeactivated();
  float left = float(px(16));
  for (const double tick : ticks(y_, 4))
    left = std::max(left, width_of(tick_text(y_, tick) + y_.unit));
  float beside = float(px(6));
  if (has_right_)
    for (const double tick : ticks(right_, 4))
      beside = std::max(beside, width_of(tick_text(right_, tick) + right_.unit) + float(px(6)));
  min_ = ImVec2(std::floor(at.x + left + float(px(6))), std::floor(at.y + float(px(4))));
  max_ = ImVec2(std::floor(at.x + size.x - beside),
                std::floor(at.y + size.y - small_size() - float(px(6))));
  max_.x = std::max(max_.x, min_.x + 8);
  max_.y = std::max(max_.y, min_.y + 8);
  probe(id, min_, max_);
  draw_ = ImGui::GetWindowDrawList();
  draw_->PushClipRect(ImVec2(at.x, at.y), ImVec2(at.x + size.x, at.y + size.y), true);
}

Chart::~Chart() {
  draw_->PopClipRect();
}

float Chart::place(double value, const Axis& axis, float from, float to) const {
  const double u = axis.log ? std::log(std::max(value, axis.low * 1e-3) / axis.low) /
                                  std::log(axis.high / axis.low)
                            : (value - axis.low) / (axis.high - axis.low);
  return from + float(std::clamp(u, -1.0, 2.0)) * (to - from);
}

float Chart::x(double value) const {
  return place(value, x_, min_.x, max_.x);
}
float Chart::y(double value) const {
  return std::clamp(place(value, y_, max_.y, min_.y), min_.y, max_.y);
}
float Chart::y_right(double value) const {
  return std::clamp(place(value, right_, max_.y, min_.y), min_.y, max_.y);
}

void Chart::grid() {
  draw_->AddRectFilled(min_, max_, color_field(), float(px(3)));
  const float half = small_size() / 2;
  const int rows = std::clamp(int((max_.y - min_.y) / float(px(34))), 1, 5);
  const std::vector<double> left = ticks(y_, rows);
  for (size_t i = 0; i < left.size(); ++i) {
    const float at = std::floor(y(left[i])) + 0.5f;
    draw_->AddLine(ImVec2(min_.x, at), ImVec2(max_.x, at), color_text(0.08));
    const std::string text = tick_text(y_, left[i]) + y_.unit;
    small_label(draw_,
                ImVec2(min_.x - float(px(6)) - width_of(text),
                       std::clamp(at - half, min_.y - float(px(3)), max_.y - half * 1.4f)),
                text);
  }
  if (has_right_) {
    for (const double tick : ticks(right_, rows)) {
      small_label(
          draw_,
          ImVec2(max_.x + float(px(6)),
                 std::clamp(y_right(tick) - half, min_.y - float(px(3)), max_.y - half * 1.4f)),
          tick_text(right_, tick) + right_.unit);
    }
  }
  const int columns = std::clamp(int((max_.x - min_.x) / float(px(80))), 1, 10);
  float free_from = -FLT_MAX;
  const std::vector<double> below = ticks(x_, columns);
  for (size_t i = 0; i < below.size(); ++i) {
    const float at = std::floor(x(below[i])) + 0.5f;
    draw_->AddLine(ImVec2(at, min_.y), ImVec2(at, max_.y), color_text(0.08));
    std::string text = tick_text(x_, below[i]);
    if (!x_.unit.empty()) text += x_.unit;
    const float width = width_of(text);
    const float from = std::clamp(at - width / 2, min_.x, max_.x - width);
    if (from < free_from) continue;
    small_label(draw_, ImVec2(from, max_.y + float(px(3))), text);
    free_from = from + width + float(px(8));
  }
}

void Chart::line(std::span<const ChartPoint> points, ImU32 color, bool dashed, bool right) const {
  const auto width = float(px(1.5));
  std::vector<ImVec2> run;
  float phase = 0;
  const auto flush = [&] {
    if (dashed) {
      for (size_t i = 1; i < run.size(); ++i)
        dashes(draw_, run[i - 1], run[i], color, width, phase);
    } else if (run.size() > 1) {
      draw_->AddPolyline(run.data(), int(run.size()), color, 0, width);
    } else if (run.size() == 1) {
      draw_->AddCircleFilled(run[0], width, color, 8);
    }
    run.clear();
  };
  draw_->PushClipRect(min_, max_, true);
  for (const ChartPoint& point : points) {
    if (std::isnan(point.y)) {
      flush();
    } else {
      run.emplace_back(x(point.x), right ? y_right(point.y) : y(point.y));
    }
  }
  flush();
  draw_->PopClipRect();
}

void Chart::steps(std::span<const ChartPoint> points, double end, ImU32 color, bool dashed) const {
  std::vector<ChartPoint> corners;
  corners.reserve(points.size() * 2);
  for (size_t i = 0; i < points.size(); ++i) {
    corners.push_back(points[i]);
    corners.push_back({i + 1 < points.size() ? points[i + 1].x : end, points[i].y});
  }
  line(corners, color, dashed);
}

void Chart::bars(std::span<const ChartPoint> points, double end, ImU32 color) const {
  draw_->PushClipRect(min_, max_, true);
  // At most one bar for every pixel: the highest of those that fall on it.
  float open_x = 0, open_y = FLT_MAX, open_end = 0;
  bool open = false;
  const auto flush = [&] {
    if (open) draw_->AddRectFilled(ImVec2(open_x, open_y), ImVec2(open_end, max_.y), color);
    open = false;
  };
  for (size_t i = 0; i < points.size(); ++i) {
    if (std::isnan(points[i].y)) continue;
    const float from = std::floor(x(points[i].x));
    const float to = std::floor(x(i + 1 < points.size() ? points[i + 1].x : end));
    const float top = y(points[i].y);
    if (open && from <= open_x) {
      open_y = std::min(open_y, top);
      open_end = std::max(open_end, std::max(to, from + 1));
      continue;
    }
    flush();
    open = true;
    open_x = from;
    open_y = top;
    open_end = std::max(to, from + 1);
  }
  flush();
  draw_->PopClipRect();
}

void Chart::band(std::span<const ChartPoint> low, std::span<const ChartPoint> high,
                 ImU32 color) const {
  const size_t n = std::min(low.size(), high.size());
  // Smoothed edges of neighbouring pieces would show as stripes.
  const ImDrawListFlags flags = draw_->Flags;
  draw_->Flags &= ~ImDrawListFlags_AntiAliasedFill;
  for (size_t i = 1; i < n; ++i) {
    draw_->AddQuadFilled(ImVec2(x(low[i - 1].x), y(low[i - 1].y)), ImVec2(x(low[i].x), y(low[i].y)),
                         ImVec2(x(high[i].x), y(high[i].y)),
                         ImVec2(x(high[i - 1].x), y(high[i - 1].y)), color);
  }
  draw_->Flags = flags;
}

void Chart::vertical(double value, ImU32 color, float width) const {
  const float at = std::round(x(value));
  if (at < min_.x - 1 || at > max_.x + 1) return;
  const float half = float(px(width)) / 2;
  draw_->AddRectFilled(ImVec2(at - half, min_.y), ImVec2(at + half, max_.y), color);
}

void Chart::dot(double at_x, double at_y, ImU32 color) const {
  draw_->AddCircleFilled(ImVec2(x(at_x), y(at_y)), float(px(3.5)), color, 16);
}

double Chart::pointer() const {
  const double u = std::clamp(
      double(ImGui::GetIO().MousePos.x - min_.x) / std::max(1.0, double(max_.x - min_.x)), 0.0,
      1.0);
  return x_.log ? x_.low * std::exp(u * std::log(x_.high / x_.low))
                : x_.low + u * (x_.high - x_.low);
}

void legend_item(const char* text, ImU32 color, bool dashed) {
  const float height = ImGui::GetFontSize(), width = float(px(16));
  const ImVec2 at = ImGui::GetCursorScreenPos();
  ImDrawList* draw = ImGui::GetWindowDrawList();
  const float y = std::floor(at.y + height / 2) + 0.5f;
  if (dashed) {
    float phase = 0;
    dashes(draw, ImVec2(at.x, y), ImVec2(at.x + width, y), color, float(px(2)), phase);
  } else {
    draw->AddRectFilled(ImVec2(at.x, y - float(px(2))), ImVec2(at.x + width, y + float(px(2))),
                        color, float(px(1)));
  }
  draw->AddText(small_font(), small_size(),
                ImVec2(at.x + width + float(px(6)), std::floor(at.y + (height - small_size()) / 2)),
                color_dim(), text);
  ImGui::Dummy(ImVec2(width + float(px(6)) + width_of(text), height));
  ImGui::SameLine(0, float(px(16)));
}

}  // namespace looktwice::gui
