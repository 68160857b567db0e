#pragma once
// The token grid of a clip. Token order is (t,h,w) row-major everywhere.

#include <cstddef>
#include <cstdint>

namespace looktwice::tokens {

struct Grid {
  int t = 0, h = 0, w = 0;      ///< tubelets, patch rows, patch columns
  int tubelet = 2, patch = 16;  ///< frames and pixels a token covers
  size_t size() const { return size_t(t) * h * w; }
  size_t per_tubelet() const { return size_t(h) * w; }
  bool operator==(const Grid&) const = default;
};

/// Bytes of a clip, RGB [T,H,W,3] row-major. Borrowed.
struct ClipView {
  const uint8_t* rgb = nullptr;
  int T = 0, H = 0, W = 0;
};

/// The grid of a clip; H and W are floored to the patch. Throws Error(input) if T is no multiple of
/// `tubelet` or a side is smaller than one patch.
Grid grid_of(const ClipView& clip, int tubelet, int patch);

}  // namespace looktwice::tokens
