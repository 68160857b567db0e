#pragma once
// "How much does this video change from step to step": the distance between the residuals of every
// two steps of an uncached run, from its sketches, as a picture of its own.

#include <memory>
#include <string>

#include "overlay/canvas.h"
#include "overlay/font.h"
#include "timeline/content.h"
#include "timeline/style.h"

namespace looktwice::timeline {

enum class MatrixNorm { l1, l2, cosine };

struct Matrix {
  std::shared_ptr<const trace::StepDistances> distances;
  int tap = 0;
  MatrixNorm norm = MatrixNorm::l1;
  overlay::Palette palette = overlay::Palette::cividis;
  /// Marked: pairs (last compute, step) that a schedule compared.
  TracePtr schedule;
  bool operator==(const Matrix&) const = default;
};

/// Distance of `newer` from `older`, both from 1; NaN outside.
double distance_at(const Matrix& matrix, int older, int newer);

struct MatrixLayout {
  overlay::Box area, plot, scale;  ///< whole, cells, colour scale
  int steps = 0, text_size = 13;
  double highest = 1;  ///< distance of the last colour
  float each = 1;      ///< pixels a step
};
MatrixLayout lay_out(const Matrix& matrix, float x, float y, float width, float height,
                     int text_size, overlay::Font& font);
void draw(overlay::Canvas& canvas, const Matrix& matrix, const MatrixLayout& layout,
          const Style& style, overlay::Font& font);

/// The pair of steps under a point: {older, newer}, from 1; {0, 0} outside.
struct MatrixHit {
  int older = 0, newer = 0;
};
MatrixHit hit(const MatrixLayout& layout, float x, float y);
/// "Step 9 after step 4: distance 0.21 (L1)".
std::string words(const Matrix& matrix, const MatrixHit& hit);

}  // namespace looktwice::timeline
