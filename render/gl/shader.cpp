#include "gl/shader.h"

#include "base/error.h"
#include "gl/gl.h"

namespace looktwice::gl {
namespace {

std::string first_line(const std::string& text) {
  return text.substr(0, text.find('\n'));
}

class Stage {
 public:
  Stage(GLenum type, const std::string& name, const std::string& source)
      : id_(glCreateShader(type)) {
    const char* text = source.c_str();
    glShaderSource(id_, 1, &text, nullptr);
    glCompileShader(id_);
    GLint ok = 0;
    glGetShaderiv(id_, GL_COMPILE_STATUS, &ok);
    if (ok) return;
    char log[2048] = "";
    glGetShaderInfoLog(id_, sizeof log, nullptr, log);
    glDeleteShader(id_);
    throw run_failed("shader " + name, "does not compile: " + first_line(log));
  }
  ~Stage() { glDeleteShader(id_); }
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;
  GLuint id() const { return id_; }

 private:
  GLuint id_;
};

}  // namespace

const char* const kAreaVertex = R"(
layout(location = 0) in vec4 a_corners;
void main() {
  vec2 corner = vec2((gl_VertexID & 1) == 0 ? a_corners.x : a_corners.z,
                     (gl_VertexID & 2) == 0 ? a_corners.y : a_corners.w);
  gl_Position = vec4(corner, 0.0, 1.0);
}
)";

void delete_program(unsigned id) {
  glDeleteProgram(id);
}

Program::Program(const Owner& owner, const std::string& name, const std::string& vertex,
                 const std::string& fragment, const std::string& defines) {
  const std::string head = "#version 330 core\n" + defines;
  const Stage vertex_stage(GL_VERTEX_SHADER, name, head + vertex);
  const Stage fragment_stage(GL_FRAGMENT_SHADER, name, head + fragment);
  name_ = Name<delete_program>(owner, glCreateProgram());
  glAttachShader(name_.id(), vertex_stage.id());
  glAttachShader(name_.id(), fragment_stage.id());
  glLinkProgram(name_.id());
  glDetachShader(name_.id(), vertex_stage.id());
  glDetachShader(name_.id(), fragment_stage.id());
  GLint ok = 0;
  glGetProgramiv(name_.id(), GL_LINK_STATUS, &ok);
  if (ok) return;
  char log[2048] = "";
  glGetProgramInfoLog(name_.id(), sizeof log, nullptr, log);
  throw run_failed("shader " + name, "does not link: " + first_line(log));
}

void Program::use() const {
  glUseProgram(name_.id());
}

int Program::location(const char* uniform) {
  const auto found = locations_.find(uniform);
  if (found != locations_.end()) return found->second;
  return locations_[uniform] = glGetUniformLocation(name_.id(), uniform);
}

void Program::set(const char* uniform, int value) {
  glUniform1i(location(uniform), value);
}
void Program::set(const char* uniform, int x, int y) {
  glUniform2i(location(uniform), x, y);
}
void Program::set(const char* uniform, float value) {
  glUniform1f(location(uniform), value);
}
void Program::set(const char* uniform, float x, float y) {
  glUniform2f(location(uniform), x, y);
}
void Program::set(const char* uniform, float x, float y, float z) {
  glUniform3f(location(uniform), x, y, z);
}
void Program::set(const char* uniform, float x, float y, float z, float w) {
  glUniform4f(location(uniform), x, y, z, w);
}
void Program::set_matrix3(const char* uniform, const float* row_major) {
  glUniformMatrix3fv(location(uniform), 1, GL_TRUE, row_major);
}
void Program::set_texture(const char* uniform, int unit, const Texture& texture) {
  const int at = location(uniform);
  if (at < 0) return;
  texture.bind(unit);
  glUniform1i(at, unit);
}

void Program::set_texture(const char* uniform, int unit, Texture& texture, Filter filter) {
  const int at = location(uniform);
  if (at < 0) return;
  texture.bind(unit, filter);
  glUniform1i(at, unit);
}

void RectDrawer::draw(const Owner& owner, const PixelRect& area) {
  if (area.width <= 0 || area.height <= 0) return;
  glViewport(area.x, area.y, area.width, area.height);
  draw_corners(owner, {-1, -1, 1, 1});
}

void RectDrawer::draw(const Owner& owner, int width, int height,
                      const std::vector<PixelRect>& areas) {
  std::vector<float> corners;
  corners.reserve(areas.size() * 4);
  const auto at = [](int position, int size) {
    return static_cast<float>(2.0 * position / size - 1.0);
  };
  for (const PixelRect& area : areas) {
    if (area.width <= 0 || area.height <= 0) continue;
    corners.insert(corners.end(),
                   {at(area.x, width), at(area.y, height), at(area.x + area.width, width),
                    at(area.y + area.height, height)});
  }
  if (corners.empty()) return;
  glViewport(0, 0, width, height);
  draw_corners(owner, corners);
}

void RectDrawer::draw_corners(const Owner& owner, const std::vector<float>& corners) {
  if (!array_) {
    GLuint id = 0;
    glGenVertexArrays(1, &id);
    array_ = Name<delete_vertex_array>(owner, id);
    glGenBuffers(1, &id);
    buffer_ = Name<delete_buffer>(owner, id);
    glBindVertexArray(array_.id());
    glBindBuffer(GL_ARRAY_BUFFER, buffer_.id());
    glEnableVertexAttribArray(0);
    glVertexAttribPointer(0, 4, GL_FLOAT, GL_FALSE, 4 * sizeof(float), nullptr);
    glVertexAttribDivisor(0, 1);
  }
  glBindVertexArray(array_.id());
  glBindBuffer(GL_ARRAY_BUFFER, buffer_.id());
  glBufferData(GL_ARRAY_BUFFER, static_cast<GLsizeiptr>(corners.size() * sizeof(float)),
               corners.data(), GL_STREAM_DRAW);
  glDrawArraysInstanced(GL_TRIANGLE_STRIP, 0, 4, static_cast<GLsizei>(corners.size() / 4));
}

void RectDrawer::release() {
  array_ = {};
  buffer_ = {};
}

}  // namespace looktwice::gl
