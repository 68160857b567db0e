// Row operations, reductions and input of the CUDA backend: checks, then one launch each.

#include <cmath>
#include <stdexcept>

#include "compute/cuda/cuda_backend.h"
#include "compute/host_backend.h"

namespace looktwice::compute::cuda {
namespace {

Table table_of(const Tensor& t) {
  if (!t) return {};
  return {static_cast<const float*>(t.raw()), t.row_stride()};
}

const int32_t* ints_of(const Tensor& t) {
  return t ? static_cast<const int32_t*>(t.raw()) : nullptr;
}

const float* floats_of(const Tensor& t) {
  return t ? static_cast<const float*>(t.raw()) : nullptr;
}

bool nothing(const Tensor& y) {
  return y.elements() == 0;
}

}  // namespace

void CudaBackend::layer_norm(const Tensor& y, const Tensor& x, const Tensor& weight,
                             const Tensor& bias, float eps) {
  check_same("layer_norm", y, x);
  if (weight) check_table("layer_norm", x, weight, {});
  if (bias) check_table("layer_norm", x, bias, {});
  on_device("layer_norm", {&y, &x});
  if (nothing(y)) return;
  NormArgs a;
  a.y = matrix(y);
  a.x = matrix(x);
  a.weight = floats_of(weight);
  a.bias = floats_of(bias);
  a.eps = eps;
  run(Kernel::layer_norm, &a);
}

void CudaBackend::rms_norm(const Tensor& y, const Tensor& x, const Tensor& weight, int heads,
                           float eps) {
  check_rms_norm(y, x, weight, heads);
  on_device("rms_norm", {&y, &x, &weight});
  if (nothing(y)) return;
  NormArgs a;
  a.y = matrix(y);
  a.x = matrix(x);
  a.weight = floats_of(weight);
  a.eps = eps;
  a.heads = heads;
  run(Kernel::rms_norm, &a);
}

void CudaBackend::norm_modulate(const Tensor& y, const Tensor& x, float eps, const Tensor& shift,
                                const Tensor& scale, const Tensor& groups) {
  check_same("norm_modulate", y, x);
  check_table("norm_modulate", x, shift, groups);
  check_table("norm_modulate", x, scale, groups);
  on_device("norm_modulate", {&y, &x});
  if (nothing(y)) return;
  NormArgs a;
  a.y = matrix(y);
  a.x = matrix(x);
  a.eps = eps;
  a.scale = table_of(scale);
  a.shift = table_of(shift);
  a.group = ints_of(groups);
  run(Kernel::norm_modulate, &a);
}

void CudaBackend::rms_rotary(const Tensor& y, const Tensor& x, const Tensor& weight, int heads,
                             float eps, const Tensor& cos, const Tensor& sin,
                             const Tensor& position) {
  if (!cos) return rms_norm(y, x, weight, heads, eps);
  check_same("rms_rotary", y, x);
  require(heads >= 1 && x.cols() % (2 * heads) == 0, "rms_rotary", "heads of an even width");
  require(weight.dtype() == DType::f32 && weight.elements() == x.cols() / heads, "rms_rotary",
          "the weight is f32 [head_dim]");
  require(cos.cols() == x.cols() / heads / 2 && sin.cols() == cos.cols() &&
              sin.rows() == cos.rows() && cos.dtype() == DType::f32 && sin.dtype() == DType::f32,
          "rms_rotary", "tables are f32 [positions, head_dim/2]");
  checked_index("rms_rotary", position, x.rows(), cos.rows());
  on_device("rms_rotary", {&y, &x, &weight, &cos, &sin});
  if (nothing(y)) return;
  NormArgs a;
  a.y = matrix(y);
  a.x = matrix(x);
  a.weight = floats_of(weight);
  a.eps = eps;
  a.heads = heads;
  a.scale = table_of(cos);
  a.shift = table_of(sin);
  a.group = ints_of(position);
  run(Kernel::rms_rotary, &a);
}

void CudaBackend::modulate(const Tensor& y, const Tensor& x, const Tensor& shift,
                           const Tensor& scale, const Tensor& groups) {
  check_same("modulate", y, x);
  check_table("modulate", x, shift, groups);
  check_table("modulate", x, scale, groups);
  on_device("modulate", {&y, &x});
  if (nothing(y)) return;
  ElementArgs a;
  a.y = matrix(y);
  a.a = matrix(x);
  a.table = table_of(scale);
  a.table2 = table_of(shift);
  a.group = ints_of(groups);
  run(Kernel::modulate, &a);
}

void CudaBackend::rotary(const Tensor& y, const Tensor& x, const Tensor& cos, const Tensor& sin,
                         const Tensor& position, int heads) {
  check_same("rotary", y, x);
  require(heads >= 1 && x.cols() % (2 * heads) == 0, "rotary", "heads of an even width");
  require(cos.cols() == x.cols() / heads / 2 && sin.cols() == cos.cols() &&
              sin.rows() == cos.rows() && cos.dtype() == DType::f32 && sin.dtype() == DType::f32,
          "rotary", "tables are f32 [positions, head_dim/2]");
  checked_index("rotary", position, x.rows(), cos.rows());
  on_device("rotary", {&y, &x, &cos, &sin});
  if (nothing(y)) return;
  ElementArgs a;
  a.y = matrix(y);
  a.a = matrix(x);
  a.table = table_of(cos);
  a.table2 = table_of(sin);
  a.index = ints_of(position);
  a.heads = heads;
  run(Kernel::rotary, &a);
}

void CudaBackend::gated_add(const Tensor& y, const Tensor& x, const Tensor& r, const Tensor& gate,
                            const Tensor& groups) {
  check_same("gated_add", y, x);
  check_same("gated_add", x, r);
  if (gate) check_table("gated_add", x, gate, groups);
  on_device("gated_add", {&y, &x, &r});
  if (nothing(y)) return;
  ElementArgs a;
  a.y = matrix(y);
  a.a = matrix(x);
  a.b = matrix(r);
  a.table = table_of(gate);
  a.group = gate ? ints_of(groups) : nullptr;
  run(Kernel::gated_add, &a);
}

void CudaBackend::combine(const Tensor& y, float alpha, const Tensor& a, float beta,
                          const Tensor& b) {
  check_same("combine", y, a);
  check_same("combine", a, b);
  on_device("combine", {&y, &a, &b});
  if (nothing(y)) return;
  ElementArgs e;
  e.y = matrix(y);
  e.a = matrix(a);
  e.b = matrix(b);
  e.alpha = alpha;
  e.beta = beta;
  run(Kernel::combine, &e);
}

void CudaBackend::activate(const Tensor& y, const Tensor& x, Activation activation) {
  check_same("activate", y, x);
  on_device("activate", {&y, &x});
  if (nothing(y)) return;
  ElementArgs a;
  a.y = matrix(y);
  a.a = matrix(x);
  a.curve = activation == Activation::gelu_erf    ? Curve::gelu_erf
            : activation == Activation::gelu_tanh ? Curve::gelu_tanh
            : activation == Activation::silu      ? Curve::silu
                                                  : Curve::none;
  run(Kernel::activate, &a);
}

void CudaBackend::copy(const Tensor& y, const Tensor& x) {
  check_same("copy", y, x);
  on_device("copy", {&y, &x});
  if (nothing(y)) return;
  ElementArgs a;
  a.y = matrix(y);
  a.a = matrix(x);
  run(Kernel::copy, &a);
}

void CudaBackend::gather_rows(const Tensor& y, const Tensor& x, const Tensor& index) {
  require(y.cols() == x.cols() && (y.raw() != x.raw() || nothing(y)), "gather_rows",
          "rows are equally wide, and y is not x");
  checked_index("gather_rows", index, y.rows(), x.rows());
  on_device("gather_rows", {&y, &x});
  if (nothing(y)) return;
  ElementArgs a;
  a.y = matrix(y);
  a.a = matrix(x);
  a.index = ints_of(index);
  run(Kernel::gather, &a);
}

void CudaBackend::scatter_add_rows(const Tensor& y, const Tensor& x, const Tensor& index) {
  require(y.cols() == x.cols() && (y.raw() != x.raw() || nothing(y)), "scatter_add_rows",
          "rows are equally wide, and y is not x");
  const auto values = checked_index("scatter_add_rows", index, x.rows(), y.rows());
  on_device("scatter_add_rows", {&y, &x});
  if (nothing(y) || nothing(x)) return;
  const ScatterPlan plan = scatter_plan(values, y.rows());
  const Tensor offset = ints(plan.offset), member = ints(plan.member);
  GroupArgs a;
  a.y = matrix(y);
  a.x = matrix(x);
  a.offset = ints_of(offset);
  a.member = ints_of(member);
  run(Kernel::group_add, &a);
}

void CudaBackend::add_rows(const Tensor& y, const Tensor& x, const Tensor& table,
                           const Tensor& index) {
  check_same("add_rows", y, x);
  require(table.cols() == x.cols(), "add_rows", "the table is as wide as a row");
  checked_index("add_rows", index, x.rows(), table.rows());
  on_device("add_rows", {&y, &x, &table});
  if (nothing(y)) return;
  ElementArgs a;
  a.y = matrix(y);
  a.a = matrix(x);
  a.b = matrix(table);
  a.index = ints_of(index);
  run(Kernel::add_rows, &a);
}

void CudaBackend::group_mean(const Tensor& y, const Tensor& x, std::span<const int32_t> offset,
                             std::span<const int32_t> member, const Tensor& weight,
                             const Tensor& divisor) {
  check_groups_of_rows(y, x, offset, member, weight, divisor);
  on_device("group_mean", {&y, &x, &weight, &divisor});
  if (nothing(y)) return;
  const Tensor offsets = ints(offset), members = ints(member);
  GroupArgs a;
  a.y = matrix(y);
  a.x = matrix(x);
  a.offset = ints_of(offsets);
  a.member = ints_of(members);
  a.weight = floats_of(weight);
  a.divisor = floats_of(divisor);
  run(Kernel::group_mean, &a);
}

void CudaBackend::head_mean(const Tensor& y, const Tensor& x, int heads) {
  require(
      heads >= 1 && x.cols() == y.cols() * heads && y.rows() == x.rows() && y.dtype() == DType::f32,
      "head_mean", "y is f32 [rows, head_dim]");
  on_device("head_mean", {&y, &x});
  if (nothing(y)) return;
  ElementArgs a;
  a.y = matrix(y);
  a.a = matrix(x);
  a.heads = heads;
  run(Kernel::head_mean, &a);
}

Comparison CudaBackend::compare(const Tensor& a, const Tensor& b) {
  not_recording("compare");
  check_same("compare", a, b);
  on_device("compare", {&a, &b});
  Comparison sums;
  if (nothing(a)) return sums;
  const size_t partials = size_t(kCompareBlocks) * kCompareSums;
  const auto memory = pool_->take((partials + kCompareSums) * sizeof(double));
  CompareArgs c;
  c.a = matrix(a);
  c.b = matrix(b);
  c.partial = static_cast<double*>(memory.get());
  c.sums = c.partial + partials;
  run(Kernel::compare, &c);
  double s[kCompareSums];
  staging_->download(s, c.sums, sizeof s);
  sums.l1_difference = s[0];
  sums.l1_a = s[1];
  sums.l1_b = s[2];
  sums.l2_difference = std::sqrt(s[3]);
  sums.l2_a = std::sqrt(s[4]);
  sums.l2_b = std::sqrt(s[5]);
  sums.dot = s[6];
  return sums;
}

void CudaBackend::patchify(const Tensor& y, const PatchifyOptions& o,
                           std::span<const int32_t> tokens) {
  check_patchify(y, o, tokens);
  on_device("patchify", {&y});
  if (nothing(y)) return;
  const int64_t rows = int64_t(o.T) * o.H;
  const Tensor frames =
      o.frames ? o.frames
               : raw_upload(o.rgb, {rows, int64_t(o.W) * 3}, DType::u8, int64_t(o.W) * 3);
  require(frames.dtype() == DType::u8 && frames.contiguous() &&
              frames.elements() == rows * o.W * 3 && owns(frames.raw()),
          "patchify", "frames are u8 [T, H, W, 3] on the device");
  const Tensor listed = ints(tokens);
  PatchifyArgs a;
  a.y = matrix(y);
  a.rgb = static_cast<const uint8_t*>(frames.raw());
  a.tokens = ints_of(listed);
  a.H = o.H;
  a.W = o.W;
  a.tubelet = o.tubelet;
  a.patch = o.patch;
  for (int c = 0; c < 3; ++c) {
    a.mean[c] = o.mean[c];
    a.std[c] = o.std[c];
  }
  run(Kernel::patchify, &a);
}

}  // namespace looktwice::compute::cuda
