#pragma once
// Writes frames to a video file or pictures, in a thread of its own.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "frames/frame.h"
#include "frames/source.h"

namespace looktwice::video {

/// The codecs that this program writes: "h264", "hevc", "vp9", "av1", "ffv1", "prores", "png".
std::vector<std::string> codec_names();
/// Empty if this FFmpeg build can encode `codec`, else why not. Throws Error(input) for a name that
/// is not in codec_names(), listing them.
std::string codec_missing(const std::string& codec);
/// The codec that goes with the extension of `path`: .mp4 .mov .mkv h264, .webm vp9, .avi ffv1,
/// .png png. Throws Error(input) for any other extension.
std::string codec_for(const std::filesystem::path& path);

struct EncoderOptions {
  std::string codec;   ///< of codec_names(); empty: codec_for(path)
  std::string preset;  ///< the encoder's own name ("veryfast", "8", "good"); empty: a fast one
  std::optional<double> quality;  ///< crf (h264, hevc, vp9, av1), qscale (prores); lower is better
  /// Constant rate: frame n is shown at n / fps whatever its own time is. 0/1: every frame keeps
  /// its Frame::time (variable rate), rounded to `time_base`.
  frames::Rational fps{30, 1};
  frames::Rational time_base{1, 90000};  ///< for fps 0/1; Matroska and WebM keep milliseconds
  /// Of the file: "yuv420p", "yuv422p", "yuv444p", "yuv420p10", "yuv422p10", "yuv444p10", "rgb"
  /// (ffv1, png), "gray". Empty: yuv420p; as fed for ffv1; yuv422p10 for prores; rgb for png.
  std::string pixel_format;
  int threads = 0;                              ///< encoder threads; 0 = as it likes
  std::map<std::string, std::string> metadata;  ///< "title", "comment", any key
  size_t queue_bytes = size_t{64} << 20U;       ///< frames waiting to be encoded
};

/// One output file. Frames of other layouts, depths, ranges or matrices than the file's are
/// converted (one thread, bit exact where nothing has to change). Video is tagged with the matrix
/// and range of what is written. The picture appears under its name when finish() returns and not
/// before; without finish() nothing is left.
///
/// `path` ending in .png with a %d pattern ("frame_%05d.png", numbered from 0) writes a sequence;
/// without one it takes exactly one frame.
///
/// Threads: write() and finish() from one thread; encoding runs in another.
class Encoder {
 public:
  /// Throws Error(input): unknown or missing codec, a container that cannot hold it, odd sizes for
  /// a subsampled pixel format, bad options, an unwritable target.
  Encoder(const std::filesystem::path& path, int width, int height, EncoderOptions options = {});
  ~Encoder();
  Encoder(const Encoder&) = delete;
  Encoder& operator=(const Encoder&) = delete;

  /// Queues a frame; waits while the queue is full. Frame::time must grow when fps is 0/1. Throws
  /// what the encoder thread met earlier (Error(run) on a full disk), Cancelled on `stop`.
  void write(frames::FramePtr frame, std::stop_token stop = {});
  /// Encodes what is queued and renames the file into place. Throws like write().
  void finish(std::stop_token stop = {});

  int64_t written() const;  ///< frames encoded so far
  /// "h264 (libx264, veryfast, crf 20), yuv420p, 1280x720": one line for people.
  const std::string& description() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace looktwice::video
