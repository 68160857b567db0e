// RLT, dropping and packing: what must hold for any clip.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/error.h"
#include "tokens/drop.h"
#include "tokens/packing.h"
#include "tokens/rlt.h"
#include "tokens/rlt_histogram.h"
#include "tokens/sincos.h"

namespace looktwice::tokens {
namespace {

std::vector<uint8_t> noise(size_t bytes, uint64_t seed) {
  Random random(seed);
  std::vector<uint8_t> out(bytes);
  for (uint8_t& byte : out)
    byte = static_cast<uint8_t>(random.next() >> 56);
  return out;
}

std::vector<Isa> isas() {
  std::vector<Isa> all;
  for (const Isa isa : {Isa::portable, Isa::avx2, Isa::avx512})
    if (usable(isa) == isa) all.push_back(isa);
  return all;
}

TEST(PatchSads, ExactForAnySizeStrideAndInstructionSet) {
  for (const int patch : {1, 2, 3, 7, 8, 14, 16, 17, 32, 129, 300})
    for (const int w : {1, 2, 3, 5, 14})
      for (const int extra : {0, 1, 5, 63}) {
        const int h = patch > 100 ? 1 : 2;
        if (patch > 100 && w > 3) continue;
        const size_t row = size_t(w) * patch * 3 + size_t(extra);
        // No byte more than there is: a read past the end is seen by the address sanitizer.
        const size_t bytes = row * size_t(h * patch - 1) + size_t(w) * patch * 3;
        const auto a = noise(bytes, 1), b = noise(bytes, 2);
        std::vector<uint64_t> expected(size_t(h) * w * 3, 0);
        for (int y = 0; y < h * patch; ++y)
          for (int x = 0; x < w * patch; ++x)
            for (int c = 0; c < 3; ++c) {
              const size_t at = size_t(y) * row + size_t(x) * 3 + size_t(c);
              expected[(size_t(y / patch) * w + size_t(x / patch)) * 3 + size_t(c)] +=
                  size_t(std::abs(int{a[at]} - int{b[at]}));
            }
        for (const Isa isa : isas()) {
          std::vector<uint64_t> sads(expected.size(), 77);
          patch_sads(a.data(), b.data(), row, h, w, patch, sads, isa);
          ASSERT_EQ(sads, expected)
              << isa_name(isa) << " patch " << patch << " w " << w << " extra " << extra;
        }
      }
}

TEST(PatchSads, LargestPossibleSums) {
  for (const Isa isa : isas()) {
    const std::vector<uint8_t> black(512 * 512 * 3, 0), white(512 * 512 * 3, 255);
    std::vector<uint64_t> sads(3);
    patch_sads(black.data(), white.data(), 512 * 3, 1, 1, 512, sads, isa);
    EXPECT_EQ(sads, std::vector<uint64_t>(3, uint64_t{512} * 512 * 255));
  }
}

TEST(Differences, LastFrameOfATubeletAgainstFirstOfThePreviousOne) {
  for (const int tubelet : {1, 2, 3, 4}) {
    const int T = 3 * tubelet, side = 8;
    std::vector<uint8_t> rgb(size_t(T) * side * side * 3);
    const auto level = [](int t) { return uint8_t(t * t); };
    for (int t = 0; t < T; ++t)
      std::fill_n(rgb.begin() + long(t) * side * side * 3, side * side * 3, level(t));
    const ClipView clip{rgb.data(), T, side, side};
    const Grid grid = grid_of(clip, tubelet, 8);
    const auto d = rlt_differences(clip, grid);
    for (int k = 0; k + 1 < grid.t; ++k) {
      const int grey = level((k + 2) * tubelet - 1) - level(k * tubelet);
      EXPECT_NEAR(d[size_t(k) + 1], grey * normalised_per_grey_level(), 1e-6) << tubelet;
    }
  }
}

TEST(Differences, SidesAreFlooredToThePatch) {
  const auto rgb = noise(4 * 37 * 45 * 3, 3);
  const ClipView clip{rgb.data(), 4, 37, 45};
  const Grid grid = grid_of(clip, 2, 16);
  EXPECT_EQ(grid.h, 2);
  EXPECT_EQ(grid.w, 2);
  const auto d = rlt_differences(clip, grid);
  auto edge = rgb;  // pixels outside whole patches change nothing
  for (int t = 0; t < 4; ++t)
    for (int y = 0; y < 37; ++y)
      for (int x = y < 32 ? 32 : 0; x < 45; ++x)
        edge[size_t(((t * 37 + y) * 45 + x) * 3)] ^= 255;
  EXPECT_EQ(d, rlt_differences({edge.data(), 4, 37, 45}, grid));
  for (const Isa isa : isas())
    EXPECT_EQ(d, rlt_differences(clip, grid, isa));
}

TEST(Differences, ZeroThresholdDropsOnlyExactRepeats) {
  std::vector<uint8_t> rgb(4 * 512 * 512 * 3, 100);
  rgb[size_t(3) * 512 * 512 * 3] = 101;  // one sample by one level, in one 512-pixel patch
  const ClipView clip{rgb.data(), 4, 512, 512};
  const Grid large = grid_of(clip, 2, 512), small = grid_of(clip, 2, 16);
  EXPECT_EQ(count_kept(rlt_keep(rlt_differences(clip, large), large, 0)), 2u);
  EXPECT_EQ(count_kept(rlt_keep(rlt_differences(clip, small), small, 0)), 1025u);
}

TEST(Differences, OneTubeletOrBadShapes) {
  const auto rgb = noise(17 * 16 * 16 * 3, 4);
  const Grid one = grid_of({rgb.data(), 2, 16, 16}, 2, 16);
  EXPECT_TRUE(std::isinf(rlt_differences({rgb.data(), 2, 16, 16}, one).at(0)));
  EXPECT_THROW(grid_of({rgb.data(), 17, 16, 16}, 2, 16), Error);
  EXPECT_THROW(grid_of({rgb.data(), 0, 16, 16}, 2, 16), Error);
  EXPECT_THROW(grid_of({rgb.data(), 2, 15, 16}, 2, 16), Error);
  EXPECT_THROW(grid_of({rgb.data(), 2, 16, 16}, 0, 16), Error);
  EXPECT_THROW(grid_of({rgb.data(), 2, 16, 16}, 2, -1), Error);
  EXPECT_THROW(rlt_differences({rgb.data(), 4, 16, 16}, one), Error);
}

TEST(Keep, Thresholds) {
  const float inf = std::numeric_limits<float>::infinity(), nan = std::nanf("");
  const Grid grid{2, 1, 4, 2, 16};
  const std::vector<float> d{inf, inf, inf, inf, 0.1f, 0.0f, nan, 5};
  EXPECT_EQ(rlt_keep(d, grid, 0.1f), (std::vector<uint8_t>{1, 1, 1, 1, 0, 0, 0, 1}));
  EXPECT_EQ(rlt_keep(d, grid, 0.0f), (std::vector<uint8_t>{1, 1, 1, 1, 1, 0, 0, 1}));
  EXPECT_EQ(rlt_keep(d, grid, 1e30f), (std::vector<uint8_t>{1, 1, 1, 1, 0, 0, 0, 0}));
  for (const float bad : {nan, inf, -inf, -0.001f})
    EXPECT_THROW(rlt_keep(d, grid, bad), Error);
  EXPECT_NO_THROW(rlt_keep(d, grid, -0.0f));
  EXPECT_THROW(rlt_keep(std::vector<float>(3), grid, 0.1f), Error);
}

struct RandomMask {
  Grid grid;
  std::vector<float> differences;
  std::vector<uint8_t> keep;
};
RandomMask random_mask(uint64_t seed) {
  Random random(seed);
  RandomMask m;
  m.grid = {int(1 + random.below(9)), int(1 + random.below(5)), int(1 + random.below(6)), 2, 16};
  for (size_t i = 0; i < m.grid.size(); ++i)
    m.differences.push_back(i < m.grid.per_tubelet() ? INFINITY
                                                     : float(int(random.below(40))) * 0.05f);
  m.keep = rlt_keep(m.differences, m.grid, 0.8f);
  return m;
}

TEST(Runs, LengthsHeadsAndOrdersAgree) {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    const RandomMask m = random_mask(seed);
    const auto lengths = run_lengths(m.keep, m.grid);
    const auto heads = run_heads(m.keep, m.grid);
    const size_t step = m.grid.per_tubelet();
    for (size_t p = 0; p < step; ++p) {
      int sum = 0;
      for (int t = 0; t < m.grid.t; ++t)
        sum += lengths[size_t(t) * step + p];
      EXPECT_EQ(sum, m.grid.t);
    }
    std::vector<int32_t> seen(m.grid.size(), 0);
    for (size_t i = 0; i < heads.size(); ++i) {
      ASSERT_TRUE(m.keep[size_t(heads[i])]);
      EXPECT_EQ(size_t(heads[i]) % step, i % step);
      EXPECT_LE(size_t(heads[i]), i);
      ++seen[size_t(heads[i])];
    }
    EXPECT_EQ(seen, lengths);  // a head stands for exactly its run
    auto a = packed_lengths(m.keep, m.grid, LengthOrder::aligned);
    auto b = packed_lengths(m.keep, m.grid, LengthOrder::reference);
    EXPECT_EQ(a.size(), count_kept(m.keep));
    std::sort(a.begin(), a.end());
    std::sort(b.begin(), b.end());
    EXPECT_EQ(a, b);
  }
  const Grid grid{2, 1, 1, 2, 16};  // only random dropping leaves a token without a head
  EXPECT_EQ(run_heads(std::vector<uint8_t>{0, 1}, grid), (std::vector<int32_t>{-1, 1}));
}

TEST(Histogram, AnswersWhatRltKeepDoes) {
  for (uint64_t seed = 0; seed < 30; ++seed) {
    RandomMask m = random_mask(seed);
    if (m.grid.t > 2) {
      m.differences[m.grid.per_tubelet()] = std::nanf("");
      m.differences[m.grid.per_tubelet() + 1 < m.differences.size() ? m.grid.per_tubelet() + 1
                                                                    : 0] = INFINITY;
    }
    const RltHistogram histogram(m.differences, m.grid);
    for (float tau = 0; tau < 2.2f; tau += 0.05f) {
      const size_t kept = count_kept(rlt_keep(m.differences, m.grid, tau));
      ASSERT_EQ(histogram.kept(tau), kept);
      ASSERT_DOUBLE_EQ(histogram.kept_ratio(tau), double(kept) / double(m.grid.size()));
    }
    for (const double ratio : {0.0, 0.2, 0.5, 0.9, 1.0}) {
      const float tau = histogram.tau_for_ratio(ratio);
      const size_t kept = histogram.kept(tau);
      if (double(kept) > ratio * double(m.grid.size()) + 1e-9) {
        EXPECT_EQ(kept, histogram.kept(histogram.max()));  // no threshold keeps fewer
      }
    }
    const auto bins = histogram.linear(0.05, 1.5, 29);
    size_t total = bins.below + bins.above;
    for (const uint32_t count : bins.counts)
      total += count;
    EXPECT_EQ(total, histogram.sorted().size());
    EXPECT_EQ(bins.edges.size(), 30u);
  }
}

TEST(Histogram, BinsAndErrors) {
  const Grid grid{2, 1, 5, 2, 16};
  const float inf = INFINITY;
  const RltHistogram h(std::vector<float>{inf, inf, inf, inf, inf, 0, 0.1f, 1, 10, 100}, grid);
  const auto log = h.logarithmic(0.5, 50, 2);
  EXPECT_EQ(log.below, 2u);
  EXPECT_EQ(log.counts, (std::vector<uint32_t>{1, 1}));
  EXPECT_EQ(log.above, 1u);
  EXPECT_EQ(h.linear(0, 100, 1).counts, std::vector<uint32_t>{5});  // the last edge belongs to it
  EXPECT_EQ(h.zeros(), 1u);
  EXPECT_EQ(h.tau_for_ratio(0.7), 1.0f);
  EXPECT_EQ(h.kept(1.0f), 7u);
  EXPECT_EQ(h.curve(0, 100, 3).front().kept_ratio, 0.9);
  EXPECT_THROW(h.logarithmic(0, 1, 3), Error);
  EXPECT_THROW(h.linear(1, 1, 3), Error);
  EXPECT_THROW(h.linear(0, 1, 0), Error);
  EXPECT_THROW((void)h.kept(-1), Error);
  EXPECT_EQ(RltHistogram().kept_ratio(0.1f), 1.0);
}

TEST(Drop, KeepsExactlyWhatIsAskedFor) {
  for (size_t count = 0; count <= 40; ++count)
    EXPECT_EQ(count_kept(random_keep(40, count, count)), count);
  EXPECT_EQ(random_keep(100, 30, 7), random_keep(100, 30, 7));
  EXPECT_NE(random_keep(100, 30, 7), random_keep(100, 30, 8));
  EXPECT_EQ(random_keep_count(1568, 0.5), 784u);
  EXPECT_EQ(random_keep_count(10, 0.01), 1u);
  EXPECT_EQ(count_kept(random_keep_reference(1568, 0.5, 3)), 783u);
  EXPECT_THROW(random_keep(10, 11, 0), Error);
  for (const double bad : {0.0, -1.0, 1.5, std::nan("")})
    EXPECT_THROW(random_keep_count(10, bad), Error);
  EXPECT_THROW(random_keep_reference(10, 0.05, 0), Error);
  // Every place equally likely: 2000 draws of 5 in 20, expected 500 each.
  std::vector<int> hits(20, 0);
  for (uint64_t seed = 0; seed < 2000; ++seed) {
    const auto mask = random_keep(20, 5, seed);
    for (size_t i = 0; i < 20; ++i)
      hits[i] += mask[i];
  }
  for (const int n : hits)
    EXPECT_NEAR(n, 500, 100);
}

TEST(Packing, GathersAndScatters) {
  const Grid grid{2, 1, 3, 2, 16};
  const std::vector<std::vector<uint8_t>> keep{{1, 1, 1, 0, 1, 0}, {1, 1, 1, 1, 1, 1}};
  const PackedSequence packed = pack(keep, grid);
  EXPECT_EQ(packed.cu_seqlens, (std::vector<int32_t>{0, 4, 10}));
  EXPECT_EQ(packed.position, (std::vector<int32_t>{0, 1, 2, 4, 0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(packed.gather, (std::vector<int32_t>{0, 1, 2, 4, 6, 7, 8, 9, 10, 11}));
  EXPECT_EQ(packed.max_seqlen(), 6);
  std::vector<float> dense(24), rows(20), back(24);
  std::iota(dense.begin(), dense.end(), 0.0f);
  gather_rows(packed, dense.data(), 2, rows.data());
  EXPECT_EQ(rows[6], 8);
  scatter_rows(packed, rows.data(), 2, back.data(), -1);
  for (size_t i = 0; i < 12; ++i)
    EXPECT_EQ(back[2 * i], keep[i / 6][i % 6] ? dense[2 * i] : -1);
  EXPECT_THROW(pack(std::vector<std::vector<uint8_t>>{{1, 1}}, grid), Error);
  EXPECT_THROW(pack(std::vector<std::vector<uint8_t>>{std::vector<uint8_t>(6, 0)}, grid), Error);
}

TEST(Packing, BinsHoldEveryClipOnce) {
  const std::vector<int32_t> lengths{700, 300, 500, 500, 1000, 1, 999};
  const auto bins = bin_pack(lengths, 1000);
  EXPECT_EQ(bins.size(), 4u);
  std::set<int32_t> seen;
  for (const Bin& bin : bins) {
    int64_t tokens = 0;
    for (const int32_t clip : bin.clips) {
      tokens += lengths[size_t(clip)];
      EXPECT_TRUE(seen.insert(clip).second);
    }
    EXPECT_EQ(tokens, bin.tokens);
    EXPECT_LE(tokens, 1000);
  }
  EXPECT_EQ(seen.size(), lengths.size());
  EXPECT_THROW(bin_pack(lengths, 999), Error);
  EXPECT_TRUE(bin_pack({}, 10).empty());
}

TEST(SinCos, BadSizes) {
  EXPECT_THROW(sincos_table(0, 4), Error);
  EXPECT_THROW(sincos_table(4, 0), Error);
  EXPECT_EQ(sincos_table(1, 4), (std::vector<float>{0, 1, 0, 1}));
}

}  // namespace
}  // namespace looktwice::tokens
