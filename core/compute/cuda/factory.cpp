#include "compute/cuda/factory.h"

#include "base/error.h"
#include "compute/cuda/loader.h"

namespace looktwice::compute {

using cuda::Status;

BackendPtr try_cuda(const BackendOptions&) {
  return nullptr;
}

BackendPtr make_cuda(const BackendOptions& options) {
  cuda::OpenOptions open;
  open.device = options.device;
  open.tf32 = options.tf32;
  const cuda::Opened opened = cuda::open_device(open);
  if (opened.status != Status::ok)
    throw bad_input("--backend", "no CUDA: " + opened.reason, opened.hint);
  throw bad_input("--backend", "no CUDA", "use --backend onednn");
}

BackendInfo cuda_info() {
  cuda::OpenOptions probe;
  probe.need_blas = 0;
  const cuda::Opened opened = cuda::open_device(probe);
  if (opened.status != Status::ok) return {"cuda", false, opened.reason};
  const cuda::DeviceFacts& f = opened.device->facts();
  return {"cuda", true,
          std::string(f.name) + ", compute capability " + std::to_string(f.major) + "." +
              std::to_string(f.minor) + ", " + std::to_string(f.memory_total >> 20) + " MiB, " +
              f.libraries};
}

}  // namespace looktwice::compute
