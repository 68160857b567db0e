#pragma once
// Decoded AVFrames as frames::Frame: layouts, colour description, turning upright.

#include <array>
#include <cstdint>
#include <string>

#include "frames/frame.h"
#include "video/av.h"

namespace looktwice::video {

/// A quarter turn and/or a mirror image: out(x', y') = in(x, y), where x' = a·x + c·y and
/// y' = b·x + d·y but for an offset (the upper left 2x2 of a display matrix, as 0 and ±1).
struct Turn {
  int a = 1, b = 0, c = 0, d = 1;
  bool none() const { return a == 1 && d == 1; }
  bool swaps() const { return a == 0; }
  /// "rotated 90°", "mirrored"; empty if none().
  std::string text() const;
};

/// The turn a display matrix asks for; the identity for null and for odd angles.
Turn turn_from_display_matrix(const int32_t* matrix);

/// What the frame's tags say, with the usual fallbacks where they say nothing.
struct Colour {
  frames::Matrix matrix = frames::Matrix::bt709;
  frames::Range range = frames::Range::limited;
  frames::ChromaSite site = frames::ChromaSite::left;
  std::string text;  ///< "bt709 (not tagged: by size), limited range (not tagged)"
};
Colour colour_of(const AVFrame& frame, AVCodecID codec);

/// Makes Frames. Shares the AVFrame's buffers where the pixel format is one of Layout's; 8-bit RGB
/// in any order becomes rgb24 unchanged; everything else goes through swscale to the nearest
/// Layout. Not thread-safe.
class PictureMaker {
 public:
  PictureMaker(std::string where, AVCodecID codec) : where_(std::move(where)), codec_(codec) {}

  void set_turn(Turn turn) { turn_ = turn; }
  /// Later frames of another size are scaled to this one (before turning).
  void set_size(int width, int height) {
    width_ = width;
    height_ = height;
  }
  /// Throws Error(run) when swscale cannot convert.
  frames::FramePtr make(AvFrame frame, int64_t index, double time);

 private:
  AvFrame convert(const AVFrame& from, AVPixelFormat to, int width, int height,
                  const Colour& colour);

  std::string where_;
  AVCodecID codec_;
  Turn turn_;
  int width_ = 0, height_ = 0;
  Sws sws_;
  std::array<int, 7> sws_key_{};
};

/// The pixel format that make() hands on for `format`, for messages: itself or what it is converted
/// to.
AVPixelFormat nearest_format(AVPixelFormat format);

/// Bytes that the planes of a frame span.
size_t frame_bytes(const frames::Frame& frame);

}  // namespace looktwice::video
