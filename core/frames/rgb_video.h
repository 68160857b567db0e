#pragma once
// A short video in memory: what a generating run made. Panes and exports take it as a source.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "frames/source.h"

namespace looktwice::frames {

struct RgbVideo {
  int width = 0, height = 0;
  std::vector<uint8_t> rgb;   ///< [frames,height,width,3]
  std::vector<double> times;  ///< [frames] seconds, ascending
  double fps = 8;             ///< of even times; the last frame lasts 1/fps

  int frames() const { return static_cast<int>(times.size()); }
  const uint8_t* frame(int index) const {
    return rgb.data() + static_cast<size_t>(index) * static_cast<size_t>(width) *
                            static_cast<size_t>(height) * 3;
  }
  double duration() const { return times.empty() ? 0 : times.back() + 1 / fps; }
};
using RgbVideoPtr = std::shared_ptr<const RgbVideo>;

/// The frame shown at `time`, from 0: the newest one at or before it. 0 before the first.
int frame_at(const RgbVideo& video, double time);
/// Evenly spaced times of `frames` frames.
std::vector<double> even_times(int frames, double fps);

/// A seekable source of the video's frames, taken verbatim. `name` is for people.
SourcePtr open_rgb_video(RgbVideoPtr video, const std::string& name);

}  // namespace looktwice::frames
