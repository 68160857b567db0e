#pragma once
// Tensor: a handle to typed memory seen as rows x columns. Copying a Tensor copies the handle.

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/safetensors.h"

namespace looktwice::compute {

using Shape = std::vector<int64_t>;

/// "[1568, 768]"
std::string shape_text(const Shape& shape);

/// Row-major; the last axis is contiguous and the others are, together, evenly spaced rows of
/// `row_stride` elements (so a range of columns of a matrix is a Tensor too). dtype is f32, bf16,
/// f16, i32 or u8. Memory belongs to the handles that share it: host memory aligned to 64 bytes,
/// or a device's, which only its backend may touch. Threads: handles are values; who writes the
/// elements is the caller's business. Because a Tensor is a handle, outputs are passed as
/// `const Tensor&`, like a span.
class Tensor {
 public:
  Tensor() = default;
  /// Host memory, uninitialised. Throws std::logic_error on a negative axis.
  Tensor(Shape shape, DType dtype);
  /// Borrowed or shared memory: `owner` is kept alive with the handle.
  Tensor(Shape shape, DType dtype, void* data, std::shared_ptr<void> owner,
         int64_t row_stride = -1);

  static Tensor zeros(Shape shape, DType dtype = DType::f32);
  /// Host copies.
  static Tensor of(std::span<const float> values, Shape shape);
  static Tensor of(std::span<const int32_t> values);
  static Tensor of(std::initializer_list<int32_t> values);

  /// False for a default-made handle, which stands for "none" in optional arguments.
  explicit operator bool() const { return data_ != nullptr || defined_; }
  DType dtype() const { return dtype_; }
  const Shape& shape() const { return shape_; }
  int64_t dim(size_t axis) const { return shape_.at(axis); }
  int64_t elements() const { return rows_ * cols_; }
  int64_t rows() const { return rows_; }  ///< product of all axes but the last (1 for a vector)
  int64_t cols() const { return cols_; }  ///< the last axis (1 for a scalar)
  int64_t row_stride() const { return stride_; }  ///< elements from one row to the next
  bool contiguous() const { return stride_ == cols_ || rows_ <= 1; }
  size_t bytes() const { return size_t(elements()) * dtype_bytes(dtype_); }

  /// Pointer to the first element; throws std::logic_error if T is not the dtype's C++ type
  /// (float; uint16_t for bf16 and f16; int32_t; uint8_t).
  template <typename T>
  T* data() const;
  void* raw() const { return data_; }

  /// Views that share memory. Ranges are checked (std::logic_error).
  Tensor row_range(int64_t begin, int64_t count) const;  ///< [count, cols]
  Tensor columns(int64_t begin, int64_t count) const;    ///< [rows, count]
  Tensor reshape(Shape shape) const;                     ///< contiguous tensors only

  /// Host tensors: a contiguous f32 copy (of f32, bf16, f16 or i32), and its elements.
  Tensor to_f32() const;
  std::vector<float> to_vector() const;

 private:
  Shape shape_;
  DType dtype_ = DType::f32;
  int64_t rows_ = 0, cols_ = 0, stride_ = 0;
  void* data_ = nullptr;
  bool defined_ = false;
  std::shared_ptr<void> owner_;
};

/// Aligned host memory (64 bytes), freed with the last owner. Throws std::bad_alloc.
std::shared_ptr<void> aligned_memory(size_t bytes);

}  // namespace looktwice::compute
