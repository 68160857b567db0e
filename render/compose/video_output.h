#pragma once
// The compositor's picture as 8-bit YUV 4:2:0 frames for an encoder.

#include <cstdint>
#include <memory>

#include "compose/compositor.h"

namespace looktwice::compose {

/// With the compositor's context current, in one thread. The frames that come out are independent
/// of it and may go to any thread.
class VideoOutput {
 public:
  /// `size` must be even. Colours are written in `matrix` and `range` with left-sited chroma; take
  /// those of the source, and untouched pixels pass unchanged.
  VideoOutput(Compositor& compositor, Size size, frames::Matrix matrix, frames::Range range);
  ~VideoOutput();

  /// Draws the panes as they are set now. Returns the picture of the push before (null at the first
  /// call): drawing one overlaps reading the other.
  frames::FramePtr push(const Scene& scene, int64_t index, double time);
  /// The last picture; null if there was none.
  frames::FramePtr finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace looktwice::compose
