// Stands in for the oneDNN backend in builds without oneDNN.

#include "compute/factories.h"

namespace looktwice::compute {

BackendPtr make_onednn(DType) {
  return nullptr;
}

BackendInfo onednn_info() {
  return {"onednn", false, "built without oneDNN"};
}

}  // namespace looktwice::compute
