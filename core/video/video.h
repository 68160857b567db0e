#pragma once
// Sources through FFmpeg.

#include <string>

#include "frames/source.h"

namespace looktwice::video {

/// Opens any INPUT of the command line: a path, camera:, screen:, lavfi:, synth:, .safetensors.
/// Throws Error(input) with one clear line (no such file, a directory, no video stream, …).
frames::SourcePtr open_source(const std::string& input);

}  // namespace looktwice::video
