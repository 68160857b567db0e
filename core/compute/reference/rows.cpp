#include "compute/reference/rows.h"

#include <cstring>
#include <stdexcept>

#include "compute/float16.h"

namespace looktwice::compute {

void load_row(const Tensor& x, int64_t row, float* to) {
  const int64_t n = x.cols(), at = row * x.row_stride();
  switch (x.dtype()) {
    case DType::f32:
      std::memcpy(to, static_cast<const float*>(x.raw()) + at, size_t(n) * 4);
      return;
    case DType::bf16:
      for (int64_t i = 0; i < n; ++i)
        to[i] = bf16_to_float(static_cast<const uint16_t*>(x.raw())[at + i]);
      return;
    case DType::f16:
      for (int64_t i = 0; i < n; ++i)
        to[i] = f16_to_float(static_cast<const uint16_t*>(x.raw())[at + i]);
      return;
    default:
      throw std::logic_error("load_row: not a floating dtype");
  }
}

void store_row(const Tensor& y, int64_t row, const float* from) {
  const int64_t n = y.cols(), at = row * y.row_stride();
  switch (y.dtype()) {
    case DType::f32:
      std::memcpy(static_cast<float*>(y.raw()) + at, from, size_t(n) * 4);
      return;
    case DType::bf16:
      for (int64_t i = 0; i < n; ++i)
        static_cast<uint16_t*>(y.raw())[at + i] = float_to_bf16(from[i]);
      return;
    case DType::f16:
      for (int64_t i = 0; i < n; ++i)
        static_cast<uint16_t*>(y.raw())[at + i] = float_to_f16(from[i]);
      return;
    default:
      throw std::logic_error("store_row: not a floating dtype");
  }
}

}  // namespace looktwice::compute
