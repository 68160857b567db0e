// The blocks of a video transformer written down and replayed, against the same blocks layer by
// layer with the host's decisions: the same traces and, over the emulated device, the same bits. On
// a GPU (tests/gpu/run) to rounding.

#include "models/recorded_blocks.h"

#include <cmath>

#include <gtest/gtest.h>

#include "compute/cuda/cuda_backend.h"
#include "compute/device_error.h"
#include "emulation/device_under_test.h"
#include "support/random_tensor.h"

namespace looktwice::models {
namespace {

using compute::random_tensor;
using compute::Tensor;
using compute::cuda::CudaBackend;
using compute::cuda::EmulatedCounts;

struct Machine {
  EmulatedCounts counts;
  std::shared_ptr<CudaBackend> backend;
  checkpoint::VitConfig config;
  std::shared_ptr<BlockStack> stack;

  Machine(bool fast, bool class_token, size_t budget = 0) {
    compute::cuda::FastPaths paths;
    paths.graphs = paths.tokens = fast;
    backend = compute::cuda::pooled_backend(&counts, paths, budget);
    config.hidden = 32;
    config.layers = 3;
    config.heads = 2;
    config.mlp = 48;
    config.class_token = class_token;
    std::vector<BlockWeights> blocks;
    CudaBackend& b = *backend;
    for (uint32_t l = 0; l < 3; ++l) {
      const auto linear = [&](int64_t out, int64_t in, uint32_t seed) {
        return b.prepare(random_tensor({out, in}, 10 * l + seed, 0.3f),
                         random_tensor({out}, 100 * l + seed, 0.1f));
      };
      BlockWeights w;
      w.norm1 = w.norm2 = {b.upload(random_tensor({32}, l + 50, 0.5f)),
                           b.upload(random_tensor({32}, l + 60, 0.1f))};
      w.qkv = linear(96, 32, 1);
      w.proj = linear(32, 32, 2);
      w.fc1 = linear(48, 32, 3);
      w.fc2 = linear(32, 48, 4);
      blocks.push_back(std::move(w));
    }
    stack = std::make_shared<BlockStack>(config, std::move(blocks));
  }

