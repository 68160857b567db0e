#pragma once
// How backend.cpp reaches the CUDA backend.

#include "compute/backend.h"

namespace looktwice::compute {

/// Throws Error(input) with the reason when there is no usable device.
BackendPtr make_cuda(const BackendOptions& options);
/// Null instead of an error when there is no usable device.
BackendPtr try_cuda(const BackendOptions& options);
BackendInfo cuda_info();

}  // namespace looktwice::compute
