// Attention on the CPU's bfloat16 tiles (AMX). Built with those flags; reached only when the CPU
// has them and the kernel granted them (dispatch.cpp).

#include "compute/kernels/amx.h"

#include <immintrin.h>

namespace looktwice::compute {
namespace {

#include "compute/kernels/avx512.inc"
#include "compute/kernels/common.inc"

/// Eight tiles of 16 rows of 64 bytes (palette 1).
struct alignas(64) TileShape {
  uint8_t palette = 1, start_row = 0, reserved[14] = {};
  uint16_t bytes_per_row[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};
static_assert(sizeof(TileShape) == 64);
constexpr TileShape kShape;

#define TILE_BEGIN() _tile_loadconfig(&kShape)
#define TILE_END() _tile_release()
#define TILE_ZERO(t) _tile_zero(t)
#define TILE_LOAD(t, p, bytes) _tile_loadd(t, p, bytes)
#define TILE_STORE(t, p, bytes) _tile_stored(t, p, bytes)
#define TILE_DOT(c, a, b) _tile_dpbf16ps(c, a, b)

#include "compute/kernels/amx_body.inc"

}  // namespace

void attention_amx(const AttentionTask* task) {
  amx_attention(task);
}
long attention_amx_scratch(long keys, long dim) {
  return amx_scratch(keys, dim);
}

}  // namespace looktwice::compute
