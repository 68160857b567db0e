#pragma once
// Textures: immutable in size and format once allocated, filled by rows of any stride.

#include <cstddef>
#include <cstdint>
#include <string>

#include "gl/owner.h"

namespace looktwice::gl {

void delete_texture(unsigned id);

/// The unit that allocating and uploading use; drawing never reads from it.
constexpr int kScratchUnit = 12;

/// r16 and rgba16 hold 16-bit samples read as 0..1; rgba16ui and rgba32ui hold integers.
enum class Format { r8, r16, rgb8, rgba8, rgba16, rgba16ui, rgba32ui };
enum class Filter { nearest, linear };
int bytes_per_texel(Format format);

class Texture {
 public:
  Texture() = default;
  /// `layers` 0 makes a 2D texture, else an array. Edges clamp. Throws Error(run) if the driver
  /// cannot hold the size.
  Texture(const Owner& owner, Format format, int width, int height, Filter filter, int layers = 0);

  /// Writes rows [0,height) × [0,width) at (x,y). `row_bytes` may be anything, negative included.
  /// A bound pixel unpack buffer is unbound.
  void upload(const void* data, ptrdiff_t row_bytes, int width, int height, int x = 0, int y = 0,
              int layer = 0);
  /// Fills all of a 2D texture from a pixel buffer object of tight rows.
  void upload_from_buffer(unsigned buffer);
  void bind(int unit) const;
  /// The same, and changes how it is read from now on.
  void bind(int unit, Filter filter);

  unsigned id() const { return name_.id(); }
  int width() const { return width_; }
  int height() const { return height_; }
  int layers() const { return layers_; }
  Format format() const { return format_; }
  explicit operator bool() const { return static_cast<bool>(name_); }

 private:
  unsigned target() const;
  Name<delete_texture> name_;
  Format format_ = Format::r8;
  Filter filter_ = Filter::nearest;
  int width_ = 0, height_ = 0, layers_ = 0;
};

}  // namespace looktwice::gl
