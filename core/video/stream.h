#pragma once
// One video stream of an opened input: packets and decoded AVFrames, in order.

#include <chrono>
#include <map>
#include <memory>
#include <stop_token>
#include <string>

#include "video/av.h"

namespace looktwice::video {

struct StreamRequest {
  std::string where;   ///< what messages call it
  std::string url;     ///< for avformat_open_input
  std::string device;  ///< input format by name ("v4l2", "x11grab", "lavfi"); empty: probe
  std::map<std::string, std::string> options;  ///< of the demuxer
  int threads = 0;
};

/// Not thread-safe. Throws Error(input) from the constructor when there is no video to decode.
class Stream {
 public:
  explicit Stream(StreamRequest request, std::stop_token stop = {});
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  AVFormatContext& container() { return *format_; }
  AVStream& stream() { return *stream_; }
  AVCodecContext& codec() { return *codec_; }
  const std::string& where() const { return request_.where; }

  /// The next packet of the stream with something in it: 1; 0 at the end of the input, negative
  /// code of a read error, AVERROR(EAGAIN) where a device has nothing yet. Throws Cancelled.
  int read(AVPacket& packet, std::stop_token stop);

  /// Gives the decoder a packet, or null to drain it. Damaged packets are counted, not thrown.
  void send(const AVPacket* packet);
  /// The next decoded frame, or null if the decoder wants more packets (or is drained).
  AvFrame receive();
  bool drained() const { return drained_; }
  int64_t damaged() const { return damaged_; }
  /// Forgets what the decoder holds, after a seek.
  void flush();

  /// Throws Error(input) if the size is not one to allocate.
  void check_size(int width, int height) const;

 private:
  static int interrupted(void* self);
  void open_input();
  void open_decoder();

  StreamRequest request_;
  std::stop_token stop_;
  AVFormatContext* format_ = nullptr;
  AVStream* stream_ = nullptr;
  AvCodec codec_;
  bool drained_ = false;
  int64_t damaged_ = 0;
};

}  // namespace looktwice::video
