#include "overlay/layers.h"
#include "overlay/palette.h"

namespace looktwice::overlay {

// Outlines lie inside the kept patch, with a dark line on both sides, so that they stand out on
// bright and dark pictures alike.
const char* const kRltGlsl = R"(
uniform int u_rlt_pruned;      // 0 none, 1 dim, 2 hatch, 3 run length
uniform int u_rlt_outline;
uniform float u_rlt_opacity;
uniform int u_rlt_palette;
uniform vec3 u_rlt_kept;
float to_boundary(Token token) {
  vec2 near = token.at, far = token.size - token.at;
  uint f = token.flags;
  float d = 1e9;
  if ((f & 2u) != 0u) d = min(d, near.x);
  if ((f & 4u) != 0u) d = min(d, far.x);
  if ((f & 8u) != 0u) d = min(d, near.y);
  if ((f & 16u) != 0u) d = min(d, far.y);
  if ((f & 32u) != 0u) d = min(d, max(near.x, near.y));
  if ((f & 64u) != 0u) d = min(d, max(far.x, near.y));
  if ((f & 128u) != 0u) d = min(d, max(near.x, far.y));
  if ((f & 256u) != 0u) d = min(d, max(far.x, far.y));
  return d;
}
vec4 rlt_marks(vec4 below, Token token, vec2 position) {
  bool kept = (token.flags & 1u) != 0u;
  float line = min(max(1.0, 1.75 * u_pixel), 0.2 * min(token.size.x, token.size.y));
  float casing = min(max(1.0, u_pixel), line);
  if (!kept) {
    if (u_rlt_pruned == 1) {
      below = over(below, vec4(u_casing, 1.0) * u_rlt_opacity);
    } else if (u_rlt_pruned == 2) {
      below = over(below, vec4(u_casing, 1.0) * (0.7 * u_rlt_opacity));
      below = over(below, vec4(hatch(position, u_pixel) * u_rlt_opacity * 0.75));
    } else if (u_rlt_pruned == 3) {
      below = over(below, vec4(palette(u_rlt_palette, 1.0 - token.run), 1.0) * u_rlt_opacity);
    }
  }
  if (u_rlt_outline != 0) {
    float d = to_boundary(token);
    if (kept) {
      float dark = clamp(line + casing - d + 0.5, 0.0, 1.0);
      float bright = clamp(line - d + 0.5, 0.0, 1.0);
      below = over(below, vec4(u_casing, 1.0) * (dark * 0.6));
      below = over(below, vec4(u_rlt_kept, 1.0) * bright);
    } else {
      below = over(below, vec4(u_casing, 1.0) * (clamp(casing - d + 0.5, 0.0, 1.0) * 0.8));
    }
  }
  return below;
}
)";

void set_rlt(gl::Program& program, const RltStyle& style, bool decided) {
  const bool on = style.visible && decided;
  program.set("u_rlt_pruned", on ? static_cast<int>(style.pruned) : 0);
  program.set("u_rlt_outline", on && style.outline_kept ? 1 : 0);
  program.set("u_rlt_opacity", static_cast<float>(style.opacity));
  program.set("u_rlt_palette", static_cast<int>(style.palette));
  program.set("u_rlt_kept", colors::kept.r, colors::kept.g, colors::kept.b);
}

}  // namespace looktwice::overlay
