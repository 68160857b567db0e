#include "timeline/matrix.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace looktwice::timeline {
namespace {

using overlay::Box;
using overlay::Canvas;
using overlay::Font;

const char* norm_text(MatrixNorm norm) {
  return norm == MatrixNorm::l1 ? "L1" : norm == MatrixNorm::l2 ? "L2" : "1 − cosine";
}

std::string number(double v) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g", v);
  return text;
}

/// The distance that all but the largest few lie below: one outlier must not darken the rest.
double highest_of(const Matrix& m) {
  std::vector<double> all;
  const int n = m.distances->steps;
  for (int i = 1; i <= n; ++i)
    for (int j = i + 1; j <= n; ++j)
      if (const double d = distance_at(m, i, j); std::isfinite(d)) all.push_back(d);
  if (all.empty()) return 1;
  std::sort(all.begin(), all.end());
  const double v = all[static_cast<size_t>(0.98 * static_cast<double>(all.size() - 1))];
  return v > 0 ? v : 1;
}

}  // namespace

double distance_at(const Matrix& m, int older, int newer) {
  if (!m.distances || m.tap < 0 || m.tap >= static_cast<int>(m.distances->taps.size()))
    return trace::kNone;
  const int n = m.distances->steps;
  if (older < 1 || newer < 1 || older > n || newer > n) return trace::kNone;
  const trace::StepDistances::Tap& tap = m.distances->taps[static_cast<size_t>(m.tap)];
  const auto& values = m.norm == MatrixNorm::l1   ? tap.l1
                       : m.norm == MatrixNorm::l2 ? tap.l2
                                                  : tap.cosine;
  const auto at =
      static_cast<size_t>(older - 1) * static_cast<size_t>(n) + static_cast<size_t>(newer - 1);
  return at < values.size() ? static_cast<double>(values[at]) : trace::kNone;
}

MatrixLayout lay_out(const Matrix& m, float x, float y, float width, float height, int text_size,
                     Font& font) {
  MatrixLayout out;
  out.area = {x, y, width, height};
  out.text_size = text_size;
  if (!m.distances || m.distances->steps < 1) return out;
  out.steps = m.distances->steps;
  out.highest = highest_of(m);
  const auto em = static_cast<float>(text_size);
  const float left = std::round(0.75F * em + 1.5F * em + font.width("100", text_size) + 0.5F * em);
  const float top = std::round(2.2F * em), bottom = std::round(3.6F * em);
  const float scale = std::round(0.9F * em + 0.5F * em + font.width("0.0123", text_size) + 2 * em);
  const float side = std::max(em, std::min(width - left - scale - em, height - top - bottom));
  out.each = side / static_cast<float>(out.steps);
  if (out.each > 1) out.each = std::floor(out.each);
  const float drawn = out.each * static_cast<float>(out.steps);
  out.plot = {x + left, y + top, drawn, drawn};
  out.scale = {out.plot.x + drawn + 1.5F * em, out.plot.y, std::round(0.9F * em), drawn};
  return out;
}

