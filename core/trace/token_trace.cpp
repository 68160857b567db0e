#include "trace/token_trace.h"

#include <algorithm>

namespace looktwice::trace {

size_t ClipTrace::kept() const {
  return has_rlt ? static_cast<size_t>(std::count(keep.begin(), keep.end(), uint8_t{1})) : tokens();
}

}  // namespace looktwice::trace
