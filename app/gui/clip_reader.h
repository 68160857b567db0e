#pragma once
// Reads the frames of one clip for the analysis: from the player's window where they are decoded
// already, else from a decoder of its own. Lives on the worker thread.

#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "clip_store.h"
#include "frames/clip.h"
#include "frames/source.h"

namespace looktwice::gui {

class ClipReader {
 public:
  /// A frame that is decoded already, or null. Called on the worker thread.
  using Cached = std::function<frames::FramePtr(int64_t)>;

  ClipReader(std::string input, Cached cached);

  /// Measures the clip whose sampled frames are `indices`. Throws Error, Cancelled.
  MeasuredClipPtr measure(int number, const std::vector<int64_t>& indices,
                          const frames::ClipOptions& options, bool verbatim, std::stop_token stop);
  /// Single frames, ascending; frames that do not exist are left out. Throws Error, Cancelled.
  std::vector<frames::FramePtr> read(const std::vector<int64_t>& indices, std::stop_token stop);

 private:
  frames::FramePtr frame(int64_t index, const std::stop_token& stop);

  std::string input_;
  Cached cached_;
  frames::SourcePtr source_;
  int64_t next_ = 0;  ///< frame that source_ gives next
};

/// Measures frames at hand (a live source's latest): all of one size, oldest first.
MeasuredClipPtr measure_frames(int number, const std::vector<frames::FramePtr>& frames,
                               const frames::ClipOptions& options, bool verbatim,
                               std::stop_token stop);

}  // namespace looktwice::gui
