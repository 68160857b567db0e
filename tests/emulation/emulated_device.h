#pragma once
// A Device that runs the CUDA backend's own kernels on the CPU. Slow; for small cases.

#include <functional>
#include <memory>

#include "compute/cuda/device.h"

namespace looktwice::compute::cuda {

struct EmulatedOptions {
  size_t memory = size_t{1} << 30;  ///< more than this is out of memory
  bool library_epilogues = true;    ///< false: the matrix library knows plain products only
  bool library = true;              ///< false: it has no algorithm for anything
  bool library_scales = true;       ///< false: it cannot multiply columns with factors
  /// Stands for a device that shares memory with OpenGL; empty: it does not.
  std::function<void(uint32_t buffer, const void* from, size_t bytes)> write_gl_buffer = {};
  int lost_after = -1;  ///< the device is lost after so many kernels and products
};

/// What happened on it, for tests of the host code.
struct EmulatedCounts {
  int kernels = 0, products = 0, allocations = 0, pinned = 0, replays = 0, graphs = 0;
  size_t allocated = 0;  ///< bytes now
};

std::shared_ptr<Device> emulated_device(EmulatedOptions options = {},
                                        EmulatedCounts* counts = nullptr);

}  // namespace looktwice::compute::cuda
