#pragma once
// Where a run happens: the backend of the settings, what to do when a device gives up, and what a
// device can decide about frames itself.

#include <functional>
#include <string>

#include "compute/backend.h"
#include "compute/device_error.h"
#include "engine/settings.h"
#include "frames/clip.h"
#include "trace/token_trace.h"

namespace looktwice::engine {

/// The backend that the run settings ask for; "auto" takes the fastest there is. Throws
/// Error(input) where it is not available.
compute::BackendPtr make_backend(const RunSettings& run);

/// The same run on the CPU, in the nearest precision that this machine has.
RunSettings on_cpu(const RunSettings& run);
/// One line for the user: what a device said, and that the CPU took over.
std::string fallback_notice(const compute::DeviceError& error);

/// Runs `work`. When a device gives up in it (lost, out of memory), calls `fall_back` with a notice
/// and runs `work` again.
template <typename Work>
auto with_fallback(const Work& work, const std::function<void(const std::string&)>& fall_back)
    -> decltype(work()) {
  try {
    return work();
  } catch (const compute::DeviceError& e) {
    fall_back(fallback_notice(e));
  }
  return work();
}

/// measure_clip() and decide() at τ, on the device where the backend decides about tokens itself:
/// the frames are uploaded once and returned for the model. The decisions are the host's, bit for
/// bit. An empty tensor: the host did it.
compute::Tensor decide_on(compute::Backend& backend, const frames::Clip& clip,
                          const frames::ClipOptions& options, float tau, trace::ClipTrace& trace);

}  // namespace looktwice::engine
