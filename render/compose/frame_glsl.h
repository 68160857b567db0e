#pragma once
// Shader text that reads a frame's colour at any point, whatever its planes.

#include <string>

#include "frames/frame.h"
#include "gl/shader.h"

namespace looktwice::compose {

/// yuv420 differs from yuv only in what its area sampling costs.
enum class Planes { yuv, gray, rgb, yuv420 };
Planes planes_of(const frames::Frame& frame);

/// nearest: the pixel at the point. linear: between pixels. area: the mean of four points, for
/// frames shown smaller than they are.
enum class Sampling { nearest, linear, area };
/// What a frame shown at `scale` output pixels a frame pixel takes.
Sampling sampling_for(double scale);

/// `vec3 NAME_color(vec2 p)`, R'G'B' of the frame at p (frame pixels); with `layers` the frame is
/// layer `int NAME_layer` (a global the shader sets) of texture arrays. Uniforms are u_NAME_….
std::string frame_glsl(const std::string& name, Planes planes, Sampling sampling, bool layers);
/// How plane 0 must be filtered; chroma always linearly.
inline gl::Filter filter_for(Sampling sampling) {
  return sampling == Sampling::nearest ? gl::Filter::nearest : gl::Filter::linear;
}
/// Sets the uniforms but the textures u_NAME_0, 1, 2.
void set_frame_uniforms(gl::Program& program, const std::string& name, const frames::Frame& frame,
                        double scale);

}  // namespace looktwice::compose
