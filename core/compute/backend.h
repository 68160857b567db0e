#pragma once
// The small set of operations that models are written against. One implementation per folder:
// reference/ (plain scalar float32, the oracle), onednn/ (CPU, float32 and bfloat16).

#include <cstdint>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "compute/tensor.h"

namespace looktwice::compute {

class TokenOps;   // compute/token_ops.h
class GlSharing;  // compute/gl_sharing.h
class Recorder;   // compute/recorder.h
class PlannedSegments;

enum class Activation {
  none,
  gelu_erf,   ///< x/2 (1 + erf(x/sqrt 2)), exact (ViT, VideoMAE)
  gelu_tanh,  ///< the tanh approximation (STDiT3, Latte)
  silu        ///< x / (1 + exp(-x))
};

/// A weight matrix [out,in] with optional bias [out], laid out once by Backend::prepare. Immutable;
/// usable only with the backend that made it.
class PreparedLinear {
 public:
  virtual ~PreparedLinear() = default;
  int64_t in = 0, out = 0;
};
using LinearPtr = std::shared_ptr<const PreparedLinear>;

/// What happens to x·Wᵀ + b before it is stored:
///   y = residual + gate[group_of_row] * activation(x·Wᵀ + b)
/// where absent parts are left out. `residual` may be the output itself.
struct LinearOptions {
  Activation activation = Activation::none;
  Tensor residual;      ///< [rows,out] f32 or bf16
  Tensor gate;          ///< [groups,out] f32
  Tensor group_of_row;  ///< i32 [rows]; absent: one group
};

/// Sets of rows that attend among themselves. Segment i has `length[i]` rows: start[i],
/// start[i]+step, start[i]+2·step, …. step 1 is a packed sequence; a larger step walks a column of
/// a grid (attention over time of tokens in (t,s) order: step = s count).
struct Segments {
  std::vector<int32_t> start, length;
  int64_t step = 1;
  size_t count() const { return start.size(); }
  /// Packed sequences from cumulative lengths {0, n0, n0+n1, …}.
  static Segments packed(std::span<const int32_t> lengths);
  /// `count` packed sequences of one length.
  static Segments uniform(int32_t count, int32_t length);
  /// Attention over time: `batch` grids of `t` x `s` rows in (t,s) order give batch·s segments of
  /// t.
  static Segments over_time(int32_t batch, int32_t t, int32_t s);
};

/// Multi-head attention: for every segment i and head h,
///   y = softmax(scale · q kᵀ + key_bias) v
/// where q, k, v are [rows, heads·head_dim] (column ranges of a packed qkv are fine) and queries of
/// segment i see the keys of segment i only. Cross-attention is q_segments ≠ k_segments (per-sample
/// key lengths). A segment with no keys gives zeros. Softmax in float32, no N×N in memory.
struct AttentionOptions {
  int heads = 1;
  float scale = 1;
  Segments q_segments, k_segments;  ///< same count
  /// Made by Recorder::plan_segments: taken in place of the two above.
  std::shared_ptr<const PlannedSegments> planned;
  Tensor key_bias;  ///< f32 [k rows], added to every logit of that key (log size)
};

/// Sums over two tensors of one shape, in double.
struct Comparison {
  double l1_difference = 0;  ///< Σ|a−b|
  double l1_a = 0;           ///< Σ|a|
  double l1_b = 0;           ///< Σ|b|
  double l2_difference = 0;  ///< sqrt Σ(a−b)²
  double l2_a = 0, l2_b = 0;
  double dot = 0;  ///< Σ a·b
};

/// Frames to patches, normalised: what a patch embedding's matrix product takes.
struct PatchifyOptions {
  const uint8_t* rgb = nullptr;  ///< host, [T,H,W,3] row-major
  Tensor frames;  ///< the same where it already is the backend's (TokenOps::upload_frames): not
                  ///< uploaded again
  int T = 1, H = 0, W = 0;
  int tubelet = 2, patch = 16;               ///< T a multiple of tubelet; H, W floored to patch
  float mean[3] = {0.485f, 0.456f, 0.406f};  ///< of x/255
  float std[3] = {0.229f, 0.224f, 0.225f};
};

/// Time along the work of a backend, without waiting for it meanwhile.
class Stopwatch {
 public:
  virtual ~Stopwatch() = default;
  virtual void lap() = 0;
  /// Milliseconds between each lap and the one before it, waiting for the last.
  virtual std::vector<double> laps() = 0;
};

/// Rules that hold for all operations: `y` is the output, allocated by the caller (empty()); inputs
/// may be row-strided views; f32, bf16 (and f16 where the backend says so) may be mixed and sums
/// are taken in f32; y may be the same tensor as an input of the same shape unless said otherwise
/// (never partly overlapping). Wrong shapes are programming errors (std::logic_error). Long
/// operations look at the stop token and throw Cancelled. Threads: one thread at a time.
class Backend {
 public:
  virtual ~Backend() = default;
  virtual std::string name() const = 0;         ///< "reference", "onednn", …
  virtual std::string description() const = 0;  ///< versions, instruction set, threads: one line
  /// What weights and matrix inputs are stored as: f32 or bf16. Residual streams may stay f32.
  virtual DType dtype() const = 0;
  void set_stop(std::stop_token stop) { stop_ = std::move(stop); }
  /// Throws Cancelled if the stop token was triggered.
  void check_stop() const;

