#pragma once
// Which clip's decisions hold for each frame of a video that is read forwards.

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "engine/settings.h"
#include "frames/clip.h"
#include "frames/source.h"
#include "trace/token_trace.h"

namespace looktwice::exporting {

using ClipPtr = std::shared_ptr<const trace::ClipTrace>;
using PixelsPtr = std::shared_ptr<const frames::Clip>;
/// What becomes of a clip's tokens.
using Decide = std::function<trace::ClipTrace(const frames::Clip&)>;

/// Answers for frames in ascending order. Not thread-safe.
class TraceFeed {
 public:
  virtual ~TraceFeed() = default;
  /// Hands over the next frame that was decoded (every frame, in order). May do nothing.
  virtual void feed(const frames::FramePtr& frame) = 0;
  /// No more frames will come. Throws Error(input) if they were too few for one clip.
  virtual void end() = 0;
  /// False while frames after `frame` have to be fed before at(frame) is known.
  virtual bool known(int64_t frame) const = 0;
  /// The clip that covers a frame, null if none does. Earlier frames are forgotten.
  virtual ClipPtr at(int64_t frame) = 0;
  /// The clip that at(frame) gave, as the model saw it; null where nobody kept it.
  virtual PixelsPtr pixels(int64_t /*frame*/) { return nullptr; }
};

/// Decides RLT, or whatever `decide` does, while frames go by: dense clips back to back from
/// `start` (at most `clips` of them, 0 for all). Memory: one clip's bytes. Frames must be buffered
/// for lookahead() by the caller.
std::unique_ptr<TraceFeed> streaming_feed(const frames::SourceInfo& info,
                                          const engine::Settings& settings,
                                          const Decide& decide = {});
/// True if streaming_feed gives what the settings ask for: dense sampling, all clips or the first.
bool can_stream(const engine::Settings& settings);
/// Frames that streaming_feed needs beyond the one that is asked for.
int64_t lookahead(const engine::Settings& settings);

/// Runs the whole analysis first, on a source of its own; `decide` as in streaming_feed.
std::unique_ptr<TraceFeed> analysed_feed(const std::string& input, const engine::Settings& settings,
                                         const std::function<void(double)>& progress,
                                         std::stop_token stop, const Decide& decide = {});
/// Decisions of an earlier run. With `pixels`, clips are read again as frames of `info` go by, as
/// the trace's own settings say; then the caller buffers a clip's frames.
std::unique_ptr<TraceFeed> saved_feed(const std::string& trace_file,
                                      const frames::SourceInfo& info = {}, bool pixels = false);

}  // namespace looktwice::exporting
