#include "timeline/layout.h"

#include <algorithm>
#include <cmath>

#include "base/text.h"

namespace looktwice::timeline {
namespace {

struct Sizes {
  float em, pad, gap, axis, run, part, curve, motion;
  explicit Sizes(int text)
      : em(static_cast<float>(text)),
        pad(std::round(0.75F * em)),
        gap(std::round(0.4F * em)),
        axis(std::round(1.7F * em)),
        run(std::round(2.1F * em)),
        part(std::round(1.15F * em)),
        curve(std::round(8.5F * em)),
        motion(std::round(3.2F * em)) {}
};

bool positive(double v) {
  return std::isfinite(v) && v > 0;
}

/// Widens [low, high] to hold every number that a logarithm can show.
struct Range {
  double low = 0, high = 0;
  void add(double v) {
    if (!positive(v)) return;
    low = low > 0 ? std::min(low, v) : v;
    high = std::max(high, v);
  }
  bool empty() const { return !(low > 0); }
};

const Row* curve_row(const Content& c) {
  return c.curve >= 0 && c.curve < static_cast<int>(c.rows.size())
             ? &c.rows[static_cast<size_t>(c.curve)]
             : nullptr;
}

bool has_moreg(const trace::CacheTrace& run) {
  for (const trace::CacheStep& s : run.run)
    if (const auto* d = decision_of(s); d != nullptr && (d->motion != 1 || d->motion_gradient != 0))
      if (std::isfinite(d->motion)) return true;
  return false;
}

bool is_teacache(const trace::CacheTrace& run) {
  return run.policy_settings.is_object() &&
         run.policy_settings.value("policy", Json()) == Json("teacache");
}

std::string run_label(const Row& row) {
  if (!row.label.empty()) return row.label;
  const TracePtr& t = row.run ? row.run : row.predicted;
  return t ? policy_label(t->policy) : "";
}

bool any_part(const Content& c) {
  for (const Row& row : c.rows) {
    if (!row.run) continue;
    for (const trace::CacheStep& s : row.run->run) {
      const auto on = std::count(s.modules.begin(), s.modules.end(), uint8_t{1});
      if (on > 0 && on < static_cast<std::ptrdiff_t>(s.modules.size())) return true;
    }
  }
  return false;
}

/// Lines of all rows, without places.
std::vector<Line> lines_of(const Content& content, int text_size) {
  std::vector<Line> out;
  const int small = std::max(9, static_cast<int>(std::lround(0.84 * text_size)));
  for (size_t r = 0; r < content.rows.size(); ++r) {
    const Row& row = content.rows[r];
    Line line;
    line.row = static_cast<int>(r);
    line.label = run_label(row);
    line.note = summary(content, line.row);
    line.text_size = text_size;
    out.push_back(line);
    const TracePtr& t = row.run ? row.run : row.predicted;
    if (!t || row.detail == Detail::run) continue;
    for (int block = 0; block < 2 * t->depth; ++block) {
      const int parts = row.detail == Detail::modules ? trace::kModules : 1;
      for (int m = 0; m < parts; ++m) {
        Line part;
        part.row = line.row;
        part.block = block;
        part.text_size = small;
        part.label = block_name(block);
        if (parts > 1) {
          part.module = m;
          part.label = m == 0 ? part.label + " · " + module_name(m) : module_name(m);
        }
        out.push_back(part);
      }
    }
  }
  return out;
}

void choose_ticks(Layout& out, float em) {
  if (out.steps < 1) return;
  const float each = out.plot_width / static_cast<float>(out.steps);
  int stride = 1;
  for (const int s : {1, 2, 5, 10, 20, 50, 100, 200, 500, 1000}) {
    stride = s;
    if (each * static_cast<float>(s) >= 2.4F * em) break;
  }
  out.ticks.push_back(1);
  for (int s = stride; s <= out.steps; s += stride)
    if (s > 1 && static_cast<float>(s - 1) * each >= 1.6F * em) out.ticks.push_back(s);
  if (out.ticks.back() != out.steps) {
    if (static_cast<float>(out.steps - out.ticks.back()) * each < 2.0F * em && out.ticks.size() > 1)
      out.ticks.pop_back();
    out.ticks.push_back(out.steps);
  }
}

/// Moves labels apart by at least `least`, each as near to its line as that allows.
std::vector<float> spread(std::vector<float> y, float least, float top, float bottom) {
  // Thresholds ascend, so their lines go from the bottom to the top.
  for (size_t i = 0; i < y.size(); ++i) {
    y[i] = std::min(y[i], bottom);
    if (i > 0) y[i] = std::min(y[i], y[i - 1] - least);
  }
  if (!y.empty() && y.back() < top) {
    y.back() = top;
    for (size_t i = y.size() - 1; i-- > 0;)
      y[i] = std::max(y[i], y[i + 1] + least);
  }
  return y;
}

void add_legend(Layout& out, const Content& content) {
  using Kind = LegendItem::Kind;
  const auto add = [&](Kind kind, std::string text) {
    out.legend.push_back({kind, std::move(text), {}});
  };
  bool ghost = false;
  for (const Row& row : content.rows)
    ghost = ghost || row.predicted != nullptr;
  add(Kind::computed, "computed");
  add(Kind::reused, "reused");
  if (any_part(content)) add(Kind::part, "part of the modules computed");
  if (ghost) add(Kind::predicted, "predicted to be computed");
  if (out.curve) {
    add(Kind::curve, out.curve_title + " measured");
    const Row* row = curve_row(content);
    if (row != nullptr && row->predicted) add(Kind::predicted_curve, "predicted");
    if (!out.thresholds.empty()) add(Kind::threshold, "threshold → steps until the next compute");
  }
  if (out.motion) {
    add(Kind::motion, "motion");
    const Row* row = curve_row(content);
    if (row != nullptr && row->run && has_moreg(*row->run))
      add(Kind::gradient, "|gradient| of motion");
  }
}

void find_curve(Layout& out, const Content& content) {
  const Row* row = curve_row(content);
  if (row == nullptr) return;
  const TracePtr& named = row->run ? row->run : row->predicted;
  if (!named) return;
  Range range, motion;
  for (const TracePtr& t : {row->run, row->predicted}) {
    if (!t) continue;
    for (const trace::CacheStep& s : t->run)
      if (const auto* d = decision_of(s)) {
        range.add(d->metric);
        if (t == row->run && has_moreg(*t)) {
          motion.add(d->motion);
          motion.add(std::fabs(d->motion_gradient));
        }
      }
  }
  out.thresholds = content.thresholds ? *content.thresholds : thresholds_of(*named);
  for (const Threshold& t : out.thresholds)
    range.add(t.value);
  if (!range.empty()) {
    Axis axis;
    axis.low = range.low / 1.25;
    axis.high = std::max(range.high * 1.25, axis.low * 4);
    out.curve = axis;
    out.curve_title = is_teacache(*named)                ? "summed change"
                      : row->run && has_moreg(*row->run) ? "distance × motion"
                                                         : "distance";
  }
  if (motion.empty())
    for (const float v : content.motion)
      motion.add(static_cast<double>(v));
  if (!motion.empty()) {
    Axis axis;
    axis.low = motion.low / 1.25;
    axis.high = std::max(motion.high * 1.1, axis.low * 2);
    out.motion = axis;
    out.motion_title = "motion";
  }
}

}  // namespace

double Axis::y(double value) const {
  const double u =
      positive(value) ? std::clamp(std::log(value / low) / std::log(high / low), 0.0, 1.0) : 0.0;
  return static_cast<double>(box.y) + static_cast<double>(box.height) * (1 - u);
}

double Axis::value_at(double at) const {
  const double u =
      1 - (at - static_cast<double>(box.y)) / std::max(1e-6, static_cast<double>(box.height));
  return low * std::exp(std::clamp(u, 0.0, 1.0) * std::log(high / low));
}

float Layout::step_x(int step) const {
  return std::round(plot_x + plot_width * static_cast<float>(step - 1) /
                                 static_cast<float>(std::max(1, steps)));
}

Box Layout::cell(const Line& line, int step) const {
  const float x0 = step_x(step), x1 = step_x(step + 1);
  const float between = x1 - x0 >= 4 * pixel ? std::max(1.F, std::round(pixel)) : 0;
  return {x0, line.cells.y, std::max(1.F, x1 - x0 - between), line.cells.height};
}

Layout lay_out(const Content& content, float x, float y, float width, int text_size,
               overlay::Font& font, float least_height) {
  const Sizes s(text_size);
  Layout out;
  out.text_size = text_size;
  out.pixel = s.em / 13;
  out.steps = steps_of(content);
  out.lines = lines_of(content, text_size);
  find_curve(out, content);
  if (content.legend) add_legend(out, content);

  // Columns: names, cells, notes.
  float names = font.width("0.001", text_size), notes = 0;
  if (out.curve) names = std::max(names, font.width(out.curve_title, text_size));
  for (const Line& line : out.lines) {
    names = std::max(
        names, font.width(line.label, line.text_size) + (line.block >= 0 ? s.em : 1.4F * s.em));
    notes = std::max(notes, font.width(line.note, text_size));
  }
  for (const Threshold& t : out.thresholds)
    notes = std::max(notes, font.width(number_text(t.value) + " → 10", text_size) + s.em);
  names = std::min(std::ceil(names), std::floor(0.26F * width));
  notes = std::min(std::ceil(notes), std::floor(0.3F * width));
  out.plot_x = std::round(x + s.pad + names + s.pad);
  out.plot_width = std::max(s.em, std::round(width - 4 * s.pad - names - notes));
  choose_ticks(out, s.em);

  // Rows.
  float at = y + std::round(0.5F * s.em);
  out.axis_baseline = at + s.em;
  at += s.axis;
  for (size_t i = 0; i < out.lines.size(); ++i) {
    Line& line = out.lines[i];
    const bool run = line.block < 0;
    if (run && i > 0) at += s.gap;
    const float height = run ? s.run : s.part;
    line.cells = {out.plot_x, at, out.plot_width, height};
    at += height + (run ? std::round(0.2F * s.em) : std::max(1.F, std::round(out.pixel)));
    line.label = font.fitted(line.label, line.text_size, names - (run ? 1.4F * s.em : s.em) + 1);
    line.note = font.fitted(line.note, text_size, notes + 1);
  }
  // Legend, to know its height.
  float legend_height = 0;
  if (!out.legend.empty()) {
    const float row = std::round(1.55F * s.em);
    float lx = x + s.pad, ly = 0;
    for (LegendItem& item : out.legend) {
      const float w = 2.3F * s.em + font.width(item.text, text_size);
      if (lx > x + s.pad && lx + w > x + width - s.pad) {
        lx = x + s.pad;
        ly += row;
      }
      item.box = {lx, ly, w, row};
      lx += w + 1.5F * s.em;
    }
    legend_height = ly + row + s.gap;
  }
  // Curves share what height is left.
  const float curve_gap = std::round(0.9F * s.em);
  float motion_height = out.motion ? s.motion : 0, curve_height = out.curve ? s.curve : 0;
  const float around = at - y + (out.curve ? curve_gap : 0) + (out.motion ? curve_gap : 0) +
                       (legend_height > 0 ? legend_height + s.gap : 0) + s.pad;
  const float spare = least_height - around - curve_height - motion_height;
  if (least_height > 0 && spare < 0) {
    // A low panel: plots lose up to half of their height before the legend is pushed out.
    const float labels = (1.15F * float(out.thresholds.size()) + 0.8F) * s.em;
    const float given =
        std::min(-spare, std::max(0.F, curve_height - std::max(0.5F * curve_height, labels)));
    curve_height -= given;
    motion_height -= std::min(-spare - given, 0.5F * motion_height);
  } else if (out.curve && spare > 0) {
    curve_height = std::min(curve_height + spare, std::max(s.curve, 24 * s.em));
  }
  if (out.curve) {
    at += curve_gap;
    out.curve->box = {out.plot_x, std::round(at), out.plot_width, std::round(curve_height)};
    at += curve_height;
    std::vector<float> labels;
    for (const Threshold& t : out.thresholds)
      labels.push_back(static_cast<float>(out.curve->y(t.value)));
    const Box& b = out.curve->box;
    out.threshold_labels =
        spread(std::move(labels), 1.15F * s.em, b.y + 0.4F * s.em, b.y + b.height - 0.4F * s.em);
  }
  if (out.motion) {
    at += curve_gap;
    out.motion->box = {out.plot_x, std::round(at), out.plot_width, std::round(motion_height)};
    at += motion_height;
  }
  if (!out.legend.empty()) {
    at += s.gap;
    const float top = std::max(at, y + least_height - s.pad - legend_height);
    for (LegendItem& item : out.legend)
      item.box.y += std::round(top);
    at = top + legend_height;
  }
  out.area = {x, y, width, std::max(least_height, std::ceil(at + s.pad - y))};
  return out;
}

float natural_height(const Content& content, float width, int text_size, overlay::Font& font) {
  return lay_out(content, 0, 0, width, text_size, font).height();
}

Hit hit(const Layout& l, float x, float y, float reach) {
  Hit out;
  if (l.steps < 1) return out;
  const auto inside = [&](const Box& b) {
    return x >= b.x && x < b.x + b.width && y >= b.y && y < b.y + b.height;
  };
  const auto step_at = [&] {
    int step = 1 + static_cast<int>((x - l.plot_x) / l.plot_width * static_cast<float>(l.steps));
    step = std::clamp(step, 1, l.steps);
    while (step > 1 && x < l.step_x(step))
      --step;
    while (step < l.steps && x >= l.step_x(step + 1))
      ++step;
    return step;
  };
  for (size_t i = 0; i < l.lines.size(); ++i) {
    const Box& b = l.lines[i].cells;
    if (y < b.y || y >= b.y + b.height) continue;
    out.line = static_cast<int>(i);
    if (inside(b)) {
      out.kind = Hit::Kind::cell;
      out.step = step_at();
    } else if (x < b.x && x >= l.area.x) {
      out.kind = Hit::Kind::label;
    }
    return out;
  }
  if (l.curve) {
    const Box& b = l.curve->box;
    const bool column = x >= b.x - 4 * l.pixel && x < l.area.x + l.area.width;
    const float near = reach > 0 ? reach : 5 * l.pixel;
    float best = near;
    for (size_t i = 0; column && i < l.thresholds.size(); ++i) {
      // The line within the plot, its label beside it.
      const bool beside = x >= b.x + b.width;
      const float line =
          beside ? l.threshold_labels[i] : static_cast<float>(l.curve->y(l.thresholds[i].value));
      const float away = std::fabs(y - line);
      if (away <= best) {
        best = away;
        out.kind = Hit::Kind::threshold;
        out.threshold = static_cast<int>(i);
        if (inside(b)) out.step = step_at();
      }
    }
    if (out.kind == Hit::Kind::none && inside(b)) {
      out.kind = Hit::Kind::curve;
      out.step = step_at();
    }
  }
  if (out.kind == Hit::Kind::none && l.motion && inside(l.motion->box)) {
    out.kind = Hit::Kind::motion;
    out.step = step_at();
  }
  return out;
}

double dragged(const Layout& l, int threshold, double y) {
  if (!l.curve || threshold < 0 || threshold >= static_cast<int>(l.thresholds.size())) return 0;
  const auto at = static_cast<size_t>(threshold);
  double value = l.curve->value_at(y);
  // Four digits: what the command line says is what was chosen.
  const double digits = std::pow(10.0, 3 - std::floor(std::log10(value)));
  value = std::round(value * digits) / digits;
  const double step = 1 + 1e-3;
  if (at > 0) value = std::max(value, l.thresholds[at - 1].value * step);
  if (at + 1 < l.thresholds.size()) value = std::min(value, l.thresholds[at + 1].value / step);
  return value;
}

}  // namespace looktwice::timeline
