#include "workspace.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/log.h"
#include "engine/inspect.h"

namespace looktwice::gui {

using State = video::PlayerStatus::State;

Workspace::Workspace(QObject* parent)
    : QObject(parent),
      change_posted_(std::make_shared<std::atomic<bool>>(false)),
      async_({.threads = 1, .grace = std::chrono::milliseconds(1000)}) {
  video::PlayerOptions options;
  // Called on the decode thread: one event is on its way at most.
  options.on_change = [this, posted = change_posted_] {
    if (posted->exchange(true)) return;
    QMetaObject::invokeMethod(
        this,
        [this, posted] {
          posted->store(false);
          on_player_change();
        },
        Qt::QueuedConnection);
  };
  player_ = std::make_unique<video::Player>(std::move(options));
  status_ = player_->status();
  timer_.setSingleShot(true);
  timer_.setTimerType(Qt::PreciseTimer);
  connect(&timer_, &QTimer::timeout, this, [this] { tick(); });
  runner_ = std::make_unique<TokenRunner>(*this);
}

void Workspace::open(const std::string& input) {
  opening_ = true;
  open_error_.clear();
  player_->open(input);
  emit source_changed();
}

void Workspace::close_source() {
  player_->close();
  on_player_change();
}

void Workspace::dismiss_error() {
  open_error_.clear();
  emit source_changed();
}

void Workspace::on_player_change() {
  const video::PlayerStatus before = status_;
  status_ = player_->status();
  const bool settled = status_.state == State::ready || status_.state == State::failed;
  if (opening_ && settled && status_.state == State::failed) {
    opening_ = false;
    open_error_ = status_.message;
    log(LogLevel::error, status_.message);
    emit source_changed();
  } else if (status_.message != player_message_ && !status_.message.empty()) {
    open_error_ = status_.message;
    log(LogLevel::warning, status_.message);
    if (settled) opening_ = false;
    emit source_changed();
  }
  player_message_ = status_.message;
  if (status_.state == State::empty && reader_ != nullptr) {
    reader_ = nullptr;
    clear_source();
    plan();
    emit frame_changed();
    emit source_changed();
    emit place_changed();
  } else if (status_.generation != generation_ && status_.state == State::ready) {
    generation_ = status_.generation;
    opening_ = false;
    source_ready();
  } else if (status_.info.frame_count != before.info.frame_count) {
    plan(true);
    emit source_changed();
  }
  if (status_.playing != before.playing || status_.speed != before.speed ||
      status_.loop != before.loop || status_.in != before.in || status_.out != before.out) {
    emit playback_changed();
  }
  tick();
}

void Workspace::clear_source() {
  frame_ = nullptr;
  clip_ = nullptr;
  measured_ = nullptr;
  held_.clear();
  held_wanted_.clear();
  pinned_.reset();
  hovered_.reset();
  region_.reset();
}

void Workspace::source_ready() {
  clear_source();
  reader_ = std::make_shared<ClipReader>(
      status_.input, [player = player_.get()](int64_t index) { return player->cached(index); });
  plan();
  if (autoplay_ || status_.info.live) player_->play();
  emit source_changed();
  emit place_changed();
}

void Workspace::tick() {
  frames::FramePtr got = player_->poll();
  const bool was_playing = status_.playing;
  status_ = player_->status();
  if (status_.playing != was_playing) emit playback_changed();
  if (got && got != frame_) {
    frame_ = std::move(got);
    if (status_.info.live) {
      analyse_live();
    } else {
      if (!length_known() && horizon_limit_ == 0 && supposed_length() > horizon_) plan(true);
      update_clip();
      update_held();
    }
    emit frame_changed();
    if (!status_.info.live && !async_.busy("analysis")) analyse();
  }
  if (const auto due = player_->next_due()) {
    const auto wait =
        std::chrono::duration_cast<std::chrono::microseconds>(*due - video::Player::Clock::now());
    timer_.start(std::max(0, int(std::ceil(double(wait.count()) / 1000.0))));
  }
}

int64_t Workspace::position() const {
  if (status_.target >= 0 && !status_.playing) return status_.target;
  return frame_ ? frame_->index : 0;
}

void Workspace::toggle_play() {
  if (status_.playing) {
    player_->pause();
  } else {
    player_->play();
  }
  on_player_change();
}

void Workspace::seek(int64_t frame) {
  player_->seek(frame);
  on_player_change();
}

void Workspace::step(int64_t frames) {
  player_->step(frames);
  on_player_change();
}

void Workspace::set_speed(double speed) {
  player_->set_speed(speed);
  on_player_change();
}

void Workspace::set_loop(bool loop) {
  player_->set_loop(loop);
  on_player_change();
}

void Workspace::set_range(int64_t in, int64_t out) {
  player_->set_range(in, out);
  on_player_change();
}

void Workspace::change(Document document, const std::string& what) {
  const Document before = history_.now();
  if (history_.change(std::move(document), what)) after_document(before);
}

void Workspace::set_tau(float tau) {
  if (!std::isfinite(tau)) return;
  Document next = document();
  next.settings.tokens.rlt = std::clamp(tau, 0.0f, 20.0f);
  change(std::move(next), "Threshold τ");
}

void Workspace::undo() {
  const Document before = history_.now();
  if (history_.undo()) after_document(before);
}

void Workspace::redo() {
  const Document before = history_.now();
  if (history_.redo()) after_document(before);
}

void Workspace::load_document(Document next) {
  const Document before = history_.now();
  history_.reset(std::move(next));
  after_document(before);
}

void Workspace::after_document(const Document& before) {
  if (document().settings.tokens.rlt) last_tau_ = *document().settings.tokens.rlt;
  if (before.settings.clip != document().settings.clip) {
    plan();
  } else if (before.settings.tokens.rlt != document().settings.tokens.rlt) {
    update_clip();
  }
  update_held();
  emit document_changed();
}

int64_t Workspace::supposed_length() const {
  const frames::ClipOptions& options = document().settings.clip;
  const int64_t bunch = 4 * int64_t{options.frames} * options.stride;
  const int64_t ahead = std::max<int64_t>(0, position() + 1 - options.start) + 2 * options.span();
  return options.start + (ahead / bunch + 1) * bunch;
}

void Workspace::plan(bool keep) {
  ++plan_id_;
  async_.cancel("analysis");
  async_.cancel("live");
  analysis_error_.clear();
  if (!keep) stale_ = clip_ != nullptr;
  dropped_tail_ = 0;
  std::vector<std::vector<int64_t>> clips;
  if (has_source() && !status_.info.live) {
    const frames::ClipOptions& options = document().settings.clip;
    try {
      options.check();
      if (!keep) horizon_ = horizon_limit_ = 0;
      if (!length_known()) horizon_ = std::max(horizon_, supposed_length());
      if (!length_known() && (options.clips > 0 || options.sampling == frames::Sampling::uniform)) {
        throw bad_input(status_.info.name, "has an end that nobody has seen yet",
                        "play it to its end, or take clips one after the other");
      }
      (void)frames::clip_geometry(options, status_.info.width, status_.info.height,
                                  status_.info.verbatim);
      if (status_.info.verbatim) {
        clips.emplace_back();
        for (int64_t i = 0; i < frame_count(); ++i)
          clips.back().push_back(i);
        if (clips.back().size() % size_t(options.tubelet) != 0) {
          throw bad_input(status_.info.name,
                          "has a number of frames that is no multiple of the tubelet");
        }
      } else {
        const bool supposed = !length_known();
        const int64_t count =
            supposed && horizon_limit_ > 0 ? std::min(horizon_, horizon_limit_) : frame_count();
        if (!supposed || count > 0) clips = frames::plan_clips(options, count, &dropped_tail_);
        if (supposed) dropped_tail_ = 0;
      }
    } catch (const Error& error) {
      clips.clear();
      analysis_error_ = error.what();
      clip_ = nullptr;
      measured_ = nullptr;
      stale_ = false;
    }
  }
  if (keep) {
    store_.replan(std::move(clips));
  } else {
    store_.reset(std::move(clips));
  }
  if (!stale_) update_clip();
  emit analysis_changed();
  if (status_.info.live) {
    live_clock_.invalidate();
  } else {
    analyse();
  }
}

void Workspace::analyse() {
  if (!has_source() || !reader_) return;
  const auto number = store_.wanted(position());
  if (!number) {
    emit analysis_changed();
    return;
  }
  struct Answer {
    MeasuredClipPtr clip;
    std::string error;
    int64_t missed = 0;  ///< last frame of a clip that could not be read
  };
  async_.post(
      this, "analysis",
      [reader = reader_, n = *number, indices = store_.frames_of(*number),
       options = document().settings.clip,
       verbatim = status_.info.verbatim](std::stop_token stop) -> Answer {
        try {
          return {reader->measure(n, indices, options, verbatim, std::move(stop)), {}};
        } catch (const Error& error) {
          return {nullptr, error.what(), indices.back()};
        }
      },
      [this, id = plan_id_](Answer answer) {
        if (id != plan_id_) return;
        if (!answer.clip && !length_known() && horizon_limit_ == 0) {
          // Planned past the end of a graph, it seems: as far as that, and no further.
          horizon_limit_ = answer.missed;
          plan(true);
          return;
        }
        if (!answer.clip) {
          if (analysis_error_ != answer.error) log(LogLevel::warning, answer.error);
          analysis_error_ = answer.error;
          emit analysis_changed();
          return;
        }
        store_.put(std::move(answer.clip));
        update_clip();
        update_held();
        emit analysis_changed();
        analyse();
      });
}

void Workspace::analyse_live() {
  // At most ten times a second, and never more than one behind the other.
  if (live_clock_.isValid() && live_clock_.elapsed() < 100) return;
  if (async_.busy("live")) return;
  const frames::ClipOptions& options = document().settings.clip;
  std::vector<frames::FramePtr> recent = player_->recent(options.frames, options.stride);
  if (int(recent.size()) < options.frames) return;
  live_clock_.start();
  async_.post(
      this, "live",
      [recent = std::move(recent), options](std::stop_token stop) {
        return measure_frames(0, recent, options, false, std::move(stop));
      },
      [this, id = plan_id_](MeasuredClipPtr clip) {
        if (id != plan_id_) return;
        measured_ = std::move(clip);
        clip_ = decided(*measured_);
        stale_ = false;
        emit analysis_changed();
      });
}

void Workspace::update_clip() {
  MeasuredClipPtr found = measured_;
  if (!status_.info.live) {
    const auto number = store_.clip_at(position());
    found = number ? store_.get(*number) : nullptr;
    if (!found && number && clip_) {
      // Not known yet: what is shown stays, marked as stale if its settings are not those on
      // screen; marks of another moment would lie, so they go.
      const bool covers = overlay::moment_at(*clip_, position()).has_value() && stale_;
      if (covers) return;
    }
    if (!found && !number && store_.count() == 0 && stale_) return;
  }
  if (!found) {
    measured_ = nullptr;
    clip_ = nullptr;
    return;
  }
  if (measured_ == found && clip_ && clip_->has_rlt == rlt_on() && clip_->tau == tau() && !stale_)
    return;
  measured_ = found;
  clip_ = decided(*found);
  stale_ = false;
}

std::shared_ptr<const trace::ClipTrace> Workspace::decided(const MeasuredClip& measured) const {
  auto clip = std::make_shared<trace::ClipTrace>(measured.trace);
  if (rlt_on()) {
    engine::decide(*clip, tau());
  } else {
    clip->tau = tau();
  }
  return clip;
}

void Workspace::update_held() {
  const bool needed = std::ranges::any_of(document().scene.panes, [](const compose::Pane& pane) {
    return pane.content == compose::Content::handed_on;
  });
  if (!needed || !clip_ || !frame_ || status_.info.live) {
    held_.clear();
    held_wanted_.clear();
    return;
  }
  const std::vector<int64_t> wanted = overlay::head_frames(*clip_, frame_->index);
  std::map<int64_t, frames::FramePtr> held;
  std::vector<int64_t> missing;
  for (const int64_t index : wanted) {
    if (index == frame_->index) continue;
    const auto known = held_.find(index);
    frames::FramePtr got = known != held_.end() ? known->second : player_->cached(index);
    if (got) {
      held.emplace(index, std::move(got));
    } else {
      missing.push_back(index);
    }
  }
  held_ = std::move(held);
  if (missing.empty() || missing == held_wanted_ || !reader_) return;
  held_wanted_ = missing;
  async_.post(
      this, "held",
      [reader = reader_, missing](std::stop_token stop) {
        return reader->read(missing, std::move(stop));
      },
      [this, generation = generation_](std::vector<frames::FramePtr> frames) {
        if (generation != generation_) return;
        for (frames::FramePtr& frame : frames)
          held_[frame->index] = std::move(frame);
        held_wanted_.clear();
        emit analysis_changed();
      });
}

compose::PaneInput Workspace::pane_input(int) const {
  compose::PaneInput input;
  input.frame = frame_;
  input.clip = clip_;
  if (const TokenRunPtr run = runner_->run()) {
    input.merged = run->trace;
    // Live video runs ahead of its model.
    input.stale = runner_->stale() ||
                  (clip_ && status_.info.live && run->trace->frame_indices != clip_->frame_indices);
    input.pixels = runner_->pixels();
    // Random drop is decided by the run alone.
    if (!rlt_on() && !input.stale && run->trace->has_rlt) input.clip = run->trace;
  }
  for (const auto& [index, frame] : held_)
    input.held.push_back(frame);
  return input;
}

std::optional<overlay::Moment> Workspace::moment() const {
  if (!clip_ || !frame_) return std::nullopt;
  return overlay::moment_at(*clip_, frame_->index);
}

double Workspace::progress() const {
  return store_.count() > 0 ? double(store_.measured_count()) / store_.count() : 1.0;
}

double Workspace::kept_ratio() const {
  return clip_ ? overlay::kept_ratio(*clip_) : 1.0;
}

void Workspace::hover(std::optional<Place> place) {
  if (place == hovered_) return;
  hovered_ = place;
  emit place_changed();
}

void Workspace::set_region(std::optional<QRect> region) {
  if (region && region->isEmpty()) region.reset();
  if (region == region_) return;
  region_ = region;
  emit place_changed();
}

void Workspace::pin(std::optional<Place> place) {
  if (place == pinned_) return;
  pinned_ = place;
  emit place_changed();
}

}  // namespace looktwice::gui
