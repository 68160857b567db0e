#include "overlay/layers.h"
#include "overlay/palette.h"

namespace looktwice::overlay {

// Outlines lie inside the kept patch, with a dark line on both sides, so that they stand out on
// bright and dark pictures alike.
const char* const kRltGlsl = R"(
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
#ifdef RLT_PRUNED
  // Branches would be computed either way where the CPU draws.
  float pruned = kept ? 0.0 : u_rlt_opacity;
#if RLT_PRUNED == 1
  below = over(below, vec4(u_casing, 1.0) * pruned);
#elif RLT_PRUNED == 2
  below = over(below, vec4(u_casing, 1.0) * (0.7 * pruned));
  below = over(below, vec4(hatch(position, u_pixel) * pruned * 0.6));
#elif RLT_PRUNED == 3
  below = over(below, vec4(palette(u_rlt_palette, 1.0 - token.run), 1.0) * pruned);
#endif
#endif
#ifdef RLT_OUTLINE
  float d = to_boundary(token);
  float inner = kept ? line : 0.0;
  float dark = clamp(inner + casing - d + 0.5, 0.0, 1.0) * (kept ? 0.6 : 0.8);
  float bright = clamp(line - d + 0.5, 0.0, 1.0) * (kept ? 1.0 : 0.0);
  below = over(below, vec4(u_casing, 1.0) * dark);
  below = over(below, vec4(u_rlt_kept, 1.0) * bright);
#endif
  return below;
}
)";

std::string rlt_defines(const RltStyle& style) {
  std::string text;
  if (style.pruned != PrunedStyle::none) {
    text += "#define RLT_PRUNED " + std::to_string(static_cast<int>(style.pruned)) + "\n";
  }
  if (style.outline_kept) text += "#define RLT_OUTLINE 1\n";
  return text;
}

void set_rlt(gl::Program& program, const RltStyle& style) {
  program.set("u_rlt_opacity", static_cast<float>(style.opacity));
  program.set("u_rlt_palette", static_cast<int>(style.palette));
  program.set("u_rlt_kept", colors::kept.r, colors::kept.g, colors::kept.b);
}

}  // namespace looktwice::overlay
