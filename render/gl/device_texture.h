#pragma once
// Pictures that lie in a backend's memory: into a texture without a way over the host where backend
// and OpenGL are on one GPU, else by copy.

#include <cstddef>

#include "compute/backend.h"
#include "gl/owner.h"
#include "gl/texture.h"

namespace looktwice::gl {

void delete_buffer(unsigned id);

/// A texture that is filled from tensors. All calls need the owner's context to be current, and the
/// backend's thread.
class DeviceTexture {
 public:
  enum class Way {
    shared,  ///< device to texture
    copied   ///< through the host
  };

  DeviceTexture() = default;
  DeviceTexture(const Owner& owner, Format format, int width, int height, Filter filter);

  /// `picture` is contiguous, width · height texels, rows one after the other: U8 frames as
  /// TokenOps::upload_frames holds them for rgb8, or host memory. Throws std::logic_error when its
  /// bytes are not the texture's.
  Way fill(compute::Backend& backend, const compute::Tensor& picture);

  const Texture& texture() const { return texture_; }
  void bind(int unit) const { texture_.bind(unit); }

 private:
  Texture texture_;
  Name<delete_buffer> buffer_;  // pixels on their way
  size_t bytes_ = 0;
};

}  // namespace looktwice::gl
