#include "gl/offscreen.h"

#include "gl/gl.h"

namespace looktwice::gl {

void Offscreen::fit(const Owner& owner, int width, int height) {
  if (framebuffer_ && texture_.width() == width && texture_.height() == height) return;
  framebuffer_ = {};
  texture_ = Texture(owner, Format::rgba8, width, height, Filter::nearest);
  framebuffer_ = Framebuffer(owner, {&texture_});
}

void Offscreen::begin() const {
  glBindFramebuffer(GL_FRAMEBUFFER, framebuffer_.id());
  glColorMask(GL_TRUE, GL_TRUE, GL_TRUE, GL_TRUE);
  for (const GLenum what : {GL_BLEND, GL_DEPTH_TEST, GL_STENCIL_TEST, GL_SCISSOR_TEST, GL_CULL_FACE,
                            GL_PRIMITIVE_RESTART, GL_COLOR_LOGIC_OP, GL_FRAMEBUFFER_SRGB}) {
    glDisable(what);
  }
  glPolygonMode(GL_FRONT_AND_BACK, GL_FILL);
  glBindBuffer(GL_PIXEL_UNPACK_BUFFER, 0);
  glViewport(0, 0, width(), height());
}

void Offscreen::clear(float red, float green, float blue) const {
  glClearColor(red, green, blue, 1);
  glClear(GL_COLOR_BUFFER_BIT);
}

void Offscreen::read(uint8_t* to, int row_bytes) const {
  glBindFramebuffer(GL_READ_FRAMEBUFFER, framebuffer_.id());
  glReadBuffer(GL_COLOR_ATTACHMENT0);
  glBindBuffer(GL_PIXEL_PACK_BUFFER, 0);
  glPixelStorei(GL_PACK_ALIGNMENT, 4);
  glPixelStorei(GL_PACK_ROW_LENGTH, row_bytes / 4);
  glPixelStorei(GL_PACK_SKIP_ROWS, 0);
  glPixelStorei(GL_PACK_SKIP_PIXELS, 0);
  glPixelStorei(GL_PACK_SWAP_BYTES, GL_FALSE);
  glReadPixels(0, 0, width(), height(), GL_BGRA, GL_UNSIGNED_INT_8_8_8_8_REV, to);
  glPixelStorei(GL_PACK_ROW_LENGTH, 0);
}

}  // namespace looktwice::gl
