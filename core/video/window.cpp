#include "video/window.h"

#include <algorithm>

#include "video/picture.h"

namespace looktwice::video {
namespace {

/// While paused, so many frames either way are enough for stepping.
constexpr int64_t kPaused = 16;

}  // namespace

std::optional<int64_t> Playhead::ahead(int64_t steps) const {
  const int64_t to = at + steps;
  if (to < 0) return std::nullopt;
  const bool inside = playing && steps > 0 && last && at <= *last;
  if (!inside || to <= *last) return to;
  if (!loop) return std::nullopt;
  const int64_t length = *last - in + 1;
  return length > 0 ? std::optional(in + (to - in) % length) : std::nullopt;
}

frames::FramePtr Window::find(int64_t index) const {
  const auto at = frames_.find(index);
  return at != frames_.end() ? at->second : nullptr;
}

int Window::capacity() const {
  if (frames_.empty()) return 4;
  const size_t one = std::max<size_t>(1, bytes_ / frames_.size());
  return std::clamp(static_cast<int>(std::min<size_t>(max_bytes_ / one, 1U << 20U)), 4,
                    std::max(4, max_frames_));
}

int64_t Window::ahead_frames(const Playhead& head) const {
  const int64_t n = capacity();
  return head.playing ? n - 1 - n / 4 : std::min(n / 2, kPaused);
}

int64_t Window::behind_frames(const Playhead& head) const {
  const int64_t n = capacity();
  return head.playing ? n / 4 : std::min((n - 1) / 2, kPaused);
}

void Window::erase(std::map<int64_t, frames::FramePtr>::iterator at,
                   std::vector<frames::FramePtr>& gone) {
  bytes_ -= std::min(bytes_, frame_bytes(*at->second));
  gone.push_back(std::move(at->second));
  frames_.erase(at);
}

void Window::put(frames::FramePtr frame, const Playhead& head,
                 std::vector<frames::FramePtr>& gone) {
  const size_t size = frame_bytes(*frame);
  const auto [slot, fresh] = frames_.emplace(frame->index, frame);
  if (!fresh) return;
  bytes_ += size;
  const auto distance = [&](int64_t index) {
    int64_t d = index - head.at;
    if (d >= 0) return d;
    const int64_t behind = -d;
    // Behind the playhead is ahead of it, once round the loop.
    if (head.playing && head.loop && head.last && index >= head.in && head.at <= *head.last)
      d += *head.last - head.in + 1;
    // What was passed is worth less than what is to come.
    const int64_t back = behind <= behind_frames(head) ? behind : 4 * behind;
    return d > 0 ? std::min(d, back) : back;
  };
  while (frames_.size() > 4 &&
         (bytes_ > max_bytes_ || frames_.size() > static_cast<size_t>(std::max(4, max_frames_)))) {
    auto farthest = frames_.begin();
    for (auto at = frames_.begin(); at != frames_.end(); ++at)
      if (distance(at->first) >= distance(farthest->first)) farthest = at;
    erase(farthest, gone);
  }
}

void Window::push(frames::FramePtr frame, std::vector<frames::FramePtr>& gone) {
  bytes_ += frame_bytes(*frame);
  frames_[frame->index] = frame;
  while (frames_.size() > 1 &&
         (bytes_ > max_bytes_ || frames_.size() > static_cast<size_t>(max_frames_)))
    erase(frames_.begin(), gone);
}

void Window::clear(std::vector<frames::FramePtr>& gone) {
  while (!frames_.empty())
    erase(frames_.begin(), gone);
}

std::optional<int64_t> Window::wanted(const Playhead& head) const {
  const auto missing = [&](int64_t index) { return frames_.count(index) == 0; };
  if (missing(head.at)) return head.at;
  const int64_t forward = ahead_frames(head);
  for (int64_t k = 1; k <= forward; ++k) {
    const auto index = head.ahead(k);
    if (!index) break;
    if (missing(*index)) return index;
  }
  if (head.playing) return std::nullopt;
  for (int64_t k = 1; k <= behind_frames(head); ++k) {
    const auto index = head.ahead(-k);
    if (!index) break;
    if (missing(*index)) return index;
  }
  return std::nullopt;
}

}  // namespace looktwice::video
