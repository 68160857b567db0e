#pragma once
// Opens any INPUT of the command line that this build can read.

#include <string>

#include "frames/source.h"

namespace looktwice::engine {

/// Files, cameras, screens and filter graphs need the video room; a compute-only build opens
/// built-in scenes and safetensors frames and says so for anything else. `clip` chooses the clip
/// of a [B,T,H,W,3] tensor. Throws Error(input).
frames::SourcePtr open_source(const std::string& input, int clip = 0);

}  // namespace looktwice::engine
