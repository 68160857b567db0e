#pragma once
// The codecs this program writes: which FFmpeg encoder makes them and how it is set up.

#include <filesystem>
#include <string>
#include <vector>

#include "video/av.h"
#include "video/encoder.h"

namespace looktwice::video {

struct Codec {
  const char* name;     ///< ours
  const char* library;  ///< FFmpeg's encoder
  AVCodecID id;
  const char* preset;        ///< default
  double quality;            ///< default; negative: lossless, has none
  double best, worst;        ///< range of quality
  const char* pixel_format;  ///< default; empty: as fed
  bool even;                 ///< subsampled sizes have to be even
};

/// Throws Error(input) for an unknown name, listing the known ones.
const Codec& codec_named(const std::string& name);

/// Our name of a pixel format as FFmpeg's for this codec. Throws Error(input) for an unknown name
/// or one that the codec does not take, listing those it does.
AVPixelFormat pixel_format_named(const std::string& name, const Codec& codec);

/// The muxer for the extension of `path`, checked to hold the codec. Throws Error(input).
const AVOutputFormat* container_for(const std::filesystem::path& path, const Codec& codec);

/// Throws Error(input) if the codec cannot hold pictures of this size in this format.
void check_size(const Codec& codec, AVPixelFormat format, int width, int height,
                const std::string& where);

/// Throws Error(input) for a preset or quality that the codec does not have.
void check_settings(const Codec& codec, const EncoderOptions& options);

/// Options for avcodec_open2 by preset and quality; the caller frees them. Throws Error(input).
AVDictionary* encoder_settings(const Codec& codec, const EncoderOptions& options,
                               AVCodecContext& context);

}  // namespace looktwice::video
