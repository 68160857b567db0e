// Distances over steps with the thresholds that they are compared with, and motion beneath.

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <set>

#include "base/text.h"
#include "timeline/draw.h"

namespace looktwice::timeline {
namespace {

using overlay::Canvas;
using overlay::Color;
using overlay::Font;

/// 1, 2 and 5 of every decade within the axis; 1 alone where that is too many.
std::vector<double> log_ticks(const Axis& axis, float least) {
  std::vector<double> out;
  const double decades = std::log10(axis.high / axis.low);
  const bool fine =
      static_cast<double>(axis.box.height) / std::max(decades, 0.1) > 3.2 * double(least);
  for (int e = static_cast<int>(std::floor(std::log10(axis.low)));
       e <= static_cast<int>(std::ceil(std::log10(axis.high))); ++e) {
    for (const int m : {1, 2, 5}) {
      if (m > 1 && !fine) continue;
      const double v = m * std::pow(10.0, e);
      if (v >= axis.low && v <= axis.high) out.push_back(v);
    }
  }
  return out;
}

std::string tick_text(double v) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g", v);
  return text;
}

void draw_frame(Canvas& canvas, const Axis& axis, const std::string& title, const Layout& layout,
                const Style& style, Font& font) {
  const auto em = static_cast<float>(layout.text_size);
  const int small = std::max(9, static_cast<int>(std::lround(0.84 * layout.text_size)));
  canvas.rectangle(axis.box, style.field);
  canvas.text(layout.area.x + std::round(0.75F * em), axis.box.y + font.ascent(layout.text_size),
              title, layout.text_size, style.text, font);
  const float line = std::max(1.F, std::round(layout.pixel));
  float last = 1e9F;
  for (const double v : log_ticks(axis, em)) {
    const float y = std::round(static_cast<float>(axis.y(v)));
    canvas.rectangle({axis.box.x, y, axis.box.width, line}, style.line.with_alpha(0.55F));
    // Not into the title, not into each other.
    const float top = y - 0.5F * em;
    if (top < axis.box.y + 1.15F * em || y > axis.box.y + axis.box.height + 0.1F * em ||
        y + 1.1F * em > last)
      continue;
    last = y;
    const std::string text = tick_text(v);
    canvas.text(axis.box.x - 0.5F * em - font.width(text, small),
                y + (font.ascent(small) - font.descent(small)) / 2, text, small, style.dim, font);
  }
}

struct Point {
  float x, y;
};

void draw_curve(Canvas& canvas, const trace::CacheTrace& run, const Layout& layout,
                const Color& color, float stroke, float disc) {
  const Axis& axis = *layout.curve;
  std::vector<Point> points;
  for (const trace::CacheStep& s : run.run) {
    const trace::CacheDecision* d = decision_of(s);
    if (d == nullptr || !std::isfinite(d->metric)) continue;
    points.push_back({(layout.step_x(s.step) + layout.step_x(s.step + 1)) / 2,
                      static_cast<float>(axis.y(d->metric))});
  }
  for (size_t i = 1; i < points.size(); ++i)
    canvas.line(points[i - 1].x, points[i - 1].y, points[i].x, points[i].y, stroke, color);
  for (const Point& p : points)
    canvas.disc(p.x, p.y, disc, color);
}

void draw_thresholds(Canvas& canvas, const Layout& layout, const Style& style, Font& font,
                     const Pointer& pointer) {
  const auto em = static_cast<float>(layout.text_size);
  const Axis& axis = *layout.curve;
  for (size_t i = 0; i < layout.thresholds.size(); ++i) {
    const Threshold& t = layout.thresholds[i];
    const bool held = static_cast<int>(i) == pointer.threshold;
    const float y = std::round(static_cast<float>(axis.y(t.value)));
    const float width = std::max(1.F, std::round((held ? 2.5F : 1.25F) * layout.pixel));
    canvas.rectangle({axis.box.x, y - std::floor(width / 2), axis.box.width, width},
                     style.threshold.with_alpha(held ? 1.F : 0.85F));
    const float x = axis.box.x + axis.box.width, label = layout.threshold_labels[i];
    canvas.line(x, y, x + 0.55F * em, label, std::max(1.F, layout.pixel), style.threshold);
    canvas.disc(x, y, (held ? 4.5F : 3.2F) * layout.pixel, style.threshold);
    const std::string text =
        number_text(t.value) + (t.rate > 0 ? " → " + std::to_string(t.rate) : "");
    canvas.text(x + 0.75F * em,
                label + (font.ascent(layout.text_size) - font.descent(layout.text_size)) / 2, text,
                layout.text_size, held ? style.text : style.threshold, font);
  }
}

void draw_motion(Canvas& canvas, const Content& content, const Row& row, const Layout& layout,
                 const Style& style, Font& font) {
  const Axis& axis = *layout.motion;
  draw_frame(canvas, axis, layout.motion_title, layout, style, font);
  const float bottom = axis.box.y + axis.box.height;
  bool measured = false;
  if (row.run) {
    for (const trace::CacheStep& s : row.run->run) {
      const trace::CacheDecision* d = decision_of(s);
      if (d == nullptr || !std::isfinite(d->motion)) continue;
      measured = measured || d->motion != 1 || d->motion_gradient != 0;
    }
  }
  const auto bar = [&](int step, double value) {
    const float x0 = layout.step_x(step), x1 = layout.step_x(step + 1);
    const float w = std::max(1.F, std::round((x1 - x0) * 0.55F));
    const auto y = static_cast<float>(axis.y(value));
    canvas.rectangle({std::round((x0 + x1 - w) / 2), y, w, std::max(1.F, bottom - y)},
                     style.motion);
  };
  if (!measured) {
    for (size_t i = 0; i < content.motion.size() && i < static_cast<size_t>(layout.steps); ++i)
      if (content.motion[i] > 0)
        bar(static_cast<int>(i) + 1, static_cast<double>(content.motion[i]));
    return;
  }
  for (const trace::CacheStep& s : row.run->run) {
    const trace::CacheDecision* d = decision_of(s);
    if (d == nullptr || !(d->motion > 0)) continue;
    bar(s.step, d->motion);
    if (const double g = std::fabs(d->motion_gradient); g >= axis.low) {
      const float x0 = layout.step_x(s.step), x1 = layout.step_x(s.step + 1);
      const float h = std::max(2.F, std::round(2 * layout.pixel));
      const auto y = std::round(static_cast<float>(axis.y(g)) - h / 2);
      canvas.rectangle({x0, y, x1 - x0 - layout.pixel, h}, style.gradient);
    }
  }
}

}  // namespace

void draw_curves(Canvas& canvas, const Content& content, const Layout& layout, const Style& style,
                 Font& font, const Pointer& pointer) {
  if (content.curve < 0 || content.curve >= static_cast<int>(content.rows.size())) return;
  const Row& row = content.rows[static_cast<size_t>(content.curve)];
  if (layout.curve) {
    draw_frame(canvas, *layout.curve, layout.curve_title, layout, style, font);
    draw_thresholds(canvas, layout, style, font, pointer);
    const float p = layout.pixel;
    if (row.predicted)
      draw_curve(canvas, *row.predicted, layout, style.predicted, std::max(1.F, 1.5F * p),
                 2.4F * p);
    if (row.run)
      draw_curve(canvas, *row.run, layout, style.curve, std::max(1.F, 1.75F * p), 3.2F * p);
  }
  if (layout.motion) draw_motion(canvas, content, row, layout, style, font);
}

}  // namespace looktwice::timeline
