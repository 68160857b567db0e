#pragma once
// Device memory that OpenGL draws from without a way over the host. Optional: Backend::gl_sharing()
// is null where a backend's memory is the host's.

#include <cstdint>

#include "compute/tensor.h"

namespace looktwice::compute {

/// Threads: the backend's, with the OpenGL context of the buffers current.
class GlSharing {
 public:
  virtual ~GlSharing() = default;
  /// Copies a contiguous tensor into a buffer object of the current OpenGL context (made with at
  /// least its bytes). False, with nothing written, where context and device are not on one GPU:
  /// download and glBufferSubData then.
  virtual bool to_gl_buffer(uint32_t buffer, const Tensor& tensor) = 0;
};

}  // namespace looktwice::compute
