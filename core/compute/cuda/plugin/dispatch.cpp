#include "compute/cuda/plugin/kernels.h"

namespace looktwice::compute::cuda {

bool run_kernel(Kernel kernel, const void* args, cudaStream_t stream, cudaError_t& error) {
  return run_elements(kernel, args, stream, error) || run_rows(kernel, args, stream, error) ||
         run_tokens(kernel, args, stream, error) || run_attention(kernel, args, stream, error);
}

}  // namespace looktwice::compute::cuda
