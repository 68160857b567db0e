#include "compute/tensor.h"

#include <cstdlib>
#include <cstring>
#include <new>
#include <stdexcept>

#include <sys/mman.h>

#include "compute/float16.h"

namespace looktwice::compute {
namespace {

int64_t product(const Shape& shape, size_t from, size_t to) {
  int64_t n = 1;
  for (size_t i = from; i < to; ++i)
    n *= shape[i];
  return n;
}

[[noreturn]] void misuse(const std::string& what) {
  throw std::logic_error("tensor: " + what);
}

template <typename T>
bool holds(DType dtype);
template <>
bool holds<float>(DType dtype) {
  return dtype == DType::f32;
}
template <>
bool holds<uint16_t>(DType dtype) {
  return dtype == DType::bf16 || dtype == DType::f16;
}
template <>
bool holds<int32_t>(DType dtype) {
  return dtype == DType::i32;
}
template <>
bool holds<uint8_t>(DType dtype) {
  return dtype == DType::u8;
}

}  // namespace

std::string shape_text(const Shape& shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); ++i)
    text += (i ? ", " : "") + std::to_string(shape[i]);
  return text + "]";
}

std::shared_ptr<void> aligned_memory(size_t bytes) {
  // Large blocks come straight from the kernel and go back to it: between weights that stay, the
  // heap would keep the holes of those that were only passing through.
  constexpr size_t kLarge = size_t{1} << 20;
  if (bytes >= kLarge) {
    void* p = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) throw std::bad_alloc();
    madvise(p, bytes, MADV_HUGEPAGE);
    return {p, [bytes](void* q) { munmap(q, bytes); }};
  }
  const size_t size = (bytes + 63) / 64 * 64;
  void* p = std::aligned_alloc(64, size ? size : 64);
  if (!p) throw std::bad_alloc();
  return {p, [](void* q) { std::free(q); }};
}

Tensor::Tensor(Shape shape, DType dtype) : Tensor(std::move(shape), dtype, nullptr, nullptr) {
  owner_ = aligned_memory(bytes());
  data_ = owner_.get();
}

Tensor::Tensor(Shape shape, DType dtype, void* data, std::shared_ptr<void> owner,
               int64_t row_stride)
    : shape_(std::move(shape)),
      dtype_(dtype),
      data_(data),
      defined_(true),
      owner_(std::move(owner)) {
  for (int64_t d : shape_)
    if (d < 0) misuse("negative axis in " + shape_text(shape_));
  cols_ = shape_.empty() ? 1 : shape_.back();
  rows_ = shape_.empty() ? 1 : product(shape_, 0, shape_.size() - 1);
  stride_ = row_stride < 0 ? cols_ : row_stride;
}

Tensor Tensor::zeros(Shape shape, DType dtype) {
  Tensor t(std::move(shape), dtype);
  if (t.bytes()) std::memset(t.raw(), 0, t.bytes());
  return t;
}

Tensor Tensor::of(std::span<const float> values, Shape shape) {
  Tensor t(std::move(shape), DType::f32);
  if (size_t(t.elements()) != values.size())
    misuse(std::to_string(values.size()) + " values for " + shape_text(t.shape()));
  if (!values.empty()) std::memcpy(t.raw(), values.data(), values.size_bytes());
  return t;
}

Tensor Tensor::of(std::span<const int32_t> values) {
  Tensor t({int64_t(values.size())}, DType::i32);
  if (!values.empty()) std::memcpy(t.raw(), values.data(), values.size_bytes());
  return t;
}

Tensor Tensor::of(std::initializer_list<int32_t> values) {
  return of(std::span<const int32_t>(values.begin(), values.size()));
}

template <typename T>
T* Tensor::data() const {
  if (!holds<T>(dtype_)) misuse(std::string("asked for another type than ") + dtype_name(dtype_));
  return static_cast<T*>(data_);
}
template float* Tensor::data<float>() const;
template uint16_t* Tensor::data<uint16_t>() const;
template int32_t* Tensor::data<int32_t>() const;
template uint8_t* Tensor::data<uint8_t>() const;

Tensor Tensor::row_range(int64_t begin, int64_t count) const {
  if (begin < 0 || count < 0 || begin + count > rows_)
    misuse("rows " + std::to_string(begin) + "+" + std::to_string(count) + " of " +
           shape_text(shape_));
  auto* at = static_cast<char*>(data_) + size_t(begin * stride_) * dtype_bytes(dtype_);
  return Tensor({count, cols_}, dtype_, at, owner_, stride_);
}

Tensor Tensor::columns(int64_t begin, int64_t count) const {
  if (begin < 0 || count < 0 || begin + count > cols_)
    misuse("columns " + std::to_string(begin) + "+" + std::to_string(count) + " of " +
           shape_text(shape_));
  auto* at = static_cast<char*>(data_) + size_t(begin) * dtype_bytes(dtype_);
  return Tensor({rows_, count}, dtype_, at, owner_, stride_);
}

Tensor Tensor::reshape(Shape shape) const {
  if (!contiguous()) misuse("reshape of a strided view " + shape_text(shape_));
  Tensor t(std::move(shape), dtype_, data_, owner_);
  if (t.elements() != elements())
    misuse("reshape " + shape_text(shape_) + " to " + shape_text(t.shape_));
  return t;
}

Tensor Tensor::to_f32() const {
  Tensor out(shape_, DType::f32);
  float* to = out.data<float>();
  for (int64_t r = 0; r < rows_; ++r, to += cols_) {
    const int64_t at = r * stride_;
    switch (dtype_) {
      case DType::f32:
        std::memcpy(to, static_cast<const float*>(data_) + at, size_t(cols_) * 4);
        break;
      case DType::bf16:
        for (int64_t c = 0; c < cols_; ++c)
          to[c] = bf16_to_float(static_cast<const uint16_t*>(data_)[at + c]);
        break;
      case DType::f16:
        for (int64_t c = 0; c < cols_; ++c)
          to[c] = f16_to_float(static_cast<const uint16_t*>(data_)[at + c]);
        break;
      case DType::i32:
        for (int64_t c = 0; c < cols_; ++c)
          to[c] = float(static_cast<const int32_t*>(data_)[at + c]);
        break;
      default:
        misuse(std::string("no float form of ") + dtype_name(dtype_));
    }
  }
  return out;
}

std::vector<float> Tensor::to_vector() const {
  const Tensor t = to_f32();
  const float* p = t.data<float>();
  return {p, p + t.elements()};
}

}  // namespace looktwice::compute
