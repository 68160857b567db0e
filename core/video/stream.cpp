#include "video/stream.h"

#include <algorithm>
#include <cstring>
#include <thread>

extern "C" {
#include <libavutil/dict.h>
#include <libavutil/opt.h>
}

#include "base/error.h"

namespace looktwice::video {
namespace {

/// Largest side and area that is decoded: 8K film has 35 million pixels.
constexpr int kMaxSide = 32768;
constexpr int64_t kMaxPixels = int64_t{1} << 27;

/// Demuxers that make pictures out of any text or bytes.
bool draws_text(const char* demuxer) {
  for (const char* name : {"tty", "bin", "xbin", "adf", "idf", "bfstm"})
    if (std::strcmp(demuxer, name) == 0) return true;
  return false;
}

}  // namespace

int Stream::interrupted(void* self) {
  return static_cast<Stream*>(self)->stop_.stop_requested() ? 1 : 0;
}

Stream::Stream(StreamRequest request, std::stop_token stop)
    : request_(std::move(request)), stop_(std::move(stop)) {
  quiet_ffmpeg();
  try {
    open_input();
    open_decoder();
  } catch (...) {
    avformat_close_input(&format_);
    throw;
  }
  stop_ = {};
}

Stream::~Stream() {
  codec_.reset();
  avformat_close_input(&format_);
}

void Stream::open_input() {
  const AVInputFormat* device = nullptr;
  if (!request_.device.empty()) {
    device = av_find_input_format(request_.device.c_str());
    if (device == nullptr)
      throw bad_input(request_.where, "this FFmpeg has no " + request_.device + " input",
                      "install FFmpeg's libavdevice");
  }
  format_ = avformat_alloc_context();
  if (format_ == nullptr) throw std::bad_alloc();
  format_->interrupt_callback = {interrupted, this};
  if (request_.device == "v4l2") format_->flags |= AVFMT_FLAG_NONBLOCK;
  AVDictionary* options = nullptr;
  for (const auto& [key, value] : request_.options)
    av_dict_set(&options, key.c_str(), value.c_str(), 0);
  // A playlist inside a file must not reach for the network.
  if (device == nullptr) av_dict_set(&options, "protocol_whitelist", "file,crypto,data", 0);
  forget_av_message();
  const int code = avformat_open_input(&format_, request_.url.c_str(), device, &options);
  const AVDictionaryEntry* unused = av_dict_get(options, "", nullptr, AV_DICT_IGNORE_SUFFIX);
  const std::string unknown = unused != nullptr ? unused->key : "";
  av_dict_free(&options);
  if (stop_.stop_requested()) throw Cancelled();
  if (code < 0) {
    if (device != nullptr)
      throw bad_input(
          request_.where,
          "cannot be opened: " + (av_message().empty() ? av_error_text(code) : av_message()));
    if (code == AVERROR_INVALIDDATA || code == AVERROR_EOF || code == AVERROR(EINVAL))
      throw bad_input(request_.where, "is not a video (no container that FFmpeg reads, or cut off)",
                      "check the file with ffprobe");
    throw bad_input(request_.where, "cannot be opened: " + av_error_text(code));
  }
  if (device != nullptr && !unknown.empty() && unknown != "protocol_whitelist")
    throw bad_input(request_.where, "has no setting \"" + unknown + "\"");
  if (device == nullptr && draws_text(format_->iformat->name))
    throw bad_input(request_.where, "is a text file, not a video");
  const int found = avformat_find_stream_info(format_, nullptr);
  if (stop_.stop_requested()) throw Cancelled();
  const int best = av_find_best_stream(format_, AVMEDIA_TYPE_VIDEO, -1, -1, nullptr, 0);
  int chosen = best;
  const auto cover = [&](int i) {
    return (format_->streams[i]->disposition & AV_DISPOSITION_ATTACHED_PIC) != 0;
  };
  if (best >= 0 && cover(best)) chosen = AVERROR_STREAM_NOT_FOUND;
  if (chosen < 0) {
    bool audio = false;
    for (unsigned i = 0; i < format_->nb_streams; ++i)
      audio |= format_->streams[i]->codecpar->codec_type == AVMEDIA_TYPE_AUDIO;
    if (audio) throw bad_input(request_.where, "holds audio only, no video");
    throw bad_input(request_.where, found < 0 ? "is not a video: " + av_error_text(found)
                                              : std::string("has no video stream"));
  }
  stream_ = format_->streams[chosen];
  for (unsigned i = 0; i < format_->nb_streams; ++i)
    if (format_->streams[i] != stream_) format_->streams[i]->discard = AVDISCARD_ALL;
}

void Stream::check_size(int width, int height) const {
  if (width <= 0 || height <= 0)
    throw bad_input(request_.where, "the video stream has no picture size",
                    "check it with ffprobe");
  if (width > kMaxSide || height > kMaxSide || int64_t{width} * height > kMaxPixels)
    throw bad_input(request_.where, "claims pictures of " + std::to_string(width) + "x" +
                                        std::to_string(height) +
                                        ", larger than this program takes");
}

void Stream::open_decoder() {
  const AVCodecParameters& par = *stream_->codecpar;
  const AVCodec* decoder = avcodec_find_decoder(par.codec_id);
  if (decoder == nullptr) {
    char tag[AV_FOURCC_MAX_STRING_SIZE] = {};
    av_fourcc_make_string(tag, par.codec_tag);
    const std::string name = par.codec_id == AV_CODEC_ID_NONE
                                 ? std::string("codec with tag \"") + tag + "\""
                                 : std::string("codec ") + avcodec_get_name(par.codec_id);
    throw bad_input(request_.where, "this FFmpeg has no decoder for the video " + name,
                    "convert it to H.264 elsewhere");
  }
  if (par.width != 0 || par.height != 0) check_size(par.width, par.height);
  codec_.reset(avcodec_alloc_context3(decoder));
  if (!codec_) throw std::bad_alloc();
  avcodec_parameters_to_context(codec_.get(), &par);
  codec_->pkt_timebase = stream_->time_base;
  codec_->max_pixels = kMaxPixels;
  const int cores = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  codec_->thread_count = request_.threads > 0 ? request_.threads : std::min(cores, 16);
  if (av_codec_is_decoder(decoder) != 0 && request_.device == "lavfi") codec_->thread_count = 1;
  const int code = avcodec_open2(codec_.get(), decoder, nullptr);
  if (code < 0)
    throw bad_input(request_.where,
                    std::string("the ") + decoder->name +
                        " decoder does not take this stream: " + av_error_text(code));
}

int Stream::read(AVPacket& packet, std::stop_token stop) {
  stop_ = stop;
  int code = 0;
  for (;;) {
    if (stop.stop_requested()) {
      stop_ = {};
      throw Cancelled();
    }
    av_packet_unref(&packet);
    code = av_read_frame(format_, &packet);
    if (code < 0) break;
    if (packet.stream_index == stream_->index && packet.size > 0) {
      stop_ = {};
      return 1;
    }
  }
  stop_ = {};
  if (stop.stop_requested()) throw Cancelled();
  return code == AVERROR_EOF ? 0 : code;
}

void Stream::send(const AVPacket* packet) {
  const int code = avcodec_send_packet(codec_.get(), packet);
  if (code < 0 && code != AVERROR_EOF && code != AVERROR(EAGAIN)) ++damaged_;
  if (code == AVERROR(ENOMEM)) throw std::bad_alloc();
}

AvFrame Stream::receive() {
  AvFrame frame = new_frame();
  for (int tries = 0; tries < 64; ++tries) {
    const int code = avcodec_receive_frame(codec_.get(), frame.get());
    if (code >= 0) {
      if (frame->width > 0 && frame->height > 0 && frame->data[0] != nullptr) return frame;
      continue;
    }
    if (code == AVERROR_EOF) drained_ = true;
    if (code == AVERROR_EOF || code == AVERROR(EAGAIN)) return nullptr;
    ++damaged_;  // a frame that cannot be decoded: the next may
  }
  return nullptr;
}

void Stream::flush() {
  avcodec_flush_buffers(codec_.get());
  drained_ = false;
}

}  // namespace looktwice::video
