#pragma once
// Resizing of RGB bytes, bit for bit as the programs that prepared the training data did it.

#include <cstddef>
#include <cstdint>

#include "frames/clip.h"

namespace looktwice::frames {

/// A part of a resized picture, in pixels.
struct Window {
  int left = 0, top = 0, width = 0, height = 0;
};

/// Resizes `from` (interleaved RGB, `stride` bytes a row) to to_width x to_height and writes the
/// window of the result to `to` [window.height,window.width,3]. Only what the window needs is
/// computed; the bytes are those of the whole picture resized and then cropped.
///
/// pillow: Pillow's Image.resize with BILINEAR: a triangle filter, widened by the scale when
/// shrinking, coefficients of 22 fractional bits, each of the two passes rounded to bytes; along
/// the rows first, but along the columns first where the height shrinks by more than twice as many
/// pixels as the width (as Pillow 13 does; older ones always begin with the rows, which can differ
/// by one level on pictures more than twice as high as wide). opencv: cv2.resize with INTER_LINEAR:
/// two taps at half-pixel centres, 11-bit coefficients.
void resize_rgb(const uint8_t* from, int width, int height, ptrdiff_t stride, int to_width,
                int to_height, const Window& window, Resize kernel, uint8_t* to);

}  // namespace looktwice::frames
