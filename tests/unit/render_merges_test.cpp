// Merge groups on the picture: what the compositor draws is what tokens::group_picture defines,
// which the goldens show to be the published figures.

#include <algorithm>
#include <cmath>
#include <memory>
#include <numeric>

#include <gtest/gtest.h>

#include "base/error.h"
#include "compose/compositor.h"
#include "gl/context.h"
#include "gl/gl.h"
#include "overlay/legend.h"
#include "overlay/merge_picture.h"
#include "overlay/palette.h"
#include "tokens/tome_picture.h"
#include "trace/group_rows.h"

namespace looktwice {
namespace {

constexpr int kPatch = 8, kRows = 3, kColumns = 4, kTubelets = 2, kTubelet = 2;
constexpr int kWidth = kColumns * kPatch, kHeight = kRows * kPatch, kFrames = kTubelets * kTubelet;

/// A clip of noise, its frames as a decoder gives them, and a run that merged some of its tokens.
struct Fixture {
  std::shared_ptr<frames::Clip> pixels = std::make_shared<frames::Clip>();
  std::vector<frames::FramePtr> frames;
  std::shared_ptr<trace::ClipTrace> clip = std::make_shared<trace::ClipTrace>();

  explicit Fixture(int extra = 0, bool pruned = false) {
    pixels->T = kFrames;
    pixels->H = kHeight;
    pixels->W = kWidth;
    uint32_t state = 1;
    for (int i = 0; i < kFrames * kHeight * kWidth * 3; ++i)
      pixels->rgb.push_back(static_cast<uint8_t>((state = state * 1664525u + 1013904223u) >> 24));
    const size_t bytes = size_t(kHeight) * kWidth * 3;
    for (int i = 0; i < kFrames; ++i) {
      frames.push_back(frames::make_rgb_frame(pixels->rgb.data() + size_t(i) * bytes, kWidth,
                                              kHeight, i, i / 30.0));
      clip->frame_indices.push_back(i);
      clip->frame_times.push_back(i / 30.0);
    }
    pixels->indices = clip->frame_indices;
    clip->t = kTubelets;
    clip->h = kRows;
    clip->w = kColumns;
    clip->tubelet = kTubelet;
    clip->patch = kPatch;
    clip->crop_width = kWidth;
    clip->crop_height = kHeight;
    clip->extra_tokens = extra;
    if (pruned) {
      clip->has_rlt = true;
      clip->keep.assign(clip->tokens(), 1);
      for (size_t i = 12; i < 24; i += 3)
        clip->keep[i] = 0;
      clip->run_length = trace::run_lengths_of(clip->keep, kTubelets, kRows, kColumns);
    }
    const auto count = static_cast<int32_t>(clip->entered());
    for (int l = 0; l < 2; ++l) {
      trace::LayerTrace layer;
      layer.tokens_in = count - 4 * l;
      // Even tokens join odd ones; in the second layer groups join across tubelets.
      const std::vector<std::pair<int, int>> pairs =
          l == 0 ? std::vector<std::pair<int, int>>{{2, 3}, {4, 3}, {10, 13}, {12, 17}}
                 : std::vector<std::pair<int, int>>{{3, 17}, {6, 5}};
      for (const auto& [source, destination] : pairs) {
        layer.source.push_back(source);
        layer.destination.push_back(destination);
        layer.score.push_back(0.5F);
      }
      layer.tokens_out = layer.tokens_in - static_cast<int32_t>(pairs.size());
      clip->layers.push_back(layer);
    }
  }

