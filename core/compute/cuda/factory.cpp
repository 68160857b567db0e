#include "compute/cuda/factory.h"

#include <cstdlib>
#include <sstream>

#include "base/error.h"
#include "compute/cuda/cuda_backend.h"
#include "compute/cuda/loader.h"
#include "compute/device_error.h"

namespace looktwice::compute {

namespace cuda {

FastPaths fast_paths(const char* words) {
  FastPaths fast;
  std::istringstream list(words ? words : "");
  for (std::string word; list >> word;) {
    if (word == "attention=mma") {
      fast.attention = AttentionPath::mma;
    } else if (word == "attention=plain") {
      fast.attention = AttentionPath::plain;
    } else if (word == "graphs=off") {
      fast.graphs = false;
    } else if (word == "gates=off") {
      fast.gates = false;
    } else if (word == "tokens=off") {
      fast.tokens = false;
    } else if (word == "tune=on") {
      fast.tune = true;
    } else {
      throw bad_input("LOOKTWICE_CUDA", "does not know '" + word + "'",
                      "attention=mma, attention=plain, graphs=off, gates=off, tokens=off, tune=on");
    }
  }
  return fast;
}

}  // namespace cuda

using cuda::Opened;
using cuda::Status;

namespace {

Opened open_for_work(const BackendOptions& options) {
  cuda::OpenOptions open;
  open.device = options.device;
  open.tf32 = options.tf32 ? 1 : 0;
  open.tune = options.tune || cuda::fast_paths(std::getenv("LOOKTWICE_CUDA")).tune ? 1 : 0;
  return cuda::open_device(open);
}

BackendPtr make(Opened opened, const BackendOptions& options) {
  cuda::CudaOptions how;
  how.dtype = options.dtype;
  how.pool.budget = options.memory;
  how.fast = cuda::fast_paths(std::getenv("LOOKTWICE_CUDA"));
  how.tune = options.tune || how.fast.tune;
  return std::make_shared<cuda::CudaBackend>(std::move(opened.device), how);
}

}  // namespace

BackendPtr try_cuda(const BackendOptions& options) {
  Opened opened = open_for_work(options);
  if (opened.status != Status::ok) return nullptr;
  try {
    return make(std::move(opened), options);
  } catch (const DeviceError&) {
    return nullptr;  // a GPU that others fill
  }
}

BackendPtr make_cuda(const BackendOptions& options) {
  if (options.dtype != DType::f32 && options.dtype != DType::bf16 && options.dtype != DType::f16)
    throw bad_input("--dtype", std::string(dtype_name(options.dtype)) + " is not a compute type",
                    "f32, f16 or bf16");
  Opened opened = open_for_work(options);
  if (opened.status != Status::ok)
    throw bad_input("--backend", "no CUDA: " + opened.reason, opened.hint);
  return make(std::move(opened), options);
}

BackendInfo cuda_info() {
  cuda::OpenOptions probe;
  probe.need_blas = 0;
  const Opened opened = cuda::open_device(probe);
  if (opened.status != Status::ok) return {"cuda", false, opened.reason};
  const cuda::DeviceFacts& f = opened.device->facts();
  return {"cuda", true,
          std::string(f.name) + ", compute capability " + std::to_string(f.major) + "." +
              std::to_string(f.minor) + ", " + std::to_string(f.memory_total >> 20) + " MiB, " +
              f.libraries};
}

}  // namespace looktwice::compute
