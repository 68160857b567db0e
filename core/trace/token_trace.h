#pragma once
// What happened to every token of every clip. Runs produce traces; overlays, charts, exports and
// tests read them. Needs nothing of the rooms that make them.

#include <cstdint>
#include <string>
#include <vector>

#include "base/json.h"

namespace looktwice::trace {

/// One clip. Arrays are [t,h,w] row-major.
struct ClipTrace {
  int t = 0, h = 0, w = 0, tubelet = 2, patch = 16;
  std::vector<int64_t> frame_indices;  ///< source frames sampled, T of them
  std::vector<double> frame_times;     ///< seconds
  double crop_x = 0, crop_y = 0, crop_width = 0, crop_height = 0;  ///< on the source frame, pixels
  bool has_rlt = false;
  float tau = 0;
  std::vector<float> difference;    ///< normalised units, +inf at t = 0
  std::vector<uint8_t> keep;        ///< 1 kept, 0 pruned
  std::vector<int32_t> run_length;  ///< tubelets; 0 where pruned
  size_t tokens() const { return size_t(t) * h * w; }
  size_t kept() const;
};

struct TokenTrace {
  std::string source;  ///< INPUT as given
  int source_width = 0, source_height = 0;
  double source_fps = 0;
  Json settings;  ///< the whole settings value of the run
  std::vector<ClipTrace> clips;
};

}  // namespace looktwice::trace