  tokens::Grid grid() const { return {kTubelets, kRows, kColumns, kTubelet, kPatch}; }
  tokens::ClipView view() const { return {pixels->rgb.data(), kFrames, kHeight, kWidth}; }
};

compose::Scene scene_of(overlay::MergeView view = overlay::MergeView::groups, int layer = 0) {
  compose::Scene scene;
  scene.titles = false;
  scene.legend = compose::LegendPlace::none;
  scene.style.rlt.visible = false;
  scene.style.crop.visible = false;
  scene.style.merges = {true, view, layer, 1};
  return scene;
}

class Merges : public testing::Test {
 protected:
  void SetUp() override {
    try {
      context_ = std::make_unique<gl::EglContext>();
    } catch (const Error& e) {
      GTEST_SKIP() << e.what();
    }
  }
  /// The frame as the compositor shows it, pixel for pixel.
  static std::vector<uint8_t> draw(compose::Compositor& compositor, const Fixture& f, int frame,
                                   const compose::Scene& scene, bool pixels = true) {
    compose::PaneInput input;
    input.frame = f.frames[size_t(frame)];
    input.clip = f.clip;
    if (pixels) input.pixels = f.pixels;
    compositor.set_pane(0, input);
    return compositor.picture(scene, {kWidth, kHeight});
  }
  static std::vector<uint8_t> frame_of(const std::vector<uint8_t>& clip, int frame) {
    const auto bytes = ptrdiff_t(kWidth) * kHeight * 3;
    return {clip.begin() + frame * bytes, clip.begin() + (frame + 1) * bytes};
  }
  std::unique_ptr<gl::EglContext> context_;
};

TEST_F(Merges, EveryFrameOfATubeIsTheDefinedPictureByteForByte) {
  for (const int extra : {0, 1, 2}) {
    const Fixture f(extra);
    compose::Compositor compositor;
    for (int layer = 1; layer <= 2; ++layer) {
      const auto rows = trace::group_rows(*f.clip, layer);
      const auto want =
          tokens::group_picture(f.view(), f.grid(), tokens::groups_on_grid(rows, extra, f.grid()));
      for (int i = 0; i < kFrames; ++i)
        EXPECT_EQ(draw(compositor, f, i, scene_of(overlay::MergeView::groups, layer)),
                  frame_of(want, i))
            << "extra " << extra << ", layer " << layer << ", frame " << i;
    }
    // The last layer is the default.
    EXPECT_EQ(draw(compositor, f, 0, scene_of()),
              draw(compositor, f, 0, scene_of(overlay::MergeView::groups, 2)));
  }
}

TEST_F(Merges, PrunedPatchesKeepTheirPicture) {
  const Fixture f(0, true);
  compose::Compositor compositor;
  const auto rows = trace::group_rows(*f.clip);
  const auto want = tokens::group_picture(f.view(), f.grid(),
                                          tokens::groups_on_grid(rows, 0, f.grid(), f.clip->keep));
  for (int i = 0; i < kFrames; ++i) {
    const auto got = draw(compositor, f, i, scene_of());
    for (int y = 0; y < kHeight; ++y) {
      for (int x = 0; x < kWidth; ++x) {
        const size_t token =
            (size_t(i / kTubelet) * kRows + size_t(y / kPatch)) * kColumns + size_t(x / kPatch);
        const size_t at = (size_t(y) * kWidth + size_t(x)) * 3;
        const size_t in_clip = size_t(i) * kWidth * kHeight * 3 + at;
        const uint8_t* expected = f.clip->keep[token] ? &want[in_clip] : &f.pixels->rgb[in_clip];
        ASSERT_TRUE(std::equal(expected, expected + 3, &got[at])) << i << " " << x << "," << y;
      }
    }
  }
}

TEST_F(Merges, OutlinesLeaveThePictureAndLoneTokensAlone) {
  const Fixture f;
  compose::Compositor compositor;
  const auto got = draw(compositor, f, 0, scene_of(overlay::MergeView::outlines));
  const auto roots = trace::group_roots_on_grid(*f.clip);
  int touched = 0;
  for (int y = 0; y < kHeight; ++y) {
    for (int x = 0; x < kWidth; ++x) {
      const size_t at = (size_t(y) * kWidth + size_t(x)) * 3;
      const bool same = std::equal(&got[at], &got[at] + 3, &f.pixels->rgb[at]);
      const size_t token = size_t(y / kPatch) * kColumns + size_t(x / kPatch);
      const bool large = std::ranges::count(roots, roots[token]) > 1;
      const bool middle = y % kPatch == kPatch / 2 && x % kPatch == kPatch / 2;
      if (!large || middle) {
        EXPECT_TRUE(same) << x << "," << y;
      }
      touched += !same;
    }
  }
  EXPECT_GT(touched, 0);
}

TEST_F(Merges, WithoutPixelsBordersAreDrawnOverThePicture) {
  const Fixture f;
  compose::Compositor compositor;
  const auto got = draw(compositor, f, 0, scene_of(), false);
  const size_t middle = (size_t(kPatch / 2) * kWidth + kPatch / 2) * 3;
  EXPECT_TRUE(std::equal(&got[middle], &got[middle] + 3, &f.pixels->rgb[middle]));
  EXPECT_FALSE(std::equal(got.begin(), got.begin() + 3, f.pixels->rgb.begin()));
}

TEST_F(Merges, SizesTakeTheirPalette) {
  const Fixture f;
  compose::Compositor compositor;
  compose::Scene scene = scene_of();
  scene.style.merges.visible = false;
  scene.style.sizes = {true, 1.0, overlay::Palette::inferno};
  const auto got = draw(compositor, f, 0, scene);
  const auto sizes = trace::group_sizes(*f.clip);
  const float most = *std::ranges::max_element(sizes);
  for (int token = 0; token < kRows * kColumns; ++token) {
    const int x = token % kColumns * kPatch + kPatch / 2,
              y = token / kColumns * kPatch + kPatch / 2;
    const overlay::Color want =
        overlay::at(overlay::Palette::inferno, std::log2(double(sizes[size_t(token)])) /
                                                   std::log2(std::max(2.0, double(most))));
    EXPECT_NEAR(got[(size_t(y) * kWidth + size_t(x)) * 3], want.r * 255, 2) << token;
  }
}

TEST_F(Merges, AnotherLayerRepaintsAsAFreshPictureWould) {
  const Fixture f(1, true);
  compose::Compositor used;
  for (const int layer : {1, 2, 1})
    for (int i = 0; i < kFrames; ++i) {
      compose::Compositor fresh;
      const auto scene = scene_of(overlay::MergeView::groups, layer);
      EXPECT_EQ(draw(used, f, i, scene), draw(fresh, f, i, scene)) << layer << " " << i;
    }
}

TEST(MergeLegend, SaysLayerCountsAndWhatIsStale) {
  const Fixture f;
  overlay::Style style;
  style.rlt.visible = false;
  style.crop.visible = false;
  style.merges.visible = style.sizes.visible = true;
  style.merges.layer = 1;
  const auto entries =
      overlay::legend_entries(style, f.clip.get(), f.clip.get(), kWidth, kHeight, true);
  ASSERT_EQ(entries.size(), 2U);
  EXPECT_EQ(entries[0].swatch, overlay::Swatch::groups);
  EXPECT_NE(entries[0].text.find("layer 1 of 2"), std::string::npos) << entries[0].text;
  EXPECT_NE(entries[0].text.find("24 → 20"), std::string::npos) << entries[0].text;
  EXPECT_NE(entries[0].text.find("earlier"), std::string::npos) << entries[0].text;
  EXPECT_EQ(entries[1].swatch, overlay::Swatch::ramp);
  EXPECT_TRUE(overlay::legend_entries(style, f.clip.get(), nullptr, kWidth, kHeight).empty());
}

TEST(MergeStyle, JsonRoundTripAndRefusals) {
  overlay::Style style;
  style.merges = {true, overlay::MergeView::outlines, 7, 0.5};
  style.sizes = {true, 0.25, overlay::Palette::viridis};
  EXPECT_EQ(overlay::style_from_json(overlay::to_json(style), "test"), style);
  Json json = overlay::to_json(style);
  json["merges"]["layer"] = -1;
  EXPECT_THROW(overlay::style_from_json(json, "test"), Error);
  json = overlay::to_json(style);
  json["merges"]["view"] = "stripes";
  EXPECT_THROW(overlay::style_from_json(json, "test"), Error);
}

}  // namespace
}  // namespace looktwice
