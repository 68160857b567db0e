#include "compute/cuda/kernels/attention.h"
#include "compute/cuda/plugin/kernels.h"

namespace looktwice::compute::cuda {

bool run_attention(Kernel kernel, const void* args, cudaStream_t stream, cudaError_t& error) {
  Launcher launcher{stream};
  const bool known = run_attention(launcher, kernel, args);
  error = launcher.error;
  return known;
}

}  // namespace looktwice::compute::cuda
