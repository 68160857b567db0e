#include "compute/cuda/plugin/gl_buffers.h"

#include <dlfcn.h>

// Declared here as cuda_gl_interop.h declares them: that header wants OpenGL's, which a server
// without a display has not. GLuint is unsigned int.
extern "C" {
cudaError_t cudaGLGetDevices(unsigned int* found, int* devices, unsigned int room, int which);
cudaError_t cudaGraphicsGLRegisterBuffer(cudaGraphicsResource** resource, unsigned int buffer,
                                         unsigned int flags);
}

namespace looktwice::compute::cuda {
namespace {

constexpr int kAllDevices = 1;  // cudaGLDeviceListAll
constexpr int kMostDevices = 16;

/// Whether this thread has an OpenGL context and it is on `device`. Asking CUDA without a context
/// would load OpenGL's library; so its own functions are asked first.
bool shares(int device) {
  using Current = void*();
  bool current = false;
  for (const char* name : {"eglGetCurrentContext", "glXGetCurrentContext"})
    if (auto* f = reinterpret_cast<Current*>(dlsym(RTLD_DEFAULT, name)))
      current = current || f() != nullptr;
  if (!current) return false;
  unsigned int found = 0;
  int devices[kMostDevices] = {};
  const cudaError_t e = cudaGLGetDevices(&found, devices, kMostDevices, kAllDevices);
  cudaGetLastError();
  if (e != cudaSuccess) return false;
  for (unsigned int i = 0; i < found && i < kMostDevices; ++i)
    if (devices[i] == device) return true;
  return false;
}

}  // namespace

Status GlBuffers::copy(int device, cudaStream_t stream, uint32_t buffer, const void* from,
                       size_t bytes, std::string& error) {
  if (!shares(device)) {
    error = "the OpenGL context is not on this GPU";
    return Status::unsupported;
  }
  const auto failed = [&](cudaError_t e, const char* doing) {
    error = std::string(doing) + ": " + cudaGetErrorString(e);
    cudaGetLastError();
    return Status::unsupported;  // a copy through the host still works
  };
  auto it = registered_.find(buffer);
  if (it != registered_.end() && it->second.bytes != bytes) {
    cudaGraphicsUnregisterResource(it->second.resource);
    registered_.erase(it);
    it = registered_.end();
  }
  if (it == registered_.end()) {
    cudaGraphicsResource_t made = nullptr;
    if (const cudaError_t e =
            cudaGraphicsGLRegisterBuffer(&made, buffer, cudaGraphicsRegisterFlagsWriteDiscard);
        e != cudaSuccess)
      return failed(e, "sharing a buffer with OpenGL");
    it = registered_.emplace(buffer, Registered{made, bytes}).first;
  }
  cudaGraphicsResource_t resource = it->second.resource;
  cudaError_t e = cudaGraphicsMapResources(1, &resource, stream);
  if (e != cudaSuccess) return failed(e, "mapping a buffer of OpenGL");
  void* to = nullptr;
  size_t room = 0;
  e = cudaGraphicsResourceGetMappedPointer(&to, &room, resource);
  if (e == cudaSuccess && room < bytes) e = cudaErrorInvalidValue;
  if (e == cudaSuccess) e = cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, stream);
  const cudaError_t unmapped = cudaGraphicsUnmapResources(1, &resource, stream);
  if (e == cudaSuccess) e = unmapped;
  return e == cudaSuccess ? Status::ok : failed(e, "copying into a buffer of OpenGL");
}

void GlBuffers::clear() {
  for (const auto& [buffer, r] : registered_)
    cudaGraphicsUnregisterResource(r.resource);
  registered_.clear();
}

}  // namespace looktwice::compute::cuda
