#include "gl/mesh.h"

#include <algorithm>
#include <cstddef>

#include "gl/gl.h"

namespace looktwice::gl {
namespace {

const char* const kVertex = R"(
layout(location = 0) in vec2 a_position;
layout(location = 1) in vec2 a_texture;
layout(location = 2) in vec4 a_color;
uniform vec2 u_scale;        // mesh units to clip space
out vec2 v_texture;
out vec4 v_color;
void main() {
  v_texture = a_texture;
  v_color = a_color;
  gl_Position = vec4(a_position * u_scale - 1.0, 0.0, 1.0);
}
)";

const char* const kFragment = R"(
in vec2 v_texture;
in vec4 v_color;
uniform sampler2D u_coverage;
out vec4 o_color;
void main() { o_color = vec4(v_color.rgb, v_color.a * texture(u_coverage, v_texture).r); }
)";

}  // namespace

void MeshDrawer::draw(const Owner& owner, const Mesh& mesh, const Texture& coverage, int width,
                      int height) {
  if (mesh.indices.empty() || width < 1 || height < 1) return;
  if (!program_) program_ = Program(owner, "mesh", kVertex, kFragment);
  if (!array_) {
    GLuint ids[2] = {};
    glGenVertexArrays(1, ids);
    array_ = Name<delete_vertex_array>(owner, ids[0]);
    glGenBuffers(2, ids);
    vertices_ = Name<delete_buffer>(owner, ids[0]);
    indices_ = Name<delete_buffer>(owner, ids[1]);
    glBindVertexArray(array_.id());
    glBindBuffer(GL_ARRAY_BUFFER, vertices_.id());
    glBindBuffer(GL_ELEMENT_ARRAY_BUFFER, indices_.id());
    const auto at = [](size_t offset) { return reinterpret_cast<const void*>(offset); };
    for (GLuint i = 0; i < 3; ++i)
      glEnableVertexAttribArray(i);
    glVertexAttribPointer(0, 2, GL_FLOAT, GL_FALSE, sizeof(MeshVertex), at(0));
    glVertexAttribPointer(1, 2, GL_FLOAT, GL_FALSE, sizeof(MeshVertex),
                          at(offsetof(MeshVertex, u)));
    glVertexAttribPointer(2, 4, GL_UNSIGNED_BYTE, GL_TRUE, sizeof(MeshVertex),
                          at(offsetof(MeshVertex, color)));
  }
  glBindVertexArray(array_.id());
  glBindBuffer(GL_ARRAY_BUFFER, vertices_.id());
  glBufferData(GL_ARRAY_BUFFER, static_cast<GLsizeiptr>(mesh.vertices.size() * sizeof(MeshVertex)),
               mesh.vertices.data(), GL_STREAM_DRAW);
  glBufferData(GL_ELEMENT_ARRAY_BUFFER,
               static_cast<GLsizeiptr>(mesh.indices.size() * sizeof(uint32_t)), mesh.indices.data(),
               GL_STREAM_DRAW);
  program_.use();
  program_.set("u_scale", 2 * mesh.scale / static_cast<float>(width),
               2 * mesh.scale / static_cast<float>(height));
  program_.set_texture("u_coverage", 0, coverage);
  glViewport(0, 0, width, height);
  glEnable(GL_BLEND);
  glBlendEquation(GL_FUNC_ADD);
  glBlendFuncSeparate(GL_SRC_ALPHA, GL_ONE_MINUS_SRC_ALPHA, GL_ONE, GL_ONE_MINUS_SRC_ALPHA);
  glEnable(GL_SCISSOR_TEST);
  for (const MeshPart& part : mesh.parts) {
    const PixelRect& clip = part.clip;
    const int x0 = std::clamp(clip.x, 0, width), x1 = std::clamp(clip.x + clip.width, 0, width);
    const int y0 = std::clamp(clip.y, 0, height), y1 = std::clamp(clip.y + clip.height, 0, height);
    if (x1 <= x0 || y1 <= y0) continue;
    glScissor(x0, y0, x1 - x0, y1 - y0);
    glDrawElements(GL_TRIANGLES, part.count, GL_UNSIGNED_INT,
                   reinterpret_cast<const void*>(size_t(part.first) * sizeof(uint32_t)));
  }
  glDisable(GL_SCISSOR_TEST);
  glDisable(GL_BLEND);
  glBindVertexArray(0);
}

void MeshDrawer::release() {
  program_ = {};
  vertices_ = {};
  indices_ = {};
  array_ = {};
}

}  // namespace looktwice::gl
