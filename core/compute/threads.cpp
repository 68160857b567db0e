#include "compute/threads.h"

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include <omp.h>
#include <sched.h>
#include <unistd.h>

namespace looktwice::compute {
namespace {

std::atomic<int> g_threads{0};

/// Cores granted by the cgroup's CPU quota, or a large number.
int quota_cores() {
  int cores = 1 << 20;
  if (FILE* f = std::fopen("/sys/fs/cgroup/cpu.max", "r")) {
    long long quota = 0, period = 0;
    if (std::fscanf(f, "%lld %lld", &quota, &period) == 2 && quota > 0 && period > 0)
      cores = int(std::max<long long>(1, (quota + period - 1) / period));
    std::fclose(f);
  }
  return cores;
}

}  // namespace

void settle_thread_policy(char** argv) {
  if (std::getenv("OMP_WAIT_POLICY") || std::getenv("GOMP_SPINCOUNT")) return;
  setenv("OMP_WAIT_POLICY", "passive", 1);
  execv("/proc/self/exe", argv);
  // Still here: the program could not be run again. Spinning costs speed, not correctness.
  unsetenv("OMP_WAIT_POLICY");
}

int available_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  int cores = 0;
  if (sched_getaffinity(0, sizeof set, &set) == 0) cores = CPU_COUNT(&set);
  if (cores <= 0) cores = int(std::max(1u, std::thread::hardware_concurrency()));
  return std::min(cores, quota_cores());
}

void set_threads(int count) {
  g_threads = std::max(1, count);
  omp_set_num_threads(g_threads);
}

int threads() {
  const int n = g_threads;
  return n > 0 ? n : std::max(1, omp_get_max_threads());
}

void parallel_ranges(int64_t n, int64_t grain, const std::function<void(int64_t, int64_t)>& body) {
  if (n <= 0) return;
  const int64_t parts = std::min<int64_t>(threads(), n / std::max<int64_t>(1, grain));
  if (parts <= 1) {
    body(0, n);
    return;
  }
#pragma omp parallel for schedule(static, 1) num_threads(int(parts))
  for (int64_t i = 0; i < parts; ++i)
    body(n * i / parts, n * (i + 1) / parts);
}

void parallel_items(int64_t n, const std::function<void(int64_t, int)>& body, bool alone) {
  const int count = alone ? 1 : int(std::min<int64_t>(threads(), n));
  if (count <= 1) {
    for (int64_t i = 0; i < n; ++i)
      body(i, 0);
    return;
  }
#pragma omp parallel for schedule(dynamic, 1) num_threads(count)
  for (int64_t i = 0; i < n; ++i)
    body(i, omp_get_thread_num());
}

}  // namespace looktwice::compute
