#pragma once
// Colour arithmetic of the shaders: the matrices of ITU-R BT.601, BT.709 and BT.2020 (non-constant
// luminance), for samples as textures deliver them (0..1).

#include <array>

#include "frames/frame.h"

namespace looktwice::compose {

/// out = matrix · in + offset, row-major.
struct Affine {
  std::array<float, 9> matrix{};
  std::array<float, 3> offset{};
};

/// Texture samples (8 bits in r8, 10 bits in the low bits of r16) to R'G'B' 0..1.
Affine yuv_to_rgb(frames::Matrix matrix, frames::Range range, int depth);
/// R'G'B' 0..1 to 8-bit YUV samples as r8 stores them.
Affine rgb_to_yuv(frames::Matrix matrix, frames::Range range);
/// Factor from the samples of a texture to the 8-bit samples of the same range.
float to_8_bits(frames::Range range, int depth);

}  // namespace looktwice::compose
