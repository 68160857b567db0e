// Denoising steps of a random STDiT3.
//   bench_stdit3 policies [f32|bf16] [THREADS] [ROUNDS]
//     width 256, depth 8, 1024 tokens: what a reused step and the metric cost against a computed
//     step, and what a policy buys against the uncached run, in turns within one run
//   bench_stdit3 cancel FOLDER f32|bf16 THREADS T H W [ROUNDS]
//     how long a run goes on after it was told to stop, at random moments of a guided step
//   bench_stdit3 write FOLDER WIDTH DEPTH HEADS
//     writes a model folder (4 channels, patch 2) for the script below
//   bench_stdit3 serve FOLDER f32|bf16 THREADS T H W
//     one guided step per line of standard input, its milliseconds and a checksum on standard
//     output: tools/bench/stdit3_torch.py lets PyTorch take turns

#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <random>
#include <string>
#include <thread>

#include <unistd.h>

#include "base/error.h"
#include "bench/interleave.h"
#include "compute/threads.h"
#include "diffusion/generate.h"
#include "support/random_stdit3.h"

namespace {

using namespace looktwice;
namespace fs = std::filesystem;

models::Stdit3Ptr load(const fs::path& folder, const std::string& dtype, int threads) {
  compute::BackendOptions options;
  options.name = "onednn";
  options.dtype = dtype == "bf16" ? DType::bf16 : DType::f32;
  options.threads = threads;
  return models::load_stdit3(folder, compute::make_backend(options));
}

diffusion::Request request(const models::Stdit3& model, int T, int H, int W, int steps) {
  const auto& c = model.config;
  diffusion::Request r;
  r.noise = compute::Tensor::of(
      diffusion::gaussian(static_cast<size_t>(c.in_channels) * static_cast<size_t>(T * H * W), 1),
      {1, c.in_channels, T, H, W});
  r.caption = compute::Tensor::of(
      diffusion::gaussian(static_cast<size_t>(c.caption_tokens * c.caption_channels), 2),
      {1, c.caption_tokens, c.caption_channels});
  r.size = {static_cast<double>(H) * 8, static_cast<double>(W) * 8, 51};
  r.steps = steps;
  r.guidance = 3;
  r.sketch = false;
  return r;
}

test::RandomStdit3 shape(int hidden, int depth, int heads) {
  test::RandomStdit3 m;
  m.hidden = hidden;
  m.depth = depth;
  m.heads = heads;
  m.channels = 4;
  m.patch = 2;
  m.caption_channels = 64;
  m.caption_tokens = 16;
  return m;
}

int policies(const std::string& dtype, int threads, int rounds) {
  const fs::path folder =
      fs::temp_directory_path() / ("bench_stdit3_" + std::to_string(::getpid()));
  test::write_random_stdit3(folder, shape(256, 8, 4));
  const auto model = load(folder, dtype, threads);
  fs::remove_all(folder);
  std::printf("%s, %s\n", model->backend->description().c_str(), dtype.c_str());
  auto r = request(*model, 16, 16, 16, 30);
  r.guidance = 1;  // one sample of 1024 tokens

  std::vector<double> computed, reused, metric, uncached, cached;
  const auto run = [&](const char* policy) {
    auto result = diffusion::generate(model, r, diffusion::parse_policy(policy));
    for (const auto& s : result.trace.run) {
      (s.computed ? computed : reused).push_back(s.ms);
      if (s.computed && !s.decisions.empty()) metric.push_back(s.metric_ms / s.ms);
    }
    return result.ms;
  };
  const char* plan = "plan:1,2,5,8,11,14,17,20,23,26,29,30";
  run(plan);
  computed.clear(), reused.clear();
  for (int round = 0; round < rounds; ++round) {
    uncached.push_back(run("none"));
    cached.push_back(run(plan));
    run("adacache:fast+moreg");
  }
  const double c = bench::median(computed);
  std::printf("computed step            %9.2f ms\n", c);
  std::printf("reused step              %9.2f ms, %.2f%% of a computed one (at most 5%%)\n",
              bench::median(reused), 100 * bench::median(reused) / c);
  std::printf("distance and motion      %9.2f%% of a computed step (at most 1%%)\n",
              100 * bench::median(metric));
  std::printf("12 of 30 steps computed  %9.2f ms of %.2f ms: %.3f (at most %.4f)\n",
              bench::median(cached), bench::median(uncached),
              bench::median(cached) / bench::median(uncached), 1.05 * (12.0 / 30 + 0.05));
  return 0;
}

int serve(char** argv) {
  const auto model = load(argv[2], argv[3], std::atoi(argv[4]));
  const int T = std::atoi(argv[5]), H = std::atoi(argv[6]), W = std::atoi(argv[7]);
  const auto r = request(*model, T, H, W, 1);
  std::printf("ready %s\n", model->backend->description().c_str());
  std::fflush(stdout);
  for (std::string line; std::getline(std::cin, line);) {
    const auto result = diffusion::generate(model, r, {});
    double sum = 0;
    for (const float v : result.latents.to_vector())
      sum += std::fabs(v);
    std::printf("%.3f %.6f\n", result.ms, sum);
    std::fflush(stdout);
  }
  return 0;
}

int cancel(const std::string& folder, const std::string& dtype, int threads, int T, int H, int W,
           int rounds) {
  using Clock = std::chrono::steady_clock;
  const auto model = load(folder, dtype, threads);
  const auto r = request(*model, T, H, W, 1000);
  std::mt19937 random(1);
  double step = 0;
  std::vector<double> late;
  for (int round = -1; round < rounds; ++round) {
    std::stop_source stop;
    std::atomic<bool> started = false;
    Clock::time_point asked;
    std::jthread canceller([&] {
      if (round < 0) return;
      const double wait = double(random()) / double(std::mt19937::max()) * std::min(step, 3000.0);
      std::this_thread::sleep_for(std::chrono::duration<double, std::milli>(wait));
      asked = Clock::now();
      stop.request_stop();
    });
    try {
      const auto began = Clock::now();
      diffusion::generate(
          model, r, {},
          [&](const diffusion::StepView&) {
            step = std::chrono::duration<double, std::milli>(Clock::now() - began).count();
            if (round < 0) stop.request_stop();
          },
          stop.get_token());
    } catch (const Cancelled&) {
      canceller.join();
      if (round >= 0)
        late.push_back(std::chrono::duration<double, std::milli>(Clock::now() - asked).count());
    }
  }
  std::sort(late.begin(), late.end());
  std::printf("%s, a step takes %.0f ms\n", model->backend->description().c_str(), step);
  std::printf("stopped after: median %.1f ms, p95 %.1f ms, longest %.1f ms of %zu (at most 100)\n",
              bench::median(late), late[late.size() * 95 / 100], late.back(), late.size());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  looktwice::compute::settle_thread_policy(argv);
  const std::string mode = argc > 1 ? argv[1] : "";
  try {
    if (mode == "policies")
      return policies(argc > 2 ? argv[2] : "f32", argc > 3 ? std::atoi(argv[3]) : 2,
                      argc > 4 ? std::atoi(argv[4]) : 1);
    if (mode == "serve" && argc == 8) return serve(argv);
    if (mode == "cancel" && argc >= 8)
      return cancel(argv[2], argv[3], std::atoi(argv[4]), std::atoi(argv[5]), std::atoi(argv[6]),
                    std::atoi(argv[7]), argc > 8 ? std::atoi(argv[8]) : 30);
    if (mode == "write" && argc == 6) {
      test::write_random_stdit3(argv[2],
                                shape(std::atoi(argv[3]), std::atoi(argv[4]), std::atoi(argv[5])));
      return 0;
    }
  } catch (const looktwice::Error& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return e.exit_code();
  }
  std::fprintf(
      stderr,
      "bench_stdit3 policies [DTYPE] [THREADS] [ROUNDS] | write FOLDER WIDTH DEPTH HEADS | "
      "serve FOLDER DTYPE THREADS T H W | cancel FOLDER DTYPE THREADS T H W [ROUNDS]\n");
  return 2;
}