void draw(Canvas& canvas, const Matrix& m, const MatrixLayout& l, const Style& style, Font& font) {
  canvas.rectangle(l.area, style.background);
  const auto em = static_cast<float>(l.text_size);
  if (l.steps < 1) return;
  const trace::StepDistances::Tap& tap = m.distances->taps[static_cast<size_t>(m.tap)];
  const std::string title = "Change of " + block_name(trace::block_row(tap.pair, tap.temporal)) +
                            " · " + tap.residual + " · " + norm_text(m.norm);
  const float ascent = font.ascent(l.text_size);
  canvas.text(l.area.x + 0.75F * em, l.area.y + 0.6F * em + ascent,
              font.fitted(title, l.text_size, l.area.width - 1.5F * em), l.text_size, style.text,
              font);
  canvas.rectangle(l.plot, style.field);
  const float gap = l.each >= 8 ? 1 : 0;
  for (int i = 1; i <= l.steps; ++i) {
    for (int j = i + 1; j <= l.steps; ++j) {
      const double d = distance_at(m, i, j);
      if (!std::isfinite(d)) continue;
      canvas.rectangle({l.plot.x + static_cast<float>(j - 1) * l.each,
                        l.plot.y + static_cast<float>(i - 1) * l.each, l.each - gap, l.each - gap},
                       overlay::at(m.palette, d / l.highest));
    }
  }
  if (m.schedule) {
    int last = 0;
    const float line = std::max(2.F, std::round(1.5F * em / 13));
    for (const trace::CacheStep& s : m.schedule->run) {
      if (!s.computed) continue;
      if (last > 0 && s.step <= l.steps && l.each >= 4) {
        const Box box{l.plot.x + static_cast<float>(s.step - 1) * l.each,
                      l.plot.y + static_cast<float>(last - 1) * l.each, l.each, l.each};
        canvas.frame(box, overlay::colors::black, line + 1);
        canvas.frame(box, overlay::colors::white, line);
      }
      last = s.step;
    }
  }
  // Axes.
  const int stride = l.each * 5 >= 2.2F * em ? 5 : l.each * 10 >= 2.2F * em ? 10 : 20;
  for (int s = 1; s <= l.steps; ++s) {
    if (s != 1 && s % stride != 0) continue;
    const std::string text = std::to_string(s);
    const float mid = (static_cast<float>(s) - 0.5F) * l.each, w = font.width(text, l.text_size);
    canvas.text(l.plot.x + mid - w / 2, l.plot.y + l.plot.height + 0.3F * em + ascent, text,
                l.text_size, style.dim, font);
    canvas.text(l.plot.x - 0.5F * em - w, l.plot.y + mid + (ascent - font.descent(l.text_size)) / 2,
                text, l.text_size, style.dim, font);
  }
  const std::string across = font.fitted("older step down, newer step across", l.text_size,
                                         l.area.width - (l.plot.x - l.area.x) - em);
  canvas.text(l.plot.x, l.plot.y + l.plot.height + 1.7F * em + ascent, across, l.text_size,
              style.dim, font);
  // Colours.
  for (float k = 0; k < l.scale.height; ++k)
    canvas.rectangle(
        {l.scale.x, l.scale.y + k, l.scale.width, 1},
        overlay::at(m.palette, 1 - static_cast<double>(k) / static_cast<double>(l.scale.height)));
  const float tx = l.scale.x + l.scale.width + 0.5F * em;
  canvas.text(tx, l.scale.y + ascent, "≥ " + number(l.highest), l.text_size, style.dim, font);
  canvas.text(tx, l.scale.y + l.scale.height, "0", l.text_size, style.dim, font);
  if (l.scale.height > 5 * em)
    canvas.text(tx, l.scale.y + l.scale.height / 2 + ascent / 2, number(l.highest / 2), l.text_size,
                style.dim, font);
}

MatrixHit hit(const MatrixLayout& l, float x, float y) {
  if (l.steps < 1 || x < l.plot.x || y < l.plot.y) return {};
  const int newer = 1 + static_cast<int>((x - l.plot.x) / l.each);
  const int older = 1 + static_cast<int>((y - l.plot.y) / l.each);
  if (newer > l.steps || older >= newer) return {};
  return {older, newer};
}

std::string words(const Matrix& m, const MatrixHit& h) {
  const double d = distance_at(m, h.older, h.newer);
  if (!std::isfinite(d)) return "";
  char text[160];
  std::snprintf(text, sizeof text,
                "Step %d after step %d: distance %.4g (%s)\nover %d steps: %.4g a step", h.newer,
                h.older, d, norm_text(m.norm), h.newer - h.older, d / (h.newer - h.older));
  return text;
}

}  // namespace looktwice::timeline
