#include "compose/colour.h"

namespace looktwice::compose {
namespace {

struct Weights {
  double r, b;
  double g() const { return 1 - r - b; }
};

Weights weights(frames::Matrix matrix) {
  switch (matrix) {
    case frames::Matrix::bt601:
      return {0.299, 0.114};
    case frames::Matrix::bt709:
      return {0.2126, 0.0722};
    case frames::Matrix::bt2020:
      return {0.2627, 0.0593};
  }
  return {0.2126, 0.0722};
}

/// Code values of black, and from black to white and from grey to the largest chroma both ways.
struct Codes {
  double black, luma, grey, chroma;
};

Codes codes(frames::Range range, int depth) {
  const double unit = depth == 10 ? 4 : 1;
  const double most = depth == 10 ? 1023 : 255;
  if (range == frames::Range::full) return {0, most, 128 * unit, most};
  return {16 * unit, 219 * unit, 128 * unit, 224 * unit};
}

/// Code values for one unit of the texture's 0..1.
double texture_codes(int depth) {
  return depth == 10 ? 65535 : 255;
}

}  // namespace

Affine yuv_to_rgb(frames::Matrix matrix, frames::Range range, int depth) {
  const Weights w = weights(matrix);
  const Codes c = codes(range, depth);
  const double texture = texture_codes(depth);
  const double y = texture / c.luma, uv = texture / c.chroma;
  const double red_v = 2 * (1 - w.r), blue_u = 2 * (1 - w.b);
  const double green_u = -blue_u * w.b / w.g(), green_v = -red_v * w.r / w.g();
  const double rows[3][2] = {{0, red_v}, {green_u, green_v}, {blue_u, 0}};
  Affine out;
  for (int i = 0; i < 3; ++i) {
    out.matrix[i * 3] = static_cast<float>(y);
    out.matrix[i * 3 + 1] = static_cast<float>(rows[i][0] * uv);
    out.matrix[i * 3 + 2] = static_cast<float>(rows[i][1] * uv);
    out.offset[i] =
        static_cast<float>(-c.black / c.luma - (rows[i][0] + rows[i][1]) * c.grey / c.chroma);
  }
  return out;
}

Affine rgb_to_yuv(frames::Matrix matrix, frames::Range range) {
  const Weights w = weights(matrix);
  const Codes c = codes(range, 8);
  const double luma = c.luma / 255, chroma = c.chroma / 255;
  const double rows[3][3] = {{w.r, w.g(), w.b},
                             {-w.r / (2 * (1 - w.b)), -w.g() / (2 * (1 - w.b)), 0.5},
                             {0.5, -w.g() / (2 * (1 - w.r)), -w.b / (2 * (1 - w.r))}};
  Affine out;
  for (int i = 0; i < 3; ++i) {
    for (int k = 0; k < 3; ++k) {
      out.matrix[i * 3 + k] = static_cast<float>(rows[i][k] * (i == 0 ? luma : chroma));
    }
    out.offset[i] = static_cast<float>((i == 0 ? c.black : c.grey) / 255);
  }
  return out;
}

float to_8_bits(frames::Range range, int depth) {
  if (depth != 10) return 1;
  // Limited range: a 10-bit code is four times the 8-bit one. Full range: both end at white.
  return static_cast<float>(range == frames::Range::full ? 65535.0 / 1023 : 65535.0 / 4 / 255);
}

}  // namespace looktwice::compose
