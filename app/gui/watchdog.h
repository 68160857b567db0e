#pragma once
// How long the UI thread leaves people waiting: pings it all the time and measures the answers.

#include <QObject>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace looktwice::gui {

/// Every 5 ms (of a fixed schedule) the watchdog posts an event to the UI thread; the time until it
/// is handled, less what the kernel kept the runnable thread waiting for a CPU
/// (/proc/self/task/TID/schedstat), is one sample. A stall also counts for the pings that it kept
/// from being sent, so that long ones are not underrated. What comes before the first picture is
/// start-up and counts by itself. Made on the UI thread.
class Watchdog : public QObject {
  Q_OBJECT
 public:
  explicit Watchdog(QObject* parent = nullptr);
  ~Watchdog() override;

  struct Report {
    size_t samples = 0;
    double p50 = 0, p99 = 0, p999 = 0, max = 0;  ///< milliseconds, net of run delay
    double start = 0;                            ///< the longest before the first picture
  };
  Report report() const;
  /// "UI thread: p50 0.1 ms, p99 8.0 ms, p99.9 12.3 ms, longest 20.0 ms over 1234 samples".
  std::string text() const;
  /// Forgets what was measured (after start-up).
  void reset();

 private:
  void watch();
  void answer(double sent, double delay_then);
  static double run_delay(int tid);

  int tid_;
  std::thread thread_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  bool closing_ = false, answered_ = true;
  bool starting_ = true;  ///< of the UI thread
  double start_ = 0;
  std::vector<float> samples_;
};

}  // namespace looktwice::gui
