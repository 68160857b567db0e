#pragma once
// Frames and clips by formula, for the tests of render/.

#include <cmath>
#include <limits>
#include <memory>
#include <vector>

#include "frames/frame.h"
#include "trace/token_trace.h"

namespace looktwice::test {

struct FrameKind {
  frames::Layout layout = frames::Layout::yuv420;
  int depth = 8;
  frames::Matrix matrix = frames::Matrix::bt709;
  frames::Range range = frames::Range::limited;
  frames::ChromaSite site = frames::ChromaSite::left;
};

/// A smooth pattern that moves with `index`; planes with padded rows.
inline frames::FramePtr pattern_frame(int width, int height, int64_t index, FrameKind kind = {}) {
  auto frame = std::make_shared<frames::Frame>();
  frame->width = width;
  frame->height = height;
  frame->layout = kind.layout;
  frame->depth = kind.depth;
  frame->matrix = kind.matrix;
  frame->range = kind.range;
  frame->site = kind.site;
  frame->index = index;
  frame->time = static_cast<double>(index) / 30;
  const bool rgb = kind.layout == frames::Layout::rgb24;
  const int bytes = kind.depth > 8 ? 2 : 1;
  size_t total = 0, offset[3] = {};
  for (int p = 0; p < frame->plane_count(); ++p) {
    frames::Plane& plane = frame->planes[p];
    const bool half_x = p > 0 && kind.layout != frames::Layout::yuv444;
    const bool half_y = p > 0 && kind.layout == frames::Layout::yuv420;
    plane.width = half_x ? (width + 1) / 2 : width;
    plane.height = half_y ? (height + 1) / 2 : height;
    plane.stride = ptrdiff_t(plane.width) * bytes * (rgb ? 3 : 1) + 12;
    offset[p] = total;
    total += size_t(plane.stride) * plane.height;
  }
  auto storage = std::make_shared<std::vector<uint8_t>>(total, uint8_t{77});
  for (int p = 0; p < frame->plane_count(); ++p) {
    frames::Plane& plane = frame->planes[p];
    uint8_t* data = storage->data() + offset[p];
    plane.data = data;
    const int channels = rgb ? 3 : 1;
    const double step = p == 0 ? 1 : double(width) / plane.width;
    for (int y = 0; y < plane.height; ++y) {
      for (int x = 0; x < plane.width; ++x) {
        for (int c = 0; c < channels; ++c) {
          const double wave = std::sin(x * step * 0.05 + p + c + 0.1 * double(index)) *
                              std::cos(y * step * 0.04 - c);
          // Inside the RGB cube.
          const double low = rgb ? 40 : p == 0 ? 70 : 104;
          const double high = rgb ? 215 : p == 0 ? 190 : 152;
          const double value = (low + high) / 2 + (high - low) / 2 * wave;
          const int code = static_cast<int>(std::lround(kind.depth > 8 ? value * 4 : value));
          uint8_t* at = data + y * plane.stride + (ptrdiff_t(x) * channels + c) * bytes;
          at[0] = static_cast<uint8_t>(code & 255);
          if (bytes == 2) at[1] = static_cast<uint8_t>(code >> 8);
        }
      }
    }
  }
  frame->storage = storage;
  return frame;
}

/// A clip over the centre square of frames of this size, every token pruned after the first
/// tubelet but for those in columns [kept_from, w).
inline std::shared_ptr<trace::ClipTrace> square_clip(int width, int height, int kept_from,
                                                     int stride = 1, int t = 4, int cells = 4) {
  auto clip = std::make_shared<trace::ClipTrace>();
  clip->t = t;
  clip->h = clip->w = cells;
  clip->has_rlt = true;
  clip->tau = 0.1F;
  for (int i = 0; i < t * clip->tubelet; ++i) {
    clip->frame_indices.push_back(int64_t(i) * stride);
    clip->frame_times.push_back(i * stride / 30.0);
  }
  const double side = std::min(width, height);
  clip->crop_width = clip->crop_height = side;
  clip->crop_x = (width - side) / 2;
  clip->crop_y = (height - side) / 2;
  for (int k = 0; k < t; ++k) {
    for (int i = 0; i < cells * cells; ++i) {
      const bool keep = k == 0 || i % cells >= kept_from;
      clip->keep.push_back(keep);
      clip->difference.push_back(k == 0 ? std::numeric_limits<float>::infinity()
                                 : keep ? 0.3F
                                        : 0.02F);
      clip->run_length.push_back(!keep ? 0 : i % cells >= kept_from ? 1 : t);
    }
  }
  return clip;
}

}  // namespace looktwice::test
