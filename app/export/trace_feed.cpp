#include "export/trace_feed.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "engine/inspect.h"
#include "engine/open.h"
#include "overlay/token_picture.h"
#include "trace/trace_file.h"

namespace looktwice::exporting {
namespace {

class StreamingFeed : public TraceFeed {
 public:
  StreamingFeed(const frames::SourceInfo& info, const engine::Settings& settings, Decide decide)
      : info_(info), settings_(settings), options_(settings.clip), decide_(std::move(decide)) {
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
    ++fed_;
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
      trace::ClipTrace trace;
      if (decide_) {
        trace = decide_(clip_);
      } else {
        trace = engine::measure_clip(clip_, options_);
        engine::decide(trace, settings_.tokens.rlt.value_or(0.1f));
      }
      const int64_t first = options_.start + relative / length_ * length_;
      // Pixels are for the groups that a model makes.
      const PixelsPtr pixels = decide_ ? std::make_shared<const frames::Clip>(clip_) : nullptr;
      done_.push_back({first, std::make_shared<const trace::ClipTrace>(std::move(trace)), pixels});
      known_ = first + length_;
    }
  }
  void end() override {
    if (!ended_ && known_ == 0 && !info_.live)
      (void)frames::plan_clips(options_, fed_);  // says why
    ended_ = true;
  }
  bool known(int64_t frame) const override {
    return ended_ || frame < std::max(known_, options_.start) ||
           (frame - options_.start) / length_ >= limit_;
  }
  ClipPtr at(int64_t frame) override {
    while (!done_.empty() && done_.front().first + length_ <= frame)
      done_.pop_front();
    return !done_.empty() && done_.front().first <= frame ? done_.front().trace : nullptr;
  }
  PixelsPtr pixels(int64_t frame) override {
    return !done_.empty() && done_.front().first <= frame ? done_.front().pixels : nullptr;
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
    PixelsPtr pixels;
  };
  frames::SourceInfo info_;
  engine::Settings settings_;
  frames::ClipOptions options_;
  Decide decide_;
  frames::ClipGeometry geometry_;
  frames::Clip clip_;
  int64_t length_ = 1, limit_ = 0, known_ = 0, fed_ = 0;
  bool ended_ = false;
  std::deque<Done> done_;
};

/// Clips that are all known beforehand. Their pixels may be, or are read while frames go by.
class WholeFeed : public TraceFeed {
 public:
  struct Known {
    ClipPtr trace;
    std::shared_ptr<frames::Clip> pixels;
  };
  explicit WholeFeed(std::vector<Known> clips) : clips_(std::move(clips)) {}
  /// Pixels as these options give them of a source.
  WholeFeed(std::vector<Known> clips, const frames::SourceInfo& info, frames::ClipOptions options)
      : clips_(std::move(clips)), info_(info), options_(options), reads_(true) {}

  void feed(const frames::FramePtr& frame) override {
    if (!reads_) return;
    fed_ = frame->index;
    for (Known& clip : clips_) {
      const auto& indices = clip.trace->frame_indices;
      const auto at = std::lower_bound(indices.begin(), indices.end(), frame->index);
      if (at == indices.end() || *at != frame->index) continue;
      add(clip, *frame, size_t(at - indices.begin()));
    }
  }
  void end() override { ended_ = true; }
  bool known(int64_t frame) const override {
    if (!reads_ || ended_) return true;
    const Known* clip = find(frame);
    return clip == nullptr || fed_ >= clip->trace->frame_indices.back();
  }
  ClipPtr at(int64_t frame) override {
    const Known* clip = find(frame);
    return clip != nullptr ? clip->trace : nullptr;
  }
  PixelsPtr pixels(int64_t frame) override {
    if (reads_) {
      for (Known& clip : clips_)  // frames only go forward
        if (!clip.trace->frame_indices.empty() && overlay::end_of(*clip.trace) <= frame)
          clip.pixels = nullptr;
    }
    const Known* clip = find(frame);
    return clip != nullptr ? clip->pixels : nullptr;
  }

