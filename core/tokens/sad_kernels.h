#pragma once
// Inside this room only: the two loops of patch_sads, once per instruction set. Plain pointers and
// integers, no templates and no inline functions, so that nothing compiled with AVX flags can be
// picked by the linker for the generic code.

#include <stddef.h>
#include <stdint.h>

namespace looktwice::tokens::sad {

/// Rows summed before a column could leave 15 bits: 128 * 255 = 32640.
constexpr int kMaxRows = 128;
/// How far ahead of its reads a kernel asks for memory, bytes: about four rows of 224 pixels. Past
/// the end of a picture the hint is harmless. Measured by tests/bench: 1.4 times the speed.
constexpr size_t kAhead = 2688;

/// columns[i] = sum over `rows` rows of |a - b| at byte i, i < bytes. Rows are `row_bytes` apart.
typedef void Columns(const uint8_t* a, const uint8_t* b, size_t row_bytes, int rows, size_t bytes,
                     uint16_t* columns);
/// sads[3*j + c] += sum of columns of channel c in patch j, j < w; a patch is 3*patch columns.
typedef void Reduce(const uint16_t* columns, int w, int patch, uint64_t* sads);

Columns columns_portable, columns_avx2, columns_avx512;
Reduce reduce_portable, reduce_avx2;

}  // namespace looktwice::tokens::sad
