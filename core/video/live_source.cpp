#include "video/live_source.h"

#include <chrono>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <thread>

extern "C" {
#include <libavutil/pixdesc.h>
}

#include "base/error.h"
#include "base/text.h"

namespace looktwice::video {

StreamRequest device_request(const std::string& input, const OpenOptions& options) {
  StreamRequest request;
  request.where = input;
  request.threads = options.threads;
  const size_t colon = input.find(':');
  const std::string kind = input.substr(0, colon);
  std::string rest = input.substr(colon + 1);
  if (kind == "lavfi" || kind == "live") {
    if (trim(rest).empty())
      throw bad_input(input, "the filter graph is empty",
                      "for example " + kind + ":testsrc2=duration=2");
    request.device = "lavfi";
    request.url = rest;
    return request;
  }
  if (const size_t q = rest.find('?'); q != std::string::npos) {
    for (const auto& [key, value] : parse_query(rest.substr(q + 1), input)) {
      if (key == "size")
        request.options["video_size"] = value;
      else if (key == "fps")
        request.options["framerate"] = value;
      else if (key == "format" && kind == "camera")
        request.options["input_format"] = value;
      else if (key == "cursor" && kind == "screen")
        request.options["draw_mouse"] = value;
      else
        throw bad_input(
            input, "has no setting \"" + key + "\"",
            kind == "camera" ? "there are size, fps and format" : "there are size, fps and cursor");
    }
    rest.resize(q);
  }
  if (kind == "camera") {
    request.device = "v4l2";
    request.url = rest.empty() ? "/dev/video0" : rest;
    std::error_code ec;
    if (!std::filesystem::exists(request.url, ec))
      throw bad_input(input, "there is no camera " + request.url,
                      "see which there are with: ls /dev/video*");
    if (!std::filesystem::is_character_file(request.url, ec))
      throw bad_input(input, request.url + " is not a camera");
    return request;
  }
  request.device = "x11grab";
  request.url = rest;
  if (rest.empty()) {
    const char* display = std::getenv("DISPLAY");
    if (display == nullptr || *display == '\0')
      throw bad_input(input, "there is no X display", "name one: screen::0");
    request.url = display;
  }
  return request;
}

LiveSource::LiveSource(StreamRequest request, bool live, std::stop_token stop)
    : request_(std::move(request)),
      stream_(std::make_unique<Stream>(request_, stop)),
      maker_(request_.where, stream_->stream().codecpar->codec_id),
      packet_(new_packet()) {
  info_.live = live;
  info_.seekable = !live;
  first_ = decode(stop);
  if (!first_) throw bad_input(request_.where, "gives no picture");
  stream_->check_size(first_->width, first_->height);
  describe(*first_);
}

AvFrame LiveSource::decode(std::stop_token stop) {
  for (;;) {
    if (stop.stop_requested()) throw Cancelled();
    if (AvFrame frame = stream_->receive()) return frame;
    if (stream_->drained()) return nullptr;
    const int code = stream_->read(*packet_, stop);
    if (code == AVERROR(EAGAIN)) {
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
      continue;
    }
    if (code > 0) {
      stream_->send(packet_.get());
    } else if (info_.live) {
      throw run_failed(request_.where,
                       "the device is gone" + (code < 0 ? ": " + av_error_text(code) : ""),
                       "connect it and open it again");
    } else if (code < 0) {
      throw run_failed(request_.where, "the graph failed: " + av_error_text(code));
    } else {
      stream_->send(nullptr);
    }
  }
}

frames::FramePtr LiveSource::next(std::stop_token stop) {
  for (;;) {
    if (ended_) return nullptr;
    AvFrame frame = first_ ? std::move(first_) : decode(stop);
    first_ = nullptr;
    if (!frame) {
      ended_ = true;
      if (!info_.live) info_.frame_count = count_;
      return nullptr;
    }
    const AVRational base = stream_->stream().time_base;
    int64_t pts = frame->best_effort_timestamp;
    if (pts == AV_NOPTS_VALUE) pts = frame->pts;
    if (first_pts_ == AV_NOPTS_VALUE) first_pts_ = pts;
    if (info_.live && last_pts_ != AV_NOPTS_VALUE && pts != AV_NOPTS_VALUE && info_.fps > 0) {
      const double frames = static_cast<double>(pts - last_pts_) * av_q2d(base) * info_.fps;
      if (frames > 1.5) dropped_ += std::llround(frames) - 1;
    }
    last_pts_ = pts;
    const int64_t index = count_++;
    if (index < want_) continue;
    want_ = count_;
    const double time = pts == AV_NOPTS_VALUE
                            ? (info_.fps > 0 ? static_cast<double>(index) / info_.fps : 0)
                            : static_cast<double>(pts - first_pts_) * base.num / base.den;
    return maker_.make(std::move(frame), index, time);
  }
}

void LiveSource::seek(int64_t index, std::stop_token stop) {
  if (info_.live)
    throw bad_input(request_.where, "is live: it cannot be searched", "record it to a file first");
  want_ = std::max<int64_t>(index, 0);
  if (want_ >= count_) return;
  stream_ = std::make_unique<Stream>(request_, stop);
  first_ = nullptr;
  count_ = 0;
  first_pts_ = last_pts_ = AV_NOPTS_VALUE;
  ended_ = false;
}

void LiveSource::describe(const AVFrame& first) {
  const AVStream& st = stream_->stream();
  info_.name = request_.where;
  info_.width = first.width;
  info_.height = first.height;
  maker_.set_size(first.width, first.height);
  AVRational rate = st.avg_frame_rate;
  if (rate.num <= 0 || rate.den <= 0) rate = st.r_frame_rate;
  // Graphs that do not say tick once a frame.
  if (!info_.live && (rate.num <= 0 || rate.den <= 0) && av_q2d(st.time_base) > 1.0 / 1000)
    rate = av_inv_q(st.time_base);
  if (rate.num > 0 && rate.den > 0) {
    info_.rate = {rate.num, rate.den};
    info_.fps = av_q2d(rate);
  }
  info_.time_base = {st.time_base.num, st.time_base.den};
  info_.variable_rate = info_.live;
  const auto format = static_cast<AVPixelFormat>(first.format);
  const char* pixel = av_get_pix_fmt_name(format);
  info_.description = std::string(info_.live ? request_.device : "filter graph") + ", " +
                      avcodec_get_name(st.codecpar->codec_id) + ", " +
                      (pixel != nullptr ? pixel : "unknown pixel format") + ", " +
                      colour_of(first, st.codecpar->codec_id).text;
}

}  // namespace looktwice::video
