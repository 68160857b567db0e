// The app's model without the app: what is known of a source's clips, undo, regions.
#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "clip_store.h"
#include "history.h"
#include "region.h"

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

}  // namespace
}  // namespace looktwice::gui
