// Reads clips from a source in one pass.
#include <algorithm>
#include <deque>

#include "base/error.h"
#include "frames/clip.h"

namespace looktwice::frames {
namespace {

/// A gap of more frames than this is skipped by seeking where the source can.
constexpr int64_t kSeekGap = 64;

/// A planned clip that is being filled: one Clip per spatial view.
struct Open {
  std::vector<int64_t> wanted;  ///< ascending source frame numbers
  size_t filled = 0;
  std::vector<Clip> views;
  bool done() const { return filled == wanted.size(); }
};

class Reader {
 public:
  Reader(FrameSource& source, const ClipOptions& options,
         const std::function<void(Clip&&)>& on_clip, const std::function<void(double)>& progress,
         std::stop_token stop)
      : source_(source), options_(options), on_clip_(on_clip), progress_(progress), stop_(stop) {}

  ReadReport run() {
    if (source_.info().verbatim) return read_tensors();
    options_.check();
    if (source_.info().seekable && !source_.info().live) move_to(0);
    const bool endless_plan = options_.sampling == Sampling::dense && options_.views_time == 1 &&
                              (options_.clips == 0 || options_.clips == 1);
    std::optional<int64_t> count = source_.info().frame_count;
    if (!count && !endless_plan) count = count_frames();
    if (!count) return read_unplanned();
    // A source that ends before it said so is planned once more from what it has.
    for (int attempt = 0;; ++attempt) {
      const std::optional<int64_t> ended_at = read_planned(*count);
      if (!ended_at) break;
      const bool again = attempt == 0 && report_.clips == 0 && source_.info().seekable;
      if (!again) {
        if (report_.clips == 0) plan_clips(options_, *ended_at);  // says what is missing
        const int64_t step = int64_t{options_.frames} * options_.stride;
        report_.source_frames = ended_at;
        report_.dropped_tail =
            options_.clips == 0 && options_.sampling == Sampling::dense
                ? std::max<int64_t>(0, *ended_at - options_.start - report_.clips * step)
                : 0;
        break;
      }
      count = ended_at;
      open_.clear();
    }
    if (progress_) progress_(1.0);
    return report_;
  }

 private:
  void check_stop() const {
    if (stop_.stop_requested()) throw Cancelled();
  }

  /// Reads to the end to learn how many frames there are, then goes back.
  int64_t count_frames() {
    const SourceInfo& info = source_.info();
    if (info.live || !info.seekable)
      throw bad_input("--clips", info.name + " has no known length, so its clips cannot be spread",
                      "use --sampling dense with --clips 1 or all");
    int64_t count = position_;
    while (source_.next(stop_)) {
      check_stop();
      ++count;
    }
    move_to(0);
    return count;
  }

  void move_to(int64_t index) {
    source_.seek(index, stop_);
    position_ = index;
  }

  /// The frame with this number, or null if the source ends before it.
  FramePtr frame_at(int64_t index) {
    if (index < position_ ||
        (index > position_ + kSeekGap && source_.info().seekable && !source_.info().live)) {
      // An inexact frame count would be noticed too late past the end, so go to the frame itself.
      move_to(index);
    }
    for (;;) {
      check_stop();
      FramePtr frame = source_.next(stop_);
      if (!frame) return nullptr;
      if (position_++ == index) return frame;
    }
  }

  /// Puts a frame into every open clip that wants it next, then hands on what is complete, in
  /// order.
  void deliver(const FramePtr& frame, int64_t index) {
    for (Open& open : open_) {
      while (!open.done() && open.wanted[open.filled] == index)
        add(open, *frame, index);
    }
    while (!open_.empty() && open_.front().done()) {
      for (Clip& clip : open_.front().views)
        on_clip_(std::move(clip));
      open_.pop_front();
      ++report_.clips;
    }
  }

  void add(Open& open, const Frame& frame, int64_t index) {
    const int space_views = options_.views_space;
    if (open.views.empty()) {
      open.views.resize(size_t(space_views));
      for (int v = 0; v < space_views; ++v) {
        Clip& clip = open.views[size_t(v)];
        const ClipGeometry g = clip_geometry(options_, frame.width, frame.height, false, v);
        clip.T = int(open.wanted.size());
        clip.H = g.height;
        clip.W = g.width;
        clip.rgb.resize(size_t(clip.T) * size_t(clip.H) * size_t(clip.W) * 3);
        const bool temporal = options_.views_time > 1;
        clip.clip = temporal ? 0 : started_;
        clip.view_time = temporal ? started_ : 0;
        clip.view_space = v;
        clip.crop = g.on_source;
        clip.source_width = frame.width;
        clip.source_height = frame.height;
      }
      ++started_;
    }
    for (int v = 0; v < space_views; ++v) {
      Clip& clip = open.views[size_t(v)];
      if (frame.width != clip.source_width || frame.height != clip.source_height)
        throw run_failed(source_.info().name, "changes its size at frame " + std::to_string(index));
      const ClipGeometry g = clip_geometry(options_, frame.width, frame.height, false, v);
      uint8_t* to = &clip.rgb[open.filled * size_t(clip.H) * size_t(clip.W) * 3];
      preprocess(frame, g, options_.resize, to);
      clip.indices.push_back(index);
      clip.times.push_back(frame.time);
    }
    ++open.filled;
  }

