#pragma once
// How backend.cpp reaches the implementations.

#include "compute/backend.h"

namespace looktwice::compute {

BackendPtr make_reference();
/// Null when the program was built without oneDNN. Throws Error(input) when the dtype cannot run.
BackendPtr make_onednn(DType dtype);
BackendInfo onednn_info();

}  // namespace looktwice::compute
