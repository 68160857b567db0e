// The worker seam: under one tag the latest wins, a running job is let finish unless it overstays.
#include "engine/scheduler.h"

#include <atomic>
#include <chrono>
#include <future>
#include <latch>
#include <stdexcept>
#include <thread>

#include <gtest/gtest.h>

#include "base/error.h"

namespace looktwice::engine {
namespace {

using namespace std::chrono_literals;

void until_idle(const Scheduler& scheduler) {
  while (!scheduler.idle())
    std::this_thread::sleep_for(1ms);
}

TEST(Scheduler, TheLatestWaitingJobOfATagReplacesTheOthers) {
  Scheduler scheduler;
  std::latch started(1), go(1);
  std::vector<int> ran;
  scheduler.post("tau", [&](const std::stop_token&) {
    started.count_down();
    go.wait();
    ran.push_back(0);
  });
  started.wait();
  for (int i = 1; i <= 5; ++i)
    scheduler.post("tau", [&ran, i](const std::stop_token&) { ran.push_back(i); });
  EXPECT_TRUE(scheduler.busy("tau"));
  go.count_down();
  until_idle(scheduler);
  EXPECT_EQ(ran, (std::vector<int>{0, 5}));
  EXPECT_EQ(scheduler.replaced(), 4u);
}

TEST(Scheduler, TagsDoNotReplaceEachOther) {
  Scheduler scheduler;
  std::atomic<int> sum = 0;
  for (int i = 0; i < 8; ++i) {
    scheduler.post("tag " + std::to_string(i), [&sum](const std::stop_token&) { ++sum; });
  }
  until_idle(scheduler);
  EXPECT_EQ(sum, 8);
}

TEST(Scheduler, ARunningJobIsLetFinishWithinTheGrace) {
  Scheduler scheduler({.threads = 2, .grace = 1h});
  std::latch started(1), go(1);
  std::atomic<bool> stopped = false;
  scheduler.post("run", [&](const std::stop_token& stop) {
    started.count_down();
    go.wait();
    stopped = stop.stop_requested();
  });
  started.wait();
  std::atomic<bool> second = false;
  scheduler.post("run", [&](const std::stop_token&) { second = true; });
  std::latch other(1);
  scheduler.post("other", [&](const std::stop_token&) { other.count_down(); });
  other.wait();  // the second thread is free, and yet the tag's second job waits for the first
  EXPECT_FALSE(second);
  go.count_down();
  until_idle(scheduler);
  EXPECT_FALSE(stopped);
  EXPECT_TRUE(second);
}

TEST(Scheduler, AJobThatOverstaysIsStoppedOnceANewerOneWaits) {
  Scheduler scheduler({.threads = 1, .grace = 5ms});
  std::latch started(1);
  std::promise<void> stopped;
  scheduler.post("run", [&](const std::stop_token& stop) {
    started.count_down();
    while (!stop.stop_requested())
      std::this_thread::sleep_for(1ms);
    stopped.set_value();
    throw Cancelled();
  });
  started.wait();
  std::promise<void> second;
  scheduler.post("run", [&](const std::stop_token&) { second.set_value(); });
  stopped.get_future().wait();
  second.get_future().wait();
}

TEST(Scheduler, AChangedSourceStopsTheRunningJobAtOnce) {
  Scheduler scheduler({.threads = 1, .grace = 1h});
  std::latch started(1);
  std::atomic<bool> stopped = false;
  scheduler.post("run", [&](const std::stop_token& stop) {
    started.count_down();
    while (!stop.stop_requested())
      std::this_thread::sleep_for(1ms);
    stopped = true;
  });
  started.wait();
  scheduler.post(
      "run", [](const std::stop_token&) {}, Scheduler::When::stop_running);
  until_idle(scheduler);
  EXPECT_TRUE(stopped);
}

TEST(Scheduler, ErrorsReachTheirHandlerAndTheNextJobRuns) {
  std::promise<std::string> heard;
  Scheduler scheduler({.on_error = [&](const std::string& tag, const std::string& what) {
    heard.set_value(tag + ": " + what);
  }});
  scheduler.post("a", [](const std::stop_token&) { throw run_failed("disk", "is full"); });
  EXPECT_EQ(heard.get_future().get(), "a: disk: is full");
  std::promise<void> next;
  scheduler.post("a", [&](const std::stop_token&) { next.set_value(); });
  next.get_future().wait();
}

TEST(Scheduler, DestructionStopsWhatRunsAndDropsWhatWaits) {
  std::atomic<bool> ran = false;
  {
    std::latch started(1);
    Scheduler scheduler({.threads = 1, .grace = 1h});
    scheduler.post("run", [&](const std::stop_token& stop) {
      started.count_down();
      while (!stop.stop_requested())
        std::this_thread::sleep_for(1ms);
    });
    started.wait();
    scheduler.post("never", [&](const std::stop_token&) { ran = true; });
  }
  EXPECT_FALSE(ran);
}

TEST(Scheduler, CancelDropsTheWaitingJobOnly) {
  Scheduler scheduler;
  std::latch started(1);
  std::atomic<int> ran = 0;
  scheduler.post("a", [&](const std::stop_token& stop) {
    started.count_down();
    while (!stop.stop_requested())
      std::this_thread::sleep_for(1ms);
  });
  started.wait();
  scheduler.post("a", [&](const std::stop_token&) { ran += 1; });
  scheduler.post("b", [&](const std::stop_token&) { ran += 10; });
  scheduler.cancel("a");
  until_idle(scheduler);
  EXPECT_EQ(ran, 10);
}

}  // namespace
}  // namespace looktwice::engine
