#include "video/player.h"

#include <algorithm>
#include <cmath>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

#include "base/background.h"
#include "base/error.h"
#include "video/window.h"

namespace looktwice::video {

using frames::FramePtr;

struct Player::Impl {
  using Seconds = std::chrono::duration<double>;

  explicit Impl(PlayerOptions o)
      : options(std::move(o)), window(options.window_bytes, options.max_frames) {
    thread = std::jthread([this](std::stop_token stop) {
      work_in_background();  // decoding must not hold up drawing
      run(stop);
    });
  }

  ~Impl() {
    thread.request_stop();
    {
      std::lock_guard lock(mutex);
      job.request_stop();
    }
    changed.notify_all();
    thread.join();
  }

  // ---- helpers, called with the lock held ----

  std::optional<int64_t> last_frame() const {
    const auto count = st.info.frame_count;
    if (!count) return st.out >= 0 ? std::optional(st.out) : std::nullopt;
    const int64_t end = std::max<int64_t>(*count - 1, 0);
    return st.out >= 0 ? std::min(st.out, end) : end;
  }

  int64_t clamp(int64_t index) const {
    if (st.info.frame_count) index = std::min(index, *st.info.frame_count - 1);
    return std::max<int64_t>(index, 0);
  }

  Playhead head() const {
    Playhead h;
    h.at = std::max<int64_t>(st.target, 0);
    h.in = st.in;
    h.last = last_frame();
    h.playing = st.playing;
    h.loop = st.loop;
    return h;
  }

  std::optional<int64_t> wanted() const {
    auto index = window.wanted(head());
    // Past the end (also one that was just found) there is nothing to decode.
    if (index && st.info.frame_count && *index >= *st.info.frame_count) return std::nullopt;
    return index;
  }

  bool has_source() const { return source != nullptr && !broken; }

  void move_to(int64_t index) {
    st.target = clamp(index);
    st.at_end = false;
    anchored = false;
    seeking = window.find(st.target) == nullptr;
    if (!seeking) return;
    latest = shown;
    // A prefetch in progress makes way; a seek in progress is let finish, so that dragging never
    // starves the picture, unless it takes long.
    if (!job_is_target || Clock::now() - job_since > std::chrono::seconds(1)) job.request_stop();
  }

  double frame_seconds(const frames::Frame&) const {
    return st.info.fps > 0 ? 1 / st.info.fps : 1.0 / 25;
  }

  // ---- the decode thread ----

  void tell() const {
    if (options.on_change) options.on_change();
  }

  void run(std::stop_token stop) {
    while (!stop.stop_requested()) {
      std::vector<FramePtr> gone;  // freed outside of the lock
      std::unique_lock lock(mutex);
      changed.wait(lock, stop, [&] {
        return request.has_value() || closing || (has_source() && (live || wanted().has_value()));
      });
      if (stop.stop_requested()) return;
      job = std::stop_source();
      const std::stop_token token = job.get_token();
      job_since = Clock::now();
      job_is_target = false;
      if (closing) {
        closing = false;
        auto old = std::move(source);
        reset(gone);
        renew();
        lock.unlock();
      } else if (request) {
        const std::string input = *std::exchange(request, std::nullopt);
        lock.unlock();
        open_now(input, token);
      } else if (live) {
        lock.unlock();
        read_live(token, gone);
      } else {
        const int64_t index = *wanted();
        job_is_target = index == head().at;
        lock.unlock();
        decode(index, token, gone);
      }
      tell();
    }
  }

  /// A status that keeps only what is the user's and not the source's.
  void renew() {
    PlayerStatus fresh;
    fresh.loop = st.loop;
    fresh.speed = st.speed;
    fresh.generation = st.generation;
    st = fresh;
  }

  void reset(std::vector<FramePtr>& gone) {
    window.clear(gone);
    shown = latest = nullptr;
    anchored = seeking = broken = live = false;
    unseen = 0;
  }

  void open_now(const std::string& input, const std::stop_token& token) {
    frames::SourcePtr opened, old;
    std::string problem;
    try {
      opened = open_source(input, options.open, token);
    } catch (const Cancelled&) {
      std::lock_guard lock(mutex);
      if (!request && !closing) st.state = source ? PlayerStatus::State::ready : st.state;
      return;
    } catch (const std::exception& e) {
      problem = e.what();
    }
    std::vector<FramePtr> gone;
    std::lock_guard lock(mutex);
    if (!opened) {
      st.message = problem;
      st.state = source ? PlayerStatus::State::ready : PlayerStatus::State::failed;
      st.playing = false;
      return;
    }
    if (token.stop_requested()) return;  // a newer wish is waiting
    old = std::move(source);
    source = std::move(opened);
    reset(gone);
    const bool playing = st.playing;
    renew();
    st.state = PlayerStatus::State::ready;
    st.input = input;
    ++st.generation;
    st.info = source->info();
    st.playing = playing;
    st.target = 0;
    live = st.info.live;
    if (live) st.playing = true;
  }

