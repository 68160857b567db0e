// The CUDA backend's decisions about tokens, from its own kernels run on the CPU, against
// core/tokens: the same bits.

#include <cmath>
#include <limits>
#include <random>

#include <gtest/gtest.h>

#include "compute/cuda/cuda_backend.h"
#include "compute/cuda/kernels/plans.h"
#include "emulation/emulated_device.h"
#include "tokens/rlt.h"
#include "tokens/tome.h"

namespace looktwice::compute::cuda {
namespace {

std::shared_ptr<CudaBackend> backend() {
  CudaOptions options;
  options.pool.segment = 0;
  options.workspace = 0;
  return std::make_shared<CudaBackend>(emulated_device(), options);
}

TEST(CudaTokens, DifferencesAndMasksAreTheHosts) {
  struct Size {
    int clips, T, H, W, tubelet, patch;
  };
  std::mt19937 engine(3);
  for (const Size& s :
       {Size{2, 6, 32, 48, 2, 16}, Size{1, 4, 33, 50, 2, 16}, Size{1, 9, 30, 45, 3, 14},
        Size{1, 4, 16, 16 * 70, 2, 16}, Size{2, 3, 20, 20, 1, 5}}) {
    SCOPED_TRACE(testing::Message() << s.W << "x" << s.H << " patch " << s.patch);
    const size_t bytes = size_t(s.T * s.H * s.W * 3);
    std::vector<uint8_t> rgb(bytes * size_t(s.clips));
    for (size_t i = 0; i < rgb.size(); ++i)
      rgb[i] = uint8_t(i % 7 < 5 ? i / 50 : engine());
    RltFrames f{s.clips, s.T, s.H, s.W, s.tubelet, s.patch, {}};
    const double std[3] = {0.229, 0.224, 0.225};
    for (int c = 0; c < 3; ++c)
      f.scale[c] = 1.0 / (255.0 * std[c] * 3.0 * (double(s.patch) * s.patch));
    const auto b = backend();
    const Tensor d = b->rlt_differences(b->upload_frames(rgb.data(), f), f);
    const auto got = b->download_f32(d);
    std::vector<float> want;
    tokens::Grid grid;
    for (int c = 0; c < s.clips; ++c) {
      tokens::ClipView clip;
      clip.rgb = rgb.data() + size_t(c) * bytes;
      clip.T = s.T;
      clip.H = s.H;
      clip.W = s.W;
      grid = tokens::grid_of(clip, s.tubelet, s.patch);
      const auto one = tokens::rlt_differences(clip, grid);
      want.insert(want.end(), one.begin(), one.end());
    }
    ASSERT_EQ(got, want);
    // A threshold that is one of the differences: strictly greater is kept.
    const float tau = want[grid.size() / 2 + grid.per_tubelet() / 2];
    if (!(tau < 100)) continue;
    const RltKept kept = b->rlt_keep(d, int(grid.per_tubelet()), tau);
    for (int c = 0; c < s.clips; ++c) {
      const std::span<const float> one(want.data() + size_t(c) * grid.size(), grid.size());
      const auto mask = tokens::rlt_keep(one, grid, tau);
      std::vector<int32_t> list;
      for (size_t i = 0; i < mask.size(); ++i) {
        ASSERT_EQ(mask[i], kept.keep[size_t(c) * grid.size() + i]);
        if (mask[i]) list.push_back(int32_t(i));
      }
      EXPECT_EQ(kept.tokens[size_t(c)], list);
    }
  }
}

TEST(CudaTokens, PartnersAreTheHosts) {
  std::mt19937 engine(5);
  std::normal_distribution<float> normal;
  for (const int width : {64, 33, 8}) {
    const std::vector<int32_t> length{150, 7, 2, 70};
    int rows = 0;
    for (int n : length)
      rows += n;
    Tensor metric({rows, width}, DType::f32);
    for (int64_t i = 0; i < metric.elements(); ++i)
      metric.data<float>()[i] = normal(engine);
    float* m = metric.data<float>();
    // Ties (equal rows), a row without direction, and rows that are not finite.
    for (int k = 0; k < width; ++k) {
      m[9 * width + k] = m[5 * width + k];
      m[11 * width + k] = m[5 * width + k];
      m[3 * width + k] = 0;
      m[20 * width + k] = 1e-30f;
    }
    m[13 * width] = std::numeric_limits<float>::quiet_NaN();
    m[14 * width] = std::numeric_limits<float>::infinity();
    for (const auto distance :
         {tokens::Distance::cosine, tokens::Distance::dot, tokens::Distance::l2}) {
      PartnerSearch search;
      search.distance = distance == tokens::Distance::cosine ? MetricDistance::cosine
                        : distance == tokens::Distance::dot  ? MetricDistance::dot
                                                             : MetricDistance::l2;
      std::vector<float> score;
      std::vector<int32_t> partner;
      search.a_offset = search.b_offset = {0};
      int first = 0;
      for (int n : length) {
        std::vector<int32_t> a, b;
        for (int i = first; i < first + n; ++i)
          (n == 2 || i % 2 == 0 ? a : b).push_back(i);  // one clip has no candidates
        const auto one = tokens::best_partners(m, rows, width, 0, a, b, distance);
        score.insert(score.end(), one.score.begin(), one.score.end());
        partner.insert(partner.end(), one.partner.begin(), one.partner.end());
        search.a.insert(search.a.end(), a.begin(), a.end());
        search.b.insert(search.b.end(), b.begin(), b.end());
        search.a_offset.push_back(int32_t(search.a.size()));
        search.b_offset.push_back(int32_t(search.b.size()));
        first += n;
      }
      const auto b = backend();
      const Partners got = b->best_partners(b->upload(metric), search);
      EXPECT_EQ(got.partner, partner);
      EXPECT_EQ(got.score, score);
    }
  }
}

/// Matching and merging of a whole layer: groups, sums and sizes are the host's, bit for bit.
TEST(CudaTokens, MergingIsTheHosts) {
  std::mt19937 engine(9);
  std::normal_distribution<float> normal;
  const std::vector<int32_t> length{61, 2, 40, 1};
  const std::vector<int32_t> offset{0, 61, 63, 103, 104};
  const int width = 24, metric_width = 16;
  Tensor x({104, width}, DType::f32), metric({104, metric_width}, DType::f32),
      size({104}, DType::f32);
  for (int64_t i = 0; i < x.elements(); ++i)
    x.data<float>()[i] = normal(engine);
  for (int64_t i = 0; i < metric.elements(); ++i)
    metric.data<float>()[i] = float(int(engine() % 5) - 2);  // many ties
  for (int64_t i = 0; i < 104; ++i)
    size.data<float>()[i] = float(1 + engine() % 4);
  for (const int r : {1, 9, 500})
    for (const bool class_token : {false, true})
      for (const bool sized : {false, true}) {
        SCOPED_TRACE(testing::Message() << r << " " << class_token << " " << sized);
        tokens::MatchOptions match;
        match.class_token = class_token;
        MergeShape shape;
        shape.in_offset = offset;
        shape.fixed = match.protected_tokens();
        shape.ordered = class_token;
        shape.search.a_offset = shape.search.b_offset = {0};
        std::vector<tokens::Matching> wanted;
        std::vector<float> y, sizes;
        for (size_t c = 0; c < length.size(); ++c) {
          const auto who = tokens::candidates(length[c], r, match);
          for (int32_t i : who.a)
            shape.search.a.push_back(offset[c] + i);
          for (int32_t i : who.b)
            shape.search.b.push_back(offset[c] + i);
          shape.search.a_offset.push_back(int32_t(shape.search.a.size()));
          shape.search.b_offset.push_back(int32_t(shape.search.b.size()));
          shape.pairs.push_back(tokens::pair_count(length[c], r, who, match));
          const auto first = size_t(offset[c]);
          const auto m = tokens::match_tokens(metric.data<float>() + first * metric_width,
                                              length[c], metric_width, 0, r, match);
          EXPECT_EQ(int(m.source.size()), shape.pairs.back());
          std::vector<float> one(size_t(m.tokens_out * width)), own(size_t(m.tokens_out), 0);
          tokens::merge_weighted(m, x.data<float>() + first * width,
                                 sized ? size.data<float>() + first : nullptr, width, one.data(),
                                 own.data());
          y.insert(y.end(), one.begin(), one.end());
          sizes.insert(sizes.end(), own.begin(), own.end());
        }
        const auto b = backend();
        const auto plan = b->plan_merge(shape);
        const int64_t out = plan->out_offset.back();
        ASSERT_EQ(out, int64_t(sizes.size()));
        MergeTensors t;
        t.x = b->upload(x);
        t.metric = b->upload(metric);
        if (sized) t.size = b->upload(size);
        t.y = b->empty({out, width}, DType::f32);
        t.size_out = b->empty({out}, DType::f32);
        t.log_size = b->empty({out}, DType::f32);
        t.score = b->empty({plan->sources}, DType::f32);
        t.partner = b->empty({plan->sources}, DType::i32);
        b->merge(*plan, t);
        EXPECT_EQ(b->download_f32(t.y), y);
        EXPECT_EQ(b->download_f32(t.size_out), sizes);
        const auto log_size = b->download_f32(t.log_size);
        for (size_t i = 0; i < sizes.size(); ++i)
          EXPECT_FLOAT_EQ(log_size[i], std::log(sizes[i]));
      }
}

}  // namespace
}  // namespace looktwice::compute::cuda
