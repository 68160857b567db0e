#include <cerrno>
#include <cstring>
#include <filesystem>

#include <unistd.h>

#include "base/error.h"
#include "video/file_source.h"
#include "video/live_source.h"
#include "video/video.h"

namespace looktwice::video {
namespace fs = std::filesystem;
namespace {

bool starts_with(const std::string& text, const char* prefix) {
  return text.rfind(prefix, 0) == 0;
}

/// "frame_%05d.png": FFmpeg's own numbering of picture sequences.
bool is_sequence(const std::string& path) {
  const size_t at = path.find('%');
  if (at == std::string::npos) return false;
  const size_t end = path.find_first_not_of("0123456789", at + 1);
  return end != std::string::npos && path[end] == 'd';
}

void check_file(const std::string& path) {
  std::error_code ec;
  const fs::file_status status = fs::status(path, ec);
  if (status.type() == fs::file_type::not_found) {
    if (is_sequence(path)) return;
    const std::string hint = path.find("://") != std::string::npos
                                 ? "network addresses are not opened: download it first"
                                 : "check the path";
    throw bad_input(path, "no such file", hint);
  }
  if (ec) throw bad_input(path, "cannot be opened: " + ec.message());
  if (fs::is_directory(status)) throw bad_input(path, "is a directory", "name a file in it");
  if (fs::is_character_file(status) && starts_with(path, "/dev/video"))
    throw bad_input(path, "is a camera", "open it as camera:" + path);
  if (!fs::is_regular_file(status))
    throw bad_input(path, "is not a regular file", "a video has to be read more than once");
  if (::access(path.c_str(), R_OK) != 0)
    throw bad_input(path, std::string("cannot be opened: ") + std::strerror(errno));
  if (fs::file_size(path, ec) == 0 && !ec) throw bad_input(path, "is an empty file");
}

}  // namespace

frames::SourcePtr open_source(const std::string& input, const OpenOptions& options,
                              std::stop_token stop) {
  if (auto plain = frames::open_plain_source(input, options.clip)) return plain;
  if (input.empty()) throw bad_input("INPUT", "is empty", "name a video file");
  if (starts_with(input, "camera:") || starts_with(input, "screen:") || starts_with(input, "live:"))
    return std::make_unique<LiveSource>(device_request(input, options), true, stop);
  if (starts_with(input, "lavfi:"))
    return std::make_unique<LiveSource>(device_request(input, options), false, stop);
  check_file(input);
  return std::make_unique<FileSource>(input, options, stop);
}

}  // namespace looktwice::video
