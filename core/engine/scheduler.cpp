#include "engine/scheduler.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "base/background.h"
#include "base/error.h"
#include "base/log.h"

namespace looktwice::engine {

using Clock = std::chrono::steady_clock;

struct Scheduler::Impl {
  struct Running {
    std::stop_source stop;
    Clock::time_point since;
  };
  struct Slot {
    std::optional<Job> waiting;
    std::optional<Running> running;
  };

  explicit Impl(Options o) : options(std::move(o)) {
    for (int i = 0; i < std::max(1, options.threads); ++i) {
      threads.emplace_back([this] {
        work_in_background();
        work();
      });
    }
    watcher = std::thread([this] { watch(); });
  }

  ~Impl() {
    {
      const std::lock_guard lock(mutex);
      closing = true;
      order.clear();
      for (auto& [tag, slot] : slots) {
        slot.waiting.reset();
        if (slot.running) slot.running->stop.request_stop();
      }
    }
    wake.notify_all();
    overdue.notify_all();
    for (std::thread& thread : threads)
      thread.join();
    watcher.join();
  }

  void post(const std::string& tag, Job job, When when) {
    {
      const std::lock_guard lock(mutex);
      if (closing) return;
      Slot& slot = slots[tag];
      if (slot.waiting) {
        ++replaced;
      } else {
        order.push_back(tag);
      }
      slot.waiting = std::move(job);
      if (slot.running && when == When::stop_running) slot.running->stop.request_stop();
    }
    wake.notify_one();
    overdue.notify_one();
  }

  void cancel(const std::string& tag) {
    const auto at = slots.find(tag);
    if (at == slots.end()) return;
    at->second.waiting.reset();
    std::erase(order, tag);
    if (at->second.running) at->second.running->stop.request_stop();
  }

  /// First waiting tag that does not run already.
  std::deque<std::string>::iterator next() {
    return std::find_if(order.begin(), order.end(),
                        [this](const std::string& tag) { return !slots[tag].running; });
  }

  void work() {
    std::unique_lock lock(mutex);
    while (true) {
      wake.wait(lock, [this] { return closing || next() != order.end(); });
      if (closing) return;
      const auto at = next();
      const std::string tag = *at;
      order.erase(at);
      Slot& slot = slots[tag];
      Job job = std::move(*slot.waiting);
      slot.waiting.reset();
      slot.running.emplace(Running{std::stop_source(), Clock::now()});
      const std::stop_token stop = slot.running->stop.get_token();
      lock.unlock();
      run(tag, job, stop);
      job = nullptr;  // its captures die here, without the lock
      lock.lock();
      Slot& done = slots[tag];
      done.running.reset();
      if (!done.waiting) slots.erase(tag);
      wake.notify_all();
    }
  }

  void run(const std::string& tag, const Job& job, const std::stop_token& stop) const {
    std::string what;
    try {
      job(stop);
      return;
    } catch (const Cancelled&) {
      return;
    } catch (const std::exception& error) {
      what = error.what();
    }
    if (options.on_error) {
      options.on_error(tag, what);
    } else {
      log(LogLevel::error, what);
    }
  }

  /// Stops what has run for longer than the grace while a newer job of its tag waits.
  void watch() {
    std::unique_lock lock(mutex);
    while (!closing) {
      std::optional<Clock::time_point> first;
      const Clock::time_point now = Clock::now();
      for (auto& [tag, slot] : slots) {
        if (!slot.running || !slot.waiting || slot.running->stop.stop_requested()) continue;
        const Clock::time_point due = slot.running->since + options.grace;
        if (due <= now) {
          slot.running->stop.request_stop();
        } else if (!first || due < *first) {
          first = due;
        }
      }
      if (first) {
        overdue.wait_until(lock, *first);
      } else {
        overdue.wait(lock);
      }
    }
  }

  Options options;
  mutable std::mutex mutex;
  std::condition_variable wake, overdue;
  std::map<std::string, Slot> slots;
  std::deque<std::string> order;  ///< tags that wait, oldest first
  size_t replaced = 0;
  bool closing = false;
  std::vector<std::thread> threads;
  std::thread watcher;
};

Scheduler::Scheduler(Options options) : impl_(std::make_unique<Impl>(std::move(options))) {}
Scheduler::~Scheduler() = default;

void Scheduler::post(const std::string& tag, Job job, When when) {
  impl_->post(tag, std::move(job), when);
}

void Scheduler::cancel(const std::string& tag) {
  const std::lock_guard lock(impl_->mutex);
  impl_->cancel(tag);
}

void Scheduler::cancel_all() {
  const std::lock_guard lock(impl_->mutex);
  impl_->order.clear();
  for (auto& [tag, slot] : impl_->slots) {
    slot.waiting.reset();
    if (slot.running) slot.running->stop.request_stop();
  }
}

bool Scheduler::busy(const std::string& tag) const {
  const std::lock_guard lock(impl_->mutex);
  const auto at = impl_->slots.find(tag);
  return at != impl_->slots.end() && (at->second.waiting || at->second.running);
}

bool Scheduler::idle() const {
  const std::lock_guard lock(impl_->mutex);
  return std::ranges::all_of(impl_->slots, [](const auto& entry) {
    return !entry.second.waiting && !entry.second.running;
  });
}

size_t Scheduler::replaced() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->replaced;
}

}  // namespace looktwice::engine
