#pragma once
// Clips decoded while the one before is being worked on.

#include <functional>
#include <stop_token>

#include "frames/clip.h"

namespace looktwice::engine {

/// frames::read_clips with the decoder on a thread of its own, at most two clips ahead of
/// `on_clip`: for backends whose work leaves the CPU's cores free. `on_clip` and `progress` are
/// called on this thread, in order. What either side throws ends both and is thrown here.
frames::ReadReport read_clips_ahead(frames::FrameSource& source, const frames::ClipOptions& options,
                                    const std::function<void(frames::Clip&&)>& on_clip,
                                    const std::function<void(double)>& progress = {},
                                    std::stop_token stop = {});

}  // namespace looktwice::engine
