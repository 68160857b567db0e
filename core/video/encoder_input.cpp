#include "video/encoder_input.h"

#include <vector>

#include "base/error.h"

namespace looktwice::video {
namespace {

using frames::Frame;
using frames::FramePtr;
using frames::Layout;
using frames::Matrix;
using frames::Range;

bool is_rgb(AVPixelFormat f) {
  return f == AV_PIX_FMT_RGB24 || f == AV_PIX_FMT_BGR0;
}

const int* table(Matrix matrix) {
  return sws_getCoefficients(matrix == Matrix::bt601    ? SWS_CS_ITU601
                             : matrix == Matrix::bt2020 ? SWS_CS_BT2020
                                                        : SWS_CS_ITU709);
}

/// An AVFrame on the planes of a Frame, which it keeps alive.
AvFrame share(const FramePtr& frame, AVPixelFormat format) {
  AvFrame out = new_frame();
  out->format = format;
  out->width = frame->width;
  out->height = frame->height;
  for (int i = 0; i < frame->plane_count(); ++i) {
    const auto& p = frame->planes[static_cast<size_t>(i)];
    out->data[i] = const_cast<uint8_t*>(p.data);  // NOLINT: encoders only read
    out->linesize[i] = static_cast<int>(p.stride);
  }
  auto* keep = new FramePtr(frame);
  out->buf[0] = av_buffer_create(
      out->data[0], 1, [](void* opaque, uint8_t*) { delete static_cast<FramePtr*>(opaque); }, keep,
      AV_BUFFER_FLAG_READONLY);
  if (out->buf[0] == nullptr) {
    delete keep;
    throw std::bad_alloc();
  }
  return out;
}

AvFrame allocate(AVPixelFormat format, int width, int height) {
  AvFrame out = new_frame();
  out->format = format;
  out->width = width;
  out->height = height;
  if (av_frame_get_buffer(out.get(), 0) < 0) throw std::bad_alloc();
  return out;
}

}  // namespace

AVPixelFormat pixel_format_of(const Frame& frame) {
  const bool deep = frame.depth == 10;
  switch (frame.layout) {
    case Layout::rgb24:
      return AV_PIX_FMT_RGB24;
    case Layout::yuv420:
      return deep ? AV_PIX_FMT_YUV420P10LE : AV_PIX_FMT_YUV420P;
    case Layout::yuv422:
      return deep ? AV_PIX_FMT_YUV422P10LE : AV_PIX_FMT_YUV422P;
    case Layout::yuv444:
      return deep ? AV_PIX_FMT_YUV444P10LE : AV_PIX_FMT_YUV444P;
    case Layout::gray:
      return deep ? AV_PIX_FMT_GRAY10LE : AV_PIX_FMT_GRAY8;
  }
  return AV_PIX_FMT_NONE;
}

FileFormat format_as_fed(const Frame& frame) {
  const AVPixelFormat f = pixel_format_of(frame);
  return {f == AV_PIX_FMT_RGB24 ? AV_PIX_FMT_BGR0 : f, frame.matrix, frame.range};
}

AvFrame EncoderInput::make(const FramePtr& frame) {
  if (frame->width != width_ || frame->height != height_)
    throw run_failed("encoder", "a frame of " + std::to_string(frame->width) + "x" +
                                    std::to_string(frame->height) + " came into a video of " +
                                    std::to_string(width_) + "x" + std::to_string(height_));
  const AVPixelFormat from = pixel_format_of(*frame), to = format_.pixel_format;
  const bool gray = frame->layout == Layout::gray;
  if (from == to &&
      (is_rgb(to) || (frame->range == format_.range && (gray || frame->matrix == format_.matrix))))
    return share(frame, to);
  AvFrame out = allocate(to, width_, height_);
  if (is_rgb(to)) {
    const size_t row = size_t{3} * static_cast<size_t>(width_);
    std::vector<uint8_t> rgb(row * static_cast<size_t>(height_));
    frames::to_rgb24(*frame, rgb.data());
    for (int y = 0; y < height_; ++y) {
      const uint8_t* in = rgb.data() + row * static_cast<size_t>(y);
      uint8_t* o = out->data[0] + ptrdiff_t{out->linesize[0]} * y;
      if (to == AV_PIX_FMT_RGB24) {
        std::copy(in, in + row, o);
      } else {
        for (int x = 0; x < width_; ++x, in += 3, o += 4) {
          o[0] = in[2];
          o[1] = in[1];
          o[2] = in[0];
          o[3] = 0;
        }
      }
    }
    return out;
  }
  const AvFrame in = share(frame, from);
  const std::array<int, 5> key{from, static_cast<int>(frame->matrix),
                               static_cast<int>(frame->range), static_cast<int>(frame->site), 1};
  if (!sws_ || key != sws_key_) {
    sws_.reset(sws_getContext(width_, height_, from, width_, height_, to,
                              SWS_BICUBIC | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INP | SWS_BITEXACT,
                              nullptr, nullptr, nullptr));
    if (!sws_) throw run_failed("encoder", "this pixel format cannot be converted");
    sws_setColorspaceDetails(sws_.get(), table(frame->matrix), frame->range == Range::full ? 1 : 0,
                             table(format_.matrix), format_.range == Range::full ? 1 : 0, 0,
                             1 << 16, 1 << 16);
    sws_key_ = key;
  }
  sws_scale(sws_.get(), in->data, in->linesize, 0, height_, out->data, out->linesize);
  return out;
}

}  // namespace looktwice::video
