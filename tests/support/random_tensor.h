#pragma once
// Tensors of normal numbers for tests: the same on every machine for a seed.

#include <cstdint>
#include <random>
#include <utility>

#include "compute/tensor.h"

namespace looktwice::compute {

/// f32, standard deviation `scale` around 0.
inline Tensor random_tensor(Shape shape, uint32_t seed, float scale = 1) {
  Tensor t(std::move(shape), DType::f32);
  std::mt19937 engine(seed);
  std::normal_distribution<float> normal(0, scale);
  for (int64_t i = 0; i < t.elements(); ++i)
    t.data<float>()[i] = normal(engine);
  return t;
}

}  // namespace looktwice::compute
