#include "overlay/layers.h"

namespace looktwice::overlay {

const char* const kSizesGlsl = R"(
uniform float u_sizes_opacity;
uniform int u_sizes_palette;
vec4 sizes_marks(vec4 below, uvec4 group) {
  vec3 color = palette(u_sizes_palette, float(group.a) / 65535.0);
  return over(below, vec4(color, 1.0) * ((group.r >> 24) == 0u ? 0.0 : u_sizes_opacity));
}
)";

void set_sizes(gl::Program& program, const GroupSizeStyle& style) {
  program.set("u_sizes_opacity", static_cast<float>(style.opacity));
  program.set("u_sizes_palette", static_cast<int>(style.palette));
}

}  // namespace looktwice::overlay