  void fail(const std::string& message) {
    std::lock_guard lock(mutex);
    st.message = message;
    st.playing = false;
    broken = true;
  }

  void decode(int64_t index, const std::stop_token& token, std::vector<FramePtr>& gone) {
    FramePtr frame;
    try {
      source->seek(index, token);
      frame = source->next(token);
    } catch (const Cancelled&) {
      return;
    } catch (const std::exception& e) {
      fail(e.what());
      return;
    }
    std::lock_guard lock(mutex);
    st.info.frame_count = source->info().frame_count;
    st.info.duration = source->info().duration;
    if (!frame) {
      // The end, now known (a graph, or a file whose end is damaged).
      if (!st.info.frame_count) st.info.frame_count = index;
      if (*st.info.frame_count == 0) broken = true;
      if (st.target >= *st.info.frame_count) move_to(*st.info.frame_count - 1);
      return;
    }
    if (index == st.target) seeking = false;
    if (job_is_target) latest = frame;
    window.put(std::move(frame), head(), gone);
  }

  void read_live(const std::stop_token& token, std::vector<FramePtr>& gone) {
    FramePtr frame;
    try {
      frame = source->next(token);
    } catch (const Cancelled&) {
      return;
    } catch (const std::exception& e) {
      fail(e.what());
      return;
    }
    if (!frame) {
      fail("the device gives no more pictures");
      return;
    }
    std::lock_guard lock(mutex);
    if (latest && latest != shown && st.playing) ++unseen;
    st.dropped = unseen + source->dropped();
    latest = frame;
    st.target = st.playing ? frame->index : st.target;
    window.push(std::move(frame), gone);
  }

  // ---- the caller's thread ----

  /// Moves the playhead to where it is at `now`; with the lock held.
  void advance(Clock::time_point now) {
    FramePtr current = window.find(st.target);
    if (!current) {  // still being decoded: the clock waits
      anchored = false;
      return;
    }
    if (!anchored) {
      anchor = now;
      anchor_time = current->time;
      anchored = true;
    }
    double time = anchor_time + Seconds(now - anchor).count() * st.speed;
    const auto wait_at = [&](double limit) {
      if (time <= limit) return;
      anchor = now;
      anchor_time = limit;
    };
    const auto last = last_frame();
    for (int moves = 0; moves < 4096; ++moves) {
      const bool at_last = last && st.target >= *last;
      const double end = current->time + frame_seconds(*current);
      if (!at_last) {
        FramePtr next = window.find(st.target + 1);
        if (!next) return wait_at(end);
        if (next->time > time) return;
        ++st.target;
        current = std::move(next);
        continue;
      }
      if (time < end) return;
      if (!st.loop) {
        st.playing = false;
        st.at_end = true;
        return;
      }
      const FramePtr first = window.find(st.in);
      if (!first) {
        // The loop's start was dropped from the window: fetch it, then go on.
        st.target = st.in;
        anchored = false;
        return;
      }
      const double over = std::fmod(time - end, std::max(end - first->time, 1e-3));
      st.target = st.in;
      anchor = now;
      anchor_time = time = first->time + over;
      current = first;
    }
  }

  FramePtr poll(Clock::time_point now) {
    if (live) {
      if (st.playing && latest) shown = latest;
    } else if (source) {
      const int64_t before = st.target;
      if (st.playing) advance(now);
      if (FramePtr at = window.find(st.target))
        shown = at;
      else if (seeking && latest)
        shown = latest;  // what was decoded on the way of a drag
      if (st.target != before) changed.notify_all();
    }
    st.shown = shown ? shown->index : -1;
    return shown;
  }

