#include "video/turn.h"

#include <algorithm>
#include <cstring>
#include <vector>

namespace looktwice::video {
namespace {

using frames::ChromaSite;
using frames::Frame;
using frames::Plane;

template <size_t Bytes>
void turn_plane(const Plane& in, const Turn& t, uint8_t* to, int width, int height) {
  // out(x', y') = in(x, y) with x = a·x' + b·y', y = c·x' + d·y', counted from the far edge where
  // the coefficient is negative.
  const ptrdiff_t step = static_cast<ptrdiff_t>(Bytes);
  const ptrdiff_t along_x = t.a * step + t.c * in.stride;  // from one output column to the next
  const ptrdiff_t along_y = t.b * step + t.d * in.stride;  // from one output row to the next
  const int x0 = t.a < 0 || t.b < 0 ? in.width - 1 : 0;
  const int y0 = t.c < 0 || t.d < 0 ? in.height - 1 : 0;
  const uint8_t* origin = in.data + in.stride * y0 + step * x0;
  constexpr int kBlock = 32;  // both sides of a block stay in the cache when rows become columns
  for (int by = 0; by < height; by += kBlock)
    for (int bx = 0; bx < width; bx += kBlock)
      for (int y = by; y < std::min(by + kBlock, height); ++y) {
        const uint8_t* from = origin + along_y * y + along_x * bx;
        uint8_t* out = to + Bytes * (static_cast<size_t>(y) * static_cast<size_t>(width) +
                                     static_cast<size_t>(bx));
        for (int x = bx; x < std::min(bx + kBlock, width); ++x, from += along_x, out += Bytes)
          std::memcpy(out, from, Bytes);
      }
}

ChromaSite turn_site(ChromaSite site, const Turn& t) {
  const auto o = chroma_offset(site);
  const float x = t.swaps() ? (t.c < 0 ? 1 - o.y : o.y) : (t.a < 0 ? 1 - o.x : o.x);
  const float y = t.swaps() ? (t.b < 0 ? 1 - o.x : o.x) : (t.d < 0 ? 1 - o.y : o.y);
  for (int s = 0; s <= static_cast<int>(ChromaSite::bottom_right); ++s) {
    const auto at = chroma_offset(static_cast<ChromaSite>(s));
    if (at.x == x && at.y == y) return static_cast<ChromaSite>(s);
  }
  return site;
}

}  // namespace

frames::FramePtr turned(const Frame& in, const Turn& t) {
  auto out = std::make_shared<Frame>(in);
  if (t.swaps()) std::swap(out->width, out->height);
  out->site = turn_site(in.site, t);
  const size_t sample = in.layout == frames::Layout::rgb24 ? 3 : in.depth > 8 ? 2 : 1;
  size_t total = 0;
  for (int i = 0; i < in.plane_count(); ++i) {
    const Plane& p = in.planes[static_cast<size_t>(i)];
    total += sample * static_cast<size_t>(p.width) * static_cast<size_t>(p.height);
  }
  auto bytes = std::make_shared<std::vector<uint8_t>>(total);
  uint8_t* to = bytes->data();
  for (int i = 0; i < in.plane_count(); ++i) {
    const Plane& p = in.planes[static_cast<size_t>(i)];
    const int w = t.swaps() ? p.height : p.width, h = t.swaps() ? p.width : p.height;
    if (sample == 1)
      turn_plane<1>(p, t, to, w, h);
    else if (sample == 2)
      turn_plane<2>(p, t, to, w, h);
    else
      turn_plane<3>(p, t, to, w, h);
    out->planes[static_cast<size_t>(i)] = {to, static_cast<ptrdiff_t>(sample) * w, w, h};
    to += sample * static_cast<size_t>(w) * static_cast<size_t>(h);
  }
  out->storage = bytes;
  return out;
}

}  // namespace looktwice::video
