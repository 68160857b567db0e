#pragma once
// Where everything of a timeline lies. Pure arithmetic and text widths: drawing, hit tests and
// dragging agree because they ask this.

#include <optional>
#include <string>
#include <vector>

#include "overlay/canvas.h"
#include "overlay/font.h"
#include "timeline/content.h"

namespace looktwice::timeline {

using overlay::Box;

/// A line of cells: a run, or one of its blocks or modules.
struct Line {
  int row = 0, block = -1, module = -1;
  Box cells;  ///< all steps, side by side
  std::string label, note;
  int text_size = 13;
};

/// The logarithmic axis of a curve.
struct Axis {
  Box box;
  double low = 1, high = 1;
  double y(double value) const;     ///< inside the box: values beyond are at its edge
  double value_at(double y) const;  ///< the inverse
};

struct LegendItem {
  enum class Kind {
    computed,
    reused,
    part,
    predicted,
    curve,
    predicted_curve,
    threshold,
    motion,
    gradient
  } kind = Kind::computed;
  std::string text;
  Box box;
};

struct Layout {
  Box area;            ///< all of it
  float pixel = 1;     ///< output pixels of one pixel of 96 dpi
  int text_size = 13;  ///< pixels
  int steps = 0;
  float plot_x = 0, plot_width = 0;  ///< of every line and curve
  std::vector<int> ticks;            ///< steps with a number
  float axis_baseline = 0;           ///< of those numbers
  std::vector<Line> lines;
  std::optional<Axis> curve, motion;
  std::string curve_title, motion_title;
  std::vector<Threshold> thresholds;
  std::vector<float> threshold_labels;  ///< y of the middle of each text, spread apart
  std::vector<LegendItem> legend;
  float height() const { return area.height; }

  /// Left edge of a step's cell (from 1; steps + 1 is the right edge of the last), whole pixels.
  float step_x(int step) const;
  Box cell(const Line& line, int step) const;
};

/// Lays `content` out from (x, y) in `width` pixels; `least_height` is filled by a taller curve.
/// `text_size`: height of text in pixels.
Layout lay_out(const Content& content, float x, float y, float width, int text_size,
               overlay::Font& font, float least_height = 0);

/// Natural height of the same.
float natural_height(const Content& content, float width, int text_size, overlay::Font& font);

/// What lies under a point.
struct Hit {
  enum class Kind { none, cell, label, curve, threshold, motion } kind = Kind::none;
  int line = -1;       ///< of Layout::lines: cell and label
  int step = 0;        ///< cell, curve, motion
  int threshold = -1;  ///< of Layout::thresholds
};
/// Threshold lines are hit within `reach` pixels (0: a little more than the line's own width).
Hit hit(const Layout& layout, float x, float y, float reach = 0);

/// The value of a threshold dragged to `y`, kept between its neighbours and above 0.
double dragged(const Layout& layout, int threshold, double y);

}  // namespace looktwice::timeline