  /// Reads everything that is planned for `count` frames. Returns where the source ended if that
  /// was too early.
  std::optional<int64_t> read_planned(int64_t count) {
    int64_t tail = 0;
    const auto plan = plan_clips(options_, count, &tail);
    report_.source_frames = count;
    report_.dropped_tail = tail;
    started_ = 0;
    std::vector<int64_t> wanted;
    for (const auto& clip : plan)
      wanted.insert(wanted.end(), clip.begin(), clip.end());
    std::sort(wanted.begin(), wanted.end());
    wanted.erase(std::unique(wanted.begin(), wanted.end()), wanted.end());
    size_t next_clip = 0;
    for (size_t i = 0; i < wanted.size(); ++i) {
      const int64_t index = wanted[i];
      while (next_clip < plan.size() && plan[next_clip].front() <= index)
        open_.push_back({plan[next_clip++], 0, {}});
      FramePtr frame = frame_at(index);
      if (!frame) return std::max<int64_t>(true_length(index), 0);
      deliver(frame, index);
      if (progress_) progress_(double(i + 1) / double(wanted.size()));
    }
    return std::nullopt;
  }

  /// How many frames a source has that ended before frame `index`: after a seek past its end the
  /// position says nothing, so they are counted.
  int64_t true_length(int64_t index) {
    if (position_ < index || !source_.info().seekable) return position_;
    move_to(0);
    while (source_.next(stop_)) {
      check_stop();
      ++position_;
    }
    return position_;
  }

  /// Clips one after the other from a source of unknown length.
  ReadReport read_unplanned() {
    const int64_t step = int64_t{options_.frames} * options_.stride;
    int64_t start = options_.start;
    for (; options_.clips == 0 || report_.clips < options_.clips; start += step) {
      Open open;
      for (int k = 0; k < options_.frames; ++k)
        open.wanted.push_back(start + int64_t{k} * options_.stride);
      open_.assign(1, open);
      for (int64_t index : open.wanted) {
        FramePtr frame;
        try {
          frame = frame_at(index);
        } catch (const std::exception&) {
          // Stopping a camera, or losing it, ends what it gave so far.
          if (!source_.info().live || report_.clips == 0) throw;
        }
        if (!frame) {
          const int64_t count = true_length(index);
          if (report_.clips == 0) plan_clips(options_, count);  // throws: too short
          report_.source_frames = count;
          report_.dropped_tail = std::max<int64_t>(0, count - start);
          return report_;
        }
        deliver(frame, index);
      }
    }
    return report_;
  }

  /// Every clip of a tensor file, as it is stored.
  ReadReport read_tensors() {
    const SourceInfo info = source_.info();
    const ClipGeometry g = clip_geometry(options_, info.width, info.height, true);
    const auto frames = size_t(info.frame_count.value_or(0));
    const size_t frame_bytes = size_t{3} * size_t(info.width) * size_t(info.height);
    for (int c = 0; c < info.clips; ++c) {
      source_.select_clip(c);
      Clip clip;
      clip.T = int(frames);
      clip.H = info.height;
      clip.W = info.width;
      clip.clip = c;
      clip.crop = g.on_source;
      clip.source_width = info.width;
      clip.source_height = info.height;
      clip.rgb.resize(frames * frame_bytes);
      for (size_t t = 0; t < frames; ++t) {
        check_stop();
        const FramePtr frame = source_.next(stop_);
        if (!frame) throw run_failed(info.name, "ends before its last frame");
        preprocess(*frame, g, options_.resize, &clip.rgb[t * frame_bytes]);
        clip.indices.push_back(frame->index);
        clip.times.push_back(frame->time);
      }
      on_clip_(std::move(clip));
      ++report_.clips;
      if (progress_) progress_(double(c + 1) / info.clips);
    }
    report_.source_frames = int64_t(frames);
    return report_;
  }

  FrameSource& source_;
  const ClipOptions& options_;
  const std::function<void(Clip&&)>& on_clip_;
  const std::function<void(double)>& progress_;
  std::stop_token stop_;
  ReadReport report_;
  std::deque<Open> open_;
  int64_t position_ = 0;  ///< number of the frame that next() gives
  int started_ = 0;       ///< clips whose first frame was read
};

}  // namespace

ReadReport read_clips(FrameSource& source, const ClipOptions& options,
                      const std::function<void(Clip&&)>& on_clip,
                      const std::function<void(double)>& progress, std::stop_token stop) {
  return Reader(source, options, on_clip, progress, std::move(stop)).run();
}

}  // namespace looktwice::frames
