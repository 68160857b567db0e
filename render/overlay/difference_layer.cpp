#include "overlay/layers.h"

namespace looktwice::overlay {

const char* const kDifferenceGlsl = R"(
uniform float u_difference_opacity;
uniform int u_difference_palette;
vec4 difference_marks(vec4 below, Token token) {
  vec3 color = palette(u_difference_palette, max(token.difference, 0.0));
  return over(below, vec4(color, 1.0) * (token.difference < 0.0 ? 0.0 : u_difference_opacity));
}
)";

void set_difference(gl::Program& program, const DifferenceStyle& style) {
  program.set("u_difference_opacity", static_cast<float>(style.opacity));
  program.set("u_difference_palette", static_cast<int>(style.palette));
}

}  // namespace looktwice::overlay
