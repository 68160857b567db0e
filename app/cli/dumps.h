#pragma once
// Arrays that several commands dump.

#include <cstdint>
#include <vector>

#include "base/safetensors.h"
#include "trace/token_trace.h"

namespace looktwice::cli {

/// Collects `rlt/*` arrays [B,t,h,w] over clips of one grid.
class RltDump {
 public:
  /// Throws Error(input) if the clip's grid differs from the first one's.
  void add(const trace::ClipTrace& clip);
  /// Nothing if no clip was added.
  void put(TensorDump& dump) const;

 private:
  int64_t clips_ = 0, t_ = 0, h_ = 0, w_ = 0;
  std::vector<float> difference_;
  std::vector<uint8_t> keep_;
  std::vector<int32_t> run_length_;
};

}  // namespace looktwice::cli
