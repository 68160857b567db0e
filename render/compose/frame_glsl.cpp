#include "compose/frame_glsl.h"

#include "compose/colour.h"

namespace looktwice::compose {
namespace {

const char* const kYuv = R"(
uniform SAMPLER u_@_0, u_@_1, u_@_2;
uniform mat3 u_@_matrix;
uniform vec3 u_@_offset;
uniform vec4 u_@_chroma;     // luma position to chroma texture coordinate: scale, offset
vec3 @_convert(float y, vec2 p) {
  vec2 c = p * u_@_chroma.xy + u_@_chroma.zw;
  vec3 yuv = vec3(y, TAP(u_@_1, c).r, TAP(u_@_2, c).r);
  return clamp(u_@_matrix * yuv + u_@_offset, 0.0, 1.0);
}
vec3 @_at(vec2 p) { return @_convert(TAP(u_@_0, p / u_@_size).r, p); }
)";

const char* const kGray = R"(
uniform SAMPLER u_@_0;
uniform mat3 u_@_matrix;
uniform vec3 u_@_offset;
vec3 @_convert(float y) {
  return vec3(clamp(u_@_matrix[0].x * y + u_@_black, 0.0, 1.0));
}
vec3 @_at(vec2 p) { return @_convert(TAP(u_@_0, p / u_@_size).r); }
)";

const char* const kRgb = R"(
uniform SAMPLER u_@_0;
vec3 @_at(vec2 p) { return TAP(u_@_0, p / u_@_size).rgb; }
)";

const char* const kNearest = R"(
vec3 @_color(vec2 p) {
  return @_at(clamp(floor(p), vec2(0.0), u_@_size - 1.0) + 0.5);
}
)";
const char* const kLinear = R"(
vec3 @_color(vec2 p) { return @_at(p); }
)";
const char* const kArea = R"(
uniform float u_@_reach;     // a quarter of an output pixel, in frame pixels
vec3 @_color(vec2 p) {
  vec2 d = vec2(u_@_reach, -u_@_reach);
  return @_mean(p + d.xx, p + d.xy, p + d.yx, p + d.yy);
}
)";
const char* const kCoarseMean = R"(
vec3 @_mean(vec2 a, vec2 b, vec2 c, vec2 d) {
  return @_convert(0.25 * (TAP(u_@_0, a / u_@_size).r + TAP(u_@_0, b / u_@_size).r +
                           TAP(u_@_0, c / u_@_size).r + TAP(u_@_0, d / u_@_size).r),
                   0.5 * (a + d));
}
)";
const char* const kMean = R"(
vec3 @_mean(vec2 a, vec2 b, vec2 c, vec2 d) {
  return 0.25 * (@_at(a) + @_at(b) + @_at(c) + @_at(d));
}
)";

std::string replaced(std::string text, const std::string& what, const std::string& by) {
  for (size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += by.size()) {
    text.replace(at, what.size(), by);
  }
  return text;
}

}  // namespace

Planes planes_of(const frames::Frame& frame) {
  if (frame.layout == frames::Layout::rgb24) return Planes::rgb;
  if (frame.layout == frames::Layout::gray) return Planes::gray;
  return frame.layout == frames::Layout::yuv420 ? Planes::yuv420 : Planes::yuv;
}

Sampling sampling_for(double scale) {
  if (scale == 1 || scale >= 2) return Sampling::nearest;
  return scale < 0.75 ? Sampling::area : Sampling::linear;
}

std::string frame_glsl(const std::string& name, Planes planes, Sampling sampling, bool layers) {
  std::string text = "uniform vec2 u_@_size;\nuniform float u_@_black;\n";
  if (layers) text += "int @_layer;\n";
  const bool yuv = planes == Planes::yuv || planes == Planes::yuv420;
  text += yuv ? kYuv : planes == Planes::gray ? kGray : kRgb;
  // Chroma of half the size is coarse enough already: one point of it will do.
  if (sampling == Sampling::area) text += planes == Planes::yuv420 ? kCoarseMean : kMean;
  text += sampling == Sampling::nearest ? kNearest : sampling == Sampling::linear ? kLinear : kArea;
  text = replaced(text, "TAP(", "@_TAP(");
  text = (layers ? "#define @_TAP(s, c) texture(s, vec3(c, float(@_layer)))\n"
                 : "#define @_TAP(s, c) texture(s, c)\n") +
         text;
  text = replaced(text, "SAMPLER", layers ? "sampler2DArray" : "sampler2D");
  return replaced(text, "@", name);
}

void set_frame_uniforms(gl::Program& program, const std::string& name, const frames::Frame& frame,
                        double scale) {
  const auto set = [&](const char* tail) { return "u_" + name + tail; };
  program.set(set("_size").c_str(), static_cast<float>(frame.width),
              static_cast<float>(frame.height));
  program.set(set("_reach").c_str(), static_cast<float>(0.25 / scale));
  if (frame.layout == frames::Layout::rgb24) return;
  const Affine affine = yuv_to_rgb(frame.matrix, frame.range, frame.depth);
  program.set_matrix3(set("_matrix").c_str(), affine.matrix.data());
  program.set(set("_offset").c_str(), affine.offset[0], affine.offset[1], affine.offset[2]);
  const double black = frame.range == frames::Range::full ? 0 : -16.0 / 219;
  program.set(set("_black").c_str(), static_cast<float>(black));
  if (frame.layout == frames::Layout::gray) return;
  // Chroma sample i lies at luma coordinate f·i + site + 0.5 for a plane f times smaller.
  const bool half_x = frame.layout != frames::Layout::yuv444;
  const bool half_y = frame.layout == frames::Layout::yuv420;
  const frames::ChromaOffset site = frames::chroma_offset(frame.site);
  const double w = frame.planes[1].width, h = frame.planes[1].height;
  const double fx = half_x ? 2 : 1, fy = half_y ? 2 : 1;
  const double ox = half_x ? -(site.x + 0.5) / 2 + 0.5 : 0;
  const double oy = half_y ? -(site.y + 0.5) / 2 + 0.5 : 0;
  program.set(set("_chroma").c_str(), static_cast<float>(1 / (fx * w)),
              static_cast<float>(1 / (fy * h)), static_cast<float>(ox / w),
              static_cast<float>(oy / h));
}

}  // namespace looktwice::compose
