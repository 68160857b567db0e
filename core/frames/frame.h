#pragma once
// A picture as it was decoded: planes, colour description, time. Immutable and shared.

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace looktwice::frames {

/// How the planes are laid out. YUV layouts are planar (Y, U, V); `depth` 10 stores each sample in
/// 16 little-endian bits (value in the low 10). rgb24 is one plane of interleaved R, G, B bytes.
enum class Layout { rgb24, yuv420, yuv422, yuv444, gray };
enum class Matrix { bt601, bt709, bt2020 };
enum class Range { limited, full };
/// Where a subsampled chroma sample lies relative to the luma samples it belongs to. Files have
/// left, center or top_left; the others come from turning such a picture upright.
enum class ChromaSite {
  left,
  center,
  top_left,
  top,
  right,
  bottom,
  top_right,
  bottom_left,
  bottom_right
};
/// Position of chroma sample (0,0), in luma pixels right of and below luma sample (0,0): left is
/// (0, 0.5), center (0.5, 0.5), top_left (0, 0). Only the axes that are subsampled count (y is
/// meaningless for 4:2:2). Chroma sample (i,j) lies at (2i + x, 2j + y).
struct ChromaOffset {
  float x = 0, y = 0;
};
ChromaOffset chroma_offset(ChromaSite site);

struct Plane {
  const uint8_t* data = nullptr;
  ptrdiff_t stride = 0;  ///< bytes from one row to the next
  int width = 0;         ///< samples
  int height = 0;        ///< rows
};

/// Upright (rotation metadata applied). Threads: const, so free to share.
struct Frame {
  int width = 0, height = 0;  ///< pixels
  Layout layout = Layout::rgb24;
  int depth = 8;  ///< bits a sample, 8 or 10
  Matrix matrix = Matrix::bt709;
  Range range = Range::limited;
  ChromaSite site = ChromaSite::left;
  bool interlaced = false;
  int64_t index = 0;  ///< 0-based number of the frame in its source
  double time = 0;    ///< presentation time, seconds from the first frame
  std::array<Plane, 3> planes{};
  std::shared_ptr<const void> storage;  ///< keeps the planes alive

  int plane_count() const { return layout == Layout::rgb24 || layout == Layout::gray ? 1 : 3; }
};

using FramePtr = std::shared_ptr<const Frame>;

/// A new rgb24 frame that owns a copy of `rgb` [height,width,3].
FramePtr make_rgb_frame(const uint8_t* rgb, int width, int height, int64_t index, double time);

/// Full-resolution RGB bytes [height,width,3] of a frame by its own matrix and range. 4:2:0 and
/// 4:2:2 chroma is interpolated linearly at its siting; results are rounded to nearest.
/// `to` holds width*height*3 bytes.
void to_rgb24(const Frame& frame, uint8_t* to);

}  // namespace looktwice::frames
