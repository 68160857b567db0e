#include "export/comparison.h"

#include <algorithm>
#include <deque>
#include <memory>
#include <utility>

#include "base/error.h"
#include "compose/video_output.h"
#include "engine/classify.h"
#include "engine/open.h"
#include "export/trace_feed.h"

namespace looktwice::exporting {
namespace {

constexpr int kLeastWidth = 1280;
constexpr int64_t kLookaheadBytes = int64_t{1} << 30;

/// One input, decoded once however many panes show it, read far enough ahead for its feeds.
class Stream {
 public:
  explicit Stream(const std::string& input) : input_(input), source_(engine::open_source(input)) {}
  explicit Stream(const frames::RgbVideoPtr& video)
      : video_(video.get()), source_(frames::open_rgb_video(video, "generated video")) {}

  bool shows(const std::string& input, const frames::RgbVideo* video) const {
    return video != nullptr ? video_ == video : video_ == nullptr && input_ == input;
  }
  const frames::SourceInfo& info() const { return source_->info(); }

  /// `pixels`: somebody draws with the pixels that the model saw.
  size_t add_feed(const PaneSource& pane, const Decide& decide, bool pixels,
                  const std::function<void(double)>& progress, const std::stop_token& stop) {
    if (!pane.trace_file.empty()) {
      feeds_.push_back(saved_feed(pane.trace_file, info(), pixels));
    } else if (streams(pane.settings)) {
      feeds_.push_back(streaming_feed(info(), pane.settings, decide));
    } else {
      feeds_.push_back(analysed_feed(input_, pane.settings, progress, stop, decide));
    }
    return feeds_.size() - 1;
  }

  /// The next frame whose decisions are all known; null at the end.
  frames::FramePtr next(std::stop_token stop) {
    while (!ended_ && (ready_.empty() || !all_known(ready_.front()->index))) {
      frames::FramePtr frame = source_->next(stop);
      if (!frame) {
        finish();
        break;
      }
      for (const auto& feed : feeds_)
        feed->feed(frame);
      ready_.push_back(std::move(frame));
    }
    if (ready_.empty()) return nullptr;
    frames::FramePtr frame = ready_.front();
    ready_.pop_front();
    return frame;
  }
  /// What next() would return, without taking it.
  const frames::Frame* peek(const std::stop_token& stop) {
    if (ready_.empty() || !all_known(ready_.front()->index)) {
      frames::FramePtr frame = next(stop);
      if (!frame) return nullptr;
      ready_.push_front(std::move(frame));
    }
    return ready_.front().get();
  }
  ClipPtr clip(size_t feed, int64_t frame) { return feeds_[feed]->at(frame); }
  PixelsPtr pixels(size_t feed, int64_t frame) { return feeds_[feed]->pixels(frame); }
  /// The source gives no more frames: what is buffered is all there will be.
  void finish() {
    if (ended_) return;
    ended_ = true;
    for (const auto& feed : feeds_)
      feed->end();
  }

 private:
  bool streams(const engine::Settings& settings) const {
    if (info().live || info().verbatim) return true;
    const int64_t bytes = int64_t{info().width} * info().height * 3 * lookahead(settings);
    return can_stream(settings) && bytes <= kLookaheadBytes;
  }
  bool all_known(int64_t frame) const {
    return std::all_of(feeds_.begin(), feeds_.end(),
                       [&](const auto& feed) { return feed->known(frame); });
  }

