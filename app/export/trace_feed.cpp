#include "export/trace_feed.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "engine/inspect.h"
#include "overlay/token_picture.h"
#include "trace/trace_file.h"

namespace looktwice::exporting {
namespace {

class StreamingFeed : public TraceFeed {
 public:
  StreamingFeed(const frames::SourceInfo& info, const engine::Settings& settings)
      : info_(info), settings_(settings), options_(settings.clip) {
    if (info.verbatim) {
      options_.frames = static_cast<int>(info.frame_count.value_or(options_.frames));
      options_.stride = 1;
      options_.start = 0;
      options_.clips = 1;
    }
    length_ = int64_t{options_.frames} * options_.stride;
    limit_ = options_.clips > 0 ? options_.clips : std::numeric_limits<int64_t>::max();
  }

  void feed(const frames::FramePtr& frame) override {
    const int64_t relative = frame->index - options_.start;
    if (relative < 0 || relative / length_ >= limit_) return;
    const int64_t within = relative % length_;
    if (within % options_.stride != 0 || within / options_.stride >= options_.frames) return;
    if (within == 0) begin(*frame);
    if (static_cast<int64_t>(clip_.indices.size()) != within / options_.stride) return;
    frames::preprocess(
        *frame, geometry_, options_.resize,
        clip_.rgb.data() + clip_.indices.size() * size_t{3} * geometry_.width * geometry_.height);
    clip_.indices.push_back(frame->index);
    clip_.times.push_back(frame->time);
    if (static_cast<int>(clip_.indices.size()) == options_.frames) {
      auto trace = engine::measure_clip(clip_, options_);
      engine::decide(trace, settings_.tokens.rlt.value_or(0.1f));
      const int64_t first = options_.start + relative / length_ * length_;
      done_.push_back({first, std::make_shared<const trace::ClipTrace>(std::move(trace))});
      known_ = first + length_;
    }
  }
  void end() override { ended_ = true; }
  bool known(int64_t frame) const override {
    return ended_ || frame < std::max(known_, options_.start) ||
           (frame - options_.start) / length_ >= limit_;
  }
  ClipPtr at(int64_t frame) override {
    while (!done_.empty() && done_.front().first + length_ <= frame)
      done_.pop_front();
    return !done_.empty() && done_.front().first <= frame ? done_.front().trace : nullptr;
  }

 private:
  void begin(const frames::Frame& frame) {
    const int view = options_.views_space / 2;
    geometry_ = frames::clip_geometry(options_, frame.width, frame.height, info_.verbatim, view);
    clip_ = {};
    clip_.T = options_.frames;
    clip_.H = geometry_.height;
    clip_.W = geometry_.width;
    clip_.rgb.resize(size_t{3} * clip_.T * clip_.H * clip_.W);
    clip_.crop = geometry_.on_source;
    clip_.source_width = frame.width;
    clip_.source_height = frame.height;
  }

  struct Done {
    int64_t first;
    ClipPtr trace;
  };
  frames::SourceInfo info_;
  engine::Settings settings_;
  frames::ClipOptions options_;
  frames::ClipGeometry geometry_;
  frames::Clip clip_;
  int64_t length_ = 1, limit_ = 0, known_ = 0;
  bool ended_ = false;
  std::deque<Done> done_;
};

class WholeFeed : public TraceFeed {
 public:
  explicit WholeFeed(std::vector<trace::ClipTrace> clips) {
    auto trace = std::make_shared<trace::TokenTrace>();
    trace->clips = std::move(clips);
    trace_ = std::move(trace);
  }
  void feed(const frames::FramePtr&) override {}
  void end() override {}
  bool known(int64_t) const override { return true; }
  ClipPtr at(int64_t frame) override {
    const trace::ClipTrace* clip = overlay::clip_at(*trace_, frame);
    return clip != nullptr ? ClipPtr(trace_, clip) : nullptr;
  }

 private:
  std::shared_ptr<const trace::TokenTrace> trace_;
};

}  // namespace

bool can_stream(const engine::Settings& settings) {
  return settings.clip.sampling == frames::Sampling::dense && settings.clip.clips <= 1 &&
         settings.clip.views_time == 1;
}

int64_t lookahead(const engine::Settings& settings) {
  return int64_t{settings.clip.frames} * settings.clip.stride;
}

std::unique_ptr<TraceFeed> streaming_feed(const frames::SourceInfo& info,
                                          const engine::Settings& settings) {
  return std::make_unique<StreamingFeed>(info, settings);
}

std::unique_ptr<TraceFeed> analysed_feed(const std::string& input, const engine::Settings& settings,
                                         const std::function<void(double)>& progress,
                                         std::stop_token stop) {
  std::vector<trace::ClipTrace> clips;
  engine::InspectEvents events;
  events.on_clip = [&](trace::ClipTrace&& clip) { clips.push_back(std::move(clip)); };
  events.progress = progress;
  engine::inspect(input, settings, events, stop);
  return std::make_unique<WholeFeed>(std::move(clips));
}

std::unique_ptr<TraceFeed> saved_feed(const std::string& trace_file) {
  const trace::TokenTraceReader reader(trace_file);
  std::vector<trace::ClipTrace> clips;
  for (size_t i = 0; i < reader.clips(); ++i)
    clips.push_back(reader.clip(i));
  return std::make_unique<WholeFeed>(std::move(clips));
}

}  // namespace looktwice::exporting
