#include "timeline/draw.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace looktwice::timeline {
namespace {

using overlay::Canvas;
using overlay::Color;
using overlay::Font;

float middle(const Box& box, int size, Font& font) {
  return box.y + (box.height + font.ascent(size) - font.descent(size)) / 2;
}

/// Computed share of a line's cell, 0..1.
double share_of(const trace::CacheStep& s, const Line& line) {
  if (s.modules.empty()) return s.computed ? 1 : 0;
  const int first = line.block < 0 ? 0 : line.block * trace::kModules + std::max(0, line.module);
  const int count = line.block < 0    ? static_cast<int>(s.modules.size())
                    : line.module < 0 ? trace::kModules
                                      : 1;
  int on = 0, all = 0;
  for (int i = first; i < first + count && i < static_cast<int>(s.modules.size()); ++i, ++all)
    on += s.modules[static_cast<size_t>(i)];
  return all > 0 ? static_cast<double>(on) / all : 0;
}

double ms_of(const trace::CacheStep& s, const Line& line) {
  if (line.block < 0) return s.ms;
  double sum = 0;
  for (int m = 0; m < trace::kModules; ++m) {
    const auto at = static_cast<size_t>(line.block * trace::kModules + m);
    if ((line.module < 0 || line.module == m) && at < s.module_ms.size())
      sum += static_cast<double>(s.module_ms[at]);
  }
  return sum;
}

/// As short as it can be said: "41", "3.2" (milliseconds).
std::string cell_text(double ms) {
  char text[32];
  std::snprintf(text, sizeof text, ms >= 9.95 ? "%.0f" : "%.1f", ms);
  return text;
}

void draw_cell(Canvas& canvas, const Box& box, double share, const Style& style, float pixel) {
  const float part = std::round(box.height * static_cast<float>(share));
  if (part < box.height) {
    canvas.rectangle(box, style.reused);
    canvas.hatch(box, style.hatch, pixel);
  }
  if (part > 0) {
    canvas.rectangle({box.x, box.y + box.height - part, box.width, part}, style.computed);
  }
}

void draw_line(Canvas& canvas, const Content& content, const Layout& layout, const Line& line,
               const Style& style, Font& font) {
  const Row& row = content.rows[static_cast<size_t>(line.row)];
  const bool whole = line.block < 0;
  const int small = std::max(9, static_cast<int>(std::lround(0.84 * layout.text_size)));
  const float pixel = layout.pixel, em = static_cast<float>(layout.text_size);
  // Times are written into all cells of a line or into none of a kind.
  float widest = 0, narrowest = 1e9F;
  if (row.run)
    for (const trace::CacheStep& s : row.run->run)
      widest = std::max(widest, font.width(cell_text(ms_of(s, line)), small));
  for (int step = 1; step <= layout.steps; ++step)
    narrowest = std::min(narrowest, layout.cell(line, step).width);
  // Not onto the outlines of a prediction.
  const float outline = row.predicted ? 2 * (std::max(2.F, std::round(2 * pixel)) + pixel) : 0;
  const bool texts = whole && widest + 2 * pixel + outline <= narrowest;

  for (int step = 1; step <= layout.steps; ++step) {
    const Box box = layout.cell(line, step);
    const trace::CacheStep* s = row.run && step <= static_cast<int>(row.run->run.size())
                                    ? &row.run->run[static_cast<size_t>(step) - 1]
                                    : nullptr;
    const trace::CacheStep* p = row.predicted && step <= static_cast<int>(row.predicted->run.size())
                                    ? &row.predicted->run[static_cast<size_t>(step) - 1]
                                    : nullptr;
    const double share = s != nullptr ? share_of(*s, line) : 0;
    if (s != nullptr) {
      draw_cell(canvas, box, share, style, pixel);
    } else {
      canvas.rectangle(box, style.field);
    }
    const double guess = p != nullptr ? share_of(*p, line) : 0;
    if (guess > 0) {
      const float frame = std::max(2.F, std::round((whole ? 2.F : 1.25F) * pixel));
      canvas.frame(box, style.background, frame + std::max(1.F, std::round(pixel)));
      canvas.frame(box, style.predicted, frame);
    }
    if (texts && s != nullptr) {
      const std::string text = cell_text(ms_of(*s, line));
      const float x = box.x + (box.width - font.width(text, small)) / 2;
      const bool on_computed = share >= 0.62;
      if (share > 0 && !on_computed) continue;  // half and half: no colour could be read
      if (share == 0) {
        // A plate under the text: stripes and letters do not mix.
        const float h = std::round(1.15F * static_cast<float>(small));
        canvas.rectangle(
            {x - pixel, box.y + (box.height - h) / 2, font.width(text, small) + 2 * pixel, h},
            style.reused, pixel);
      }
      canvas.text(x, middle(box, small, font), text, small,
                  on_computed ? style.on_computed : style.text, font);
    }
  }
  // Name and note.
  const float left = layout.area.x + std::round(0.75F * em);
  if (whole) {
    const float cx = left + 0.4F * em, cy = line.cells.y + line.cells.height / 2, r = 0.26F * em;
    const bool open = row.detail != Detail::run;
    const float stroke = std::max(1.F, 1.4F * pixel);
    if (open) {
      canvas.line(cx - r, cy - 0.5F * r, cx, cy + 0.5F * r, stroke, style.dim);
      canvas.line(cx, cy + 0.5F * r, cx + r, cy - 0.5F * r, stroke, style.dim);
    } else {
      canvas.line(cx - 0.5F * r, cy - r, cx + 0.5F * r, cy, stroke, style.dim);
      canvas.line(cx + 0.5F * r, cy, cx - 0.5F * r, cy + r, stroke, style.dim);
    }
    canvas.text(left + 1.4F * em, middle(line.cells, line.text_size, font), line.label,
                line.text_size, style.text, font);
    canvas.text(layout.plot_x + layout.plot_width + std::round(0.75F * em),
                middle(line.cells, layout.text_size, font), line.note, layout.text_size, style.text,
                font);
  } else {
    canvas.text(layout.plot_x - std::round(0.6F * em) - font.width(line.label, line.text_size),
                middle(line.cells, line.text_size, font), line.label, line.text_size, style.dim,
                font);
  }
}

void draw_axis(Canvas& canvas, const Layout& layout, const Style& style, Font& font) {
  const auto em = static_cast<float>(layout.text_size);
  const int size = std::max(9, static_cast<int>(std::lround(0.92 * layout.text_size)));
  canvas.text(layout.area.x + std::round(0.75F * em), layout.axis_baseline, "step", size, style.dim,
              font);
  for (const int step : layout.ticks) {
    const std::string text = std::to_string(step);
    const float x = (layout.step_x(step) + layout.step_x(step + 1)) / 2;
    canvas.text(x - font.width(text, size) / 2, layout.axis_baseline, text, size, style.dim, font);
  }
}

void draw_swatch(Canvas& canvas, const LegendItem& item, const Box& box, const Style& style,
                 float pixel) {
  using Kind = LegendItem::Kind;
  const float y = box.y + box.height / 2, x1 = box.x + box.width;
  const float stroke = std::max(1.F, 1.75F * pixel);
  switch (item.kind) {
    case Kind::computed:
      canvas.rectangle(box, style.computed);
      break;
    case Kind::reused:
      canvas.rectangle(box, style.reused);
      canvas.hatch(box, style.hatch, pixel);
      break;
    case Kind::part:
      draw_cell(canvas, box, 0.5, style, pixel);
      break;
    case Kind::predicted:
      canvas.rectangle(box, style.field);
      canvas.frame(box, style.predicted, std::max(2.F, std::round(2 * pixel)));
      break;
    case Kind::curve:
      canvas.line(box.x, y, x1, y, stroke, style.curve);
      canvas.disc((box.x + x1) / 2, y, 3.2F * pixel, style.curve);
      break;
    case Kind::predicted_curve:
      canvas.line(box.x, y, x1, y, stroke, style.predicted);
      canvas.disc((box.x + x1) / 2, y, 2.4F * pixel, style.predicted);
      break;
    case Kind::threshold:
      canvas.rectangle({box.x, std::round(y), box.width, std::max(1.F, std::round(1.5F * pixel))},
                       style.threshold);
      break;
    case Kind::motion:
      canvas.rectangle({box.x + box.width * 0.3F, box.y, box.width * 0.4F, box.height},
                       style.motion);
      break;
    case Kind::gradient:
      canvas.rectangle({box.x, std::round(y - pixel), box.width, std::max(2.F, 2 * pixel)},
                       style.gradient);
      break;
  }
}

}  // namespace

