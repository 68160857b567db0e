#include "overlay/layers.h"

namespace looktwice::overlay {

const char* const kGridGlsl = R"(
uniform float u_grid_opacity;
vec4 grid_marks(vec4 below, Token token) {
  if (min(token.size.x, token.size.y) < 5.0) return below;
  float d = min(token.at.x, token.at.y);
  float line = max(1.0, u_pixel);
  float bright = clamp(line - d + 0.5, 0.0, 1.0);
  float dark = clamp(2.0 * line - d + 0.5, 0.0, 1.0);
  below = over(below, vec4(u_casing * dark, dark) * (0.7 * u_grid_opacity));
  return over(below, vec4(bright) * u_grid_opacity);
}
)";

void set_grid(gl::Program& program, const GridStyle& style) {
  program.set("u_grid_opacity", static_cast<float>(style.opacity));
}

}  // namespace looktwice::overlay
