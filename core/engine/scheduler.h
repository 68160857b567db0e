#pragma once
// The seam between an interface and the work: jobs under tags, the latest wins.

#include <chrono>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>

namespace looktwice::engine {

/// Runs jobs on threads of its own, first come first served. Under one tag at most one job runs and
/// one waits: a newer job replaces the one that waits, so a dragged slider never builds a queue.
/// The running one is let finish, so that dragging never starves the picture, unless it has been
/// running for more than `grace` when a newer one waits; then its stop token is triggered.
///
/// Jobs hand results on by themselves (post them as values to the interface's thread). A job that
/// throws Cancelled is dropped; any other exception goes to `on_error`. Threads: every function may
/// be called from any thread, jobs included, and returns at once; the destructor drops what waits,
/// triggers what runs and joins.
class Scheduler {
 public:
  using Job = std::function<void(std::stop_token)>;

  struct Options {
    int threads = 1;
    std::chrono::milliseconds grace{1000};
    /// Called on a worker thread with the tag and the exception's text. Empty: written to the log.
    std::function<void(const std::string& tag, const std::string& what)> on_error = {};
  };

  explicit Scheduler(Options options);
  Scheduler() : Scheduler(Options{}) {}
  ~Scheduler();
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  enum class When {
    after_running,  ///< let the running job of this tag finish (within the grace)
    stop_running,   ///< its answer is of no use any more: the source or the model changed
  };
  void post(const std::string& tag, Job job, When when = When::after_running);
  /// Drops the waiting job of this tag and triggers the running one.
  void cancel(const std::string& tag);
  void cancel_all();

  /// True while a job of this tag waits or runs.
  bool busy(const std::string& tag) const;
  bool idle() const;
  /// Jobs that were replaced before they ran, so far.
  size_t replaced() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace looktwice::engine
