#include "video/av.h"

#include <cstdarg>
#include <cstdlib>
#include <mutex>
#include <new>

extern "C" {
#include <libavdevice/avdevice.h>
#include <libavfilter/avfilter.h>
}

#include "base/log.h"
#include "video/video.h"

namespace looktwice::video {

AvFrame new_frame() {
  AvFrame f(av_frame_alloc());
  if (!f) throw std::bad_alloc();
  return f;
}

AvPacket new_packet() {
  AvPacket p(av_packet_alloc());
  if (!p) throw std::bad_alloc();
  return p;
}

std::string av_error_text(int code) {
  char text[AV_ERROR_MAX_STRING_SIZE] = {};
  av_strerror(code, text, sizeof text);
  return text;
}

namespace {

thread_local std::string first_message;

void forward(void* context, int level, const char* format, va_list args) {
  if (level > AV_LOG_ERROR) return;
  char line[512];
  int prefix = 1;
  av_log_format_line2(context, level, format, args, line, sizeof line, &prefix);
  std::string text = line;
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r'))
    text.pop_back();
  if (text.empty()) return;
  if (first_message.empty()) {
    // "[libx264 @ 0x55…] text": the address says nothing to people.
    const size_t at = text.find("] ");
    first_message = text[0] == '[' && at != std::string::npos ? text.substr(at + 2) : text;
    while (!first_message.empty() && (first_message.back() == '.' || first_message.back() == ' '))
      first_message.pop_back();
  }
  log(LogLevel::debug, text);
}

}  // namespace

void quiet_ffmpeg() {
  static std::once_flag once;
  std::call_once(once, [] {
    av_log_set_level(AV_LOG_ERROR);
    av_log_set_callback(forward);
    avdevice_register_all();
    ::setenv("SVT_LOG", "0", 0);  // SVT-AV1 writes to stderr by itself
  });
}

std::string av_message() {
  return first_message;
}
void forget_av_message() {
  first_message.clear();
}

std::string library_versions() {
  const auto one = [](const char* name, unsigned v) {
    return std::string(name) + " " + std::to_string(AV_VERSION_MAJOR(v)) + "." +
           std::to_string(AV_VERSION_MINOR(v)) + "." + std::to_string(AV_VERSION_MICRO(v));
  };
  return one("libavcodec", avcodec_version()) + ", " + one("libavformat", avformat_version()) +
         ", " + one("libswscale", swscale_version()) + ", " +
         one("libavfilter", avfilter_version()) + ", " + one("libavdevice", avdevice_version());
}

}  // namespace looktwice::video
