#pragma once
// Where encoded packets go: one video file, one picture, or numbered pictures.

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/atomic_file.h"
#include "video/av.h"

namespace looktwice::video {

class EncoderOutput {
 public:
  virtual ~EncoderOutput() = default;
  /// Once, when the encoder's parameters are known.
  virtual void begin(const AVCodecContext& codec) = 0;
  /// Times in the encoder's time base. Throws Error(run).
  virtual void write(AVPacket& packet) = 0;
  /// Completes and renames into place. Throws Error(run).
  virtual void finish() = 0;
};

using Metadata = std::map<std::string, std::string>;

/// Throws Error(input) if the target cannot be written.
std::unique_ptr<EncoderOutput> video_file(const std::filesystem::path& path,
                                          const AVOutputFormat* container, Metadata metadata);
/// `path` may hold one %d pattern: frames are numbered from 0.
std::unique_ptr<EncoderOutput> png_files(const std::filesystem::path& path, Metadata metadata);

/// "frame_%05d.png" for frame 7: "frame_00007.png"; the path itself if it has no pattern. Throws
/// Error(input) for other patterns.
std::filesystem::path numbered(const std::filesystem::path& path, int64_t number);
bool has_number(const std::filesystem::path& path);

}  // namespace looktwice::video
