#pragma once
// The kernels and their arguments: plain structs that the program fills and the device reads. All
// pointers are device memory. No includes beyond the standard library: compiled by nvcc too.

#include <cstddef>
#include <cstdint>

namespace looktwice::compute::cuda {

/// Element types that kernels read and write.
enum class Element : int32_t { f32, bf16, f16 };

/// Rows of elements; `stride` elements from one row to the next.
struct Matrix {
  void* data = nullptr;
  int64_t stride = 0;
  int32_t rows = 0, cols = 0;
  Element element = Element::f32;
};

/// f32 rows (a table, a gate); null data where absent.
struct Table {
  const float* data = nullptr;
  int64_t stride = 0;
};

enum class Kernel : int32_t {
  // ElementArgs: one value a place.
  copy,       ///< y = a
  gather,     ///< y[r] = a[index[r]]
  modulate,   ///< y = a (1 + table[g]) + table2[g]
  gated_add,  ///< y = a + table[g] b, or a + b
  combine,    ///< y = alpha a + beta b
  activate,   ///< y = f(a)
  add_rows,   ///< y[r] = a[r] + b[index[r]]
  epilogue,   ///< y = b + table[g] f(a + table2[0]); b, table, table2 may be absent
  rotary,     ///< pairs of a turned by cos = table[index[r]], sin = table2[index[r]]
  head_mean,  ///< y[r,c] = mean over heads of a[r, h cols + c]
  // Rows.
  layer_norm,       ///< NormArgs
  norm_modulate,    ///< NormArgs: then (1 + scale[g]) and + shift[g]
  rms_norm,         ///< NormArgs
  rms_rotary,       ///< NormArgs: then pairs turn, as in rotary
  group_mean,       ///< GroupArgs
  group_add,        ///< GroupArgs: y[j] += Σ a[m]
  attention,        ///< AttentionArgs
  compare,          ///< CompareArgs
  patchify,         ///< PatchifyArgs
  rlt_differences,  ///< RltArgs
  rlt_keep,         ///< KeepArgs
  prepare_metric,   ///< PrepareArgs
  best_partners,    ///< PartnerArgs
  merge_rank,       ///< MergeArgs: order of the candidates
  merge_link,       ///< MergeArgs: who merges into whom
  merge_rows,       ///< MergeArgs: the size-weighted means
  plain_matmul,     ///< MatmulArgs: d = x wᵀ, for what the library has no algorithm for
};

/// compute::Activation, in its order.
enum class Curve : int32_t { none, gelu_erf, gelu_tanh, silu };

struct ElementArgs {
  Matrix y, a, b;
  Table table, table2;             ///< f32
  const int32_t* group = nullptr;  ///< [rows] row of the tables; null: row 0
  const int32_t* index = nullptr;  ///< [rows]
  float alpha = 1, beta = 0;
  Curve curve = Curve::none;
  int32_t heads = 1;
};

struct NormArgs {
  Matrix y, x;
  const float* weight = nullptr;  ///< [cols], or [cols / heads] for rms_norm
  const float* bias = nullptr;
  Table scale, shift;              ///< norm_modulate; cosines and sines for rms_rotary
  const int32_t* group = nullptr;  ///< [rows] row of the tables; null: row 0
  float eps = 0;
  int32_t heads = 1;
};

struct GroupArgs {
  Matrix y, x;
  const int32_t* offset = nullptr;  ///< [y rows + 1]
  const int32_t* member = nullptr;
  const float* weight = nullptr;   ///< [x rows], null: ones
  const float* divisor = nullptr;  ///< [y rows], null: the sum of weights
};

/// A block of queries of one segment: `tile_segment[i]` (-1: an empty place) and its first query
/// `tile_first[i]`.
enum class AttentionPath : int32_t {
  best,   ///< the fastest that takes the arguments
  mma,    ///< matrix units through mma.sync
  plain,  ///< no matrix units
};
struct AttentionArgs {
  Matrix y, q, k, v;
  const float* key_bias = nullptr;
  const int32_t* q_start = nullptr;
  const int32_t* q_length = nullptr;
  const int32_t* k_start = nullptr;
  const int32_t* k_length = nullptr;
  const int32_t* tile_segment = nullptr;
  const int32_t* tile_first = nullptr;
  int64_t q_step = 1, k_step = 1;
  int32_t tiles = 0, segments = 0, heads = 1, head_dim = 0;
  int32_t longest = 0;  ///< rows of the longest segment, of queries or keys
  float scale = 1;
  AttentionPath path = AttentionPath::best;
};

/// Seven sums over two matrices of one shape, in double: |a-b|, |a|, |b|, (a-b)², a², b², a·b.
inline constexpr int kCompareSums = 7;
inline constexpr int kCompareBlocks = 256;  ///< at most
struct CompareArgs {
  Matrix a, b;
  double* partial = nullptr;  ///< [kCompareBlocks, kCompareSums]
  double* sums = nullptr;     ///< [kCompareSums]
  int32_t blocks = 0;         ///< set by the launch
};

struct PatchifyArgs {
  Matrix y;
  const uint8_t* rgb = nullptr;     ///< [T,H,W,3]
  const int32_t* tokens = nullptr;  ///< [y rows]
  int32_t H = 0, W = 0, tubelet = 2, patch = 16;
  float mean[3] = {}, std[3] = {};
};

/// Differences of RLT (spec of tokens::rlt_differences), clips one after the other.
struct RltArgs {
  const uint8_t* rgb = nullptr;  ///< [clips,T,H,W,3]
  float* difference = nullptr;   ///< [clips,t,h,w]
  int32_t clips = 0, T = 0, H = 0, W = 0, tubelet = 2, patch = 16;
  double scale[3] = {};  ///< per channel: what a sum of byte differences is multiplied with
};

/// Which tokens are kept, and where they stand, in order.
struct KeepArgs {
  const float* difference = nullptr;         ///< [clips, tokens]
  uint8_t* keep = nullptr;                   ///< [clips, tokens]
  int32_t* count = nullptr;                  ///< [clips]
  int32_t* kept = nullptr;                   ///< [clips, tokens]: indices of kept tokens, ascending
  int32_t clips = 0, tokens = 0, first = 0;  ///< the first `first` tokens are always kept
  float tau = 0;
};

/// Rows as matching takes them (tokens::best_partners): unit length for cosine, finite otherwise.
struct PrepareArgs {
  const float* metric = nullptr;
  float* prepared = nullptr;  ///< [rows, width]
  int64_t stride = 0;
  int32_t rows = 0, width = 0, cosine = 1;
};

/// Best partner of each listed row, several clips at once.
struct PartnerArgs {
  const float* metric = nullptr;      ///< prepared [rows, width]
  const int32_t* a = nullptr;         ///< rows
  const int32_t* b = nullptr;         ///< rows
  const int32_t* a_offset = nullptr;  ///< [clips + 1] where each clip's a begin
  const int32_t* b_offset = nullptr;  ///< [clips + 1]
  const int32_t* tile_clip = nullptr;
  const int32_t* tile_first = nullptr;  ///< index into a
  float* score = nullptr;               ///< [all a]
  int32_t* partner = nullptr;           ///< [all a] index among the clip's b; 0 where it has none
  int32_t width = 0, tiles = 0;
  int32_t squared = 0;  ///< 1: score by -Σ(a-b)² instead of Σab
};

/// One layer of bipartite merging (tokens::decide, merge_weighted), clips side by side. Lists are
/// those of PartnerArgs; pairs[c] of clip c's sources merge.
struct MergeArgs {
  Matrix y, x;
  const float* score = nullptr;         ///< [all a]
  const int32_t* partner = nullptr;     ///< [all a] index among the clip's b
  const int32_t* a = nullptr;           ///< rows of x
  const int32_t* b = nullptr;           ///< rows of x
  const int32_t* a_offset = nullptr;    ///< [clips + 1]
  const int32_t* b_offset = nullptr;    ///< [clips + 1]
  const int32_t* in_first = nullptr;    ///< [clips] first row of each clip in x
  const int32_t* out_first = nullptr;   ///< [clips + 1] and in y
  const int32_t* pairs = nullptr;       ///< [clips]
  const int32_t* task_clip = nullptr;   ///< [tasks] blocks of kMergeTask candidates, clip by clip
  const int32_t* task_first = nullptr;  ///< [tasks] first candidate, counted in the clip
  int32_t* rank = nullptr;              ///< [all a] place in the order of merging
  int32_t* order = nullptr;             ///< [all a] its inverse: index among the clip's a
  int32_t* next = nullptr;              ///< [all a] by rank: the next pair of the same b, or -1
  int32_t* keeper = nullptr;            ///< [y rows] row of x that gives this row its place
  int32_t* head = nullptr;              ///< [y rows] index into order of its first pair, or -1
  int32_t* from = nullptr;              ///< [all a] by rank: row of x
  const float* size_in = nullptr;       ///< [x rows], null: ones
  float* size_out = nullptr;            ///< [y rows]
  float* log_size = nullptr;            ///< [y rows]
  int32_t tasks = 0, fixed = 0;         ///< protected tokens at the front of every clip
  int32_t ordered = 0;  ///< 1: the rest of a leaves in ascending order, 0: in order of similarity
};
inline constexpr int kMergeTask = 256;

/// d = act(scale ∘ (x wᵀ) + bias) + c, on the matrix units: x [rows,in], w [out,in], d [rows,out].
struct MatmulArgs {
  Matrix d, x;
  Matrix c;  ///< same element and shape as d; null data: none. May be d itself.
  const void* w = nullptr;
  Element w_element = Element::f32;  ///< x has the same
  const void* bias = nullptr;        ///< of `bias_element`, [out]; null: none
  Element bias_element = Element::f32;
  const float* scale = nullptr;  ///< [out] f32 factor of every column, null: ones
  Curve curve = Curve::none;     ///< none or gelu_tanh
  void* workspace = nullptr;
  int64_t workspace_bytes = 0;
};

/// Bytes of the arguments that a kernel takes.
constexpr size_t args_bytes(Kernel kernel) {
  switch (kernel) {
    case Kernel::layer_norm:
    case Kernel::norm_modulate:
    case Kernel::rms_norm:
    case Kernel::rms_rotary:
      return sizeof(NormArgs);
    case Kernel::group_mean:
    case Kernel::group_add:
      return sizeof(GroupArgs);
    case Kernel::attention:
      return sizeof(AttentionArgs);
    case Kernel::compare:
      return sizeof(CompareArgs);
    case Kernel::patchify:
      return sizeof(PatchifyArgs);
    case Kernel::rlt_differences:
      return sizeof(RltArgs);
    case Kernel::rlt_keep:
      return sizeof(KeepArgs);
    case Kernel::prepare_metric:
      return sizeof(PrepareArgs);
    case Kernel::best_partners:
      return sizeof(PartnerArgs);
    case Kernel::merge_rank:
    case Kernel::merge_link:
    case Kernel::merge_rows:
      return sizeof(MergeArgs);
    case Kernel::plain_matmul:
      return sizeof(MatmulArgs);
    default:
      return sizeof(ElementArgs);
  }
}

}  // namespace looktwice::compute::cuda
