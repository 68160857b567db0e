#pragma once
// Small rectangles of a frame as RGB, for readouts: never converts the whole frame.

#include <cstdint>
#include <vector>

#include "frames/frame.h"

namespace looktwice::gui {

struct Region {
  int x = 0, y = 0, width = 0, height = 0;  ///< what lies inside the frame of what was asked for
  std::vector<uint8_t> rgb;                 ///< [height,width,3]
  const uint8_t* at(int px, int py) const {
    return rgb.data() + (size_t(py - y) * size_t(width) + size_t(px - x)) * 3;
  }
};

/// The same bytes as to_rgb24() gives there.
Region rgb_region(const frames::Frame& frame, int x, int y, int width, int height);

}  // namespace looktwice::gui
