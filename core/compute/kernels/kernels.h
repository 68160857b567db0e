#pragma once
// Inner loops that exist once per instruction set. This header is all that the files built for one
// instruction set share with the rest of the program: plain structures and function pointers, no
// templates and no inline functions, so that no code built for a newer CPU can end up in a place
// where every CPU runs it.

#include <stdint.h>

namespace looktwice::compute {

enum : int { kTypeF32 = 0, kTypeBf16 = 1 };
enum : int { kActNone = 0, kActGeluErf = 1, kActGeluTanh = 2, kActSilu = 3 };

/// y = residual + gate · act(a·B + bias) for a tile of rows. B is a weight laid out by
/// packed_index(): blocks of `k_block` along k, in each all panels of `panel` columns, in each
/// panel k-major.
struct GemmTask {
  const void* a;
  int a_type;
  long lda, rows, k;
  const void* b;
  int b_type;
  long panels, panel_begin, panel_end;  // all panels of B; those of this task
  long n;                               // columns of y
  const float* bias;                    // padded to panels · panel, or null
  int activation;
  const float* gate;  // [groups, gate_stride] or null
  long gate_stride;
  const int32_t* group;  // of every row, or null
  const void* residual;  // or null
  int residual_type;
  long ld_residual;
  void* y;
  int y_type;
  long ldy;
  float* scratch;  // gemm_scratch(rows, k) floats, aligned to 64 bytes
};

/// One segment and head: queries [q_begin, q_end) of it against all its keys.
struct AttentionTask {
  const void *q, *k, *v;              // first row of the segment, first column of the head
  int type;                           // of q, k and v
  long q_stride, k_stride, v_stride;  // elements from one row of the segment to the next
  long q_begin, q_end, keys, dim;
  float scale;
  const float* key_bias;  // of the segment's first key, or null
  long key_bias_stride;
  void* y;
  int y_type;
  long y_stride;
  float* scratch;  // attention_scratch(keys, dim) floats, aligned to 64 bytes
  int packed;      // 1: scratch still holds K and V of this segment and head from a task before
};

/// Rows of length n, `rows` of them; in rms_norm rows of `heads` vectors of length n.
struct NormTask {
  const void* x;
  int x_type;
  long x_stride;
  void* y;
  int y_type;
  long y_stride;
  const float *weight, *bias;  // or null
  float eps;
  long rows, heads, n;
};

struct Kernels {
  const char* isa;
  int panel, k_block, row_group;  // geometry of the matrix product
  void (*gemm)(const GemmTask*);
  long (*gemm_scratch)(long rows, long k);
  /// The second half of gemm(): sums [rows, ld] through bias, activation, gate and residual to y.
  void (*finish)(const GemmTask*, const float* sums, long ld);
  void (*attention)(const AttentionTask*);
  long (*attention_scratch)(long keys, long dim);
  void (*layer_norm)(const NormTask*);  // (x - mean) / sqrt(var + eps) [· weight + bias]
  void (*rms_norm)(const NormTask*);    // x / sqrt(mean(x²) + eps) · weight
  void (*activate)(float* x, long n, int activation);
  void (*to_bf16)(const float* from, uint16_t* to, long n);
  void (*from_bf16)(const uint16_t* from, float* to, long n);
};

/// Built into every program.
extern const Kernels kKernelsPortable;
#ifdef LT_COMPUTE_X86
extern const Kernels kKernelsAvx2;
extern const Kernels kKernelsAvx512;
#endif

}  // namespace looktwice::compute
