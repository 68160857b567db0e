#pragma once
// Sequences of operations that a device takes as one piece (CUDA graphs): starting them costs one
// call instead of one an operation. Optional: Backend::recorder() is null where there is nothing to
// gain.

#include <functional>
#include <memory>

#include "compute/backend.h"

namespace looktwice::compute {

/// What was written down; keeps the memory that was taken meanwhile. Usable only with the backend
/// that made it, which may die first.
class Recording {
 public:
  virtual ~Recording() = default;
};

/// Segments on the device, which replays read: with update() one recording serves all lengths that
/// fit.
class PlannedSegments {
 public:
  virtual ~PlannedSegments() = default;
};

/// Threads: as the backend.
class Recorder {
 public:
  virtual ~Recorder() = default;
  /// Writes down the operations that `body` asks for; nothing runs. Tensors from outside `body`
  /// that it names must live as long as the recording, and their contents are read anew with each
  /// replay; those that empty() makes inside are the recording's own. Inside, there are no
  /// uploads (indices, host spans, new segments), downloads or waiting (std::logic_error), and
  /// attention takes AttentionOptions::planned, or segments of one of the last calls before. If
  /// `body` throws, nothing was written down.
  virtual std::shared_ptr<Recording> record(const std::function<void()>& body) = 0;
  /// Runs what was written down, in order with everything else that is asked of the backend.
  virtual void replay(const Recording& recording) = 0;
  /// Room for `most_segments` segments with `most_rows` queries in all. With update() their number
  /// and lengths may change within that room.
  virtual std::shared_ptr<PlannedSegments> plan_segments(const Segments& q, const Segments& k,
                                                         int64_t most_rows,
                                                         int64_t most_segments) = 0;
  /// Throws std::logic_error where they do not fit.
  virtual void update(PlannedSegments& planned, const Segments& q, const Segments& k) = 0;
  /// New contents of a tensor that recordings read: same shape and dtype.
  virtual void write(const Tensor& device, const Tensor& host) = 0;
};

}  // namespace looktwice::compute
