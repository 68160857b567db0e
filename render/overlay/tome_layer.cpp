#include <algorithm>

#include "overlay/layers.h"

namespace looktwice::overlay {

// Flat colours are bytes and pass unchanged. A border is one pixel of what the model saw, inside
// its group, hard-edged: where frames are shown pixel for pixel the picture is the published one.
const char* const kMergesGlsl = R"(
uniform float u_merges_opacity;
uniform float u_merges_line;
vec3 group_bytes(uint rgb) {
  return vec3(float(rgb & 255u), float((rgb >> 8) & 255u), float((rgb >> 16) & 255u)) /
         255.0;
}
vec4 merges_marks(vec4 below, Token token, uvec4 group) {
  uint flags = group.r >> 24;
  vec2 near = token.at, far = token.size - token.at;
  float d = 1e9;
  if ((flags & 2u) != 0u) d = min(d, near.x);
  if ((flags & 4u) != 0u) d = min(d, far.x);
  if ((flags & 8u) != 0u) d = min(d, near.y);
  if ((flags & 16u) != 0u) d = min(d, far.y);
#if MERGES == 0
  float flat_color = (flags & 32u) != 0u ? u_merges_opacity : 0.0;
  below = over(below, vec4(group_bytes(group.r), 1.0) * flat_color);
  float edge = (flags & 1u) != 0u && d < u_merges_line ? 1.0 : 0.0;
  return over(below, vec4(group_bytes(group.g), 1.0) * edge);
#else
  float line = max(1.5 * u_pixel, u_merges_line);
  float large = (flags & 64u) != 0u ? 1.0 : 0.0;
  float dark = clamp(line + max(1.0, u_pixel) - d + 0.5, 0.0, 1.0) * large * 0.7;
  float bright = clamp(line - d + 0.5, 0.0, 1.0) * large;
  below = over(below, vec4(u_casing, 1.0) * dark);
  // Dark border colours would vanish in their casing.
  vec3 color = mix(group_bytes(group.g), vec3(1.0), 0.25);
  return over(below, vec4(color, 1.0) * bright);
#endif
}
)";

std::string merges_defines(const MergeStyle& style) {
  return "#define MERGES " + std::to_string(static_cast<int>(style.view)) + "\n";
}

void set_merges(gl::Program& program, const MergeStyle& style, const trace::ClipTrace* clip,
                const MarksPlace& place) {
  program.set("u_merges_opacity", static_cast<float>(style.opacity));
  double line = 1;
  if (clip != nullptr && clip->w > 0 && clip->patch > 0)
    line = clip->crop_width / (double(clip->w) * clip->patch) * place.scale;
  program.set("u_merges_line", static_cast<float>(std::max(1.0, line)));
}

}  // namespace looktwice::overlay