  struct Out {
    std::vector<float> x;
    Result result;
  };
  Out run(const std::vector<int>& lengths, const Reduction& reduction, bool sizes, uint32_t seed) {
    PackedTokens t;
    t.offset = {0};
    for (int n : lengths)
      t.offset.push_back(t.offset.back() + n);
    t.x = backend->upload(random_tensor({t.offset.back(), 32}, seed, 1));
    t.size.resize(lengths.size());
    if (sizes)
      for (size_t c = 0; c < lengths.size(); ++c)
        for (int i = 0; i < lengths[c]; ++i)
          t.size[c].push_back(float(1 + (i * 7 + int(c)) % 4));
    Out out;
    out.result.clips.resize(lengths.size());
    stack->run(*backend, t, reduction, out.result);
    out.x = backend->download_f32(t.x);
    EXPECT_EQ(t.x.rows(), t.offset.back());
    return out;
  }
};

void near(const std::vector<float>& got, const std::vector<float>& want) {
  ASSERT_EQ(got.size(), want.size());
  for (size_t i = 0; i < want.size(); ++i)
    ASSERT_NEAR(got[i], want[i], compute::cuda::rounding_of_sums() * (1 + std::fabs(want[i]))) << i;
}

void same(const Machine::Out& got, const Machine::Out& want) {
  near(got.x, want.x);
  ASSERT_EQ(got.result.clips.size(), want.result.clips.size());
  for (size_t c = 0; c < want.result.clips.size(); ++c) {
    const ClipResult &a = got.result.clips[c], &b = want.result.clips[c];
    EXPECT_EQ(a.tokens, b.tokens);
    EXPECT_EQ(a.size, b.size);
    EXPECT_EQ(a.groups, b.groups);
    ASSERT_EQ(a.layers.size(), b.layers.size());
    for (size_t l = 0; l < b.layers.size(); ++l) {
      EXPECT_EQ(a.layers[l].source, b.layers[l].source);
      EXPECT_EQ(a.layers[l].destination, b.layers[l].destination);
      near(a.layers[l].score, b.layers[l].score);
      EXPECT_EQ(a.layers[l].flops, b.layers[l].flops);
      EXPECT_GT(a.layers[l].milliseconds, 0);
    }
  }
  EXPECT_EQ(got.result.notes, want.result.notes);
}

TEST(RecordedBlocks, OneRecordingServesAllLengthsOfABucket) {
  Machine slow(false, false), fast(true, false);
  const std::vector<std::vector<int>> passes = {{40, 23}, {33, 30}, {1, 60}, {40, 23}, {63, 1}};
  for (size_t i = 0; i < passes.size(); ++i) {
    SCOPED_TRACE(i);
    same(fast.run(passes[i], {}, false, uint32_t(i)), slow.run(passes[i], {}, false, uint32_t(i)));
  }
  if (compute::cuda::on_gpu()) return;
  EXPECT_EQ(fast.counts.graphs, 1);
  EXPECT_EQ(fast.counts.replays, 4);  // the first pass runs operation by operation
  EXPECT_EQ(slow.counts.graphs, 0);
}

TEST(RecordedBlocks, MergingNeedsNoHost) {
  for (const bool class_token : {false, true})
    for (const bool sizes : {false, true})
      for (int kind = 0; kind < 5; ++kind) {
        if (kind > 0 && class_token != sizes) continue;
        SCOPED_TRACE(testing::Message() << class_token << " " << sizes << " kind " << kind);
        Machine slow(false, class_token), fast(true, class_token);
        Reduction r;
        r.merge = {5, 0, 30};  // the last is more than a short clip can merge
        r.want_groups = true;
        if (kind == 1) r.merge_after_mlp = true;
        if (kind == 2) r.match.partition = tokens::Partition::sequential;
        if (kind == 3) {
          r.match.partition = tokens::Partition::random;
          r.match.seed = 7;
          r.match.distance = tokens::Distance::l2;
        }
        if (kind == 4) {
          r.feature = Feature::x;
          r.proportional_attention = Choice::off;
        }
        for (uint32_t i = 0; i < 3; ++i)
          same(fast.run({40, 23}, r, sizes, i), slow.run({40, 23}, r, sizes, i));
        EXPECT_EQ(fast.counts.replays, compute::cuda::on_gpu() ? 0 : 2);
      }
}

TEST(RecordedBlocks, WhatOnlyTheHostKnowsRunsLayerByLayer) {
  Machine fast(true, false), slow(false, false);
  Reduction r;
  r.merge = {5, 5, 5};
  r.match.method = tokens::MatchMethod::kth;
  for (uint32_t i = 0; i < 2; ++i)
    same(fast.run({40}, r, false, i), slow.run({40}, r, false, i));
  EXPECT_EQ(fast.counts.replays, 0);
}

TEST(RecordedBlocks, FewShapesAreRemembered) {
  Machine fast(true, false);
  for (int round = 0; round < 2; ++round)
    for (int n : {20, 40, 60, 80, 100, 120})
      fast.run({n}, {}, false, 1);
  EXPECT_LE(fast.counts.graphs, 4);
}

TEST(RecordedBlocks, WithoutRoomForARecordingPassesStillRun) {
  // All of the budget is one segment: a recording gets no memory of its own.
  Machine fast(true, false, size_t{1} << 20), slow(false, false);
  Reduction r;
  r.merge = {5, 5, 5};
  for (uint32_t i = 0; i < 3; ++i)
    same(fast.run({40, 23}, r, false, i), slow.run({40, 23}, r, false, i));
  EXPECT_EQ(fast.counts.replays, 0);
}

TEST(RecordedBlocks, BucketsWasteLittle) {
  int64_t last = 0;
  for (int64_t n = 1; n < 9000; ++n) {
    const int64_t b = bucket_rows(n);
    ASSERT_GE(b, n);
    ASSERT_LE(b - n, std::max<int64_t>(15, n / 16));
    ASSERT_GE(b, last);
    ASSERT_EQ(bucket_rows(b), b);
    last = b;
  }
}

}  // namespace
}  // namespace looktwice::models
