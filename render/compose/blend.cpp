#include <algorithm>

#include "compose/frame_glsl.h"
#include "compose/parts.h"
#include "gl/gl.h"

namespace looktwice::compose {
namespace {

const char* const kPlace = R"(
uniform vec3 u_surface;      // column and row of the picture's corner, -1 where rows go up
uniform sampler2D u_layer;
out vec4 o_color;
vec2 output_position() {
  vec2 at = gl_FragCoord.xy - u_surface.xy;
  return vec2(at.x, u_surface.z * at.y);
}
uniform vec2 u_layer_texel;  // one over its size
vec4 layer_at(vec2 position) { return texture(u_layer, position * u_layer_texel); }
)";

const char* const kBlend = R"(
uniform vec3 u_place;        // of the frame: left, top, scale
void main() {
  vec2 position = output_position();
  vec4 layer = layer_at(position);
  vec3 color = live_color((position - u_place.xy) / u_place.z);
  o_color = vec4(color * (1.0 - layer.a) + layer.rgb, 1.0);
}
)";

const char* const kCopy = R"(
void main() { o_color = vec4(layer_at(output_position()).rgb, 1.0); }
)";

const char* const kDifference = R"(
uniform sampler2D u_content_a, u_content_b;
uniform vec3 u_place_a, u_place_b;
uniform vec3 u_luma;         // weights; zero: every channel by itself
uniform float u_gain;
vec3 shown(sampler2D content, vec2 position, vec3 color) {
  vec4 over = texture(content, position * u_layer_texel);
  return color * (1.0 - over.a) + over.rgb;
}
void main() {
  vec2 position = output_position();
  vec3 a = shown(u_content_a, position, a_color((position - u_place_a.xy) / u_place_a.z));
  vec3 b = shown(u_content_b, position, b_color((position - u_place_b.xy) / u_place_b.z));
  vec3 d = a - b;
  if (u_luma != vec3(0.0)) d = vec3(dot(d, u_luma));
  d = min(abs(d) * u_gain, 1.0);
  vec4 layer = layer_at(position);
  o_color = vec4(d * (1.0 - layer.a) + layer.rgb, 1.0);
}
)";

std::string kind(Planes planes, Sampling sampling) {
  return std::to_string(int(planes)) + std::to_string(int(sampling));
}

void set_layer(gl::Program& program, const char* name, int unit, StaticLayer& layer) {
  program.set_texture(name, unit, layer.texture(), gl::Filter::nearest);
  program.set("u_layer_texel", 1.F / static_cast<float>(layer.texture().width()),
              1.F / static_cast<float>(layer.texture().height()));
}

void set_place(gl::Program& program, const char* name, const Mapping& m) {
  program.set(name, static_cast<float>(m.left), static_cast<float>(m.top),
              static_cast<float>(m.scale));
}

}  // namespace

void Compositor::Parts::draw_on(const Surface& s, gl::Program& program, const Rect& area) {
  const int x = static_cast<int>(area.x), y = static_cast<int>(area.y);
  const int width = static_cast<int>(area.width), height = static_cast<int>(area.height);
  program.set("u_surface", static_cast<float>(s.x),
              static_cast<float>(s.bottom_up ? s.height - s.y : s.y), s.bottom_up ? -1.F : 1.F);
  painter.rects.draw(painter.owner,
                     {s.x + x, s.bottom_up ? s.height - s.y - y - height : s.y + y, width, height});
}

void Compositor::Parts::blend(const Scene& scene, const Look& look, const Surface& surface) {
  glBindFramebuffer(GL_DRAW_FRAMEBUFFER, surface.framebuffer);
  const Arrangement& arrangement = look.arrangement;
  double covered = 0;
  for (const Cell& cell : arrangement.cells)
    if (frame_of(cell.pane)) covered += cell.clip.width * cell.clip.height;
  const auto copy = [&](const Rect& area) {
    gl::Program& program = painter.program("copy", [] { return std::string(kPlace) + kCopy; });
    program.use();
    set_layer(program, "u_layer", 3, layer());
    draw_on(surface, program, area);
  };
  const double height = arrangement.size.height - arrangement.legend.height;
  if (covered < arrangement.size.width * height) {
    copy({0, 0, double(arrangement.size.width), double(arrangement.size.height)});
  } else if (arrangement.legend.height > 0) {
    copy(arrangement.legend);
  }
  if (scene.layout == Layout::difference && scene.panes.size() > 1) {
    blend_difference(scene, look, surface);
    return;
  }
  for (const Cell& cell : arrangement.cells) {
    const auto frame = frame_of(cell.pane);
    if (!frame) continue;
    const Planes planes = planes_of(*frame);
    const Sampling sampling = sampling_for(cell.mapping.scale);
    gl::Program& program = painter.program("blend " + kind(planes, sampling), [&] {
      return kPlace + frame_glsl("live", planes, sampling, false) + kBlend;
    });
    program.use();
    painter.frames.bind(painter.owner, program, "live", 0, frame, filter_for(sampling));
    set_frame_uniforms(program, "live", *frame, cell.mapping.scale);
    set_layer(program, "u_layer", 3, layer());
    set_place(program, "u_place", cell.mapping);
    draw_on(surface, program, cell.clip);
  }
}

void Compositor::Parts::blend_difference(const Scene& scene, const Look& look,
                                         const Surface& surface) {
  const auto a = frame_of(0), b = frame_of(1);
  if (!a || !b) return;
  const Cell& cell = look.arrangement.cells.front();
  Mapping second = cell.mapping;
  second.scale *= double(a->width) / b->width;
  const Planes planes_a = planes_of(*a), planes_b = planes_of(*b);
  const Sampling sampling_a = sampling_for(cell.mapping.scale);
  const Sampling sampling_b = sampling_for(second.scale);
  gl::Program& program =
      painter.program("difference " + kind(planes_a, sampling_a) + kind(planes_b, sampling_b), [&] {
        return kPlace + frame_glsl("a", planes_a, sampling_a, false) +
               frame_glsl("b", planes_b, sampling_b, false) + kDifference;
      });
  program.use();
  painter.frames.bind(painter.owner, program, "a", 0, a, filter_for(sampling_a));
  painter.frames.bind(painter.owner, program, "b", 4, b, filter_for(sampling_b));
  set_frame_uniforms(program, "a", *a, cell.mapping.scale);
  set_frame_uniforms(program, "b", *b, second.scale);
  set_layer(program, "u_layer", 3, layer());
  set_layer(program, "u_content_a", 8, contents[0]);
  set_layer(program, "u_content_b", 9, contents[1]);
  set_place(program, "u_place_a", cell.mapping);
  set_place(program, "u_place_b", second);
  program.set("u_gain", static_cast<float>(scene.gain));
  if (scene.luma_only) {
    program.set("u_luma", 0.2126F, 0.7152F, 0.0722F);
  } else {
    program.set("u_luma", 0.F, 0.F, 0.F);
  }
  draw_on(surface, program, cell.clip);
}

}  // namespace looktwice::compose
