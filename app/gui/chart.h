#pragma once
// A plot area with axes inside an ImGui panel: what charts and timelines are drawn with.
//
//   Chart chart("kept", size, x_axis, y_axis);
//   chart.grid();
//   chart.line(points, color_kept());
//   chart.vertical(now, color_text());
//   if (chart.held()) seek(chart.pointer().x);

#include <functional>
#include <span>
#include <string>
#include <vector>

#include <imgui.h>

namespace looktwice::gui {

struct Axis {
  double low = 0, high = 1;
  bool log = false;
  std::string unit;  ///< written behind the last label: "s", "%", "dB"
  /// Text of a tick; empty: the shortest number.
  std::function<std::string(double)> text = {};
};

/// Places for labels on an axis, about `wanted` of them: steps of 1, 2 or 5, or decades.
std::vector<double> ticks(const Axis& axis, int wanted);

struct ChartPoint {
  double x = 0, y = 0;  ///< NaN in y interrupts a line
};

class Chart {
 public:
  /// Lays the chart out at ImGui's cursor and takes input on it. `size` in logical pixels, labels
  /// included. `right` adds a second axis for y at the right. `id` names it for tests.
  Chart(const char* id, ImVec2 size, Axis x, Axis y, const Axis* right = nullptr);
  ~Chart();  ///< ends the clipping of the plot area
  Chart(const Chart&) = delete;
  Chart& operator=(const Chart&) = delete;

  /// Background, grid lines and labels.
  void grid();
  float x(double value) const;
  float y(double value) const;
  /// Of the second axis.
  float y_right(double value) const;
  ImVec2 min() const { return min_; }
  ImVec2 max() const { return max_; }
  ImDrawList* draw() const { return draw_; }

  void line(std::span<const ChartPoint> points, ImU32 color, bool dashed = false,
            bool right = false) const;
  /// Every value holds until the next point (or until `end`).
  void steps(std::span<const ChartPoint> points, double end, ImU32 color,
             bool dashed = false) const;
  /// Filled from the lower edge to the values, which hold until the next point or until `end`.
  void bars(std::span<const ChartPoint> points, double end, ImU32 color) const;
  /// Filled between two lines over the same x.
  void band(std::span<const ChartPoint> low, std::span<const ChartPoint> high, ImU32 color) const;
  void vertical(double x, ImU32 color, float width = 1) const;
  void dot(double x, double y, ImU32 color) const;

  bool hovered() const { return hovered_; }
  bool held() const { return held_; }
  bool released() const { return released_; }
  /// Value of x under the mouse, within the axis.
  double pointer() const;

 private:
  float place(double value, const Axis& axis, float from, float to) const;
  Axis x_, y_, right_;
  bool has_right_ = false, hovered_ = false, held_ = false, released_ = false;
  ImVec2 min_, max_;
  ImDrawList* draw_ = nullptr;
};

/// A swatch and a word on the present line, for the row above a chart.
void legend_item(const char* text, ImU32 color, bool dashed = false);

}  // namespace looktwice::gui
