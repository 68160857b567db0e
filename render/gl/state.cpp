#include "gl/state.h"

#include <array>

#include "gl/gl.h"

namespace looktwice::gl {
namespace {

constexpr std::array<GLenum, 9> kSwitches = {
    GL_BLEND,        GL_DEPTH_TEST,        GL_CULL_FACE,        GL_STENCIL_TEST,
    GL_SCISSOR_TEST, GL_PRIMITIVE_RESTART, GL_FRAMEBUFFER_SRGB, GL_COLOR_LOGIC_OP,
    GL_DITHER};
constexpr std::array<GLenum, 12> kPixelStore = {
    GL_UNPACK_ALIGNMENT,   GL_UNPACK_ROW_LENGTH,   GL_UNPACK_SKIP_ROWS,  GL_UNPACK_SKIP_PIXELS,
    GL_UNPACK_SKIP_IMAGES, GL_UNPACK_IMAGE_HEIGHT, GL_UNPACK_SWAP_BYTES, GL_PACK_ALIGNMENT,
    GL_PACK_ROW_LENGTH,    GL_PACK_SKIP_ROWS,      GL_PACK_SKIP_PIXELS,  GL_PACK_SWAP_BYTES};

struct Unit {
  GLint texture = 0, array = 0, sampler = 0;
};

}  // namespace

struct StateGuard::Saved {
  std::array<GLboolean, kSwitches.size()> switches{};
  std::array<GLint, kPixelStore.size()> pixel_store{};
  std::array<Unit, kUnits> units{};
  GLint program = 0, vertex_array = 0, array_buffer = 0, unpack = 0, pack = 0, active = 0;
  GLint draw = 0, read = 0, viewport[4] = {}, scissor[4] = {}, polygon[2] = {GL_FILL, GL_FILL};
  GLint source_rgb = 0, target_rgb = 0, source_alpha = 0, target_alpha = 0, equation_rgb = 0,
        equation_alpha = 0;
  GLfloat clear[4] = {}, blend[4] = {};
  GLboolean mask[4] = {};
};

StateGuard::StateGuard() : saved_(std::make_unique<Saved>()) {
  Saved& s = *saved_;
  for (size_t i = 0; i < kSwitches.size(); ++i) {
    s.switches[i] = glIsEnabled(kSwitches[i]);
    glDisable(kSwitches[i]);
  }
  for (size_t i = 0; i < kPixelStore.size(); ++i)
    glGetIntegerv(kPixelStore[i], &s.pixel_store[i]);
  glGetIntegerv(GL_ACTIVE_TEXTURE, &s.active);
  for (int i = 0; i < kUnits; ++i) {
    glActiveTexture(GL_TEXTURE0 + static_cast<GLenum>(i));
    glGetIntegerv(GL_TEXTURE_BINDING_2D, &s.units[i].texture);
    glGetIntegerv(GL_TEXTURE_BINDING_2D_ARRAY, &s.units[i].array);
    glGetIntegerv(GL_SAMPLER_BINDING, &s.units[i].sampler);
  }
  glActiveTexture(GL_TEXTURE0);
  glGetIntegerv(GL_CURRENT_PROGRAM, &s.program);
  glGetIntegerv(GL_VERTEX_ARRAY_BINDING, &s.vertex_array);
  glGetIntegerv(GL_ARRAY_BUFFER_BINDING, &s.array_buffer);
  glGetIntegerv(GL_PIXEL_UNPACK_BUFFER_BINDING, &s.unpack);
  glGetIntegerv(GL_PIXEL_PACK_BUFFER_BINDING, &s.pack);
  glGetIntegerv(GL_DRAW_FRAMEBUFFER_BINDING, &s.draw);
  glGetIntegerv(GL_READ_FRAMEBUFFER_BINDING, &s.read);
  glGetIntegerv(GL_VIEWPORT, s.viewport);
  glGetIntegerv(GL_SCISSOR_BOX, s.scissor);
  glGetIntegerv(GL_POLYGON_MODE, s.polygon);
  glGetIntegerv(GL_BLEND_SRC_RGB, &s.source_rgb);
  glGetIntegerv(GL_BLEND_DST_RGB, &s.target_rgb);
  glGetIntegerv(GL_BLEND_SRC_ALPHA, &s.source_alpha);
  glGetIntegerv(GL_BLEND_DST_ALPHA, &s.target_alpha);
  glGetIntegerv(GL_BLEND_EQUATION_RGB, &s.equation_rgb);
  glGetIntegerv(GL_BLEND_EQUATION_ALPHA, &s.equation_alpha);
  glGetFloatv(GL_COLOR_CLEAR_VALUE, s.clear);
  glGetFloatv(GL_BLEND_COLOR, s.blend);
  glGetBooleanv(GL_COLOR_WRITEMASK, s.mask);

  glBindBuffer(GL_PIXEL_UNPACK_BUFFER, 0);
  glBindBuffer(GL_PIXEL_PACK_BUFFER, 0);
  glColorMask(GL_TRUE, GL_TRUE, GL_TRUE, GL_TRUE);
  glPolygonMode(GL_FRONT_AND_BACK, GL_FILL);
  glBlendEquation(GL_FUNC_ADD);
}

StateGuard::~StateGuard() {
  const Saved& s = *saved_;
  const auto u = [](GLint value) { return static_cast<GLuint>(value); };
  const auto e = [](GLint value) { return static_cast<GLenum>(value); };
  for (int i = 0; i < kUnits; ++i) {
    glActiveTexture(GL_TEXTURE0 + static_cast<GLenum>(i));
    glBindTexture(GL_TEXTURE_2D, u(s.units[i].texture));
    glBindTexture(GL_TEXTURE_2D_ARRAY, u(s.units[i].array));
    glBindSampler(u(i), u(s.units[i].sampler));
  }
  glActiveTexture(e(s.active));
  glUseProgram(u(s.program));
  glBindVertexArray(u(s.vertex_array));
  glBindBuffer(GL_ARRAY_BUFFER, u(s.array_buffer));
  glBindBuffer(GL_PIXEL_UNPACK_BUFFER, u(s.unpack));
  glBindBuffer(GL_PIXEL_PACK_BUFFER, u(s.pack));
  glBindFramebuffer(GL_DRAW_FRAMEBUFFER, u(s.draw));
  glBindFramebuffer(GL_READ_FRAMEBUFFER, u(s.read));
  glViewport(s.viewport[0], s.viewport[1], s.viewport[2], s.viewport[3]);
  glScissor(s.scissor[0], s.scissor[1], s.scissor[2], s.scissor[3]);
  glPolygonMode(GL_FRONT_AND_BACK, e(s.polygon[0]));
  glBlendFuncSeparate(e(s.source_rgb), e(s.target_rgb), e(s.source_alpha), e(s.target_alpha));
  glBlendEquationSeparate(e(s.equation_rgb), e(s.equation_alpha));
  glBlendColor(s.blend[0], s.blend[1], s.blend[2], s.blend[3]);
  glClearColor(s.clear[0], s.clear[1], s.clear[2], s.clear[3]);
  glColorMask(s.mask[0], s.mask[1], s.mask[2], s.mask[3]);
  for (size_t i = 0; i < kPixelStore.size(); ++i)
    glPixelStorei(kPixelStore[i], s.pixel_store[i]);
  for (size_t i = 0; i < kSwitches.size(); ++i) {
    s.switches[i] ? glEnable(kSwitches[i]) : glDisable(kSwitches[i]);
  }
}

}  // namespace looktwice::gl
