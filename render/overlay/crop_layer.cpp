#include <cmath>

#include "overlay/layers.h"

namespace looktwice::overlay {

const char* const kCropGlsl = R"(
uniform float u_crop_dim;
uniform float u_crop_line;
vec4 crop_marks(vec4 below, vec2 p) {
  vec2 beyond = max(u_crop.xy - p, p - u_crop.xy - u_crop.zw) * u_scale;
  float d = max(beyond.x, beyond.y);
  if (d < 0.0) return below;
  below = over(below, vec4(0.0, 0.0, 0.0, u_crop_dim));
  float bright = clamp(u_crop_line - d + 0.5, 0.0, 1.0);
  float dark = clamp(2.0 * u_crop_line - d + 0.5, 0.0, 1.0);
  below = over(below, vec4(u_casing * dark, dark) * 0.7);
  return over(below, vec4(bright));
}
)";

bool crop_shows(const CropStyle& style, const trace::ClipTrace* clip, int frame_width,
                int frame_height) {
  if (!style.visible || !clip || !(clip->crop_width > 0) || !(clip->crop_height > 0)) return false;
  return clip->crop_x >= 0.5 || clip->crop_y >= 0.5 ||
         frame_width - clip->crop_x - clip->crop_width >= 0.5 ||
         frame_height - clip->crop_y - clip->crop_height >= 0.5;
}

void set_crop(gl::Program& program, const CropStyle& style, const MarksPlace& place) {
  program.set("u_crop_dim", static_cast<float>(style.dim));
  program.set("u_crop_line", std::max(1.F, std::round(static_cast<float>(place.pixel))));
}

}  // namespace looktwice::overlay
