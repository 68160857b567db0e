#include "gl/texture.h"

#include <cstring>
#include <vector>

#include "base/error.h"
#include "gl/gl.h"

namespace looktwice::gl {
namespace {

struct Description {
  GLint internal;
  GLenum format, type;
  int bytes;
};

Description describe(Format format) {
  switch (format) {
    case Format::r8:
      return {GL_R8, GL_RED, GL_UNSIGNED_BYTE, 1};
    case Format::r16:
      return {GL_R16, GL_RED, GL_UNSIGNED_SHORT, 2};
    case Format::rgb8:
      return {GL_RGB8, GL_RGB, GL_UNSIGNED_BYTE, 3};
    case Format::rgba8:
      return {GL_RGBA8, GL_RGBA, GL_UNSIGNED_BYTE, 4};
    case Format::rgba16:
      return {GL_RGBA16, GL_RGBA, GL_UNSIGNED_SHORT, 8};
    case Format::rgba16ui:
      return {GL_RGBA16UI, GL_RGBA_INTEGER, GL_UNSIGNED_SHORT, 8};
    case Format::rgba32ui:
      return {GL_RGBA32UI, GL_RGBA_INTEGER, GL_UNSIGNED_INT, 16};
  }
  return {GL_R8, GL_RED, GL_UNSIGNED_BYTE, 1};
}

/// Rows of `row_length` texels, nothing else that a toolkit may have left behind.
void set_unpacking(GLint row_length) {
  glPixelStorei(GL_UNPACK_ALIGNMENT, 1);
  glPixelStorei(GL_UNPACK_ROW_LENGTH, row_length);
  glPixelStorei(GL_UNPACK_SKIP_ROWS, 0);
  glPixelStorei(GL_UNPACK_SKIP_PIXELS, 0);
  glPixelStorei(GL_UNPACK_SKIP_IMAGES, 0);
  glPixelStorei(GL_UNPACK_IMAGE_HEIGHT, 0);
  glPixelStorei(GL_UNPACK_SWAP_BYTES, GL_FALSE);
}

void set_filter(GLenum target, Filter filter) {
  const GLint value = filter == Filter::linear ? GL_LINEAR : GL_NEAREST;
  glTexParameteri(target, GL_TEXTURE_MIN_FILTER, value);
  glTexParameteri(target, GL_TEXTURE_MAG_FILTER, value);
}

}  // namespace

void delete_texture(unsigned id) {
  glDeleteTextures(1, &id);
}

int bytes_per_texel(Format format) {
  return describe(format).bytes;
}

unsigned Texture::target() const {
  return layers_ > 0 ? GL_TEXTURE_2D_ARRAY : GL_TEXTURE_2D;
}

Texture::Texture(const Owner& owner, Format format, int width, int height, Filter filter,
                 int layers)
    : format_(format), filter_(filter), width_(width), height_(height), layers_(layers) {
  GLint most = 0;
  glGetIntegerv(GL_MAX_TEXTURE_SIZE, &most);
  if (width < 1 || height < 1 || width > most || height > most) {
    throw run_failed("OpenGL",
                     "a picture of " + std::to_string(width) + "x" + std::to_string(height) +
                         " does not fit this driver's limit of " + std::to_string(most),
                     "choose a smaller picture");
  }
  GLuint id = 0;
  glGenTextures(1, &id);
  name_ = Name<delete_texture>(owner, id);
  const Description d = describe(format);
  glBindBuffer(GL_PIXEL_UNPACK_BUFFER, 0);
  glActiveTexture(GL_TEXTURE0 + kScratchUnit);
  glBindTexture(target(), id);
  while (glGetError() != GL_NO_ERROR) {
  }
  if (layers > 0) {
    glTexImage3D(GL_TEXTURE_2D_ARRAY, 0, d.internal, width, height, layers, 0, d.format, d.type,
                 nullptr);
  } else {
    glTexImage2D(GL_TEXTURE_2D, 0, d.internal, width, height, 0, d.format, d.type, nullptr);
  }
  if (glGetError() == GL_OUT_OF_MEMORY) {
    throw run_failed("OpenGL", "there is no memory for a picture of " + std::to_string(width) +
                                   "x" + std::to_string(height));
  }
  set_filter(target(), filter);
  glTexParameteri(target(), GL_TEXTURE_WRAP_S, GL_CLAMP_TO_EDGE);
  glTexParameteri(target(), GL_TEXTURE_WRAP_T, GL_CLAMP_TO_EDGE);
  glTexParameteri(target(), GL_TEXTURE_MAX_LEVEL, 0);
}

void Texture::upload(const void* data, ptrdiff_t row_bytes, int width, int height, int x, int y,
                     int layer) {
  if (width <= 0 || height <= 0) return;
  const Description d = describe(format_);
  std::vector<uint8_t> packed;
  if (row_bytes < ptrdiff_t{width} * d.bytes || row_bytes % d.bytes != 0) {
    const size_t row = size_t(width) * d.bytes;
    packed.resize(row * height);
    for (int i = 0; i < height; ++i) {
      std::memcpy(packed.data() + row * i, static_cast<const uint8_t*>(data) + row_bytes * i, row);
    }
    data = packed.data();
    row_bytes = static_cast<ptrdiff_t>(row);
  }
  glBindBuffer(GL_PIXEL_UNPACK_BUFFER, 0);
  set_unpacking(static_cast<GLint>(row_bytes / d.bytes));
  glActiveTexture(GL_TEXTURE0 + kScratchUnit);
  glBindTexture(target(), id());
  if (layers_ > 0) {
    glTexSubImage3D(GL_TEXTURE_2D_ARRAY, 0, x, y, layer, width, height, 1, d.format, d.type, data);
  } else {
    glTexSubImage2D(GL_TEXTURE_2D, 0, x, y, width, height, d.format, d.type, data);
  }
  glPixelStorei(GL_UNPACK_ROW_LENGTH, 0);
  glPixelStorei(GL_UNPACK_ALIGNMENT, 4);
}

void Texture::upload_from_buffer(unsigned buffer) {
  const Description d = describe(format_);
  set_unpacking(0);
  glActiveTexture(GL_TEXTURE0 + kScratchUnit);
  glBindTexture(GL_TEXTURE_2D, id());
  glBindBuffer(GL_PIXEL_UNPACK_BUFFER, buffer);
  glTexSubImage2D(GL_TEXTURE_2D, 0, 0, 0, width_, height_, d.format, d.type, nullptr);
  glBindBuffer(GL_PIXEL_UNPACK_BUFFER, 0);
  glPixelStorei(GL_UNPACK_ALIGNMENT, 4);
}

void Texture::bind(int unit) const {
  glActiveTexture(GL_TEXTURE0 + static_cast<GLenum>(unit));
  glBindTexture(target(), id());
  glBindSampler(static_cast<GLuint>(unit), 0);
}

void Texture::bind(int unit, Filter filter) {
  bind(unit);
  if (filter == filter_) return;
  filter_ = filter;
  set_filter(target(), filter);
}

}  // namespace looktwice::gl