void draw(Canvas& canvas, const Content& content, const Layout& layout, const Style& style,
          Font& font, const Pointer& pointer) {
  canvas.rectangle(layout.area, style.background);
  const auto em = static_cast<float>(layout.text_size);
  const auto column = [&](int step, float alpha) {
    if (step < 1 || step > layout.steps) return;
    const float x0 = layout.step_x(step), x1 = layout.step_x(step + 1);
    float bottom = layout.lines.empty()
                       ? layout.area.y
                       : layout.lines.back().cells.y + layout.lines.back().cells.height;
    if (layout.curve) bottom = layout.curve->box.y + layout.curve->box.height;
    if (layout.motion) bottom = layout.motion->box.y + layout.motion->box.height;
    const float top = layout.area.y + std::round(0.3F * em);
    canvas.rectangle({x0 - layout.pixel, top, x1 - x0 + layout.pixel, bottom - top},
                     style.marker.with_alpha(alpha));
  };
  column(pointer.hovered_step, 0.08F);
  draw_axis(canvas, layout, style, font);
  for (const Line& line : layout.lines)
    draw_line(canvas, content, layout, line, style, font);
  draw_curves(canvas, content, layout, style, font, pointer);
  if (content.chosen >= 1 && content.chosen <= layout.steps) {
    // A bracket around the chosen step, above and below its cells.
    column(content.chosen, 0.10F);
    const float x0 = layout.step_x(content.chosen), x1 = layout.step_x(content.chosen + 1);
    const float w = std::max(2.F, std::round(2 * layout.pixel));
    canvas.rectangle({x0 - layout.pixel, layout.axis_baseline + std::round(0.3F * em), x1 - x0, w},
                     style.marker);
  }
  for (const LegendItem& item : layout.legend) {
    const float h = std::round(0.85F * em);
    draw_swatch(
        canvas, item,
        {item.box.x, std::round(item.box.y + (item.box.height - h) / 2), std::round(1.7F * em), h},
        style, layout.pixel);
    canvas.text(item.box.x + 2.3F * em, middle(item.box, layout.text_size, font), item.text,
                layout.text_size, style.dim, font);
  }
}

}  // namespace looktwice::timeline