  std::string input_;
  const frames::RgbVideo* video_ = nullptr;
  frames::SourcePtr source_;
  std::vector<std::unique_ptr<TraceFeed>> feeds_;
  std::deque<frames::FramePtr> ready_;
  bool ended_ = false;
};

/// Whether anything that is drawn in a pane depends on decisions about its video.
bool decides(const compose::Pane& pane, const overlay::Style& style) {
  if (pane.content == compose::Content::handed_on) return true;
  return pane.marks && (style.rlt.visible || style.difference.visible || style.merges.visible ||
                        style.sizes.visible || style.grid.visible || style.crop.visible);
}

/// One pane of the scene: which stream, which feed, what it shows now.
struct PaneState {
  size_t stream = 0;
  std::optional<size_t> feed;  ///< none: a video that nothing has to decide about
  compose::PaneInput input;
};

class Job {
 public:
  Job(const Request& request, const Events& events, const std::stop_token& stop)
      : request_(request), events_(events), stop_(stop) {
    if (request.panes.empty() || request.panes.size() != request.scene.panes.size())
      throw std::logic_error("export: one source for every pane of the scene");
    for (size_t i = 0; i < request.panes.size(); ++i) {
      const PaneSource& pane = request.panes[i];
      const std::string& input = pane.input.empty() ? request.input : pane.input;
      size_t s = 0;
      while (s < streams_.size() && !streams_[s]->shows(input, pane.video.get()))
        ++s;
      if (s == streams_.size())
        streams_.push_back(pane.video ? std::make_unique<Stream>(pane.video)
                                      : std::make_unique<Stream>(input));
      std::optional<size_t> feed;
      if (!pane.video && decides(request.scene.panes[i], request.scene.style))
        feed = feed_of(pane, s);
      panes_.push_back({s, feed, {}});
    }
    shown_.resize(streams_.size());
    compositor_.set_timeline(request.timeline);
  }

  Report run() {
    Report report;
    while (step(report)) {
    }
    if (report.frames == 0 && !encoder_)
      throw bad_input(request_.input, "has no frame in the range that was asked for");
    if (output_)
      if (const auto last = output_->finish()) write(last, report);
    encoder_->finish(live() ? std::stop_token{} : stop_);
    return report;
  }

 private:
  size_t feed_of(const PaneSource& pane, size_t stream) {
    for (size_t i = 0; i < panes_.size(); ++i)
      if (panes_[i].stream == stream && panes_[i].feed &&
          request_.panes[i].trace_file == pane.trace_file &&
          request_.panes[i].settings == pane.settings)
        return *panes_[i].feed;
    const auto& style = request_.scene.style;
    return streams_[stream]->add_feed(
        pane, pane.trace_file.empty() ? decide_of(pane.settings) : Decide{},
        style.merges.visible || style.sizes.visible, events_.progress, stop_);
  }
  /// Runs a pane's model on its clips; empty without one. A model is loaded once for all panes.
  Decide decide_of(const engine::Settings& settings) {
    if (settings.model.empty()) return {};
    std::shared_ptr<engine::ClassifierRunner> runner;
    for (const auto& [known, loaded] : models_)
      if (known.model == settings.model && known.run == settings.run) runner = loaded;
    if (!runner) {
      runner = std::make_shared<engine::ClassifierRunner>(settings.model, settings.run,
                                                          std::function<void(double)>{}, stop_);
      models_.emplace_back(settings, runner);
    }
    return [runner, settings, stop = stop_](const frames::Clip& clip) {
      return runner->run(clip, settings, false, stop).trace;
    };
  }
  bool live() const { return streams_[0]->info().live; }

  bool step(Report& report) {
    frames::FramePtr frame;
    try {
      if (live() && stop_.stop_requested()) streams_[0]->finish();
      frame = streams_[0]->next(live() ? std::stop_token{} : stop_);
    } catch (const Error&) {
      if (!live() || report.frames == 0)
        throw;  // a lost camera ends the video, it does not void it
    }
    if (!frame || (request_.last && frame->index > *request_.last)) return false;
    if (stop_.stop_requested() && !live()) throw Cancelled();
    if (frame->index < request_.first) {
      streams_keep_up(frame->time);
      show(0, frame);
      return true;
    }
    show(0, frame);
    streams_keep_up(frame->time);
    draw(*frame, report);
    return true;
  }

  /// Moves the other streams to their newest frame at or before `time`.
  void streams_keep_up(double time) {
    for (size_t s = 1; s < streams_.size(); ++s) {
      while (const frames::Frame* next = streams_[s]->peek(stop_)) {
        if (shown_[s] && next->time > time + 1e-6) break;
        show(s, streams_[s]->next(stop_));
      }
    }
  }

