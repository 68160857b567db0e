#pragma once
// Framebuffers over textures, and reading them back.

#include <cstdint>
#include <initializer_list>

#include "gl/owner.h"
#include "gl/texture.h"

namespace looktwice::gl {

void delete_framebuffer(unsigned id);
void delete_buffer(unsigned id);
void delete_vertex_array(unsigned id);

class Framebuffer {
 public:
  Framebuffer() = default;
  /// Draws into `textures` (borrowed: they must outlive it) as colour attachments 0, 1, ….
  Framebuffer(const Owner& owner, std::initializer_list<const Texture*> textures);
  void bind() const;  ///< for drawing
  unsigned id() const { return name_.id(); }
  explicit operator bool() const { return static_cast<bool>(name_); }

 private:
  Name<delete_framebuffer> name_;
};

/// Reads rows of an rgba8 or rgb framebuffer's first attachment, row 0 first, `channels` 3 or 4
/// bytes a texel, rows close together. A bound pixel pack buffer is unbound.
void read_pixels(const Framebuffer& from, int width, int height, int channels, uint8_t* to);

/// A buffer that receives pixels while the GPU goes on.
class PixelBuffer {
 public:
  PixelBuffer() = default;
  PixelBuffer(const Owner& owner, size_t bytes);
  /// Starts to copy rgba8 rows.
  void start(const Framebuffer& from, int width, int height);
  /// Waits for the copy.
  void finish(uint8_t* to, size_t bytes);
  explicit operator bool() const { return static_cast<bool>(name_); }

 private:
  Name<delete_buffer> name_;
};

}  // namespace looktwice::gl