  // Memory. Blocks go back to a pool of the backend when the last handle is dropped.
  virtual Tensor empty(Shape shape, DType dtype) = 0;
  Tensor empty(Shape shape) { return empty(std::move(shape), dtype()); }
  Tensor zeros(Shape shape, DType dtype);
  /// A host tensor as backend memory, converted to `dtype`.
  virtual Tensor upload(const Tensor& host, DType dtype) = 0;
  Tensor upload(const Tensor& host) { return upload(host, host.dtype()); }
  Tensor indices(std::span<const int32_t> values);
  /// A contiguous host copy in the tensor's own dtype.
  virtual Tensor download(const Tensor& device) = 0;
  std::vector<float> download_f32(const Tensor& device);
  /// Waits until everything asked for is done (for time measurements; the CPU is always done).
  virtual void synchronize() {}
  /// Decisions about tokens on the device, or null where they are the host's (core/tokens).
  virtual TokenOps* token_ops() { return nullptr; }
  /// Sequences of operations that are written down once and then started as a whole, or null where
  /// that gains nothing (the CPU).
  virtual Recorder* recorder() { return nullptr; }
  /// Tensors drawn by OpenGL where they are, or null for host memory.
  virtual GlSharing* gl_sharing() { return nullptr; }
  virtual std::unique_ptr<Stopwatch> stopwatch();
  /// Bytes of pooled memory that are in use, and the most that ever were.
  virtual size_t memory_in_use() const { return 0; }
  virtual size_t memory_peak() const { return 0; }

  // Weights.
  /// weight [out,in] (host, f32/bf16/f16), bias [out] or none. Laid out for matrix products.
  virtual LinearPtr prepare(const Tensor& weight, const Tensor& bias) = 0;

  // Matrix products and attention.
  /// x [rows,in] → y [rows,out]; y must not be x.
  virtual void linear(const Tensor& y, const Tensor& x, const PreparedLinear& weight,
                      const LinearOptions& options = {}) = 0;
  /// y [q rows, heads·head_dim]; y may be q, not k or v. Rows of y outside all segments are kept.
  virtual void attention(const Tensor& y, const Tensor& q, const Tensor& k, const Tensor& v,
                         const AttentionOptions& options) = 0;

