#include "overlay/canvas.h"

#include <cmath>
#include <cstddef>

#include "gl/gl.h"

namespace looktwice::overlay {
namespace {

constexpr int kAtlas = 1024;

const char* const kVertex = R"(
layout(location = 0) in vec2 a_position;
layout(location = 1) in vec4 a_local;
layout(location = 2) in vec3 a_kind;
layout(location = 3) in vec4 a_color;
uniform vec2 u_size;
uniform float u_up;          // 1: row 0 is the picture's top, -1: its bottom
out vec2 v_position;
out vec2 v_local;
flat out vec2 v_half;
flat out vec3 v_kind;
flat out vec4 v_color;
void main() {
  v_position = a_position;
  v_local = a_local.xy;
  v_half = a_local.zw;
  v_kind = a_kind;
  v_color = a_color;
  gl_Position = vec4((a_position / u_size * 2.0 - 1.0) * vec2(1.0, u_up), 0.0, 1.0);
}
)";

const char* const kFragment = R"(
in vec2 v_position;
in vec2 v_local;
flat in vec2 v_half;
flat in vec3 v_kind;
flat in vec4 v_color;
uniform sampler2D u_atlas;
out vec4 o_color;
float distance_to_box(vec2 p, vec2 half_size, float radius) {
  vec2 q = abs(p) - half_size + radius;
  return length(max(q, vec2(0.0))) + min(max(q.x, q.y), 0.0) - radius;
}
void main() {
  float coverage;
  if (v_kind.x > 2.5) {
    coverage = texelFetch(u_atlas, ivec2(v_local), 0).r;
  } else {
    float d = distance_to_box(v_local, v_half, v_kind.z);
    coverage = clamp(0.5 - d, 0.0, 1.0);
    if (v_kind.x > 1.5) {
      coverage *= hatch(v_position, v_kind.y);
    } else if (v_kind.x > 0.5) {
      coverage *= clamp(d + v_kind.y + 0.5, 0.0, 1.0);
    }
  }
  float a = v_color.a * coverage;
  o_color = vec4(v_color.rgb * a, a);
}
)";

}  // namespace

const char* const kHatchGlsl = R"(
float hatch(vec2 position, float pixel) {
  float period = 9.0 * pixel;
  float along = abs(fract((position.x + position.y) / period) - 0.5) * period;
  return clamp(0.75 * pixel - along * 0.70710678 + 0.5, 0.0, 1.0);
}
)";

void Canvas::quad(const Box& box, float kind, float parameter, float radius, const Color& c,
                  float margin) {
  const float hw = box.width / 2, hh = box.height / 2;
  const float ex = hw + margin, ey = hh + margin;
  const float cx = box.x + hw, cy = box.y + hh;
  const auto corner = [&](float sx, float sy) {
    vertices_.push_back({cx + sx * ex, cy + sy * ey, sx * ex, sy * ey, hw, hh, kind, parameter,
                         radius, c.r, c.g, c.b, c.a});
  };
  for (const auto& [sx, sy] :
       {std::pair{-1.F, -1.F}, {1.F, -1.F}, {-1.F, 1.F}, {1.F, -1.F}, {1.F, 1.F}, {-1.F, 1.F}}) {
    corner(sx, sy);
  }
}

void Canvas::rectangle(const Box& box, const Color& color, float radius) {
  quad(box, 0, 0, radius, color, 1);
}
void Canvas::frame(const Box& box, const Color& color, float line, float radius) {
  quad(box, 1, line, radius, color, 1);
}
void Canvas::hatch(const Box& box, const Color& color, float pixel) {
  quad(box, 2, pixel, 0, color, 0);
}

void Canvas::line(float x0, float y0, float x1, float y1, float width, const Color& c) {
  const float dx = x1 - x0, dy = y1 - y0, length = std::hypot(dx, dy);
  const float ux = length > 0 ? dx / length : 1, uy = length > 0 ? dy / length : 0;
  const float hw = (length + width) / 2, hh = width / 2;
  const float ex = hw + 1, ey = hh + 1, cx = (x0 + x1) / 2, cy = (y0 + y1) / 2;
  for (const auto& [sx, sy] :
       {std::pair{-1.F, -1.F}, {1.F, -1.F}, {-1.F, 1.F}, {1.F, -1.F}, {1.F, 1.F}, {-1.F, 1.F}}) {
    const float a = sx * ex, b = sy * ey;
    vertices_.push_back(
        {cx + a * ux - b * uy, cy + a * uy + b * ux, a, b, hw, hh, 0, 0, hh, c.r, c.g, c.b, c.a});
  }
}

void Canvas::disc(float x, float y, float radius, const Color& color) {
  rectangle({x - radius, y - radius, 2 * radius, 2 * radius}, color, radius);
}

void Canvas::text(float x, float y, const std::string& text, int size, const Color& color,
                  Font& font) {
  float pen = x;
  char32_t last = 0;
  for (const char32_t code : code_points(text)) {
    if (last) pen += font.kerning(last, code, size);
    // Whole pixels: the glyph pictures are drawn for them.
    letters_.push_back({std::round(pen), std::round(y), code, size, color});
    pen += slot_for(code, size, font).glyph.advance;
    last = code;
  }
}