  void show(size_t stream, const frames::FramePtr& frame) {
    shown_[stream] = frame;
    for (size_t i = 0; i < panes_.size(); ++i) {
      if (panes_[i].stream != stream) continue;
      panes_[i].input.frame = frame;
      if (panes_[i].feed) {
        panes_[i].input.clip = streams_[stream]->clip(*panes_[i].feed, frame->index);
        panes_[i].input.pixels = streams_[stream]->pixels(*panes_[i].feed, frame->index);
      }
      const auto& captions = request_.panes[i].captions;
      if (frame->index >= 0 && frame->index < static_cast<int64_t>(captions.size()))
        panes_[i].input.caption = captions[static_cast<size_t>(frame->index)];
      compositor_.set_pane(static_cast<int>(i), panes_[i].input);
    }
  }

  void draw(const frames::Frame& frame, Report& report) {
    const double time = request_.first > 0 ? frame.time - first_time(frame) : frame.time;
    if (!encoder_) start(frame, report);
    if (rgb_) {
      const auto bytes = compositor_.picture(request_.scene, size_);
      write(frames::make_rgb_frame(bytes.data(), size_.width, size_.height, report.frames, time),
            report);
    } else if (auto out = output_->push(request_.scene, drawn_, time)) {
      write(out, report);
    }
    ++drawn_;
  }

  /// Generated videos are small and a timeline has much to say: enough for both to be read.
  int least_width() const {
    bool generated = request_.timeline != nullptr && request_.scene.timeline;
    for (const PaneSource& pane : request_.panes)
      generated = generated || pane.video;
    return generated ? kLeastWidth : 0;
  }

  double first_time(const frames::Frame& frame) {
    if (!first_time_) first_time_ = frame.time;
    return *first_time_;
  }

  void start(const frames::Frame& frame, Report& report) {
    size_ = request_.size.empty() ? compositor_.natural_size(request_.scene, least_width())
                                  : request_.size;
    video::EncoderOptions options = request_.encoder;
    if (options.codec.empty()) options.codec = video::codec_for(request_.output);
    const frames::SourceInfo& info = streams_[0]->info();
    if (options.fps.num == 0 && !info.variable_rate && !info.live && info.rate.num > 0) {
      options.fps = info.rate;
    } else if (options.fps.num == 0 && info.time_base.num > 0) {
      options.time_base = info.time_base;
    }
    rgb_ = options.codec == "png" || options.pixel_format == "rgb";
    encoder_ =
        std::make_unique<video::Encoder>(request_.output, size_.width, size_.height, options);
    if (!rgb_)
      output_ = std::make_unique<compose::VideoOutput>(compositor_, size_, frame.matrix,
                                                       frames::Range::limited);
    report.size = size_;
    report.encoder = encoder_->description();
  }

  void write(const frames::FramePtr& frame, Report& report) {
    encoder_->write(frame, live() ? std::stop_token{} : stop_);
    ++report.frames;
    if (events_.on_frame) events_.on_frame(report.frames);
    const auto total = request_.last ? std::optional(*request_.last + 1 - request_.first)
                                     : streams_[0]->info().frame_count;
    if (events_.progress && total && *total > 0)
      events_.progress(std::min(1.0, double(report.frames) / double(*total)));
  }

  const Request& request_;
  const Events& events_;
  std::stop_token stop_;
  std::vector<std::pair<engine::Settings, std::shared_ptr<engine::ClassifierRunner>>> models_;
  std::vector<std::unique_ptr<Stream>> streams_;
  std::vector<PaneState> panes_;
  std::vector<frames::FramePtr> shown_;
  compose::Compositor compositor_;
  std::unique_ptr<compose::VideoOutput> output_;
  std::unique_ptr<video::Encoder> encoder_;
  compose::Size size_;
  bool rgb_ = false;
  int64_t drawn_ = 0;
  std::optional<double> first_time_;
};

}  // namespace

Report run(const Request& request, const Events& events, std::stop_token stop) {
  return Job(request, events, stop).run();
}

}  // namespace looktwice::exporting
