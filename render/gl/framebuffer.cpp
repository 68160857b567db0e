#include "gl/framebuffer.h"

#include <cstring>
#include <string>

#include "base/error.h"
#include "gl/gl.h"

namespace looktwice::gl {
namespace {

void set_pack_state() {
  glPixelStorei(GL_PACK_ALIGNMENT, 1);
  glPixelStorei(GL_PACK_ROW_LENGTH, 0);
  glPixelStorei(GL_PACK_SKIP_ROWS, 0);
  glPixelStorei(GL_PACK_SKIP_PIXELS, 0);
  glPixelStorei(GL_PACK_SWAP_BYTES, GL_FALSE);
}

}  // namespace

void delete_framebuffer(unsigned id) {
  glDeleteFramebuffers(1, &id);
}
void delete_buffer(unsigned id) {
  glDeleteBuffers(1, &id);
}
void delete_vertex_array(unsigned id) {
  glDeleteVertexArrays(1, &id);
}

Framebuffer::Framebuffer(const Owner& owner, std::initializer_list<const Texture*> textures) {
  GLuint id = 0;
  glGenFramebuffers(1, &id);
  name_ = Name<delete_framebuffer>(owner, id);
  glBindFramebuffer(GL_FRAMEBUFFER, id);
  GLenum attachments[4];
  GLsizei count = 0;
  for (const Texture* texture : textures) {
    attachments[count] = GL_COLOR_ATTACHMENT0 + static_cast<GLenum>(count);
    glFramebufferTexture2D(GL_FRAMEBUFFER, attachments[count], GL_TEXTURE_2D, texture->id(), 0);
    ++count;
  }
  glDrawBuffers(count, attachments);
  const GLenum status = glCheckFramebufferStatus(GL_FRAMEBUFFER);
  if (status != GL_FRAMEBUFFER_COMPLETE) {
    throw run_failed("OpenGL", "the driver refuses to draw into a picture (status " +
                                   std::to_string(status) + ")");
  }
}

void Framebuffer::bind() const {
  glBindFramebuffer(GL_DRAW_FRAMEBUFFER, id());
}

void read_pixels(const Framebuffer& from, int width, int height, int channels, uint8_t* to) {
  glBindFramebuffer(GL_READ_FRAMEBUFFER, from.id());
  glReadBuffer(GL_COLOR_ATTACHMENT0);
  glBindBuffer(GL_PIXEL_PACK_BUFFER, 0);
  set_pack_state();
  glReadPixels(0, 0, width, height, channels == 4 ? GL_RGBA : GL_RGB, GL_UNSIGNED_BYTE, to);
}

PixelBuffer::PixelBuffer(const Owner& owner, size_t bytes) {
  GLuint id = 0;
  glGenBuffers(1, &id);
  name_ = Name<delete_buffer>(owner, id);
  glBindBuffer(GL_PIXEL_PACK_BUFFER, id);
  glBufferData(GL_PIXEL_PACK_BUFFER, static_cast<GLsizeiptr>(bytes), nullptr, GL_STREAM_READ);
  glBindBuffer(GL_PIXEL_PACK_BUFFER, 0);
}

void PixelBuffer::start(const Framebuffer& from, int width, int height) {
  glBindFramebuffer(GL_READ_FRAMEBUFFER, from.id());
  glReadBuffer(GL_COLOR_ATTACHMENT0);
  set_pack_state();
  glBindBuffer(GL_PIXEL_PACK_BUFFER, name_.id());
  glReadPixels(0, 0, width, height, GL_RGBA, GL_UNSIGNED_BYTE, nullptr);
  glBindBuffer(GL_PIXEL_PACK_BUFFER, 0);
}

void PixelBuffer::finish(uint8_t* to, size_t bytes) {
  glBindBuffer(GL_PIXEL_PACK_BUFFER, name_.id());
  const void* from =
      glMapBufferRange(GL_PIXEL_PACK_BUFFER, 0, static_cast<GLsizeiptr>(bytes), GL_MAP_READ_BIT);
  if (!from) {
    glBindBuffer(GL_PIXEL_PACK_BUFFER, 0);
    throw run_failed("OpenGL", "the picture cannot be read back");
  }
  std::memcpy(to, from, bytes);
  glUnmapBuffer(GL_PIXEL_PACK_BUFFER);
  glBindBuffer(GL_PIXEL_PACK_BUFFER, 0);
}

}  // namespace looktwice::gl
