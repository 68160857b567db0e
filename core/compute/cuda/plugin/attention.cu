#include "compute/cuda/kernels/attention.h"
#include "compute/cuda/plugin/kernels.h"

namespace looktwice::compute::cuda {

// Its kernels take as long to compile as all others; they are in attention_f16.cu.
extern template void start_attention<Element::f16, Launcher>(Launcher&, const AttentionArgs&);

bool run_attention(Kernel kernel, const void* args, cudaStream_t stream, cudaError_t& error) {
  Launcher launcher{stream};
  const bool known = run_attention(launcher, kernel, args);
  error = launcher.error;
  return known;
}

}  // namespace looktwice::compute::cuda
