#pragma once
// The decoded frames that a player holds around its playhead, and which it wants next.

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "frames/frame.h"

namespace looktwice::video {

/// Where the playhead is and where it may go.
struct Playhead {
  int64_t at = 0;
  int64_t in = 0;
  std::optional<int64_t> last;  ///< last frame of the loop; none while the end is unknown
  bool playing = false, loop = true;

  /// `steps` frames after `at` (before, if negative), going round the loop; none past an end.
  std::optional<int64_t> ahead(int64_t steps) const;
};

/// Not thread-safe.
class Window {
 public:
  Window(size_t max_bytes, int max_frames) : max_bytes_(max_bytes), max_frames_(max_frames) {}

  frames::FramePtr find(int64_t index) const;
  const std::map<int64_t, frames::FramePtr>& frames() const { return frames_; }
  size_t bytes() const { return bytes_; }

  /// Adds a frame and takes out what no longer fits, farthest from the playhead first. The frames
  /// taken out go to `gone`, to be freed outside of locks.
  void put(frames::FramePtr frame, const Playhead& head, std::vector<frames::FramePtr>& gone);
  /// Adds the newest frame of a live source; the oldest go.
  void push(frames::FramePtr frame, std::vector<frames::FramePtr>& gone);
  void clear(std::vector<frames::FramePtr>& gone);

  /// The frame to decode next: at the playhead, then ahead of it, then (while paused) behind it.
  std::optional<int64_t> wanted(const Playhead& head) const;

 private:
  int capacity() const;
  int64_t ahead_frames(const Playhead& head) const;
  int64_t behind_frames(const Playhead& head) const;
  void erase(std::map<int64_t, frames::FramePtr>::iterator at, std::vector<frames::FramePtr>& gone);

  size_t max_bytes_, bytes_ = 0;
  int max_frames_;
  std::map<int64_t, frames::FramePtr> frames_;
};

}  // namespace looktwice::video
