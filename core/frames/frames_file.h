#pragma once
// Frames from a .safetensors file, taken verbatim.

#include <filesystem>

#include "frames/source.h"

namespace looktwice::frames {

/// What a tensor file holds: U8 `frames_u8` [T,H,W,3] (one clip) or [B,T,H,W,3], or else U8
/// `images_u8` [B,H,W,3] (B clips of one frame). `frames_u8` wins where both are there.
struct FramesFileInfo {
  int clips = 1;
  int T = 0, H = 0, W = 0;
  double fps = 30;  ///< of the metadata entry "fps", else 30
  bool fps_known = false;
};

/// Throws Error(input) naming file and tensor for anything else.
FramesFileInfo frames_file_info(const std::filesystem::path& path);
/// True if the name ends in .safetensors.
bool is_frames_file(const std::string& input);
/// A seekable source of the frames of clip `clip`.
SourcePtr open_frames_file(const std::filesystem::path& path, int clip = 0);

}  // namespace looktwice::frames
