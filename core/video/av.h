#pragma once
// What every file of this room needs of FFmpeg's C interface: owners, error texts, quiet logging.

#include <cstdint>
#include <memory>
#include <string>

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/frame.h>
#include <libswscale/swscale.h>
}

namespace looktwice::video {

struct AvFrameFree {
  void operator()(AVFrame* p) const { av_frame_free(&p); }
};
struct AvPacketFree {
  void operator()(AVPacket* p) const { av_packet_free(&p); }
};
struct AvCodecFree {
  void operator()(AVCodecContext* p) const { avcodec_free_context(&p); }
};
struct SwsFree {
  void operator()(SwsContext* p) const { sws_freeContext(p); }
};
using AvFrame = std::unique_ptr<AVFrame, AvFrameFree>;
using AvPacket = std::unique_ptr<AVPacket, AvPacketFree>;
using AvCodec = std::unique_ptr<AVCodecContext, AvCodecFree>;
using Sws = std::unique_ptr<SwsContext, SwsFree>;

/// New empty ones; throw std::bad_alloc.
AvFrame new_frame();
AvPacket new_packet();

/// "No such file or directory" for a negative return code.
std::string av_error_text(int code);

/// Keeps FFmpeg's own messages off stderr, once per process (they go to the log at debug level).
void quiet_ffmpeg();

/// The first error that FFmpeg has logged on this thread since forget_av_message(); often the only
/// place where it says what is wrong. Empty if it kept silent.
std::string av_message();
void forget_av_message();

}  // namespace looktwice::video
