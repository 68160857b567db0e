#pragma once
// A picture to draw into and to read back, for windows that are not OpenGL's.

#include <cstdint>

#include "gl/framebuffer.h"
#include "gl/owner.h"
#include "gl/texture.h"

namespace looktwice::gl {

/// With the context current, the same one every time. Row 0 is the top one.
class Offscreen {
 public:
  /// Makes it this large, unless it is; what it held is then lost. Throws Error(run) where the
  /// driver refuses.
  void fit(const Owner& owner, int width, int height);
  /// Binds it, sets all state that drawing here depends on, whatever was left, and the viewport to
  /// all of it.
  void begin() const;
  void clear(float red, float green, float blue) const;
  /// Rows of blue, green, red, opacity, `row_bytes` apart (a multiple of four).
  void read(uint8_t* to, int row_bytes) const;
  unsigned framebuffer() const { return framebuffer_.id(); }
  int width() const { return texture_.width(); }
  int height() const { return texture_.height(); }

 private:
  Texture texture_;
  Framebuffer framebuffer_;
};

}  // namespace looktwice::gl
