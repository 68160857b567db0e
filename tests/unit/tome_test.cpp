// Token merging: what must hold for any input.
#include "tokens/tome.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "base/error.h"
#include "tokens/drop.h"
#include "tokens/tome_picture.h"
#include "tokens/tome_schedule.h"

namespace looktwice::tokens {
namespace {

std::vector<float> noise(size_t count, uint64_t seed) {
  Random random(seed);
  std::vector<float> values(count);
  for (float& v : values)
    v = random.uniform() - 0.5f;
  return values;
}

std::vector<Isa> isas() {
  std::vector<Isa> all;
  for (const Isa isa : {Isa::portable, Isa::avx2, Isa::avx512})
    if (usable(isa) == isa) all.push_back(isa);
  return all;
}

const ParallelFor kThreads = [](int tasks, const std::function<void(int)>& fn) {
  std::vector<std::thread> threads;
  for (int i = 0; i < tasks; ++i)
    threads.emplace_back(fn, i);
  for (std::thread& thread : threads)
    thread.join();
};

TEST(BestPartners, AgreeWithBruteForceForAnyShapeAndDistance) {
  for (const int tokens : {2, 3, 17, 50, 97, 131})
    for (const int width : {1, 3, 8, 24, 65})
      for (const Distance distance : {Distance::cosine, Distance::dot, Distance::l2}) {
        const size_t stride = size_t(width) + 3;
        const auto metric = noise(stride * size_t(tokens), size_t(tokens * 100 + width));
        const Candidates who = candidates(tokens, 1, {});
        const auto row = [&](int32_t token) {
          std::vector<double> v(metric.begin() + long(size_t(token) * stride),
                                metric.begin() + long(size_t(token) * stride) + width);
          if (distance == Distance::cosine) {
            const double length = std::sqrt(std::inner_product(v.begin(), v.end(), v.begin(), 0.0));
            for (double& value : v)
              value /= length;
          }
          return v;
        };
        BestPartners first;
        for (const Isa isa : isas()) {
          const auto best =
              best_partners(metric.data(), tokens, width, stride, who.a, who.b, distance, isa,
                            isa == Isa::avx2 ? kThreads : ParallelFor{});
          for (size_t i = 0; i < who.a.size(); ++i) {
            const auto a = row(who.a[i]);
            double top = -INFINITY;
            std::vector<double> scores;
            for (const int32_t other : who.b) {
              const auto b = row(other);
              double s = 0;
              for (size_t k = 0; k < a.size(); ++k)
                s += distance == Distance::l2 ? -(a[k] - b[k]) * (a[k] - b[k]) : a[k] * b[k];
              scores.push_back(s);
              top = std::max(top, s);
            }
            const double tolerance = 1e-6 * (1 + std::abs(top));
            ASSERT_NEAR(best.score[i], top, tolerance) << isa_name(isa);
            ASSERT_NEAR(scores[size_t(best.partner[i])], top, tolerance);
          }
          if (isa == isas().front()) first = best;
          // The same bits on every instruction set.
          EXPECT_EQ(best.score, first.score) << isa_name(isa) << " " << tokens << "x" << width;
          EXPECT_EQ(best.partner, first.partner) << isa_name(isa);
        }
      }
}

TEST(BestPartners, LowestIndexAmongEquals) {
  // 130 candidates, three of them equal to every source.
  const int tokens = 260, width = 5;
  auto metric = noise(size_t(tokens) * width, 3);
  for (int i = 0; i < tokens; i += 2)
    std::copy_n(metric.begin(), width, metric.begin() + i * width);
  for (const int b : {201, 75, 77})
    std::copy_n(metric.begin(), width, metric.begin() + b * width);
  const Candidates who = candidates(tokens, 1, {});
  for (const Isa isa : isas()) {
    const auto best =
        best_partners(metric.data(), tokens, width, 0, who.a, who.b, Distance::cosine, isa);
    for (const int32_t partner : best.partner)
      EXPECT_EQ(who.b[size_t(partner)], 75);
    const Matching m = match_tokens(metric.data(), tokens, width, 0, 7, {}, isa);
    EXPECT_EQ(m.source, (std::vector<int32_t>{0, 2, 4, 6, 8, 10, 12}));
  }
}

TEST(Matching, TokensWithoutADirectionPoisonNothing) {
  const int tokens = 40, width = 16;
  const auto good = noise(size_t(tokens) * width, 9);
  const float nan = std::nanf(""), inf = INFINITY, big = 3e38f;
  for (const float bad : {0.0f, nan, inf, -inf, big, 1e-44f})
    for (const int token : {6, 7})
      for (const Distance distance : {Distance::cosine, Distance::dot, Distance::l2})
        for (const Isa isa : isas()) {
          auto metric = good;
          std::fill_n(metric.begin() + token * width, width, bad);
          MatchOptions options;
          options.distance = distance;
          const Matching m = match_tokens(metric.data(), tokens, width, 0, 20, options, isa);
          ASSERT_EQ(m.source.size(), 20u);
          for (const float score : m.score)
            EXPECT_FALSE(std::isnan(score));
          if (distance != Distance::cosine || bad == big || bad == 1e-44f) continue;
          // Not merged before tokens that are alike to something, and attracts nobody who is.
          const Matching few = match_tokens(metric.data(), tokens, width, 0, 5, options, isa);
          EXPECT_EQ(std::count(few.source.begin(), few.source.end(), token), 0);
          EXPECT_EQ(std::count(few.destination.begin(), few.destination.end(), token), 0);
        }
}

void expect_consistent(const Matching& m) {
  ASSERT_EQ(int(m.row.size()), m.tokens_in);
  ASSERT_EQ(int(m.keeper.size()), m.tokens_out);
  for (int j = 0; j < m.tokens_out; ++j)
    EXPECT_EQ(m.row[size_t(m.keeper[size_t(j)])], j);
  for (size_t k = 0; k < m.source.size(); ++k) {
    EXPECT_EQ(m.row[size_t(m.source[k])], m.row[size_t(m.destination[k])]);
    EXPECT_EQ(m.keeper[size_t(m.row[size_t(m.source[k])])], m.destination[k]);
  }
  std::vector<int32_t> offset, member;
  m.members(offset, member);
  std::vector<int32_t> sorted = member;
  std::sort(sorted.begin(), sorted.end());
  EXPECT_TRUE(std::adjacent_find(sorted.begin(), sorted.end()) == sorted.end());
  const auto dropped = std::count(m.row.begin(), m.row.end(), -1);
  EXPECT_EQ(long(member.size()) + dropped, m.tokens_in);
}

TEST(Matching, EveryMethodKeepsItsPromises) {
  for (int tokens = 0; tokens <= 40; ++tokens)
    for (const int fixed : {0, 1, 2})
      for (const int r : {-1, 0, 1, 3, 8, 1000})
        for (const MatchMethod method :
             {MatchMethod::bipartite, MatchMethod::kth, MatchMethod::random})
          for (const Partition partition :
               {Partition::alternate, Partition::sequential, Partition::random}) {
            if (method != MatchMethod::bipartite && partition != Partition::alternate) continue;
            MatchOptions options;
            options.method = method;
            options.partition = partition;
            options.k = 3;
            options.class_token = fixed >= 1;
            options.distill_token = fixed >= 2;
            options.seed = 5;
            const auto metric = noise(size_t(tokens) * 6, uint64_t(tokens));
            const Matching m = match_tokens(metric.data(), tokens, 6, 0, r, options);
            expect_consistent(m);
            const auto merged = int(m.source.size());
            EXPECT_EQ(m.tokens_out, tokens - merged);
            for (int32_t token = 0; token < std::min(fixed, tokens); ++token) {
              // Protected tokens stay where they are and alone.
              EXPECT_EQ(m.keeper[size_t(token)], token);
              EXPECT_EQ(std::count(m.row.begin(), m.row.end(), token), 1);
            }
            if (r <= 0) {
              EXPECT_TRUE(m.identity());
            }
            if (method == MatchMethod::bipartite && partition == Partition::alternate) {
              EXPECT_EQ(merged, std::clamp(r, 0, std::max(0, (tokens - fixed) / 2)))
                  << tokens << " " << fixed << " " << r;
            }
            EXPECT_EQ(match_tokens(metric.data(), tokens, 6, 0, r, options).row, m.row);
          }
}

TEST(Matching, BadOptions) {
  const auto metric = noise(40, 1);
  MatchOptions options;
  options.method = MatchMethod::kth;
  options.k = 1;
  EXPECT_THROW(match_tokens(metric.data(), 10, 4, 0, 1, options), Error);
  EXPECT_THROW(match_tokens(metric.data(), 10, 0, 0, 1, {}), Error);
  EXPECT_THROW(match_tokens(metric.data(), 10, 4, 3, 1, {}), Error);
  EXPECT_THROW(match_packed(metric.data(), 4, 0, std::vector<int32_t>{0, 5, 3}, 1, {}), Error);
  Candidates twice{{0, 2}, {1, 2}, {}};
  EXPECT_THROW(decide(4, 1, twice, BestPartners{{1, 1}, {0, 0}}, {}), Error);
  Candidates good{{0, 2}, {1, 3}, {}};
  EXPECT_THROW(decide(4, 1, good, BestPartners{{1, 1}, {5, 5}}, {}), Error);
  EXPECT_THROW(decide(4, 1, good, BestPartners{{1}, {0}}, {}), Error);
}

TEST(Matching, PackedClipsMatchAmongThemselves) {
  const std::vector<int32_t> borders{0, 31, 31, 90, 92, 150};
  const auto metric = noise(150 * 8, 4);
  MatchOptions options;
  options.class_token = true;
  const auto packed = match_packed(metric.data(), 8, 0, borders, 20, options);
  const auto threaded =
      match_packed(metric.data(), 8, 0, borders, 20, options, best_isa(), kThreads);
  ASSERT_EQ(packed.size(), 5u);
  for (size_t b = 0; b < packed.size(); ++b) {
    const Matching alone = match_tokens(metric.data() + borders[b] * 8, borders[b + 1] - borders[b],
                                        8, 0, 20, options);
    EXPECT_EQ(packed[b].row, alone.row);
    EXPECT_EQ(packed[b].source, alone.source);
    EXPECT_EQ(threaded[b].row, alone.row);
  }
}

TEST(Merging, WeightedMeanKeepsMassAndSizes) {
  const int tokens = 101, width = 7;
  const auto metric = noise(size_t(tokens) * 12, 5), x = noise(size_t(tokens) * width, 6);
  std::vector<float> sizes(size_t(tokens), 1.0f);
  TokenGroups groups(tokens);
  std::vector<float> rows = x, own_metric = metric;
  for (const int r : {20, 0, 15, 30}) {
    const int count = groups.rows();
    const Matching m = match_tokens(own_metric.data(), count, 12, 0, r, {});
    std::vector<float> y(size_t(m.tokens_out) * width), size_out(size_t(m.tokens_out));
    std::vector<float> next_metric(size_t(m.tokens_out) * 12);
    merge_weighted(m, rows.data(), sizes.data(), width, y.data(), size_out.data(),
                   r == 20 ? kThreads : ParallelFor{});
    merge_rows(m, own_metric.data(), 12, MergeMode::mean, next_metric.data());
    if (r == 0) {
      EXPECT_EQ(y, rows);  // merging nothing changes no bit
      EXPECT_EQ(size_out, sizes);
    }
    groups.apply(m);
    rows = y;
    sizes = size_out;
    own_metric = next_metric;
    EXPECT_EQ(std::accumulate(sizes.begin(), sizes.end(), 0.0f), float(tokens));
    const auto counts = groups.counts();
    for (size_t j = 0; j < counts.size(); ++j)
      EXPECT_EQ(float(counts[j]), sizes[j]);
  }
  // Each row is the mean of the input tokens that stand behind it.
  for (size_t j = 0; j < sizes.size(); ++j)
    for (size_t c = 0; c < width; ++c) {
      double sum = 0;
      for (size_t i = 0; i < size_t(tokens); ++i)
        if (groups.group()[i] == int(j)) sum += x[i * width + c];
      EXPECT_NEAR(rows[j * width + c], sum / sizes[j], 1e-6);
    }
  EXPECT_THROW(groups.apply(identity_matching(3)), Error);
}

TEST(Merging, UnmergeIsRightWithADistillationToken) {
  const int tokens = 20;
  const auto metric = noise(tokens * 4, 8);
  MatchOptions options;
  options.class_token = options.distill_token = true;
  const Matching m = match_tokens(metric.data(), tokens, 4, 0, 6, options);
  std::vector<float> y(size_t(m.tokens_out)), back(tokens);
  std::iota(y.begin(), y.end(), 0.0f);
  unmerge_rows(m, y.data(), 1, back.data());
  for (size_t i = 0; i < size_t(tokens); ++i)
    EXPECT_EQ(back[i], float(m.row[i]));
  EXPECT_EQ(back[0], 0);
  EXPECT_EQ(back[1], 1);
}

TEST(Schedule, WhatIsNoSchedule) {
  for (const char* bad :
       {"",      " ",    "x",      "-1",     "1.5", "nan", "8,", "8,2",        "8,-1.5", "8,nan",
        "1,2,3", "[1,2", "[1,-2]", "[1,,2]", "[a]", "]",   "[",  "9999999999", "1e3",    "8,0,"})
    EXPECT_THROW(parse_schedule(bad), Error) << bad;
  EXPECT_EQ(parse_schedule(" 8 ").layers(3), (std::vector<int>{8, 8, 8}));
  EXPECT_EQ(parse_schedule("[ 1, 2 ]").layers(3), (std::vector<int>{1, 2, 0}));
  EXPECT_EQ(parse_schedule("[]").layers(2), (std::vector<int>{0, 0}));
  EXPECT_EQ(parse_schedule("8,-1").layers(1), std::vector<int>{8});
  EXPECT_EQ(parse_schedule("8").layers(0), std::vector<int>{});
  EXPECT_THROW(parse_schedule("[1,2,3]").layers(2), Error);
}

TEST(Picture, TubesKeepOneColourAndBordersAreDrawnPerFrame) {
  // Two tubelets of two frames, 2x2 patches of 4 pixels; groups 0 and 2, one pruned patch.
  const Grid grid{2, 2, 2, 2, 4};
  std::vector<uint8_t> rgb(4 * 8 * 8 * 3);
  for (int t = 0; t < 4; ++t)
    std::fill_n(rgb.begin() + t * 192, 192, uint8_t(40 * t));
  const std::vector<int32_t> groups{0, 0, 0, 2, 0, 0, 0, -1};
  const auto picture = group_picture({rgb.data(), 4, 8, 8}, grid, groups);
  ASSERT_EQ(picture.size(), rgb.size());
  const auto at = [&](int t, int y, int x) { return picture[size_t(((t * 8 + y) * 8 + x) * 3)]; };
  const auto colours = border_colours(3);
  for (int t = 0; t < 4; ++t) {
    EXPECT_EQ(at(t, 1, 1), at(0, 1, 1));                   // one mean colour for the whole tube
    EXPECT_EQ(at(t, 3, 3), at(t, 1, 1));                   // no border inside a group
    EXPECT_EQ(at(t, 0, 4), uint8_t(255 * colours[0][0]));  // the picture's edge is border
    EXPECT_EQ(at(t, 3, 5), uint8_t(255 * colours[0][0]));  // above another group or a pruned patch
    EXPECT_EQ(at(t, 4, 5), t < 2 ? uint8_t(255 * colours[2][0]) : 0);
  }
  EXPECT_NEAR(at(0, 1, 1), 60, 1);
  EXPECT_NEAR(at(0, 5, 5), 20, 1);  // group 2: frames 0 and 1 only
  EXPECT_NEAR(at(0, 5, 1), 60, 1);
  EXPECT_THROW(group_picture({rgb.data(), 4, 8, 8}, grid, std::vector<int32_t>(7)), Error);
  const auto none = group_picture({rgb.data(), 4, 8, 8}, grid, std::vector<int32_t>(8, -1));
  EXPECT_EQ(none, std::vector<uint8_t>(none.size(), 0));
}

TEST(Picture, GroupsOnTheGrid) {
  const Grid grid{1, 1, 4, 1, 4};
  EXPECT_EQ(groups_on_grid(std::vector<int32_t>{9, 5, 6, 7, 8}, 1, grid),
            (std::vector<int32_t>{5, 6, 7, 8}));
  EXPECT_EQ(groups_on_grid(std::vector<int32_t>{5, 6}, 0, grid, std::vector<uint8_t>{1, 0, 0, 1}),
            (std::vector<int32_t>{5, -1, -1, 6}));
  EXPECT_THROW(groups_on_grid(std::vector<int32_t>{5, 6}, 0, grid), Error);
  EXPECT_THROW(groups_on_grid(std::vector<int32_t>(6), 0, grid), Error);
  EXPECT_THROW(groups_on_grid(std::vector<int32_t>(4), 0, grid, std::vector<uint8_t>(3)), Error);
}

}  // namespace
}  // namespace looktwice::tokens
