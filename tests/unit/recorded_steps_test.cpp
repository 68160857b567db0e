// Stacks of STDiT3 written down and replayed against the same stacks operation by operation: the
// same steps, the same residuals for policies to watch. Over the emulated device, or on a GPU.

#include <cmath>

#include <gtest/gtest.h>

#include "compute/cuda/cuda_backend.h"
#include "emulation/device_under_test.h"
#include "models/stdit3/stdit3.h"
#include "support/random_tensor.h"

namespace looktwice::models {
namespace {

using compute::random_tensor;
using compute::Tensor;
using compute::cuda::CudaBackend;
using compute::cuda::EmulatedCounts;

constexpr int kDepth = 3, kHidden = 32;

struct Machine {
  EmulatedCounts counts;
  std::shared_ptr<CudaBackend> backend;
  std::shared_ptr<Stdit3> model = std::make_shared<Stdit3>();
  std::unique_ptr<Stdit3Run> run;

  explicit Machine(bool recording, size_t budget = 0, bool given_frame = false) {
    compute::cuda::FastPaths fast;
    fast.graphs = recording;
    backend = compute::cuda::pooled_backend(&counts, fast, budget);
    make_model();
    Stdit3Inputs in;
    in.batch = 2;
    in.frames = 3;
    in.height = 4;
    in.width = 6;
    in.caption = random_tensor({2, 5, 16}, 7, 1);
    in.caption_mask = {1, 1, 1, 0, 0, 1, 1, 1, 1, 1};
    in.fps = {24, 24};
    in.pixel_height = 32;
    in.pixel_width = 48;
    if (given_frame) in.frame_mask = {0, 1, 1, 0, 1, 1};
    run = std::make_unique<Stdit3Run>(model, in);
  }

  void make_model() {
    Stdit3Config& c = model->config;
    c.hidden = kHidden;
    c.heads = 2;
    c.depth = kDepth;
    c.mlp = 48;
    c.caption_channels = 16;
    c.caption_tokens = 5;
    model->backend = backend;
    model->name = "random";
    CudaBackend& b = *backend;
    uint32_t seed = 100;
    const auto linear = [&](int64_t out, int64_t in) {
      seed += 2;
      return b.prepare(random_tensor({out, in}, seed, 0.2f), random_tensor({out}, seed + 1, 0.1f));
    };
    const int64_t h = c.hidden;
    model->patch = linear(h, c.in_channels * 4);
    model->frequencies = 16;
    model->t_fc1 = linear(h, 16);
    model->t_fc2 = linear(h, h);
    model->fps_fc1 = linear(h, 16);
    model->fps_fc2 = linear(h, h);
    model->t_block = linear(6 * h, h);
    model->y_fc1 = linear(h, c.caption_channels);
    model->y_fc2 = linear(h, h);
    model->null_caption = random_tensor({c.caption_tokens, c.caption_channels}, 5, 1);
    for (int j = 0; j < c.head_dim() / 2; ++j)
      model->rope.push_back(float(std::pow(10000.0, -2.0 * j / c.head_dim())));
    for (int i = 0; i < 2 * c.depth; ++i) {
      Stdit3Block w;
      w.table = b.upload(random_tensor({1, 6 * h}, ++seed, 0.2f));
      w.qkv = linear(3 * h, h);
      w.proj = linear(h, h);
      w.q_norm = b.upload(random_tensor({c.head_dim()}, ++seed, 0.5f));
      w.k_norm = b.upload(random_tensor({c.head_dim()}, ++seed, 0.5f));
      w.cross_q = linear(h, h);
      w.cross_kv = linear(2 * h, h);
      w.cross_proj = linear(h, h);
      w.fc1 = linear(c.mlp, h);
      w.fc2 = linear(h, c.mlp);
      model->blocks.push_back(std::move(w));
    }
    model->final_table = b.upload(random_tensor({1, 2 * h}, ++seed, 0.2f));
    model->final_linear = linear(c.out_channels * 4, h);
  }

