#include "compute/cuda/kernels/attention.h"

namespace looktwice::compute::cuda {

template void start_attention<Element::f16, Launcher>(Launcher&, const AttentionArgs&);

}  // namespace looktwice::compute::cuda
