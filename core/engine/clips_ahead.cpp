#include "engine/clips_ahead.h"

#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "base/error.h"

namespace looktwice::engine {
namespace {

constexpr size_t kAhead = 2;

}  // namespace

frames::ReadReport read_clips_ahead(frames::FrameSource& source, const frames::ClipOptions& options,
                                    const std::function<void(frames::Clip&&)>& on_clip,
                                    const std::function<void(double)>& progress,
                                    std::stop_token stop) {
  std::mutex mutex;
  std::condition_variable_any changed;
  std::deque<frames::Clip> clips;
  double done = 0;
  bool ended = false;
  std::exception_ptr failure;
  frames::ReadReport report;

  std::stop_source both;
  const std::stop_callback forward(stop, [&] { both.request_stop(); });
  std::jthread decoder([&] {
    const std::stop_token token = both.get_token();
    try {
      frames::ReadReport read = frames::read_clips(
          source, options,
          [&](frames::Clip&& clip) {
            std::unique_lock lock(mutex);
            if (!changed.wait(lock, token, [&] { return clips.size() < kAhead; }))
              throw Cancelled();
            clips.push_back(std::move(clip));
            changed.notify_all();
          },
          [&](double fraction) {
            const std::lock_guard lock(mutex);
            done = fraction;
          },
          token);
      const std::lock_guard lock(mutex);
      report = read;
    } catch (...) {
      const std::lock_guard lock(mutex);
      failure = std::current_exception();
    }
    const std::lock_guard lock(mutex);
    ended = true;
    changed.notify_all();
  });

  try {
    for (;;) {
      std::optional<frames::Clip> clip;
      double fraction = 0;
      {
        std::unique_lock lock(mutex);
        changed.wait(lock, [&] { return !clips.empty() || ended; });
        if (clips.empty()) break;
        clip = std::move(clips.front());
        clips.pop_front();
        fraction = done;
        changed.notify_all();
      }
      on_clip(std::move(*clip));
      if (progress) progress(fraction);
    }
  } catch (...) {
    both.request_stop();  // the decoder ends before what it refers to does
    throw;
  }
  decoder.join();
  if (failure) std::rethrow_exception(failure);
  return report;
}

}  // namespace looktwice::engine
