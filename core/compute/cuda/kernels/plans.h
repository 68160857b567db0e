#pragma once
// Launch shapes and paths, decided on the host from the arguments alone. No CUDA here.

#include <cstdint>

#include "compute/cuda/args.h"

namespace looktwice::compute::cuda {

inline int element_bytes(Element e) {
  return e == Element::f32 ? 4 : 2;
}

/// Rows can be read in parts of 8 elements: 16-byte aligned, whole parts.
inline bool wide(const Matrix& m) {
  return !m.data || (m.cols % 8 == 0 && m.stride * element_bytes(m.element) % 16 == 0 &&
                     reinterpret_cast<uintptr_t>(m.data) % 16 == 0);
}
inline bool wide(const Table& t, int cols) {
  return !t.data ||
         (cols % 8 == 0 && t.stride % 4 == 0 && reinterpret_cast<uintptr_t>(t.data) % 16 == 0);
}
inline bool wide(const float* p, int cols) {
  return wide(Table{p, 0}, cols);
}

inline uint32_t blocks_for(uint64_t items, uint32_t each) {
  return uint32_t((items + each - 1) / each);
}

}  // namespace looktwice::compute::cuda
