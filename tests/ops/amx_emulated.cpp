#include "amx_emulated.h"

namespace looktwice::compute {
namespace {

#include "avx512_emulated.inc"
#include "compute/kernels/avx512.inc"
#include "compute/kernels/common.inc"

/// One tile: 16 rows of 64 bytes.
struct Tile {
  alignas(64) unsigned char bytes[16][64];
};
thread_local Tile g_tiles[8];

void tile_load(int t, const void* from, long stride) {
  for (int r = 0; r < 16; ++r)
    __builtin_memcpy(g_tiles[t].bytes[r], static_cast<const char*>(from) + r * stride, 64);
}
void tile_store(int t, void* to, long stride) {
  for (int r = 0; r < 16; ++r)
    __builtin_memcpy(static_cast<char*>(to) + r * stride, g_tiles[t].bytes[r], 64);
}
/// The definition of TDPBF16PS: for every row m, pair k and column n,
/// c[m][n] += a[m][2k] b[k][2n] + a[m][2k+1] b[k][2n+1].
void tile_dot(int c, int a, int b) {
  for (int m = 0; m < 16; ++m)
    for (int n = 0; n < 16; ++n) {
      float sum;
      __builtin_memcpy(&sum, g_tiles[c].bytes[m] + 4 * n, 4);
      for (int k = 0; k < 16; ++k) {
        uint16_t x[2], y[2];
        __builtin_memcpy(x, g_tiles[a].bytes[m] + 4 * k, 4);
        __builtin_memcpy(y, g_tiles[b].bytes[k] + 4 * n, 4);
        sum += scalar_from_bf16(x[0]) * scalar_from_bf16(y[0]);
        sum += scalar_from_bf16(x[1]) * scalar_from_bf16(y[1]);
      }
      __builtin_memcpy(g_tiles[c].bytes[m] + 4 * n, &sum, 4);
    }
}

#define TILE_BEGIN() (void)0
#define TILE_END() (void)0
#define TILE_ZERO(t) __builtin_memset(&g_tiles[t], 0, sizeof(Tile))
#define TILE_LOAD(t, p, bytes) tile_load(t, p, bytes)
#define TILE_STORE(t, p, bytes) tile_store(t, p, bytes)
#define TILE_DOT(c, a, b) tile_dot(c, a, b)

#include "compute/kernels/amx_body.inc"

}  // namespace

void attention_amx_emulated(const AttentionTask* task) {
  amx_attention(task);
}
long attention_amx_emulated_scratch(long keys, long dim) {
  return amx_scratch(keys, dim);
}

}  // namespace looktwice::compute