  // Rows.
  /// y = (x − mean)/sqrt(var + eps) [· weight + bias]; weight and bias f32 [cols] or none.
  virtual void layer_norm(const Tensor& y, const Tensor& x, const Tensor& weight,
                          const Tensor& bias, float eps) = 0;
  /// y = x · (1 + scale[g]) + shift[g]; scale, shift f32 [groups,cols]; g = group_of_row[row] (i32)
  /// or 0 when absent.
  virtual void modulate(const Tensor& y, const Tensor& x, const Tensor& shift, const Tensor& scale,
                        const Tensor& group_of_row) = 0;
  /// Layer norm without weights, then modulate(): y = norm(x) (1 + scale[g]) + shift[g]. One pass
  /// where the backend can.
  virtual void norm_modulate(const Tensor& y, const Tensor& x, float eps, const Tensor& shift,
                             const Tensor& scale, const Tensor& group_of_row);
  /// RMS norm of every head: y = x / sqrt(mean(x²) + eps) · weight, weight f32 [head_dim].
  virtual void rms_norm(const Tensor& y, const Tensor& x, const Tensor& weight, int heads,
                        float eps) = 0;
  /// Rotary embedding on interleaved pairs of every head: pair j of a row turns by the angle whose
  /// cosine and sine stand in tables f32 [positions, head_dim/2], row position_of_row (i32 [rows]).
  virtual void rotary(const Tensor& y, const Tensor& x, const Tensor& cos, const Tensor& sin,
                      const Tensor& position_of_row, int heads) = 0;
  /// rms_norm(), then rotary() where there are tables. One pass where the backend can.
  virtual void rms_rotary(const Tensor& y, const Tensor& x, const Tensor& weight, int heads,
                          float eps, const Tensor& cos, const Tensor& sin,
                          const Tensor& position_of_row);
  /// y = x + gate[g] · r, gate f32 [groups,cols] or none (plain addition).
  virtual void gated_add(const Tensor& y, const Tensor& x, const Tensor& r, const Tensor& gate,
                         const Tensor& group_of_row) = 0;
  /// y = alpha·a + beta·b, elementwise.
  virtual void combine(const Tensor& y, float alpha, const Tensor& a, float beta,
                       const Tensor& b) = 0;
  virtual void activate(const Tensor& y, const Tensor& x, Activation activation) = 0;
  /// y = x converted to y's dtype (also copies between strides).
  virtual void copy(const Tensor& y, const Tensor& x) = 0;
  /// y[i] = x[index[i]] for i32 index [y rows]; y is not x.
  virtual void gather_rows(const Tensor& y, const Tensor& x, const Tensor& index) = 0;
  /// y[index[i]] += x[i], in order of i; y is not x.
  virtual void scatter_add_rows(const Tensor& y, const Tensor& x, const Tensor& index) = 0;
  /// y[i] = x[i] + table[index[i]] (position tables, length tables).
  virtual void add_rows(const Tensor& y, const Tensor& x, const Tensor& table,
                        const Tensor& index) = 0;
  /// y[j] = Σ w[m] x[m] / d[j] over m = member[offset[j] … offset[j+1]), in that order; w f32
  /// [x rows] or none (ones); d = Σ w[m], or divisor f32 [y rows] where given. A group of one row
  /// is copied bit for bit when the divisor is not given. y is not x. Merging, pooling.
  virtual void group_mean(const Tensor& y, const Tensor& x, std::span<const int32_t> offset,
                          std::span<const int32_t> member, const Tensor& weight,
                          const Tensor& divisor) = 0;
  /// y f32 [rows, head_dim] = mean over heads of x [rows, heads·head_dim]; the metric of ToMe.
  virtual void head_mean(const Tensor& y, const Tensor& x, int heads) = 0;

  // Reductions.
  virtual Comparison compare(const Tensor& a, const Tensor& b) = 0;

  // Input.
  /// y [tokens, 3·tubelet·patch²], columns in (channel, frame, row, column) order (the layout of a
  /// Conv3d weight); row i is token `tokens[i]` of the grid in (t,h,w) order.
  virtual void patchify(const Tensor& y, const PatchifyOptions& options,
                        std::span<const int32_t> tokens) = 0;

 protected:
  std::stop_token stop_;
};

using BackendPtr = std::shared_ptr<Backend>;

struct BackendOptions {
  std::string name = "auto";  ///< reference, onednn, cuda, cuda:N, auto (the first there of cuda,
                              ///< onednn, reference)
  DType dtype = DType::f32;   ///< f32, bf16; f16 on cuda
  int threads = 0;            ///< 0: all cores this process may use
  int device = 0;             ///< cuda: which GPU
  size_t memory = 0;          ///< cuda: most device memory to take, bytes; 0: what is free
  bool tf32 = false;          ///< cuda: float32 matrix products may round their inputs to TF32
  bool tune = false;          ///< cuda: time the matrix library's algorithms on first use; another
                              ///< process may then get other last bits
};
/// Throws Error(input) naming the option and what is there when the backend, or the dtype on this
/// machine, is not available.
BackendPtr make_backend(const BackendOptions& options);

/// What `looktwice info` prints.
struct BackendInfo {
  std::string name;
  bool available = false;
  std::string note;  ///< version and instruction set, or why it is not available
};
std::vector<BackendInfo> list_backends();

/// One argument check for everybody: throws std::logic_error("OP: …") when `ok` is false.
void require(bool ok, const char* operation, const char* what);

}  // namespace looktwice::compute