  PlayerOptions options;
  mutable std::mutex mutex;
  std::condition_variable_any changed;
  PlayerStatus st;
  Window window;
  FramePtr shown, latest;  ///< latest: the last one decoded for the playhead, or the live one
  std::optional<std::string> request;
  bool closing = false, seeking = false, broken = false, live = false;
  bool anchored = false;  ///< whether the clock runs: `anchor_time` is shown at `anchor`
  Clock::time_point anchor;
  double anchor_time = 0;
  int64_t unseen = 0;
  std::stop_source job;  ///< of what the decode thread does now
  bool job_is_target = false;
  Clock::time_point job_since;
  frames::SourcePtr source;  ///< only the decode thread calls it
  std::jthread thread;       // last: it uses all of the above
};

Player::Player(PlayerOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
Player::~Player() = default;

namespace {

/// Runs `f` under the lock and wakes the decode thread.
template <class Impl, class F>
void command(Impl& d, F&& f) {
  {
    std::lock_guard lock(d.mutex);
    f();
  }
  d.changed.notify_all();
}

}  // namespace

void Player::open(const std::string& input) {
  Impl& d = *impl_;
  command(d, [&] {
    d.request = input;
    d.closing = false;
    d.st.state = PlayerStatus::State::opening;
    d.st.message.clear();
    if (!d.source) d.st.input = input;
    d.job.request_stop();
  });
}

void Player::close() {
  Impl& d = *impl_;
  command(d, [&] {
    d.request.reset();
    d.closing = true;
    d.job.request_stop();
  });
}

void Player::play() {
  Impl& d = *impl_;
  command(d, [&] {
    if (d.broken) return;
    if (!d.live) {
      const auto last = d.last_frame();
      if (d.st.at_end || (last && d.st.target >= *last)) d.move_to(d.st.in);
    }
    d.st.playing = true;
    d.anchored = false;
  });
}

void Player::pause() {
  Impl& d = *impl_;
  command(d, [&] {
    d.st.playing = false;
    d.anchored = false;
  });
}

void Player::set_speed(double speed) {
  Impl& d = *impl_;
  command(d, [&] {
    d.st.speed = std::isfinite(speed) ? std::clamp(speed, 0.1, 4.0) : 1.0;
    d.anchored = false;
  });
}

void Player::set_loop(bool loop) {
  Impl& d = *impl_;
  command(d, [&] { d.st.loop = loop; });
}

void Player::set_range(int64_t in, int64_t out) {
  Impl& d = *impl_;
  command(d, [&] {
    d.st.in = std::max<int64_t>(d.clamp(in), 0);
    d.st.out = out < 0 ? -1 : std::max(out, d.st.in);
    if (d.st.playing && !d.live) {
      const auto last = d.last_frame();
      if (d.st.target < d.st.in || (last && d.st.target > *last)) d.move_to(d.st.in);
    }
  });
}

void Player::seek(int64_t index) {
  Impl& d = *impl_;
  command(d, [&] {
    if (d.source && !d.live) d.move_to(index);
  });
}

void Player::step(int64_t frames) {
  Impl& d = *impl_;
  command(d, [&] {
    if (!d.source || d.live) return;
    d.st.playing = false;
    d.move_to(d.st.target + frames);
  });
}

FramePtr Player::poll(Clock::time_point now) {
  std::lock_guard lock(impl_->mutex);
  return impl_->poll(now);
}

std::optional<Player::Clock::time_point> Player::next_due() const {
  const Impl& d = *impl_;
  std::lock_guard lock(d.mutex);
  if (d.live || !d.st.playing || !d.anchored) return std::nullopt;
  const FramePtr current = d.window.find(d.st.target);
  if (!current) return std::nullopt;
  const auto last = d.last_frame();
  double when = current->time + d.frame_seconds(*current);
  if (!last || d.st.target < *last) {
    const FramePtr next = d.window.find(d.st.target + 1);
    if (!next) return std::nullopt;
    when = next->time;
  }
  const Impl::Seconds wait((when - d.anchor_time) / d.st.speed);
  return d.anchor + std::chrono::duration_cast<Clock::duration>(wait);
}

FramePtr Player::cached(int64_t index) const {
  std::lock_guard lock(impl_->mutex);
  return impl_->window.find(index);
}

std::vector<FramePtr> Player::recent(int count, int stride) const {
  std::vector<FramePtr> out;
  std::lock_guard lock(impl_->mutex);
  const auto& all = impl_->window.frames();
  if (all.empty() || count <= 0 || stride <= 0) return out;
  int64_t index = all.rbegin()->first;
  for (int i = 0; i < count; ++i, index -= stride) {
    FramePtr f = impl_->window.find(index);
    if (!f) break;
    out.push_back(std::move(f));
  }
  std::reverse(out.begin(), out.end());
  return out;
}

PlayerStatus Player::status() const {
  std::lock_guard lock(impl_->mutex);
  PlayerStatus s = impl_->st;
  s.window_frames = impl_->window.frames().size();
  s.window_bytes = impl_->window.bytes();
  return s;
}

}  // namespace looktwice::video
