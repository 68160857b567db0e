#include "compute/cuda/kernels/rows.h"
#include "compute/cuda/plugin/kernels.h"

namespace looktwice::compute::cuda {

bool run_rows(Kernel kernel, const void* args, cudaStream_t stream, cudaError_t& error) {
  Launcher launcher{stream};
  const bool known = run_rows(launcher, kernel, args);
  error = launcher.error;
  return known;
}

}  // namespace looktwice::compute::cuda
