#pragma once
// Inside this room only: scores of a block of rows against all candidates, and the best of each,
// once per instruction set. Plain pointers and integers: nothing here may be shared with generic
// code.
//
// Every score is one chain of fused multiply-adds over k = 0 … width-1, beginning at zero; vectors
// run over candidates, never over k. So all kernels produce the same bits.

#include <stddef.h>
#include <stdint.h>

namespace looktwice::tokens::match {

/// a: [width][rows] a block of rows, transposed; b: [panels][width][columns] the candidates,
/// transposed panel by panel, the last one padded. Writes the best score and candidate of each row
/// (strictly greater wins, so the lowest index among equals; NaN never wins; -inf and 0 if none).
/// `squared` scores by -sum (a-b)^2 instead of sum a*b.
typedef void Best(const float* a, const float* b, int width, int count, int squared, float* score,
                  int32_t* index);

struct Kernel {
  Best* best;
  int rows, columns;
};

Best best_portable, best_avx2, best_avx512;
constexpr int kRowsPortable = 4, kColumnsPortable = 16;
constexpr int kRowsAvx2 = 4, kColumnsAvx2 = 24;
constexpr int kRowsAvx512 = 8, kColumnsAvx512 = 48;

}  // namespace looktwice::tokens::match
