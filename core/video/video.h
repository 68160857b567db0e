#pragma once
// Sources through FFmpeg.

#include <cstddef>
#include <stop_token>
#include <string>

#include "frames/source.h"

namespace looktwice::video {

struct OpenOptions {
  int threads = 0;                          ///< decoder threads; 0 = one a core, at most 16
  size_t cache_bytes = size_t{256} << 20U;  ///< decoded frames kept for steps backwards
  int clip = 0;                             ///< which clip of a [B,T,H,W,3] tensor
};

/// Opens any INPUT of the command line:
///   a path · camera:/dev/video0[?size=WxH&fps=N] · screen::0[.0][+X,Y][?size=WxH&fps=N] ·
///   lavfi:GRAPH · live:GRAPH (treated as a camera) · synth:NAME[?…] · FILE.safetensors
/// A file is indexed here by reading its packets without decoding them, so that frame_count is
/// exact and every seek lands on its frame; `stop` ends that early with Cancelled. A file with
/// damaged parts keeps its frame numbers: a frame that cannot be decoded repeats the one before it
/// (logged once). A truncated file has the frames that decode. Frames share the decoder's buffers.
/// Throws Error(input) with one clear line: no such file, a directory, not a video, no video
/// stream, no decoder, hostile sizes, no such device, ….
frames::SourcePtr open_source(const std::string& input, const OpenOptions& options = {},
                              std::stop_token stop = {});

/// What FFmpeg makes of its libraries: "libavcodec 59.37.100, …", for `looktwice info`.
std::string library_versions();

}  // namespace looktwice::video
