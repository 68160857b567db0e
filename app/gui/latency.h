#pragma once
// How long things take for the person in front: from an input to the pixels that answer it.

#include <chrono>
#include <optional>
#include <vector>

namespace looktwice::gui {

/// Threads: UI thread only.
class LatencyMeter {
 public:
  using Clock = std::chrono::steady_clock;

  /// An input event arrived (kept until an answer is asked for).
  void input() { input_ = Clock::now(); }
  /// The last input changed τ: pixels are owed.
  void owed() {
    if (!since_) since_ = input_.value_or(Clock::now());
  }
  /// The picture that answers is on its way to the screen.
  void answered() {
    if (!since_) return;
    samples_.push_back(std::chrono::duration<double, std::milli>(Clock::now() - *since_).count());
    since_.reset();
  }
  bool waiting() const { return since_.has_value(); }
  size_t count() const { return samples_.size(); }
  /// Quantile 0..1 in milliseconds; 0 without samples.
  double quantile(double q) const;

 private:
  std::optional<Clock::time_point> input_, since_;
  std::vector<double> samples_;
};

LatencyMeter& tau_latency();

/// Milliseconds since the kernel started this process (to 10 ms).
double since_process_start();
/// The first picture is on the screen: remembers since_process_start() once.
void first_picture();
/// What it remembered; 0 before the first picture.
double first_picture_after();

}  // namespace looktwice::gui
