#include "video/codecs.h"

#include <array>
#include <cmath>
#include <cstring>

extern "C" {
#include <libavutil/dict.h>
#include <libavutil/pixdesc.h>
}

#include "base/error.h"
#include "base/text.h"

namespace looktwice::video {
namespace {

constexpr std::array kCodecs{
    Codec{"h264", "libx264", AV_CODEC_ID_H264, "veryfast", 20, 0, 51, "yuv420p", true},
    Codec{"hevc", "libx265", AV_CODEC_ID_HEVC, "veryfast", 24, 0, 51, "yuv420p", true},
    Codec{"vp9", "libvpx-vp9", AV_CODEC_ID_VP9, "6", 30, 0, 63, "yuv420p", false},
    Codec{"av1", "libsvtav1", AV_CODEC_ID_AV1, "10", 32, 1, 63, "yuv420p", true},
    Codec{"ffv1", "ffv1", AV_CODEC_ID_FFV1, "", -1, 0, 0, "", false},
    Codec{"prores", "prores_ks", AV_CODEC_ID_PRORES, "hq", 8, 1, 31, "yuv422p10", true},
    Codec{"png", "png", AV_CODEC_ID_PNG, "", -1, 0, 0, "rgb", false},
};

struct NamedFormat {
  const char* name;
  AVPixelFormat format;
};
constexpr std::array kFormats{
    NamedFormat{"yuv420p", AV_PIX_FMT_YUV420P},
    NamedFormat{"yuv422p", AV_PIX_FMT_YUV422P},
    NamedFormat{"yuv444p", AV_PIX_FMT_YUV444P},
    NamedFormat{"yuv420p10", AV_PIX_FMT_YUV420P10LE},
    NamedFormat{"yuv422p10", AV_PIX_FMT_YUV422P10LE},
    NamedFormat{"yuv444p10", AV_PIX_FMT_YUV444P10LE},
    NamedFormat{"gray", AV_PIX_FMT_GRAY8},
    NamedFormat{"rgb", AV_PIX_FMT_BGR0},
    NamedFormat{"rgb", AV_PIX_FMT_RGB24},
};

bool takes(const Codec& codec, AVPixelFormat format) {
  const AVCodec* encoder = avcodec_find_encoder_by_name(codec.library);
  if (encoder == nullptr || encoder->pix_fmts == nullptr) return false;
  // FFV1 stores rgb24 as bgr0; the video codecs that know RGB do so by another matrix, which few
  // players follow.
  const bool rgb = format == AV_PIX_FMT_BGR0 || format == AV_PIX_FMT_RGB24;
  if (rgb && codec.id != AV_CODEC_ID_FFV1 && codec.id != AV_CODEC_ID_PNG) return false;
  for (const AVPixelFormat* f = encoder->pix_fmts; *f != AV_PIX_FMT_NONE; ++f)
    if (*f == format) return true;
  return false;
}

/// Throws Error(input) for a preset that the encoder would refuse, or worse, print about.
void check_preset(const Codec& codec, const std::string& preset) {
  std::vector<std::string> names;
  int low = 0, high = -1;
  switch (codec.id) {
    case AV_CODEC_ID_H264:
    case AV_CODEC_ID_HEVC:
      names = {"ultrafast", "superfast", "veryfast", "faster",   "fast",
               "medium",    "slow",      "slower",   "veryslow", "placebo"};
      break;
    case AV_CODEC_ID_VP9:
      names = {"realtime", "good", "best"};
      high = 8;
      break;
    case AV_CODEC_ID_AV1:
      high = 13;
      break;
    case AV_CODEC_ID_PRORES:
      names = {"proxy", "lt", "standard", "hq", "4444", "4444xq"};
      break;
    default:
      throw bad_input("preset", std::string(codec.name) + " has none", "leave it out");
  }
  for (const std::string& n : names)
    if (preset == n) return;
  for (int n = low; n <= high; ++n)
    if (preset == std::to_string(n)) return;
  std::string choice = join(names, ", ");
  if (high >= low)
    choice += std::string(choice.empty() ? "" : ", ") + "0 (best) to " + std::to_string(high);
  throw bad_input("preset", std::string(codec.name) + " has no preset \"" + preset + "\"",
                  "choose one of " + choice);
}

bool is_number(const std::string& text) {
  return !text.empty() && text.find_first_not_of("-0123456789") == std::string::npos;
}

}  // namespace

std::vector<std::string> codec_names() {
  std::vector<std::string> names;
  for (const Codec& c : kCodecs)
    names.emplace_back(c.name);
  return names;
}

const Codec& codec_named(const std::string& name) {
  for (const Codec& c : kCodecs)
    if (name == c.name || name == c.library) return c;
  throw bad_input("--codec", "there is no codec \"" + name + "\"",
                  "choose one of " + join(codec_names(), ", "));
}

std::string codec_missing(const std::string& codec) {
  const Codec& c = codec_named(codec);
  if (avcodec_find_encoder_by_name(c.library) != nullptr) return {};
  return std::string("this FFmpeg was built without ") + c.library;
}

std::string codec_for(const std::filesystem::path& path) {
  const std::string ext = path.extension().string();
  for (const char* e : {".mp4", ".m4v", ".mov", ".mkv", ".ts"})
    if (ext == e) return "h264";
  if (ext == ".webm") return "vp9";
  if (ext == ".avi") return "ffv1";
  if (ext == ".png") return "png";
  throw bad_input(path.string(),
                  ext.empty() ? "has no extension to tell the kind of file by"
                              : "\"" + ext + "\" is no kind of file that this program writes",
                  "end it in .mp4, .mkv, .mov, .webm, .avi or .png");
}

AVPixelFormat pixel_format_named(const std::string& name, const Codec& codec) {
  bool known = false;
  std::vector<std::string> choice;
  for (const NamedFormat& f : kFormats) {
    if (takes(codec, f.format)) {
      if (name == f.name) return f.format;
      choice.emplace_back(f.name);
    }
    known |= name == f.name;
  }
  throw bad_input("pixel format",
                  known ? std::string(codec.name) + " does not take \"" + name + "\""
                        : "there is no pixel format \"" + name + "\"",
                  "choose one of " + join(choice, ", "));
}

const AVOutputFormat* container_for(const std::filesystem::path& path, const Codec& codec) {
  codec_for(path);  // says so where the extension is none of ours
  const std::string name = "x" + path.extension().string();
  const AVOutputFormat* format = av_guess_format(nullptr, name.c_str(), nullptr);
  if (format == nullptr)
    throw bad_input(path.string(), "this FFmpeg cannot write files of this kind");
  if (avformat_query_codec(format, codec.id, FF_COMPLIANCE_NORMAL) != 1)
    throw bad_input(path.string(), path.extension().string() + " files cannot hold " + codec.name,
                    "use .mkv, which holds all of them");
  return format;
}

void check_size(const Codec& codec, AVPixelFormat format, int width, int height,
                const std::string& where) {
  const std::string size = std::to_string(width) + "x" + std::to_string(height);
  if (width <= 0 || height <= 0 || width > 16384 || height > 16384)
    throw bad_input(where, "a video of " + size + " cannot be written");
  const auto* d = av_pix_fmt_desc_get(format);
  if (!codec.even || d == nullptr) return;
  const bool odd =
      (width % 2 != 0 && d->log2_chroma_w > 0) || (height % 2 != 0 && d->log2_chroma_h > 0);
  if (odd || (codec.id == AV_CODEC_ID_AV1 && (width % 2 != 0 || height % 2 != 0)))
    throw bad_input(where, size + " is odd: " + codec.name + " needs even sizes in " + d->name,
                    "pad or crop the picture by one pixel, or use ffv1");
}

void check_settings(const Codec& codec, const EncoderOptions& options) {
  if (options.quality && codec.quality < 0)
    throw bad_input("quality", std::string(codec.name) + " is lossless and has none",
                    "leave it out");
  const double quality = options.quality.value_or(codec.quality);
  if (options.quality && (!std::isfinite(quality) || quality < codec.best || quality > codec.worst))
    throw bad_input("quality", number_text(quality) + " is out of range for " + codec.name,
                    "give " + number_text(codec.best) + " (best) to " + number_text(codec.worst));
  if (!options.preset.empty()) check_preset(codec, options.preset);
}

AVDictionary* encoder_settings(const Codec& codec, const EncoderOptions& options,
                               AVCodecContext& context) {
  check_settings(codec, options);
  const std::string preset = options.preset.empty() ? codec.preset : options.preset;
  const double quality = options.quality.value_or(codec.quality);
  AVDictionary* d = nullptr;
  const auto set = [&](const char* key, const std::string& value) {
    av_dict_set(&d, key, value.c_str(), 0);
  };
  switch (codec.id) {
    case AV_CODEC_ID_H264:
      set("preset", preset);
      set("crf", number_text(quality));
      break;
    case AV_CODEC_ID_HEVC:
      set("preset", preset);
      set("crf", number_text(quality));
      set("x265-params", "log-level=none");
      break;
    case AV_CODEC_ID_VP9:
      if (is_number(preset)) {
        set("deadline", "good");
        set("cpu-used", preset);
      } else {
        set("deadline", preset);
      }
      set("row-mt", "1");
      set("crf", number_text(std::round(quality)));
      context.bit_rate = 0;
      break;
    case AV_CODEC_ID_AV1:
      set("preset", preset);
      set("crf", number_text(std::round(quality)));
      break;
    case AV_CODEC_ID_FFV1:
      set("level", "3");
      set("slicecrc", "1");
      context.gop_size = 1;
      break;
    case AV_CODEC_ID_PRORES:
      set("profile", preset);
      context.flags |= AV_CODEC_FLAG_QSCALE;
      context.global_quality = static_cast<int>(std::lround(quality * FF_QP2LAMBDA));
      break;
    default:
      break;
  }
  return d;
}

}  // namespace looktwice::video
