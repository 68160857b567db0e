#pragma once
// The timeline, and the matrix of step distances, as pictures of their own.

#include <cstdint>
#include <vector>

#include "compose/view.h"
#include "timeline/draw.h"
#include "timeline/matrix.h"

namespace looktwice::exporting {

struct RgbPicture {
  compose::Size size;
  std::vector<uint8_t> rgb;  ///< [height,width,3]
};

/// Draws in the OpenGL context that is current. `scale`: pixels for one pixel of 96 dpi.
RgbPicture draw_timeline(const timeline::Content& content, int width, double scale,
                         const timeline::Style& style);
RgbPicture draw_matrix(const timeline::Matrix& matrix, compose::Size size, double scale,
                       const timeline::Style& style);

}  // namespace looktwice::exporting