 private:
  /// Of clips that overlap, the one that started last.
  const Known* find(int64_t frame) const {
    const Known* best = nullptr;
    for (const Known& clip : clips_) {
      const auto& index = clip.trace->frame_indices;
      if (index.empty() || frame < index.front() || frame >= overlay::end_of(*clip.trace)) continue;
      if (best == nullptr || index.front() > best->trace->frame_indices.front()) best = &clip;
    }
    return best;
  }
  void add(Known& clip, const frames::Frame& frame, size_t sample) const {
    const auto geometry =
        frames::clip_geometry(options_, frame.width, frame.height, info_.verbatim);
    const size_t bytes = size_t{3} * geometry.width * geometry.height;
    std::shared_ptr<frames::Clip>& pixels = clip.pixels;
    if (!pixels) {
      pixels = std::make_shared<frames::Clip>();
      pixels->T = static_cast<int>(clip.trace->frame_indices.size());
      pixels->H = geometry.height;
      pixels->W = geometry.width;
      pixels->indices = clip.trace->frame_indices;
      pixels->rgb.resize(bytes * pixels->indices.size());
    }
    // A clip sampled past the end of its source repeats its last frame.
    for (size_t i = sample; i < pixels->indices.size() && pixels->indices[i] == frame.index; ++i)
      frames::preprocess(frame, geometry, options_.resize, pixels->rgb.data() + i * bytes);
  }

  std::vector<Known> clips_;
  frames::SourceInfo info_;
  frames::ClipOptions options_;
  bool reads_ = false, ended_ = false;
  int64_t fed_ = -1;
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
                                          const engine::Settings& settings, const Decide& decide) {
  return std::make_unique<StreamingFeed>(info, settings, decide);
}

std::unique_ptr<TraceFeed> analysed_feed(const std::string& input, const engine::Settings& settings,
                                         const std::function<void(double)>& progress,
                                         std::stop_token stop, const Decide& decide) {
  std::vector<WholeFeed::Known> clips;
  const auto keep = [&](trace::ClipTrace&& trace, std::shared_ptr<frames::Clip> pixels) {
    clips.push_back(
        {std::make_shared<const trace::ClipTrace>(std::move(trace)), std::move(pixels)});
  };
  if (decide) {
    const auto source = engine::open_source(input);
    size_t bytes = 0;
    frames::read_clips(
        *source, settings.clip,
        [&](frames::Clip&& clip) {
          auto trace = decide(clip);
          bytes += clip.rgb.size();
          // Beyond this groups are drawn without their mean colours.
          const bool fits = bytes <= size_t{1} << 30;
          keep(std::move(trace), fits ? std::make_shared<frames::Clip>(std::move(clip)) : nullptr);
        },
        progress, std::move(stop));
  } else {
    engine::InspectEvents events;
    events.on_clip = [&](trace::ClipTrace&& clip) { keep(std::move(clip), nullptr); };
    events.progress = progress;
    engine::inspect(input, settings, events, std::move(stop));
  }
  return std::make_unique<WholeFeed>(std::move(clips));
}

std::unique_ptr<TraceFeed> saved_feed(const std::string& trace_file, const frames::SourceInfo& info,
                                      bool pixels) {
  const trace::TokenTraceReader reader(trace_file);
  std::vector<WholeFeed::Known> clips;
  bool merged = false;
  for (size_t i = 0; i < reader.clips(); ++i) {
    clips.push_back({std::make_shared<const trace::ClipTrace>(reader.clip(i)), nullptr});
    merged = merged || !clips.back().trace->layers.empty();
  }
  if (!pixels || !merged) return std::make_unique<WholeFeed>(std::move(clips));
  const auto settings = engine::settings_from_json(reader.head().settings, trace_file);
  return std::make_unique<WholeFeed>(std::move(clips), info, settings.clip);
}

}  // namespace looktwice::exporting
