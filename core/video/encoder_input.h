#pragma once
// Frames on their way into an encoder.

#include <array>
#include <string>

#include "frames/frame.h"
#include "video/av.h"

namespace looktwice::video {

/// What a file holds.
struct FileFormat {
  AVPixelFormat pixel_format = AV_PIX_FMT_NONE;
  frames::Matrix matrix = frames::Matrix::bt709;
  frames::Range range = frames::Range::limited;
};

/// The format that holds `frame` without loss, for FFV1.
FileFormat format_as_fed(const frames::Frame& frame);

/// Makes AVFrames of one format. Frames that are in it already are shared, not copied. RGB is made
/// by frames::to_rgb24, everything else by swscale. Not thread-safe.
class EncoderInput {
 public:
  EncoderInput(FileFormat format, int width, int height)
      : format_(format), width_(width), height_(height) {}
  AvFrame make(const frames::FramePtr& frame);

 private:
  FileFormat format_;
  int width_, height_;
  Sws sws_;
  std::array<int, 5> sws_key_{};
};

/// The format of a frame's planes.
AVPixelFormat pixel_format_of(const frames::Frame& frame);

}  // namespace looktwice::video
