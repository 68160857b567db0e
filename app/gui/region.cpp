#include "region.h"

#include <algorithm>

namespace looktwice::gui {

Region rgb_region(const frames::Frame& frame, int x, int y, int width, int height) {
  Region region;
  region.x = std::clamp(x, 0, frame.width);
  region.y = std::clamp(y, 0, frame.height);
  region.width = std::clamp(x + width, region.x, frame.width) - region.x;
  region.height = std::clamp(y + height, region.y, frame.height) - region.y;
  if (region.width == 0 || region.height == 0) return region;
  // A frame that borrows the planes, with an even margin for chroma interpolation.
  constexpr int kMargin = 4;
  const int left = std::max(0, (region.x - kMargin) & ~1),
            top = std::max(0, (region.y - kMargin) & ~1);
  const int right = std::min(frame.width, (region.x + region.width + kMargin + 1) & ~1);
  const int bottom = std::min(frame.height, (region.y + region.height + kMargin + 1) & ~1);
  frames::Frame part = frame;
  part.width = right - left;
  part.height = bottom - top;
  const int sample = frame.depth > 8 ? 2 : 1;
  for (int i = 0; i < frame.plane_count(); ++i) {
    frames::Plane& plane = part.planes[size_t(i)];
    const bool chroma = i > 0;
    const int sx =
        chroma && (frame.layout == frames::Layout::yuv420 || frame.layout == frames::Layout::yuv422)
            ? 2
            : 1;
    const int sy = chroma && frame.layout == frames::Layout::yuv420 ? 2 : 1;
    const int pixel = frame.layout == frames::Layout::rgb24 ? 3 : sample;
    plane.data += (top / sy) * plane.stride + ptrdiff_t(left / sx) * pixel;
    plane.width = std::min(plane.width - left / sx, (part.width + sx - 1) / sx);
    plane.height = std::min(plane.height - top / sy, (part.height + sy - 1) / sy);
  }
  std::vector<uint8_t> rgb(size_t(part.width) * size_t(part.height) * 3);
  frames::to_rgb24(part, rgb.data());
  region.rgb.resize(size_t(region.width) * size_t(region.height) * 3);
  for (int row = 0; row < region.height; ++row) {
    const size_t from =
        (size_t(region.y - top + row) * size_t(part.width) + size_t(region.x - left)) * 3;
    std::copy_n(rgb.begin() + ptrdiff_t(from), size_t(region.width) * 3,
                region.rgb.begin() + ptrdiff_t(size_t(row) * size_t(region.width) * 3));
  }
  return region;
}

}  // namespace looktwice::gui
