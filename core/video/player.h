#pragma once
// Plays a source: a decode thread keeps a bounded window of frames around the playhead.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "frames/source.h"
#include "video/video.h"

namespace looktwice::video {

struct PlayerOptions {
  size_t window_bytes = size_t{192} << 20U;  ///< decoded frames held around the playhead
  int max_frames = 240;                      ///< and at most so many
  OpenOptions open;
  /// Called on the decode thread whenever poll() or status() may answer something new; must not
  /// block (post an event to the UI thread). May be empty.
  std::function<void()> on_change;
};

/// What the player is doing, as a value.
struct PlayerStatus {
  enum class State { empty, opening, ready, failed };
  State state = State::empty;
  std::string input;        ///< of the source shown (or being opened, while nothing is shown)
  uint64_t generation = 0;  ///< grows with every source that was opened
  frames::SourceInfo info;  ///< of the source shown; empty before the first
  std::string message;      ///< why it failed, or that the device was lost; one line
  bool playing = false;
  bool loop = true;
  double speed = 1;
  int64_t in = 0, out = -1;  ///< first and last frame of the loop; out is -1 for the last there is
  int64_t shown = -1;        ///< frame that poll() last returned
  int64_t target = -1;       ///< frame the playhead is at; differs from `shown` while it is decoded
  bool at_end = false;       ///< played to the end without looping
  int64_t dropped = 0;       ///< live frames that nobody saw, since the source was opened
  size_t window_frames = 0, window_bytes = 0;
};

/// Threads: one thread of its own decodes; every function below may be called from any thread (the
/// UI's), returns at once and never waits for a decode. The destructor stops the thread within
/// 100 ms. Commands are latest-wins: a seek replaces the one still being served.
class Player {
 public:
  using Clock = std::chrono::steady_clock;

  explicit Player(PlayerOptions options = {});
  ~Player();
  Player(const Player&) = delete;
  Player& operator=(const Player&) = delete;

  /// Opens another source in the background. If that fails the old one stays, paused, and `message`
  /// says why.
  void open(const std::string& input);
  void close();

  void play();
  void pause();
  /// 0.1 to 4, clamped.
  void set_speed(double speed);
  void set_loop(bool loop);
  /// Plays and loops between these frames, both included; out = -1 means to the end.
  void set_range(int64_t in, int64_t out = -1);
  /// Shows this frame as soon as it is decoded (clamped to the source). Ignored for live sources.
  void seek(int64_t index);
  /// So many frames forward or back from the playhead; pauses. Ignored for live sources.
  void step(int64_t frames);

  /// The frame to show at `now`: null before the first. While playing, this is what moves the
  /// playhead, so call it for every picture that is drawn. When decoding falls behind, the clock
  /// waits for it: frames are late, never skipped unless `speed` outruns the calls.
  frames::FramePtr poll(Clock::time_point now = Clock::now());
  /// When poll() will next return another frame, if that is known: how long the UI may sleep.
  std::optional<Clock::time_point> next_due() const;

  /// A frame if it is in the window, else null.
  frames::FramePtr cached(int64_t index) const;
  /// The newest `count` frames in the window that are `stride` apart, oldest first; fewer if there
  /// are no more. For sliding windows over live sources.
  std::vector<frames::FramePtr> recent(int count, int stride = 1) const;

  PlayerStatus status() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace looktwice::video
