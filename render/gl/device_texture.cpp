#include "gl/device_texture.h"

#include "compute/gl_sharing.h"
#include "gl/gl.h"

namespace looktwice::gl {

DeviceTexture::DeviceTexture(const Owner& owner, Format format, int width, int height,
                             Filter filter)
    : texture_(owner, format, width, height, filter),
      bytes_(size_t(width) * size_t(height) * size_t(bytes_per_texel(format))) {
  GLuint id = 0;
  glGenBuffers(1, &id);
  buffer_ = Name<delete_buffer>(owner, id);
  glBindBuffer(GL_PIXEL_UNPACK_BUFFER, id);
  glBufferData(GL_PIXEL_UNPACK_BUFFER, GLsizeiptr(bytes_), nullptr, GL_STREAM_DRAW);
  glBindBuffer(GL_PIXEL_UNPACK_BUFFER, 0);
}

DeviceTexture::Way DeviceTexture::fill(compute::Backend& backend, const compute::Tensor& picture) {
  compute::require(picture.contiguous() && picture.bytes() == bytes_, "DeviceTexture",
                   "the picture has the texture's bytes");
  const ptrdiff_t row_bytes = ptrdiff_t(bytes_ / size_t(texture_.height()));
  compute::GlSharing* sharing = backend.gl_sharing();
  if (!sharing || !sharing->to_gl_buffer(buffer_.id(), picture)) {
    const compute::Tensor host = sharing ? backend.download(picture) : picture;
    texture_.upload(host.raw(), row_bytes, texture_.width(), texture_.height());
    return Way::copied;
  }
  texture_.upload_from_buffer(buffer_.id());
  return Way::shared;
}

}  // namespace looktwice::gl
