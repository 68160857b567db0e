#pragma once
// What the .cu files offer to the plugin's host code.

#include <cuda_runtime_api.h>

#include "compute/cuda/args.h"

namespace looktwice::compute::cuda {

/// Starts a kernel on a stream. False when no kernel takes these arguments; otherwise `error` is
/// what the launch returned.
bool run_kernel(Kernel kernel, const void* args, cudaStream_t stream, cudaError_t& error);

// The families that run_kernel asks in turn, one .cu file each.
bool run_elements(Kernel kernel, const void* args, cudaStream_t stream, cudaError_t& error);
bool run_rows(Kernel kernel, const void* args, cudaStream_t stream, cudaError_t& error);
bool run_tokens(Kernel kernel, const void* args, cudaStream_t stream, cudaError_t& error);
bool run_attention(Kernel kernel, const void* args, cudaStream_t stream, cudaError_t& error);

}  // namespace looktwice::compute::cuda
