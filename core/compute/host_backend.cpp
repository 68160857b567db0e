#include "compute/host_backend.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include "compute/float16.h"

namespace looktwice::compute {

std::shared_ptr<void> HostPool::take(size_t bytes) {
  const size_t size = std::max<size_t>(4096, (bytes + 4095) / 4096 * 4096);
  std::lock_guard lock(mutex_);
  // A free block that wastes at most a quarter serves; otherwise a new one is made.
  auto it = free_.lower_bound(size);
  std::shared_ptr<void> memory;
  size_t got = size;
  if (it != free_.end() && it->first <= size + size / 4) {
    got = it->first;
    memory = std::move(it->second);
    free_.erase(it);
  } else {
    // Nothing fits: blocks that waited for another size are given up first.
    size_t idle = 0;
    for (const auto& [n, block] : free_)
      idle += n;
    if (idle > in_use_ / 2 + (size_t{64} << 20)) free_.clear();
    memory = aligned_memory(size);
  }
  void* p = memory.get();
  taken_[p] = std::move(memory);
  in_use_ += got;
  peak_ = std::max(peak_, in_use_);
  return {p, [pool = shared_from_this(), got](void* q) { pool->give(q, got); }};
}

void HostPool::give(void* block, size_t size) {
  std::lock_guard lock(mutex_);
  const auto it = taken_.find(block);
  free_.emplace(size, std::move(it->second));
  taken_.erase(it);
  in_use_ -= size;
}

size_t HostPool::in_use() const {
  std::lock_guard lock(mutex_);
  return in_use_;
}

size_t HostPool::peak() const {
  std::lock_guard lock(mutex_);
  return peak_;
}

Tensor HostBackend::empty(Shape shape, DType dtype) {
  const Tensor sized(shape, dtype, nullptr, nullptr);
  auto memory = pool_->take(sized.bytes());
  void* p = memory.get();
  return Tensor(std::move(shape), dtype, p, std::move(memory));
}

Tensor HostBackend::upload(const Tensor& host, DType dtype) {
  Tensor out = empty(host.shape(), dtype);
  if (dtype == host.dtype()) {
    const size_t row = size_t(host.cols()) * dtype_bytes(dtype);
    const size_t step = size_t(host.row_stride()) * dtype_bytes(dtype);
    if (row == 0) return out;
    for (int64_t r = 0; r < host.rows(); ++r)
      std::memcpy(static_cast<char*>(out.raw()) + size_t(r) * row,
                  static_cast<const char*>(host.raw()) + size_t(r) * step, row);
    return out;
  }
  const Tensor f = host.to_f32();
  const float* from = f.data<float>();
  const int64_t n = f.elements();
  if (dtype == DType::f32) {
    std::copy(from, from + n, out.data<float>());
  } else if (dtype == DType::bf16) {
    std::transform(from, from + n, out.data<uint16_t>(), float_to_bf16);
  } else if (dtype == DType::f16) {
    std::transform(from, from + n, out.data<uint16_t>(), float_to_f16);
  } else {
    throw std::logic_error("upload: no conversion to this dtype");
  }
  return out;
}

Tensor HostBackend::download(const Tensor& device) {
  Tensor out(device.shape(), device.dtype());
  const size_t size = dtype_bytes(device.dtype()), row = size_t(device.cols()) * size;
  if (row == 0) return out;
  for (int64_t r = 0; r < device.rows(); ++r)
    std::memcpy(static_cast<char*>(out.raw()) + size_t(r) * row,
                static_cast<const char*>(device.raw()) + size_t(r * device.row_stride()) * size,
                row);
  return out;
}

namespace {
bool is_float(const Tensor& t) {
  return t.dtype() == DType::f32 || t.dtype() == DType::bf16 || t.dtype() == DType::f16;
}
}  // namespace

void check_same(const char* op, const Tensor& y, const Tensor& x) {
  require(bool(y) && bool(x) && is_float(y) && is_float(x), op, "tensors are floating point");
  require(y.rows() == x.rows() && y.cols() == x.cols(), op, "shapes are equal");
}

void check_rms_norm(const Tensor& y, const Tensor& x, const Tensor& weight, int heads) {
  check_same("rms_norm", y, x);
  require(heads >= 1 && x.cols() % heads == 0, "rms_norm", "heads divide the width");
  require(weight.dtype() == DType::f32 && weight.elements() == x.cols() / heads, "rms_norm",
          "the weight is f32 [head_dim]");
}

void check_index(const char* op, const Tensor& index, int64_t count, int64_t below) {
  require(
      bool(index) && index.dtype() == DType::i32 && index.contiguous() && index.elements() == count,
      op, "the index is i32, one entry a row");
  const int32_t* p = index.data<int32_t>();
  for (int64_t i = 0; i < count; ++i)
    require(p[i] >= 0 && p[i] < below, op, "an index is out of range");
}

void check_groups(const char* op, const Tensor& x, const Tensor& table, const Tensor& groups) {
  require(bool(table) && table.dtype() == DType::f32 && table.cols() == x.cols(), op,
          "the table is f32, as wide as a row");
  if (groups) {
    check_index(op, groups, x.rows(), table.rows());
  } else {
    require(table.rows() >= 1, op, "the table has a row");
  }
}

void check_linear(const Tensor& y, const Tensor& x, const PreparedLinear& w,
                  const LinearOptions& o) {
  require(bool(y) && bool(x) && is_float(y) && is_float(x), "linear", "tensors are floating point");
  require(x.cols() == w.in, "linear", "x is as wide as the weight's input");
  require(y.rows() == x.rows() && y.cols() == w.out, "linear", "y is [rows, out]");
  require(y.raw() != x.raw() || y.elements() == 0, "linear", "y is not x");
  if (o.residual) check_same("linear", y, o.residual);
  if (o.gate) check_groups("linear", y, o.gate, o.group_of_row);
}

void check_attention(const Tensor& y, const Tensor& q, const Tensor& k, const Tensor& v,
                     const AttentionOptions& o) {
  check_same("attention", y, q);
  check_same("attention", k, v);
  require(k.cols() == q.cols(), "attention", "q and k are equally wide");
  require(o.heads >= 1 && q.cols() % o.heads == 0, "attention", "heads divide the width");
  const auto in_range = [](const Segments& s, int64_t rows) {
    if (s.start.size() != s.length.size() || s.step < 1) return false;
    for (size_t i = 0; i < s.start.size(); ++i)
      if (s.start[i] < 0 || s.length[i] < 0 ||
          (s.length[i] > 0 && s.start[i] + (s.length[i] - 1) * s.step >= rows))
        return false;
    return true;
  };
  require(o.q_segments.count() == o.k_segments.count(), "attention",
          "query and key segments pair up");
  require(in_range(o.q_segments, q.rows()) && in_range(o.k_segments, k.rows()), "attention",
          "segments lie within the rows");
  require(!o.key_bias || (o.key_bias.dtype() == DType::f32 && o.key_bias.contiguous() &&
                          o.key_bias.elements() == k.rows()),
          "attention", "the key bias is f32, one entry a key row");
}

void check_groups_of_rows(const Tensor& y, const Tensor& x, std::span<const int32_t> offset,
                          std::span<const int32_t> member, const Tensor& weight,
                          const Tensor& divisor) {
  const char* op = "group_mean";
  require(is_float(y) && is_float(x) && y.cols() == x.cols(), op, "rows are equally wide");
  require(y.raw() != x.raw() || y.elements() == 0, op, "y is not x");
  require(int64_t(offset.size()) == y.rows() + 1 && offset[0] >= 0 &&
              size_t(offset.back()) <= member.size(),
          op, "one offset a group, and the end");
  for (size_t i = 0; i + 1 < offset.size(); ++i)
    require(offset[i] <= offset[i + 1], op, "offsets ascend");
  for (int32_t m : member)
    require(m >= 0 && m < x.rows(), op, "a member is out of range");
  require(!weight || (weight.dtype() == DType::f32 && weight.contiguous() &&
                      weight.elements() == x.rows()),
          op, "weights are f32, one a row of x");
  require(!divisor || (divisor.dtype() == DType::f32 && divisor.contiguous() &&
                       divisor.elements() == y.rows()),
          op, "divisors are f32, one a row of y");
}

void check_patchify(const Tensor& y, const PatchifyOptions& o, std::span<const int32_t> tokens) {
  const char* op = "patchify";
  require(o.rgb && o.tubelet >= 1 && o.patch >= 1 && o.T >= 1 && o.T % o.tubelet == 0, op,
          "whole tubelets of frames");
  const int64_t n = int64_t(o.T / o.tubelet) * (o.H / o.patch) * (o.W / o.patch);
  require(n > 0, op, "at least one patch");
  require(is_float(y) && y.rows() == int64_t(tokens.size()) &&
              y.cols() == int64_t(3) * o.tubelet * o.patch * o.patch,
          op, "y is [tokens, 3*tubelet*patch*patch]");
  for (int32_t t : tokens)
    require(t >= 0 && t < n, op, "a token is out of range");
}

}  // namespace looktwice::compute