  struct Out {
    std::vector<float> latents;
    std::vector<std::pair<Tap, Tensor>> seen;  // as an observer keeps them
  };
  Out step(int number, const StepPlan& plan, const std::vector<Tap>& taps) {
    Out out;
    const float t = 1000.0f - 50.0f * float(number);
    run->embed(random_tensor({2, 4, 3, 4, 6}, uint32_t(number), 1), {t, t});
    run->stack(plan, taps,
               [&](const Tap& tap, Tensor value) { out.seen.emplace_back(tap, std::move(value)); });
    double all = 0;
    for (const float ms : run->module_ms())
      all += ms;
    const bool stands_in = plan.add_residual.first == 0 && plan.add_residual.last == kDepth;
    EXPECT_EQ(all > 0, !stands_in);
    out.latents = run->finish().to_vector();
    return out;
  }
};

void near(const std::vector<float>& got, const std::vector<float>& want) {
  ASSERT_EQ(got.size(), want.size());
  for (size_t i = 0; i < want.size(); ++i)
    ASSERT_NEAR(got[i], want[i], compute::cuda::rounding_of_sums() * (1 + std::fabs(want[i]))) << i;
}

/// Steps of both machines, compared after the last: what an observer keeps stays as it was.
void same_steps(Machine& fast, Machine& slow, const std::vector<StepPlan>& plans,
                const std::vector<Tap>& taps) {
  std::vector<Machine::Out> got, want;
  for (size_t i = 0; i < plans.size(); ++i) {
    got.push_back(fast.step(int(i), plans[i], taps));
    want.push_back(slow.step(int(i), plans[i], taps));
  }
  for (size_t i = 0; i < plans.size(); ++i) {
    SCOPED_TRACE(testing::Message() << "step " << i);
    near(got[i].latents, want[i].latents);
    ASSERT_EQ(got[i].seen.size(), want[i].seen.size());
    for (size_t j = 0; j < want[i].seen.size(); ++j) {
      EXPECT_EQ(got[i].seen[j].first, want[i].seen[j].first);
      near(fast.backend->download_f32(got[i].seen[j].second),
           slow.backend->download_f32(want[i].seen[j].second));
    }
  }
}

StepPlan keep(int first, int last) {
  StepPlan p;
  p.keep_residual = {first, last};
  return p;
}
StepPlan add(int first, int last) {
  StepPlan p;
  p.add_residual = {first, last};
  return p;
}
const std::vector<Tap> kTaps = {{1, true, Residual::attention}, {2, false, Residual::cross_mlp}};

TEST(RecordedSteps, ComputedStepsOfAWholeStackPolicy) {
  Machine fast(true), slow(false);
  const StepPlan k = keep(0, kDepth), a = add(0, kDepth);
  same_steps(fast, slow, {k, k, a, k, a, a, k, StepPlan(), StepPlan(), k}, kTaps);
  if (compute::cuda::on_gpu()) return;
  EXPECT_EQ(fast.counts.graphs, 2);  // keeping, and computing alone
  EXPECT_EQ(fast.counts.replays, 5);
  EXPECT_EQ(slow.counts.replays, 0);
  fast.run->forget();
  EXPECT_EQ(fast.counts.graphs, 0);
}

TEST(RecordedSteps, PartsOfTheStackThatAreReused) {
  Machine fast(true), slow(false);
  const StepPlan k = keep(0, 2), a = add(0, 2), rear = keep(1, 3), from_rear = add(1, 3);
  same_steps(fast, slow, {k, a, a, k, a, k, a, rear, from_rear, from_rear, rear, rear}, {});
  if (compute::cuda::on_gpu()) return;
  EXPECT_GT(fast.counts.replays, 5);
}

TEST(RecordedSteps, HalfOfTheBatchAndBack) {
  Machine fast(true), slow(false);
  for (int i = 0; i < 9; ++i) {
    const int first = i / 3 % 2;
    std::vector<std::vector<float>> out;
    for (Machine* m : {&fast, &slow}) {
      m->run->embed(random_tensor({2 - first, 4, 3, 4, 6}, uint32_t(i), 1),
                    std::vector<float>(size_t(2 - first), 500.0f), first);
      m->run->stack({});
      out.push_back(m->run->finish().to_vector());
    }
    near(out[0], out[1]);
  }
}

TEST(RecordedSteps, WhatARecordingCannotHoldRunsAsBefore) {
  // A given frame has a time of its own: rows are of two groups, made anew every step.
  Machine fast(true, 0, true), slow(false, 0, true);
  same_steps(fast, slow, {StepPlan(), StepPlan(), StepPlan()}, kTaps);
  EXPECT_EQ(fast.counts.replays, 0);
  // Modules that are kept one by one.
  Machine other(true), plain(false);
  StepPlan each, reuse;
  each.keep.assign(size_t(kDepth) * 6, 1);
  reuse.reuse = each.keep;
  same_steps(other, plain, {each, reuse, each, reuse}, {});
  EXPECT_EQ(other.counts.replays, 0);
}

TEST(RecordedSteps, WithoutRoomForARecordingStepsStillRun) {
  // All of the budget is one segment: a recording gets no memory of its own.
  Machine fast(true, size_t{1} << 20), slow(false);
  const StepPlan k = keep(0, kDepth), a = add(0, kDepth);
  same_steps(fast, slow, {k, k, a, k, a, k}, kTaps);
  EXPECT_EQ(fast.counts.replays, 0);
}

}  // namespace
}  // namespace looktwice::models
