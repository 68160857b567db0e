#pragma once
// The device that a test of host code runs on: the emulated one, or the GPU where
// LOOKTWICE_TEST_NEEDS_GPU is set (tests/gpu/run).

#include <cstdlib>
#include <memory>
#include <stdexcept>

#include "compute/cuda/cuda_backend.h"
#include "compute/cuda/loader.h"
#include "emulation/emulated_device.h"

namespace looktwice::compute::cuda {

inline bool on_gpu() {
  return std::getenv("LOOKTWICE_TEST_NEEDS_GPU") != nullptr;
}

/// `counts` stays as it is on a GPU.
inline std::shared_ptr<Device> device_under_test(EmulatedCounts* counts) {
  if (!on_gpu()) return emulated_device({}, counts);
  const Opened opened = open_device(OpenOptions{});
  if (!opened.device) throw std::runtime_error(opened.reason);
  return opened.device;
}

/// A backend on the device under test, its memory pooled in small pieces of at most `budget` bytes
/// in all (0: what there is).
inline std::shared_ptr<CudaBackend> pooled_backend(EmulatedCounts* counts, const FastPaths& fast,
                                                   size_t budget) {
  CudaOptions options;
  options.fast = fast;
  options.pool.budget = budget;
  options.pool.segment = size_t{1} << 20;
  options.workspace = 0;
  return std::make_shared<CudaBackend>(device_under_test(counts), options);
}

/// The matrix library may take another algorithm for another number of rows: on a GPU sums agree to
/// this, relative to 1 + their size; the emulated one gives the same bits.
inline double rounding_of_sums() {
  return on_gpu() ? 1e-4 : 0.0;
}

}  // namespace looktwice::compute::cuda
