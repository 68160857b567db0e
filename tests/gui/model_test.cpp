// The app's model without the app: what is known of a source's clips, undo, regions.
#include <algorithm>
#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "clip_store.h"
#include "history.h"
#include "region.h"
#include "statistics.h"

namespace looktwice::gui {
namespace {

std::vector<std::vector<int64_t>> plan_of(int clips, int frames, int stride) {
  std::vector<std::vector<int64_t>> plan;
  for (int c = 0; c < clips; ++c) {
    plan.emplace_back();
    for (int i = 0; i < frames; ++i)
      plan.back().push_back((int64_t(c) * frames + i) * stride);
  }
  return plan;
}

MeasuredClipPtr clip(int number, size_t pixels = 0, float base = 0) {
  auto c = std::make_shared<MeasuredClip>();
  c->number = number;
  c->trace.t = 4;
  c->trace.h = 2;
  c->trace.w = 5;
  for (int i = 0; i < 40; ++i) {
    c->trace.difference.push_back(i < 10 ? std::numeric_limits<float>::infinity()
                                         : base + 0.01f * float(i % 10));
  }
  c->histogram = tokens::RltHistogram(c->trace.difference, tokens::Grid{4, 2, 5, 2, 16});
  if (pixels > 0) {
    auto p = std::make_shared<frames::Clip>();
    p->rgb.resize(pixels);
    c->pixels = p;
  }
  return c;
}

TEST(ClipStore, FindsTheClipOfAFrame) {
  ClipStore store;
  store.reset(plan_of(3, 4, 4));  // clips of 16 frames
  EXPECT_EQ(store.clip_at(0), 0);
  EXPECT_EQ(store.clip_at(15), 0);
  EXPECT_EQ(store.clip_at(16), 1);
  EXPECT_EQ(store.clip_at(47), 2);
  EXPECT_EQ(store.clip_at(48), std::nullopt);
  EXPECT_EQ(store.clip_at(-1), std::nullopt);
}

TEST(ClipStore, GapsBetweenClipsBelongToNone) {
  ClipStore store;
  store.reset({{0, 4, 8, 12}, {100, 104, 108, 112}});
  EXPECT_EQ(store.clip_at(15), 0);
  EXPECT_EQ(store.clip_at(16), std::nullopt);
  EXPECT_EQ(store.clip_at(99), std::nullopt);
  EXPECT_EQ(store.clip_at(100), 1);
}

TEST(ClipStore, ALongerPlanKeepsWhatIsKnown) {
  ClipStore store;
  store.reset({{0, 1, 2, 3}, {4, 5, 6, 7}, {8, 9, 10, 11}});
  store.put(clip(0));
  store.put(clip(2));
  store.replan({{0, 1, 2, 3}, {4, 5, 6, 7}, {9, 10, 11, 12}, {13, 14, 15, 16}});
  EXPECT_EQ(store.count(), 4);
  EXPECT_EQ(store.measured_count(), 1);
  EXPECT_TRUE(store.measured(0));
  EXPECT_FALSE(store.measured(2));
  EXPECT_NE(store.get(0), nullptr);
  EXPECT_EQ(store.get(2), nullptr);
  store.replan({});
  EXPECT_EQ(store.count(), 0);
  EXPECT_EQ(store.measured_count(), 0);
}

TEST(ClipStore, WantsTheClipUnderThePlayheadThenTheFollowingThenTheRest) {
  ClipStore store;
  store.reset(plan_of(4, 4, 1));
  EXPECT_EQ(store.wanted(9), 2);
  store.put(clip(2, 10));
  EXPECT_EQ(store.wanted(9), 3);
  store.put(clip(3, 10));
  EXPECT_EQ(store.wanted(9), 0);
  store.put(clip(0, 10));
  EXPECT_EQ(store.wanted(9), 2);  // three clips with pixels: the oldest let its pixels go
  store.put(clip(2, 10));
  EXPECT_EQ(store.wanted(9), 1);
  store.put(clip(1, 10));
  store.put(clip(2, 10));
  EXPECT_EQ(store.wanted(9), std::nullopt);
  EXPECT_EQ(store.measured_count(), 4);
}

TEST(ClipStore, MemoryIsBoundedAndSummariesStay) {
  ClipStore store(8000);
  store.reset(plan_of(500, 4, 1));
  for (int i = 0; i < 500; ++i)
    store.put(clip(i));
  EXPECT_LE(store.bytes(), 8000u);
  EXPECT_EQ(store.get(0), nullptr);
  EXPECT_NE(store.get(499), nullptr);
  EXPECT_EQ(store.measured_count(), 500);
  ASSERT_TRUE(store.kept(0.045f).has_value());
}

TEST(ClipSummary, AgreesWithTheHistogram) {
  const auto c = clip(0);
  const ClipSummary summary(c->trace);
  for (const float tau : {0.0f, 0.005f, 0.015f, 0.045f, 0.085f, 0.2f}) {
    EXPECT_NEAR(double(summary.kept(tau)), c->histogram.kept_ratio(tau), 1e-4) << tau;
  }
  EXPECT_EQ(summary.kept(0, 5.0f), 1.0f);  // the first tubelet is always kept
  EXPECT_EQ(summary.kept(1, 5.0f), 0.0f);
}

TEST(History, FollowingChangesOfOneThingAreOneStep) {
  History<int> history(0);
  for (int i = 1; i <= 5; ++i)
    history.change(i, "τ");
  history.change(6, "layout");
  EXPECT_EQ(history.undo_name(), "layout");
  EXPECT_TRUE(history.undo());
  EXPECT_EQ(history.now(), 5);
  EXPECT_TRUE(history.undo());
  EXPECT_EQ(history.now(), 0);
  EXPECT_FALSE(history.undo());
  EXPECT_TRUE(history.redo());
  EXPECT_EQ(history.now(), 5);
  EXPECT_EQ(history.redo_name(), "layout");
}

TEST(History, SealingEndsAStepAndAChangeForgetsWhatCouldBeRedone) {
  History<int> history(0);
  history.change(1, "τ");
  history.seal();
  history.change(2, "τ");
  history.undo();
  EXPECT_EQ(history.now(), 1);
  EXPECT_FALSE(history.change(1, "nothing"));
  EXPECT_TRUE(history.can_redo());
  history.change(3, "τ");
  EXPECT_FALSE(history.can_redo());
}

TEST(Region, EqualsTheWholeFrameThere) {
  // A 4:2:0 frame with gradients, odd size.
  const int width = 37, height = 23;
  auto storage = std::make_shared<std::vector<uint8_t>>(size_t(40) * 24 * 3);
  for (size_t i = 0; i < storage->size(); ++i)
    (*storage)[i] = uint8_t(16 + (i * 7 + i / 40 * 11) % 200);
  frames::Frame frame;
  frame.width = width;
  frame.height = height;
  frame.layout = frames::Layout::yuv420;
  frame.planes[0] = {storage->data(), 40, width, height};
  frame.planes[1] = {storage->data() + 40 * 24, 40, 19, 12};
  frame.planes[2] = {storage->data() + 40 * 24 * 2, 40, 19, 12};
  frame.storage = storage;
  std::vector<uint8_t> whole(size_t(width) * height * 3);
  frames::to_rgb24(frame, whole.data());
  for (const auto& [x, y, w, h] :
       {std::array{0, 0, 5, 5}, std::array{13, 7, 9, 6}, std::array{36, 22, 1, 1},
        std::array{30, 15, 99, 99}, std::array{-5, -5, 8, 8}, std::array{1, 1, 1, 1}}) {
    const Region region = rgb_region(frame, x, y, w, h);
    for (int row = region.y; row < region.y + region.height; ++row) {
      for (int column = region.x; column < region.x + region.width; ++column) {
        for (int c = 0; c < 3; ++c) {
          ASSERT_EQ(region.at(column, row)[c],
                    whole[(size_t(row) * width + size_t(column)) * 3 + size_t(c)])
              << column << "," << row << " channel " << c << " of region " << x << "," << y;
        }
      }
    }
  }
}

TEST(Statistics, RowsCountExactlyWhatTheClipKeeps) {
  ClipStore store;
  store.reset(plan_of(3, 4, 2));
  const auto measured = clip(1);
  store.put(measured);
  const std::vector<ClipRow> rows = clip_rows(store, 0.045f, 25);
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_FALSE(rows[0].measured);
  EXPECT_TRUE(rows[1].measured);
  EXPECT_TRUE(rows[1].exact);
  EXPECT_EQ(rows[1].kept, measured->histogram.kept(0.045f));
  EXPECT_EQ(rows[1].tokens, measured->trace.tokens());
  EXPECT_DOUBLE_EQ(rows[1].start, double(rows[1].first_frame) / 25);
  const Totals totals = totals_of(rows);
  EXPECT_EQ(totals.clips, 3);
  EXPECT_EQ(totals.measured, 1);
  EXPECT_EQ(totals.kept, rows[1].kept);
}

TEST(Statistics, AClipThatWasLetGoIsReadOffItsSummaryAndSaysSo) {
  ClipStore store(8000);
  store.reset(plan_of(100, 4, 1));
  for (int i = 0; i < 100; ++i)
    store.put(clip(i));
  const std::vector<ClipRow> rows = clip_rows(store, 0.045f, 0);
  EXPECT_FALSE(rows[0].exact);
  EXPECT_TRUE(rows[99].exact);
  EXPECT_NEAR(double(rows[0].kept), double(clip(0)->histogram.kept(0.045f)), 1.0);
  EXPECT_FALSE(totals_of(rows).exact);
}

TEST(Statistics, TubeletsCoverTheFramesOfTheirClip) {
  ClipStore store;
  store.reset(plan_of(2, 4, 2));
  store.put(clip(0));
  store.put(clip(1));
  const std::vector<TubeletPoint> points = kept_over_time(store, 0.045f);
  ASSERT_FALSE(points.empty());
  for (size_t i = 1; i < points.size(); ++i)
    EXPECT_EQ(points[i].first_frame, points[i - 1].end_frame) << i;
  EXPECT_EQ(points.back().end_frame, store.end_of(1));
  EXPECT_EQ(points.front().kept_ratio, 1.0);  // a clip's first tubelet is always kept
}

TEST(Statistics, KeptFallsAsTauRises) {
  ClipStore store;
  store.reset(plan_of(2, 4, 1));
  EXPECT_TRUE(kept_by_tau(store, 0.001, 4, 16).empty());
  store.put(clip(0));
  store.put(clip(1));
  const std::vector<TauPoint> points = kept_by_tau(store, 0.001, 4, 64);
  ASSERT_EQ(points.size(), 64u);
  for (size_t i = 0; i < points.size(); ++i) {
    EXPECT_LE(points[i].low, points[i].mean + 1e-9);
    EXPECT_GE(points[i].high, points[i].mean - 1e-9);
    if (i > 0) {
      EXPECT_LE(points[i].mean, points[i - 1].mean + 1e-9);
    }
  }
}

TEST(Statistics, TheTableIsWrittenForMachines) {
  ClipStore store;
  store.reset(plan_of(2, 4, 1));
  store.put(clip(0));
  RunSummary run;
  run.source = "synth:static";
  run.document = default_document();
  run.rows = clip_rows(store, 0.1f, 30);
  const std::string csv = to_csv(run.rows);
  EXPECT_EQ(std::ranges::count(csv, '\n'), 3);
  std::vector<size_t> commas;
  for (size_t at = 0; at < csv.size();) {
    const size_t end = csv.find('\n', at);
    commas.push_back(
        size_t(std::count(csv.begin() + ptrdiff_t(at), csv.begin() + ptrdiff_t(end), ',')));
    at = end + 1;
  }
  EXPECT_EQ(commas[0], commas[1]);
  EXPECT_EQ(commas[0], commas[2]);
  const Json json = to_json(run);
  EXPECT_EQ(json["schema"], "looktwice/clip-statistics");
  EXPECT_EQ(json["rows"].size(), 2u);
  EXPECT_EQ(json["rows"][0]["kept_tokens"], run.rows[0].kept);
  EXPECT_FALSE(json["rows"][1]["measured"].get<bool>());
}

TEST(Statistics, RunsAreComparedWithDifferences) {
  ClipStore store;
  store.reset(plan_of(1, 4, 1));
  store.put(clip(0));
  RunSummary a, b;
  a.source = b.source = "x";
  a.document = b.document = default_document();
  a.document.settings.tokens.rlt = 0.015f;
  b.document.settings.tokens.rlt = 0.085f;
  a.rows = clip_rows(store, a.tau(), 30);
  b.rows = clip_rows(store, b.tau(), 30);
  ASSERT_LT(b.rows[0].kept, a.rows[0].kept);
  bool seen = false;
  for (const CompareLine& line : compare(a, b)) {
    if (line.what != "Kept ratio") continue;
    seen = true;
    EXPECT_TRUE(line.delta.starts_with("−")) << line.delta;
    EXPECT_TRUE(line.delta.ends_with(" points")) << line.delta;
  }
  EXPECT_TRUE(seen);
  for (const CompareLine& line : compare(a, a)) {
    if (line.what == "Kept ratio") {
      EXPECT_EQ(line.delta, "±0.00 points");
    }
  }
}

}  // namespace
}  // namespace looktwice::gui
