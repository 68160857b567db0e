#pragma once
// Turning pictures upright.

#include "frames/frame.h"
#include "video/picture.h"

namespace looktwice::video {

/// A copy of `frame`, turned. Subsampled axes that are mirrored must have an even length, and a
/// frame turned on its side equal subsampling on both axes; the chroma siting turns along.
frames::FramePtr turned(const frames::Frame& frame, const Turn& turn);

}  // namespace looktwice::video
