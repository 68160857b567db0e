#pragma once
// Buffer objects of OpenGL that CUDA writes, where both are on one GPU.

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

#include <cuda_runtime_api.h>

#include "compute/cuda/device.h"

namespace looktwice::compute::cuda {

/// Buffers stay registered until their size changes or clear(). All calls need the OpenGL context
/// of the buffers to be current.
class GlBuffers {
 public:
  /// `unsupported` where the current context is on no GPU of CUDA's, or on another than `device`.
  Status copy(int device, cudaStream_t stream, uint32_t buffer, const void* from, size_t bytes,
              std::string& error);
  void clear();

 private:
  struct Registered {
    cudaGraphicsResource_t resource;
    size_t bytes;
  };
  std::map<uint32_t, Registered> registered_;
};

}  // namespace looktwice::compute::cuda
