#include "fma_peak.h"

#include <algorithm>
#include <chrono>

#include <omp.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace looktwice::ops {
namespace {

using Clock = std::chrono::steady_clock;

// Twelve chains: enough to hide a latency of four or five cycles on two units.
constexpr int kChains = 12;
constexpr long kSteps = 4'000'000;

#if defined(__x86_64__)
__attribute__((target("avx2,fma"))) float run_avx2() {
  __m256 sum[kChains];
  for (auto& s : sum)
    s = _mm256_setzero_ps();
  __m256 a = _mm256_set1_ps(0.999f), b = _mm256_set1_ps(0.001f);
  for (long i = 0; i < kSteps; ++i) {
#pragma GCC unroll 12
    for (auto& s : sum)
      s = _mm256_fmadd_ps(s, a, b);
    asm volatile("" : "+x"(a), "+x"(b));
  }
  float out[8], total = 0;
  for (auto& s : sum) {
    _mm256_storeu_ps(out, s);
    total += out[0];
  }
  return total;
}

__attribute__((target("avx512f"))) float run_avx512() {
  __m512 sum[kChains];
  for (auto& s : sum)
    s = _mm512_setzero_ps();
  __m512 a = _mm512_set1_ps(0.999f), b = _mm512_set1_ps(0.001f);
  for (long i = 0; i < kSteps; ++i) {
#pragma GCC unroll 12
    for (auto& s : sum)
      s = _mm512_fmadd_ps(s, a, b);
    asm volatile("" : "+v"(a), "+v"(b));
  }
  float out[16], total = 0;
  for (auto& s : sum) {
    _mm512_storeu_ps(out, s);
    total += out[0];
  }
  return total;
}
#endif

float run_portable() {
  typedef float V __attribute__((vector_size(16)));
  V sum[kChains] = {};
  V a = {0.999f, 0.999f, 0.999f, 0.999f}, b = a * 0.001f;
  for (long i = 0; i < kSteps; ++i) {
    for (auto& s : sum)
      s = s * a + b;
    asm volatile("" : "+m"(a), "+m"(b));
  }
  float total = 0;
  for (auto& s : sum)
    total += s[0];
  return total;
}

}  // namespace

double fma_peak_gflops(int threads) {
  float (*run)() = run_portable;
  int lanes = 4;
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f")) {
    run = run_avx512;
    lanes = 16;
  } else if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    run = run_avx2;
    lanes = 8;
  }
#endif
  volatile float sink = 0;
  double best = 0;
  for (int round = 0; round < 5; ++round) {
    double slowest = 0;
#pragma omp parallel num_threads(threads) reduction(max : slowest)
    {
#pragma omp barrier
      const auto began = Clock::now();
      const float value = run();
      slowest = std::chrono::duration<double>(Clock::now() - began).count();
#pragma omp critical
      sink = sink + value;
    }
    best = std::max(best, 2.0 * kChains * double(kSteps) * lanes * threads / slowest * 1e-9);
  }
  return best;
}

}  // namespace looktwice::ops
