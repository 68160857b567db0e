#include "video/picture.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

extern "C" {
#include <libavutil/pixdesc.h>
}

#include "base/error.h"
#include "base/log.h"
#include "video/turn.h"

namespace looktwice::video {
namespace {

using frames::ChromaSite;
using frames::Frame;
using frames::Layout;
using frames::Matrix;
using frames::Range;

bool is_rgb(const AVPixFmtDescriptor& d) {
  return (d.flags & AV_PIX_FMT_FLAG_RGB) != 0;
}

/// 8-bit RGB whose samples are whole bytes, packed or planar.
bool byte_rgb(const AVPixFmtDescriptor& d) {
  if (!is_rgb(d) || d.nb_components < 3 ||
      (d.flags & (AV_PIX_FMT_FLAG_PAL | AV_PIX_FMT_FLAG_BITSTREAM | AV_PIX_FMT_FLAG_BAYER |
                  AV_PIX_FMT_FLAG_HWACCEL | AV_PIX_FMT_FLAG_FLOAT)) != 0)
    return false;
  for (int c = 0; c < 3; ++c)
    if (d.comp[c].depth != 8 || d.comp[c].shift != 0) return false;
  return true;
}

/// Planar YUV or gray that a Frame can point into.
bool direct(const AVPixFmtDescriptor& d, Layout* layout, int* depth) {
  if (is_rgb(d) || (d.flags & (AV_PIX_FMT_FLAG_PAL | AV_PIX_FMT_FLAG_BITSTREAM |
                               AV_PIX_FMT_FLAG_HWACCEL | AV_PIX_FMT_FLAG_FLOAT)) != 0)
    return false;
  const int bits = d.comp[0].depth;
  if (bits != 8 && bits != 10) return false;
  if (bits == 10 && (d.flags & AV_PIX_FMT_FLAG_BE) != 0) return false;
  const bool gray = d.nb_components < 3;
  for (int c = 0; c < (gray ? 1 : 3); ++c)
    if (d.comp[c].plane != c || d.comp[c].shift != 0 || d.comp[c].offset != 0 ||
        d.comp[c].depth != bits || d.comp[c].step != (bits == 8 ? 1 : 2))
      return false;
  *depth = bits;
  if (gray)
    *layout = Layout::gray;
  else if (d.log2_chroma_w == 0 && d.log2_chroma_h == 0)
    *layout = Layout::yuv444;
  else if (d.log2_chroma_w == 1 && d.log2_chroma_h == 0)
    *layout = Layout::yuv422;
  else if (d.log2_chroma_w == 1 && d.log2_chroma_h == 1)
    *layout = Layout::yuv420;
  else
    return false;
  return true;
}

std::shared_ptr<Frame> rgb_frame(const AVFrame& from, const AVPixFmtDescriptor& d) {
  auto bytes = std::make_shared<std::vector<uint8_t>>(size_t{3} * static_cast<size_t>(from.width) *
                                                      static_cast<size_t>(from.height));
  for (int y = 0; y < from.height; ++y) {
    uint8_t* to = bytes->data() + size_t{3} * static_cast<size_t>(from.width * y);
    const uint8_t* in[3];
    int step[3];
    for (int c = 0; c < 3; ++c) {
      in[c] = from.data[d.comp[c].plane] + ptrdiff_t{from.linesize[d.comp[c].plane]} * y +
              d.comp[c].offset;
      step[c] = d.comp[c].step;
    }
    for (int x = 0; x < from.width; ++x, to += 3) {
      to[0] = in[0][x * step[0]];
      to[1] = in[1][x * step[1]];
      to[2] = in[2][x * step[2]];
    }
  }
  auto frame = std::make_shared<Frame>();
  frame->layout = Layout::rgb24;
  frame->range = Range::full;
  frame->planes[0] = {bytes->data(), ptrdiff_t{3} * from.width, from.width, from.height};
  frame->storage = bytes;
  return frame;
}

}  // namespace

Turn turn_from_display_matrix(const int32_t* m) {
  if (m == nullptr) return {};
  const auto unit = [](int32_t v) {
    return std::abs(v) < 0x1000                       ? 0
           : std::abs(std::abs(v) - 0x10000) < 0x1000 ? (v < 0 ? -1 : 1)
                                                      : 2;
  };
  const Turn t{unit(m[0]), unit(m[1]), unit(m[3]), unit(m[4])};
  const bool straight = std::abs(t.a) == 1 && std::abs(t.d) == 1 && t.b == 0 && t.c == 0;
  const bool across = t.a == 0 && t.d == 0 && std::abs(t.b) == 1 && std::abs(t.c) == 1;
  return straight || across ? t : Turn{};
}

std::string Turn::text() const {
  if (none()) return {};
  const bool mirrored = a * d - b * c < 0;
  if (mirrored) return swaps() ? "transposed" : a < 0 ? "mirrored" : "flipped";
  if (a == -1) return "rotated 180°";
  return b == 1 ? "rotated 90°" : "rotated 270°";
}

Colour colour_of(const AVFrame& f, AVCodecID codec) {
  Colour out;
  const auto* d = av_pix_fmt_desc_get(static_cast<AVPixelFormat>(f.format));
  if (d == nullptr) return out;
  if (is_rgb(*d)) {
    out.range = Range::full;
    out.text = "rgb";
    return out;
  }
  bool full_by_format = false;
  switch (f.format) {
    case AV_PIX_FMT_YUVJ420P:
    case AV_PIX_FMT_YUVJ422P:
    case AV_PIX_FMT_YUVJ444P:
    case AV_PIX_FMT_YUVJ440P:
    case AV_PIX_FMT_YUVJ411P:
      full_by_format = true;
      break;
    default:
      break;
  }
  const bool gray = d->nb_components < 3;
  if (!gray) {
    switch (f.colorspace) {
      case AVCOL_SPC_BT709:
        out.matrix = Matrix::bt709;
        out.text = "bt709";
        break;
      case AVCOL_SPC_BT470BG:
      case AVCOL_SPC_SMPTE170M:
        out.matrix = Matrix::bt601;
        out.text = "bt601";
        break;
      case AVCOL_SPC_BT2020_NCL:
        out.matrix = Matrix::bt2020;
        out.text = "bt2020";
        break;
      case AVCOL_SPC_UNSPECIFIED:
      case AVCOL_SPC_RESERVED:
        // The rule of players: standard definition is BT.601, anything larger BT.709.
        out.matrix = f.width >= 1280 || f.height > 576 ? Matrix::bt709 : Matrix::bt601;
        out.text = std::string(out.matrix == Matrix::bt709 ? "bt709" : "bt601") +
                   " (not tagged: by its size)";
        break;
      default: {
        const char* name = av_color_space_name(f.colorspace);
        const bool wide = f.colorspace == AVCOL_SPC_BT2020_CL || f.colorspace == AVCOL_SPC_ICTCP;
        const bool old = f.colorspace == AVCOL_SPC_FCC;
        out.matrix = wide ? Matrix::bt2020 : old ? Matrix::bt601 : Matrix::bt709;
        out.text = std::string(name != nullptr ? name : "an unknown matrix") + " taken as " +
                   (wide  ? "bt2020"
                    : old ? "bt601"
                          : "bt709");
        break;
      }
    }
    out.text += ", ";
  }
  if (f.color_range == AVCOL_RANGE_JPEG || full_by_format) {
    out.range = Range::full;
    out.text += "full range";
  } else if (f.color_range == AVCOL_RANGE_MPEG) {
    out.text += "limited range";
  } else {
    // Gray pictures of still and lossless codecs are full range, as FFmpeg itself has it.
    const bool video = codec == AV_CODEC_ID_H264 || codec == AV_CODEC_ID_HEVC ||
                       codec == AV_CODEC_ID_AV1 || codec == AV_CODEC_ID_VP9;
    out.range = gray && !video ? Range::full : Range::limited;
    out.text += out.range == Range::full ? "full range (not tagged)" : "limited range (not tagged)";
  }
  switch (f.chroma_location) {
    case AVCHROMA_LOC_CENTER:
      out.site = ChromaSite::center;
      break;
    case AVCHROMA_LOC_TOPLEFT:
      out.site = ChromaSite::top_left;
      break;
    case AVCHROMA_LOC_TOP:
      out.site = ChromaSite::top;
      break;
    case AVCHROMA_LOC_BOTTOMLEFT:
      out.site = ChromaSite::bottom_left;
      break;
    case AVCHROMA_LOC_BOTTOM:
      out.site = ChromaSite::bottom;
      break;
    default:
      // Video is sited left (H.273 type 0); JPEG and MPEG-1 sit in the middle.
      out.site =
          codec == AV_CODEC_ID_MJPEG || codec == AV_CODEC_ID_MPEG1VIDEO || codec == AV_CODEC_ID_WEBP
              ? ChromaSite::center
              : ChromaSite::left;
      break;
  }
  return out;
}

AVPixelFormat nearest_format(AVPixelFormat format) {
  const auto* d = av_pix_fmt_desc_get(format);
  if (d == nullptr) return AV_PIX_FMT_NONE;
  Layout layout{};
  int depth = 0;
  if (direct(*d, &layout, &depth) || byte_rgb(*d)) return format;
  if (is_rgb(*d) || (d->flags & (AV_PIX_FMT_FLAG_PAL | AV_PIX_FMT_FLAG_BAYER)) != 0 ||
      format == AV_PIX_FMT_XYZ12LE || format == AV_PIX_FMT_XYZ12BE)
    return AV_PIX_FMT_RGB24;
  const bool deep = d->comp[0].depth > 8;
  if (d->nb_components < 3) return deep ? AV_PIX_FMT_GRAY10LE : AV_PIX_FMT_GRAY8;
  if (d->log2_chroma_w == 0) return deep ? AV_PIX_FMT_YUV444P10LE : AV_PIX_FMT_YUV444P;
  if (d->log2_chroma_h == 0) return deep ? AV_PIX_FMT_YUV422P10LE : AV_PIX_FMT_YUV422P;
  return deep ? AV_PIX_FMT_YUV420P10LE : AV_PIX_FMT_YUV420P;
}

size_t frame_bytes(const Frame& f) {
  size_t n = 0;
  for (int i = 0; i < f.plane_count(); ++i) {
    const auto& p = f.planes[static_cast<size_t>(i)];
    n += static_cast<size_t>(std::abs(p.stride)) * static_cast<size_t>(p.height);
  }
  return n;
}

AvFrame PictureMaker::convert(const AVFrame& from, AVPixelFormat to, int width, int height,
                              const Colour& colour) {
  const std::array<int, 7> key{
      from.format,
      from.width,
      from.height,
      to,
      width,
      height,
      static_cast<int>(colour.matrix) * 2 + static_cast<int>(colour.range)};
  if (!sws_ || key != sws_key_) {
    sws_.reset(sws_getContext(
        from.width, from.height, static_cast<AVPixelFormat>(from.format), width, height, to,
        SWS_BICUBIC | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT | SWS_FULL_CHR_H_INP | SWS_BITEXACT,
        nullptr, nullptr, nullptr));
    if (!sws_) {
      const char* name = av_get_pix_fmt_name(static_cast<AVPixelFormat>(from.format));
      throw run_failed(where_, std::string("pixel format ") + (name != nullptr ? name : "unknown") +
                                   " cannot be converted");
    }
    const int table = colour.matrix == Matrix::bt601    ? SWS_CS_ITU601
                      : colour.matrix == Matrix::bt2020 ? SWS_CS_BT2020
                                                        : SWS_CS_ITU709;
    const int range = colour.range == Range::full ? 1 : 0;
    const int* k = sws_getCoefficients(table);
    sws_setColorspaceDetails(sws_.get(), k, range, k, range, 0, 1 << 16, 1 << 16);
    sws_key_ = key;
  }
  AvFrame out = new_frame();
  out->format = to;
  out->width = width;
  out->height = height;
  if (av_frame_get_buffer(out.get(), 0) < 0) throw std::bad_alloc();
  sws_scale(sws_.get(), from.data, from.linesize, 0, from.height, out->data, out->linesize);
  out->colorspace = from.colorspace;
  out->color_range = from.color_range;
  out->chroma_location = from.chroma_location;
  out->interlaced_frame = from.interlaced_frame;
  return out;
}

frames::FramePtr PictureMaker::make(AvFrame in, int64_t index, double time) {
  const Colour colour = colour_of(*in, codec_);
  const bool interlaced = in->interlaced_frame != 0;
  const int width = width_ > 0 ? width_ : in->width, height = height_ > 0 ? height_ : in->height;
  auto format = static_cast<AVPixelFormat>(in->format);
  AVPixelFormat wanted = nearest_format(format);
  if (wanted == AV_PIX_FMT_NONE)
    throw run_failed(where_, "the decoder gave an unknown pixel format");
  const auto* d = av_pix_fmt_desc_get(wanted);
  if (d != nullptr && !is_rgb(*d) && !turn_.none()) {
    // Turning needs whole chroma: 4:2:2 on its side and odd sizes go by way of 4:4:4.
    const bool odd =
        (width % 2 != 0 && d->log2_chroma_w > 0) || (height % 2 != 0 && d->log2_chroma_h > 0);
    if (d->nb_components >= 3 && (odd || (turn_.swaps() && d->log2_chroma_w != d->log2_chroma_h)))
      wanted = d->comp[0].depth > 8 ? AV_PIX_FMT_YUV444P10LE : AV_PIX_FMT_YUV444P;
  }
  bool upside_down = false;
  for (int i = 0; i < 3; ++i)
    upside_down |= in->data[i] != nullptr && in->linesize[i] < 0;
  const bool another_size = in->width != width || in->height != height;
  if (another_size)
    log_once(LogLevel::warning, where_ + " size",
             where_ + ": the picture size changes inside the video; all of it is shown at " +
                 std::to_string(width) + "x" + std::to_string(height));
  if (another_size || (upside_down && !byte_rgb(*d)) || wanted != format) {
    in = convert(*in, wanted, width, height, colour);
    format = wanted;
  }
  d = av_pix_fmt_desc_get(format);

  std::shared_ptr<Frame> frame;
  Layout layout{};
  int depth = 8;
  if (is_rgb(*d) && format != AV_PIX_FMT_RGB24) {
    frame = rgb_frame(*in, *d);
  } else {
    frame = std::make_shared<Frame>();
    if (format == AV_PIX_FMT_RGB24)
      layout = Layout::rgb24;
    else if (!direct(*d, &layout, &depth))
      throw run_failed(where_, std::string("unexpected pixel format ") + d->name);
    frame->layout = layout;
    frame->depth = depth;
    for (int i = 0; i < frame->plane_count(); ++i)
      frame->planes[static_cast<size_t>(i)] = {
          in->data[i], in->linesize[i],
          i == 0 ? in->width : AV_CEIL_RSHIFT(in->width, d->log2_chroma_w),
          i == 0 ? in->height : AV_CEIL_RSHIFT(in->height, d->log2_chroma_h)};
    frame->storage = std::shared_ptr<AVFrame>(std::move(in));
  }
  frame->width = width;
  frame->height = height;
  frame->matrix = colour.matrix;
  frame->range = frame->layout == Layout::rgb24 ? Range::full : colour.range;
  frame->site = colour.site;
  frame->interlaced = interlaced;
  frame->index = index;
  frame->time = time;
  if (!turn_.none()) return turned(*frame, turn_);
  return frame;
}

}  // namespace looktwice::video