Canvas::Slot& Canvas::slot_for(char32_t code, int size, Font& font) {
  const auto [at, is_new] = slots_.try_emplace({code, size});
  if (is_new) at->second.glyph = font.glyph(code, size);
  return at->second;
}

void Canvas::place(Slot& slot) {
  const int w = slot.glyph.width, h = slot.glyph.height;
  if (shelf_x_ + w + 1 > kAtlas) {
    shelf_y_ += shelf_height_ + 1;
    shelf_x_ = shelf_height_ = 0;
  }
  if (w > kAtlas || shelf_y_ + h > kAtlas) return;  // draw() empties it after this drawing
  slot.x = shelf_x_;
  slot.y = shelf_y_;
  shelf_x_ += w + 1;
  shelf_height_ = std::max(shelf_height_, h);
  atlas_.upload(slot.glyph.coverage.data(), w, w, h, slot.x, slot.y);
}

void Canvas::add_letter(const Letter& letter, Font& font) {
  Slot& slot = slot_for(letter.code, letter.size, font);
  const Glyph& g = slot.glyph;
  if (g.coverage.empty()) return;
  if (slot.x < 0) place(slot);
  if (slot.x < 0) return;
  const float x = letter.x + static_cast<float>(g.left), y = letter.y + static_cast<float>(g.top);
  const auto u = static_cast<float>(slot.x), v = static_cast<float>(slot.y);
  const auto w = static_cast<float>(g.width), h = static_cast<float>(g.height);
  const Color& c = letter.color;
  const auto corner = [&](float sx, float sy) {
    vertices_.push_back(
        {x + sx * w, y + sy * h, u + sx * w, v + sy * h, 0, 0, 3, 0, 0, c.r, c.g, c.b, c.a});
  };
  for (const auto& [sx, sy] :
       {std::pair{0.F, 0.F}, {1.F, 0.F}, {0.F, 1.F}, {1.F, 0.F}, {1.F, 1.F}, {0.F, 1.F}}) {
    corner(sx, sy);
  }
}

void Canvas::draw(const gl::Owner& owner, int width, int height, Font& font,
                  const std::vector<Box>& clips, bool bottom_up) {
  if (!atlas_) {
    atlas_ = gl::Texture(owner, gl::Format::r8, kAtlas, kAtlas, gl::Filter::nearest);
    program_ = gl::Program(owner, "canvas", kVertex, std::string(kHatchGlsl) + kFragment);
    GLuint id = 0;
    glGenBuffers(1, &id);
    buffer_ = gl::Name<gl::delete_buffer>(owner, id);
    glGenVertexArrays(1, &id);
    array_ = gl::Name<gl::delete_vertex_array>(owner, id);
  }
  for (const Letter& letter : letters_)
    add_letter(letter, font);
  const bool full = shelf_y_ > kAtlas * 3 / 4;
  if (!vertices_.empty()) {
    glBindVertexArray(array_.id());
    glBindBuffer(GL_ARRAY_BUFFER, buffer_.id());
    glBufferData(GL_ARRAY_BUFFER, static_cast<GLsizeiptr>(vertices_.size() * sizeof(Vertex)),
                 vertices_.data(), GL_STREAM_DRAW);
    const auto attribute = [](GLuint index, GLint count, size_t offset) {
      glEnableVertexAttribArray(index);
      glVertexAttribPointer(index, count, GL_FLOAT, GL_FALSE, sizeof(Vertex),
                            reinterpret_cast<const void*>(offset));
    };
    attribute(0, 2, offsetof(Vertex, x));
    attribute(1, 4, offsetof(Vertex, local_x));
    attribute(2, 3, offsetof(Vertex, kind));
    attribute(3, 4, offsetof(Vertex, r));
    program_.use();
    program_.set("u_size", static_cast<float>(width), static_cast<float>(height));
    program_.set("u_up", bottom_up ? -1.F : 1.F);
    program_.set_texture("u_atlas", 0, atlas_);
    glEnable(GL_BLEND);
    glBlendFunc(GL_ONE, GL_ONE_MINUS_SRC_ALPHA);
    glViewport(0, 0, width, height);
    glEnable(GL_SCISSOR_TEST);
    for (const Box& clip : clips) {
      const float y = bottom_up ? static_cast<float>(height) - clip.y - clip.height : clip.y;
      glScissor(static_cast<GLint>(clip.x), static_cast<GLint>(y), static_cast<GLsizei>(clip.width),
                static_cast<GLsizei>(clip.height));
      glDrawArrays(GL_TRIANGLES, 0, static_cast<GLsizei>(vertices_.size()));
    }
    glDisable(GL_SCISSOR_TEST);
    glDisable(GL_BLEND);
  }
  vertices_.clear();
  letters_.clear();
  if (full) {
    slots_.clear();
    shelf_x_ = shelf_y_ = shelf_height_ = 0;
  }
}

void Canvas::release() {
  atlas_ = {};
  program_ = {};
  buffer_ = {};
  array_ = {};
  slots_.clear();
  shelf_x_ = shelf_y_ = shelf_height_ = 0;
}

}  // namespace looktwice::overlay
