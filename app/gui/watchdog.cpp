#include "watchdog.h"

#include <algorithm>
#include <chrono>
#include <cstdio>

#include <unistd.h>

#include "latency.h"

namespace looktwice::gui {
namespace {

constexpr double kInterval = 5;  // milliseconds
constexpr size_t kMostSamples = 4u << 20u;

double now_ms() {
  using namespace std::chrono;
  return duration<double, std::milli>(steady_clock::now().time_since_epoch()).count();
}

}  // namespace

Watchdog::Watchdog(QObject* parent) : QObject(parent), tid_(int(gettid())) {
  samples_.reserve(1 << 16);
  thread_ = std::thread([this] { watch(); });
}

Watchdog::~Watchdog() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

double Watchdog::run_delay(int tid) {
  char path[64];
  std::snprintf(path, sizeof path, "/proc/self/task/%d/schedstat", tid);
  std::FILE* file = std::fopen(path, "r");
  if (file == nullptr) return 0;
  unsigned long long ran = 0, waited = 0;
  const int got = std::fscanf(file, "%llu %llu", &ran, &waited);
  std::fclose(file);
  return got == 2 ? double(waited) / 1e6 : 0;
}

void Watchdog::watch() {
  std::unique_lock lock(mutex_);
  double next = now_ms();
  while (!closing_) {
    if (answered_) {
      answered_ = false;
      const double sent = now_ms();
      lock.unlock();
      const double delay = run_delay(tid_);
      QMetaObject::invokeMethod(
          this, [this, sent, delay] { answer(sent, delay); }, Qt::QueuedConnection);
      lock.lock();
    }
    next = std::max(next + kInterval, now_ms() + 0.5);
    wake_.wait_for(lock, std::chrono::duration<double, std::milli>(next - now_ms()),
                   [this] { return closing_; });
  }
}

void Watchdog::answer(double sent, double delay_then) {
  const double waited = std::max(0.0, run_delay(tid_) - delay_then);
  double took = std::max(0.0, now_ms() - sent - waited);
  const bool starting = starting_;
  starting_ = first_picture_after() == 0;
  const std::lock_guard lock(mutex_);
  answered_ = true;
  if (starting) {
    start_ = std::max(start_, took);
    return;
  }
  for (; samples_.size() < kMostSamples; took -= kInterval) {
    samples_.push_back(float(took));
    if (took <= kInterval) break;
  }
}

void Watchdog::reset() {
  const std::lock_guard lock(mutex_);
  samples_.clear();
}

Watchdog::Report Watchdog::report() const {
  std::vector<float> sorted;
  Report report;
  {
    const std::lock_guard lock(mutex_);
    sorted = samples_;
    report.start = start_;
  }
  report.samples = sorted.size();
  if (sorted.empty()) return report;
  std::ranges::sort(sorted);
  const auto at = [&](double q) {
    return double(sorted[std::min(sorted.size() - 1, size_t(q * double(sorted.size())))]);
  };
  report.p50 = at(0.5);
  report.p99 = at(0.99);
  report.p999 = at(0.999);
  report.max = double(sorted.back());
  return report;
}

std::string Watchdog::text() const {
  const Report r = report();
  char line[280];
  std::snprintf(
      line, sizeof line,
      "UI thread: p50 %.1f ms, p99 %.1f ms, p99.9 %.1f ms, longest %.1f ms over %zu samples "
      "(net of the kernel's run delay); while starting at most %.0f ms",
      r.p50, r.p99, r.p999, r.max, r.samples, r.start);
  return line;
}

}  // namespace looktwice::gui
