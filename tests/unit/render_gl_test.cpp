// The compositor's pixels, drawn without a display.

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include <gtest/gtest.h>

#include "base/error.h"
#include "compose/compositor.h"
#include "compose/video_output.h"
#include "gl/context.h"
#include "gl/framebuffer.h"
#include "gl/gl.h"
#include "gl/mesh.h"
#include "gl/offscreen.h"
#include "gl/texture.h"
#include "overlay/palette.h"
#include "render_scene.h"

namespace looktwice {
namespace {

using compose::Compositor;
using compose::Content;
using compose::Layout;
using compose::Scene;
using compose::Size;
using frames::FramePtr;
using test::FrameKind;
using test::pattern_frame;

std::unique_ptr<gl::EglContext> make_context(std::string& why) {
  try {
    return std::make_unique<gl::EglContext>();
  } catch (const Error& e) {
    why = e.what();
    return nullptr;
  }
}

class Gl : public testing::Test {
 protected:
  void SetUp() override {
    std::string why;
    context_ = make_context(why);
    if (!context_) GTEST_SKIP() << why;
  }
  void TearDown() override {
    if (context_) {
      EXPECT_EQ(glGetError(), GLenum(GL_NO_ERROR));
    }
  }
  std::unique_ptr<gl::EglContext> context_;
};

struct Rgb {
  int r, g, b;
};
struct Picture {
  Size size;
  std::vector<uint8_t> bytes;
  Rgb at(int x, int y) const {
    const uint8_t* p = &bytes[(size_t(y) * size.width + x) * 3];
    return {p[0], p[1], p[2]};
  }
};

int distance(const Rgb& a, const Rgb& b) {
  return std::max({std::abs(a.r - b.r), std::abs(a.g - b.g), std::abs(a.b - b.b)});
}

Scene plain_scene(Layout layout = Layout::single) {
  Scene scene = compose::comparison_scene(layout);
  scene.titles = false;
  scene.legend = compose::LegendPlace::none;
  for (auto& pane : scene.panes)
    pane.marks = false;
  scene.style.crop.visible = false;
  return scene;
}

Picture draw(Compositor& c, const Scene& scene, Size size = {}) {
  if (size.empty()) size = c.natural_size(scene);
  return {size, c.picture(scene, size)};
}

Picture reference(const FramePtr& frame) {
  Picture p{{frame->width, frame->height}, {}};
  p.bytes.resize(size_t{3} * frame->width * frame->height);
  frames::to_rgb24(*frame, p.bytes.data());
  return p;
}

int worst(const Picture& a, const Picture& b) {
  int most = 0;
  for (size_t i = 0; i < std::min(a.bytes.size(), b.bytes.size()); ++i)
    most = std::max(most, std::abs(int(a.bytes[i]) - int(b.bytes[i])));
  return most;
}

/// Software renderers interpolate chroma in 8 bits: a level of chroma is two of blue.
constexpr int kColour = 3;

double mean_error(const Picture& a, const Picture& b) {
  double sum = 0;
  for (size_t i = 0; i < a.bytes.size(); ++i)
    sum += std::abs(int(a.bytes[i]) - int(b.bytes[i]));
  return sum / static_cast<double>(a.bytes.size());
}

TEST_F(Gl, ColoursAsToRgbForEveryLayoutMatrixRangeAndSiting) {
  using namespace frames;
  std::vector<FrameKind> kinds;
  for (const frames::Layout l : {frames::Layout::yuv420, frames::Layout::yuv422,
                                 frames::Layout::yuv444, frames::Layout::gray})
    for (const int depth : {8, 10})
      for (const Range range : {Range::limited, Range::full})
        kinds.push_back({l, depth, Matrix::bt709, range, ChromaSite::left});
  for (const Matrix m : {Matrix::bt601, Matrix::bt2020})
    kinds.push_back({frames::Layout::yuv420, 8, m, Range::limited, ChromaSite::left});
  for (const ChromaSite site : {ChromaSite::center, ChromaSite::top_left, ChromaSite::bottom_right})
    kinds.push_back({frames::Layout::yuv420, 8, Matrix::bt709, Range::limited, site});
  kinds.push_back({frames::Layout::rgb24, 8, Matrix::bt709, Range::full, ChromaSite::left});
  for (const auto& [width, height] : {std::pair{96, 64}, {97, 61}}) {
    for (const FrameKind& kind : kinds) {
      const FramePtr frame = pattern_frame(width, height, 3, kind);
      Compositor c;
      c.set_pane(0, {frame, nullptr, {}});
      const Picture drawn = draw(c, plain_scene(), {width, height});
      const Picture expected = reference(frame);
      EXPECT_LE(mean_error(drawn, expected), 0.8);
      EXPECT_LE(worst(drawn, expected), kColour)
          << "layout " << int(kind.layout) << " depth " << kind.depth << " matrix "
          << int(kind.matrix) << " range " << int(kind.range) << " site " << int(kind.site);
    }
  }
}

TEST_F(Gl, ZoomShowsWholePixels) {
  const FramePtr frame = pattern_frame(64, 48, 0);
  Compositor c;
  c.set_pane(0, {frame, nullptr, {}});
  const Picture expected = reference(frame);
  const compose::View view{5, 0.4, 0.6};
  const Size size{200, 150};
  const Picture drawn{size, c.picture(plain_scene(), size, view, 1)};
  const auto m = compose::map_frame({64, 48}, {0, 0, 200, 150}, view);
  for (int y = 0; y < size.height; ++y) {
    for (int x = 0; x < size.width; ++x) {
      const auto pixel = compose::pixel_at(m, {64, 48}, {x + 0.5, y + 0.5});
      ASSERT_TRUE(pixel);
      EXPECT_LE(distance(drawn.at(x, y), expected.at(int(pixel->x), int(pixel->y))), kColour);
    }
  }
}

TEST_F(Gl, MarginsAndMissingFramesAreBackground) {
  Compositor c;
  c.set_pane(0, {pattern_frame(64, 64, 0), nullptr, {}});
  const Picture p = draw(c, plain_scene(), {128, 64});
  const auto& bg = overlay::colors::background;
  const Rgb expected{int(std::lround(bg.r * 255)), int(std::lround(bg.g * 255)),
                     int(std::lround(bg.b * 255))};
  EXPECT_LE(distance(p.at(3, 30), expected), 1);
  EXPECT_LE(distance(p.at(124, 30), expected), 1);
  Compositor empty;
  const Picture none = draw(empty, plain_scene(), {64, 32});
  EXPECT_LE(distance(none.at(2, 2), expected), 1);
}

class Marks : public Gl {
 protected:
  static constexpr int kWidth = 256, kHeight = 192;  // crop: columns 32..224, cells of 48
  Scene scene() {
    Scene s = plain_scene();
    s.panes[0].marks = true;
    return s;
  }
  Picture marked(const Scene& s, int64_t index, FramePtr* frame = nullptr) {
    const FramePtr f = pattern_frame(kWidth, kHeight, index);
    if (frame) *frame = f;
    Compositor c;
    c.set_pane(0, {f, test::square_clip(kWidth, kHeight, 2), {}});
    return draw(c, s, {kWidth, kHeight});
  }
};

TEST_F(Marks, KeptStaysPrunedIsDimmedByItsOpacity) {
  Scene s = scene();
  s.style.rlt.pruned = overlay::PrunedStyle::dim;
  s.style.rlt.opacity = 0.5;
  FramePtr frame;
  const Picture p = marked(s, 4, &frame);
  const Picture original = reference(frame);
  // Kept tokens are columns 2 and 3: x in [128, 224).
  EXPECT_LE(distance(p.at(180, 100), original.at(180, 100)), 2);
  const Rgb o = original.at(60, 100), d = p.at(60, 100);
  const auto& casing = overlay::colors::casing;
  EXPECT_NEAR(d.r, o.r * 0.5 + casing.r * 127.5, 2);
  EXPECT_NEAR(d.g, o.g * 0.5 + casing.g * 127.5, 2);
  // The first tubelet is kept whole.
  const Picture first = marked(s, 0, &frame);
  EXPECT_LE(distance(first.at(60, 100), reference(frame).at(60, 100)), 2);
}

TEST_F(Marks, OutlineLiesInsideKeptTokens) {
  Scene s = scene();
  s.style.rlt.pruned = overlay::PrunedStyle::none;
  FramePtr frame;
  const Picture p = marked(s, 4, &frame);
  const auto& k = overlay::colors::kept;
  const Rgb kept{int(std::lround(k.r * 255)), int(std::lround(k.g * 255)),
                 int(std::lround(k.b * 255))};
  EXPECT_LE(distance(p.at(128, 100), kept), 2);
  EXPECT_LE(distance(p.at(223, 100), kept), 2);
  EXPECT_LE(distance(p.at(180, 0), kept), 2);
  EXPECT_GT(distance(p.at(176, 100), kept), 20);  // between two kept tokens
  s.style.rlt.outline_kept = false;
  EXPECT_LE(worst(marked(s, 4), reference(frame)), kColour);
}

TEST_F(Marks, HatchHasBrightAndDarkStripesOnAnyPicture) {
  const Scene s = scene();
  const Picture p = marked(s, 4);
  int low = 255, high = 0;
  for (int x = 40; x < 70; ++x) {
    low = std::min(low, p.at(x, 100).g);
    high = std::max(high, p.at(x, 100).g);
  }
  EXPECT_GT(high - low, 60);
}

TEST_F(Marks, RunLengthAndDifferenceTakeTheirPalettes) {
  Scene s = scene();
  s.style.rlt.outline_kept = false;
  s.style.rlt.pruned = overlay::PrunedStyle::run_length;
  s.style.rlt.opacity = 1;
  const auto expect = [](const overlay::Color& c) {
    return Rgb{int(std::lround(c.r * 255)), int(std::lround(c.g * 255)),
               int(std::lround(c.b * 255))};
  };
  // A run over the whole clip: the dark end.
  EXPECT_LE(distance(marked(s, 4).at(60, 100), expect(overlay::at(overlay::Palette::viridis, 0))),
            2);
  s.style.rlt.visible = false;
  s.style.difference.visible = true;
  s.style.difference.opacity = 1;
  s.style.difference.maximum = 0.6;
  const Picture p = marked(s, 4);
  EXPECT_LE(distance(p.at(180, 100), expect(overlay::at(overlay::Palette::cividis, 0.5))), 3);
  EXPECT_LE(distance(p.at(60, 100), expect(overlay::at(overlay::Palette::cividis, 0.02 / 0.6))), 3);
}

TEST_F(Marks, CropDimsTheRest) {
  Scene s = scene();
  s.style.rlt.visible = false;
  s.style.crop.visible = true;
  s.style.crop.dim = 0.5;
  FramePtr frame;
  const Picture p = marked(s, 4, &frame);
  const Picture original = reference(frame);
  EXPECT_NEAR(p.at(10, 100).g, original.at(10, 100).g * 0.5, 2);
  EXPECT_NEAR(p.at(245, 100).g, original.at(245, 100).g * 0.5, 2);
  EXPECT_LE(distance(p.at(100, 100), original.at(100, 100)), 2);
  EXPECT_GT(p.at(31, 100).g, 250);  // the frame of the crop
}

TEST_F(Marks, GridLinesLieOnTokenBorders) {
  Scene s = scene();
  s.style.rlt.visible = false;
  s.style.grid.visible = true;
  s.style.grid.opacity = 1;
  FramePtr frame;
  const Picture p = marked(s, 4, &frame);
  EXPECT_GT(p.at(80, 100).g, 250);
  EXPECT_GT(p.at(100, 48).g, 250);
  EXPECT_LE(distance(p.at(100, 100), reference(frame).at(100, 100)), 2);
}

TEST_F(Gl, FrozenPatchesShowTheRunHeadsFrameAtTheSameOffset) {
  for (const FrameKind& kind :
       {FrameKind{}, FrameKind{frames::Layout::rgb24}, FrameKind{frames::Layout::yuv422, 10}}) {
    const int w = 192, h = 192;
    Scene s = plain_scene();
    s.panes[0].content = Content::handed_on;
    const auto clip = test::square_clip(w, h, 2);
    std::vector<FramePtr> all;
    for (int i = 0; i < 8; ++i)
      all.push_back(pattern_frame(w, h, i, kind));
    for (const bool remembered : {false, true}) {
      Compositor c;
      if (remembered) {
        for (int i = 0; i < 7; ++i)
          c.set_pane(0, {all[i], clip, {}});
      }
      c.set_pane(0, {all[7], clip, remembered ? std::vector<FramePtr>{} : all});
      const Picture p = draw(c, s, {w, h});
      EXPECT_LE(distance(p.at(40, 100), reference(all[1]).at(40, 100)), 3);
      EXPECT_LE(distance(p.at(150, 100), reference(all[7]).at(150, 100)), 3);
      EXPECT_GT(distance(p.at(40, 100), reference(all[7]).at(40, 100)), 8);
    }
    // Without the head's frame the live one stays.
    Compositor c;
    c.set_pane(0, {all[7], clip, {}});
    EXPECT_LE(worst(draw(c, s, {w, h}), reference(all[7])), 3);
  }
}

TEST_F(Gl, RepaintingOnlyWhatChangedGivesTheSamePicture) {
  const int w = 256, h = 192;
  Scene s = compose::comparison_scene(Layout::side_by_side);
  std::vector<FramePtr> all;
  for (int i = 0; i < 16; ++i)
    all.push_back(pattern_frame(w, h, i));
  auto clip = test::square_clip(w, h, 2, 1, 8, 6);
  // Decisions that change from tubelet to tubelet.
  for (int t = 1; t < 8; ++t)
    for (int i = 0; i < 36; ++i)
      clip->keep[t * 36 + i] = (i * 7 + t * 5) % 3 == 0;
  auto other = std::make_shared<trace::ClipTrace>(*clip);
  other->tau = 0.25F;
  for (int t = 1; t < 8; ++t)
    other->keep[t * 36 + 11] ^= 1;
  Compositor kept;
  const auto feed = [&](Compositor& c, int i, const auto& which) {
    for (int pane = 0; pane < 2; ++pane)
      c.set_pane(pane, {all[i], which, all});
  };
  feed(kept, 0, clip);
  compose::VideoOutput video(kept, kept.natural_size(s), frames::Matrix::bt709,
                             frames::Range::limited);
  int i = 0;
  for (const int index : {0, 2, 3, 4, 5, 7, 8, 15, 3, 4, 6, 14}) {
    const auto& which = ++i > 8 ? other : clip;
    feed(kept, index, which);
    const Size size = kept.natural_size(s);
    Compositor fresh;
    feed(fresh, index, which);
    if (i % 3 == 0) {
      ASSERT_EQ(worst(draw(kept, s, size), draw(fresh, s, size)), 0) << "frame " << index;
    }
    // And the same planes, though they too are converted only where the layer was repainted.
    video.push(s, i, 0);
    const FramePtr now = video.finish();
    compose::VideoOutput anew(fresh, size, frames::Matrix::bt709, frames::Range::limited);
    anew.push(s, i, 0);
    const FramePtr expected = anew.finish();
    for (int p = 0; p < 3; ++p) {
      const auto &x = now->planes[p], &y = expected->planes[p];
      for (int row = 0; row < x.height; ++row) {
        ASSERT_TRUE(std::equal(x.data + row * x.stride, x.data + row * x.stride + x.width,
                               y.data + row * y.stride))
            << "frame " << index << " plane " << p << " row " << row;
      }
    }
  }
}

TEST_F(Gl, LegendAndTitlesAreOnThePicture) {
  const int w = 640, h = 360;
  Compositor c;
  const auto clip = test::square_clip(w, h, 2);
  const FramePtr frame = pattern_frame(w, h, 4);
  c.set_pane(0, {frame, clip, {}});
  Scene with, without;
  without.legend = compose::LegendPlace::none;
  without.titles = false;
  const Picture a = draw(c, with), b = draw(c, without);
  EXPECT_EQ(a.size, (Size{w, h}));
  const auto changed = [&](int x0, int y0, int x1, int y1) {
    int count = 0;
    for (int y = y0; y < y1; ++y)
      for (int x = x0; x < x1; ++x)
        count += distance(a.at(x, y), b.at(x, y)) > 8;
    return count;
  };
  EXPECT_GT(changed(0, 0, w / 2, 40), 300);
  EXPECT_GT(changed(0, h / 2, w / 2, h), 2000);
  EXPECT_EQ(changed(w / 2, 40, w, h), 0);
  with.legend = compose::LegendPlace::below;
  const Picture below = draw(c, with);
  EXPECT_GT(below.size.height, h);
  EXPECT_EQ(below.size.width, w);
}

TEST_F(Gl, SideBySideGridWipeAndDifference) {
  const int w = 160, h = 120;
  const FramePtr a = pattern_frame(w, h, 0), b = pattern_frame(w, h, 9);
  const Picture ra = reference(a), rb = reference(b);
  Compositor c;
  c.set_pane(0, {a, nullptr, {}});
  c.set_pane(1, {b, nullptr, {}});
  Scene side = plain_scene(Layout::side_by_side);
  side.panes[1].content = Content::original;
  const Picture s = draw(c, side);
  EXPECT_EQ(s.size, (Size{2 * w, h}));
  EXPECT_LE(distance(s.at(30, 40), ra.at(30, 40)), 2);
  EXPECT_LE(distance(s.at(w + 30, 40), rb.at(30, 40)), 2);

  Scene grid = side;
  grid.layout = Layout::grid;
  grid.panes.push_back({});
  c.set_pane(2, {b, nullptr, {}});
  const Picture g = draw(c, grid);
  EXPECT_EQ(g.size, (Size{2 * w, 2 * h}));
  EXPECT_LE(distance(g.at(30, h + 40), rb.at(30, 40)), 2);

  Scene wipe = side;
  wipe.layout = Layout::wipe;
  wipe.wipe = 0.25;
  const Picture p = draw(c, wipe);
  EXPECT_EQ(p.size, (Size{w, h}));
  EXPECT_LE(distance(p.at(30, 40), ra.at(30, 40)), 2);
  EXPECT_LE(distance(p.at(50, 40), rb.at(50, 40)), 2);
  EXPECT_GT(distance(p.at(40, 40), rb.at(40, 40)) + distance(p.at(39, 40), ra.at(39, 40)), 20);

  Scene difference = side;
  difference.layout = Layout::difference;
  difference.gain = 3;
  const Picture d = draw(c, difference);
  for (const auto& [x, y] : {std::pair{30, 40}, {100, 80}, {w - 1, h - 1}}) {
    const Rgb pa = ra.at(x, y), pb = rb.at(x, y), pd = d.at(x, y);
    EXPECT_NEAR(pd.r, std::min(255, 3 * std::abs(pa.r - pb.r)), 7);
    EXPECT_NEAR(pd.g, std::min(255, 3 * std::abs(pa.g - pb.g)), 7);
    EXPECT_NEAR(pd.b, std::min(255, 3 * std::abs(pa.b - pb.b)), 7);
  }
  difference.luma_only = true;
  const Rgb grey = draw(c, difference).at(30, 40);
  EXPECT_LE(std::abs(grey.r - grey.g) + std::abs(grey.g - grey.b), 1);
  c.set_pane(1, {a, nullptr, {}});
  EXPECT_LE(worst(draw(c, difference), Picture{{w, h}, std::vector<uint8_t>(w * h * 3)}), 0);
}

double psnr(const Picture& a, const Picture& b) {
  double sum = 0;
  for (size_t i = 0; i < a.bytes.size(); ++i) {
    const double d = double(a.bytes[i]) - b.bytes[i];
    sum += d * d;
  }
  return sum == 0 ? 99 : 10 * std::log10(255.0 * 255 * double(a.bytes.size()) / sum);
}

TEST_F(Gl, UntouchedPlanesPassBitForBit) {
  for (const auto& [w, h] : {std::pair{256, 128}, {250, 126}, {101, 67}, {18, 16}}) {
    const FramePtr frame = pattern_frame(w, h, 2);
    Compositor c;
    c.set_pane(0, {frame, nullptr, {}});
    c.set_pane(1, {frame, nullptr, {}});
    const Scene s = plain_scene(Layout::side_by_side);
    const Size size = c.natural_size(s);
    compose::VideoOutput out(c, size, frame->matrix, frame->range);
    EXPECT_EQ(out.push(s, 5, 0.5), nullptr);
    const FramePtr video = out.finish();
    ASSERT_TRUE(video);
    EXPECT_EQ(out.finish(), nullptr);
    EXPECT_EQ(video->index, 5);
    EXPECT_EQ(video->time, 0.5);
    EXPECT_EQ(video->width, size.width);
    const int shift = (w + 7) / 8 * 8;
    for (int p = 0; p < 3; ++p) {
      const auto &from = frame->planes[p], &to = video->planes[p];
      for (int pane = 0; pane < 2; ++pane) {
        for (int y = 0; y < from.height; ++y) {
          const uint8_t* a = from.data + y * from.stride;
          const uint8_t* b = to.data + y * to.stride + (p == 0 ? shift : shift / 2) * pane;
          // Chroma samples at the border of a pane reach into the margin.
          const int border = p > 0 && w % 8 != 0 ? 1 : 0;
          if (p > 0 && h % 2 != 0 && y == from.height - 1) continue;
          ASSERT_TRUE(std::equal(a + border, a + from.width - border, b + border))
              << w << "x" << h << " plane " << p << " row " << y << " pane " << pane;
        }
      }
    }
  }
}

TEST_F(Gl, VideoIsThePictureForEveryKindOfFrameAndLayout) {
  using namespace frames;
  const std::vector<FrameKind> kinds = {
      {},
      {frames::Layout::yuv420, 10},
      {frames::Layout::yuv420, 8, Matrix::bt601},
      {frames::Layout::yuv420, 8, Matrix::bt709, Range::limited, ChromaSite::center},
      {frames::Layout::yuv444},
      {frames::Layout::gray},
      {frames::Layout::rgb24}};
  const int w = 320, h = 192;
  for (const FrameKind& kind : kinds) {
    for (const compose::Layout layout : {compose::Layout::single, compose::Layout::side_by_side,
                                         compose::Layout::wipe, compose::Layout::difference}) {
      Compositor c;
      const auto clip = test::square_clip(w, h, 2);
      std::vector<FramePtr> all;
      for (int i = 0; i < 8; ++i)
        all.push_back(pattern_frame(w, h, i, kind));
      Scene s = compose::comparison_scene(layout);
      s.style.rlt.pruned = overlay::PrunedStyle::dim;
      for (int pane = 0; pane < 2; ++pane)
        c.set_pane(pane, {all[0], clip, all});
      const Size size = c.natural_size(s);
      compose::VideoOutput out(c, size, Matrix::bt709, Range::limited);
      FramePtr last;
      for (int i = 0; i < 8; ++i) {
        for (int pane = 0; pane < 2; ++pane)
          c.set_pane(pane, {all[i], clip, all});
        const FramePtr done = out.push(s, i, i / 30.0);
        ASSERT_EQ(done == nullptr, i == 0);
        if (done) {
          EXPECT_EQ(done->index, i - 1);
        }
      }
      last = out.finish();
      ASSERT_TRUE(last);
      const Picture drawn = draw(c, s, size);
      EXPECT_GT(psnr(reference(last), drawn), 33)
          << "layout " << int(kind.layout) << " depth " << kind.depth << " scene "
          << compose::layout_name(layout);
      // Luma alone is not subsampled.
      double worst_luma = 0;
      for (int y = 0; y < size.height; ++y) {
        for (int x = 0; x < size.width; ++x) {
          const Rgb p = drawn.at(x, y);
          const double luma = 16 + 219.0 / 255 * (0.2126 * p.r + 0.7152 * p.g + 0.0722 * p.b);
          worst_luma = std::max(
              worst_luma, std::abs(luma - last->planes[0].data[y * last->planes[0].stride + x]));
        }
      }
      // Samples beyond the gamut are clipped in RGB and pass as they are in YUV.
      if (kind.layout == frames::Layout::rgb24 || kind.layout == frames::Layout::gray) {
        EXPECT_LE(worst_luma, 2.5);
      }
    }
  }
}

TEST_F(Gl, ScaledAndOddVideo) {
  Compositor c;
  const FramePtr a = pattern_frame(160, 120, 0), b = pattern_frame(320, 200, 0);
  c.set_pane(0, {a, nullptr, {}});
  c.set_pane(1, {b, nullptr, {}});
  Scene s = plain_scene(Layout::side_by_side);
  s.panes[1].content = Content::original;
  const Size size = c.natural_size(s);
  compose::VideoOutput out(c, size, frames::Matrix::bt709, frames::Range::limited);
  out.push(s, 0, 0);
  EXPECT_GT(psnr(reference(out.finish()), draw(c, s, size)), 38);
  EXPECT_THROW(compose::VideoOutput(c, {101, 64}, frames::Matrix::bt709, frames::Range::limited),
               Error);
}

TEST_F(Gl, StateIsPutBack) {
  const gl::Owner owner;
  gl::Texture target(owner, gl::Format::rgba8, 128, 128, gl::Filter::nearest);
  const gl::Framebuffer framebuffer(owner, {&target});
  gl::Texture other(owner, gl::Format::rgba8, 8, 8, gl::Filter::nearest);
  GLuint buffer = 0;
  glGenBuffers(1, &buffer);
  glBindBuffer(GL_PIXEL_UNPACK_BUFFER, buffer);
  glBufferData(GL_PIXEL_UNPACK_BUFFER, 1 << 20, nullptr, GL_STREAM_DRAW);
  glBindFramebuffer(GL_FRAMEBUFFER, framebuffer.id());
  other.bind(5);
  glActiveTexture(GL_TEXTURE3);
  glColorMask(GL_FALSE, GL_TRUE, GL_FALSE, GL_TRUE);
  glEnable(GL_SCISSOR_TEST);
  glEnable(GL_DEPTH_TEST);
  glEnable(GL_BLEND);
  glBlendFuncSeparate(GL_DST_COLOR, GL_ZERO, GL_ONE, GL_ONE);
  glScissor(1, 2, 3, 4);
  glViewport(5, 6, 7, 8);
  glPixelStorei(GL_UNPACK_ALIGNMENT, 8);
  glPixelStorei(GL_UNPACK_ROW_LENGTH, 999);
  glPixelStorei(GL_PACK_SKIP_ROWS, 2);

  Compositor c;
  const FramePtr frame = pattern_frame(128, 128, 4);
  c.set_pane(0, {frame, test::square_clip(128, 128, 2), {}});
  compose::Target place;
  place.framebuffer = framebuffer.id();
  place.size = {128, 128};
  place.framebuffer_height = 128;
  c.draw(plain_scene(), place, {}, 1);
  c.draw(Scene{}, place, {}, 1);
  c.draw(plain_scene(), place, {}, 1);

  const auto integer = [](GLenum name) {
    GLint v[4] = {};
    glGetIntegerv(name, v);
    return v[0];
  };
  EXPECT_EQ(integer(GL_PIXEL_UNPACK_BUFFER_BINDING), GLint(buffer));
  EXPECT_EQ(integer(GL_DRAW_FRAMEBUFFER_BINDING), GLint(framebuffer.id()));
  EXPECT_EQ(integer(GL_ACTIVE_TEXTURE), GL_TEXTURE3);
  EXPECT_EQ(integer(GL_BLEND_SRC_RGB), GL_DST_COLOR);
  EXPECT_EQ(integer(GL_BLEND_DST_ALPHA), GL_ONE);
  EXPECT_EQ(integer(GL_UNPACK_ALIGNMENT), 8);
  EXPECT_EQ(integer(GL_UNPACK_ROW_LENGTH), 999);
  EXPECT_EQ(integer(GL_PACK_SKIP_ROWS), 2);
  EXPECT_EQ(integer(GL_CURRENT_PROGRAM), 0);
  EXPECT_EQ(integer(GL_VERTEX_ARRAY_BINDING), 0);
  EXPECT_TRUE(glIsEnabled(GL_SCISSOR_TEST) && glIsEnabled(GL_DEPTH_TEST) && glIsEnabled(GL_BLEND));
  GLint box[4];
  glGetIntegerv(GL_VIEWPORT, box);
  EXPECT_EQ(box[0], 5);
  EXPECT_EQ(box[3], 8);
  GLboolean mask[4];
  glGetBooleanv(GL_COLOR_WRITEMASK, mask);
  EXPECT_FALSE(mask[0]);
  EXPECT_TRUE(mask[1]);
  glActiveTexture(GL_TEXTURE5);
  EXPECT_EQ(integer(GL_TEXTURE_BINDING_2D), GLint(other.id()));

  // And the leaked state did not spoil the picture, which stands upside down in a framebuffer
  // whose first row is the lowest.
  glBindBuffer(GL_PIXEL_UNPACK_BUFFER, 0);
  std::vector<uint8_t> bytes(128 * 128 * 3);
  gl::read_pixels(framebuffer, 128, 128, 3, bytes.data());
  const Picture expected = reference(frame);
  for (const auto& [x, y] : {std::pair{10, 20}, {100, 90}}) {
    const uint8_t* p = &bytes[(size_t(127 - y) * 128 + x) * 3];
    EXPECT_LE(distance({p[0], p[1], p[2]}, expected.at(x, y)), 2);
  }
  glDeleteBuffers(1, &buffer);
  glDisable(GL_SCISSOR_TEST);
}

TEST_F(Gl, TargetMayBePartOfAFramebuffer) {
  const gl::Owner owner;
  gl::Texture texture(owner, gl::Format::rgba8, 200, 150, gl::Filter::nearest);
  const gl::Framebuffer framebuffer(owner, {&texture});
  Compositor c;
  const FramePtr frame = pattern_frame(96, 64, 1);
  c.set_pane(0, {frame, nullptr, {}});
  compose::Target place;
  place.framebuffer = framebuffer.id();
  place.x = 50;
  place.y = 30;
  place.size = {96, 64};
  place.framebuffer_height = 150;
  c.draw(plain_scene(), place, {}, 1);
  std::vector<uint8_t> bytes(200 * 150 * 3);
  gl::read_pixels(framebuffer, 200, 150, 3, bytes.data());
  const Picture expected = reference(frame);
  for (const auto& [x, y] : {std::pair{0, 0}, {95, 63}, {20, 50}}) {
    const uint8_t* p = &bytes[(size_t(149 - 30 - y) * 200 + 50 + x) * 3];
    EXPECT_LE(distance({p[0], p[1], p[2]}, expected.at(x, y)), 2);
  }
}

TEST_F(Gl, ReleaseAndAbandonStartAgain) {
  Compositor c;
  const FramePtr frame = pattern_frame(128, 96, 4);
  c.set_pane(0, {frame, test::square_clip(128, 96, 2), {}});
  const Scene scene;
  const Picture first = draw(c, scene);
  c.release();
  EXPECT_EQ(worst(first, draw(c, scene)), 0);
  // The context goes away with everything in it.
  c.abandon();
  context_ = std::make_unique<gl::EglContext>();
  EXPECT_EQ(worst(first, draw(c, scene)), 0);
}

TEST_F(Gl, ContextsComeAndGo) {
  for (int i = 0; i < 8; ++i) {
    context_ = nullptr;
    context_ = std::make_unique<gl::EglContext>();
    Compositor c;
    c.set_pane(0, {pattern_frame(64, 64, 4), test::square_clip(64, 64, 2), {}});
    const Scene s = compose::comparison_scene(Layout::side_by_side);
    c.set_pane(1, {pattern_frame(64, 64, 4), test::square_clip(64, 64, 2), {}});
    compose::VideoOutput out(c, c.natural_size(s), frames::Matrix::bt709, frames::Range::limited);
    out.push(s, 0, 0);
    EXPECT_TRUE(out.finish());
  }
}

TEST_F(Gl, MeshesAreTintedCoveredAndClipped) {
  const gl::Owner owner;
  gl::Offscreen picture;
  picture.fit(owner, 8, 6);
  gl::Texture coverage(owner, gl::Format::r8, 2, 1, gl::Filter::nearest);
  const uint8_t levels[2] = {255, 128};
  coverage.upload(levels, 2, 2, 1);
  // A square of 3x2 units, two pixels each, its left half covered whole, its right half by half.
  const uint32_t red = 0xff0000ffU;
  gl::Mesh mesh;
  mesh.scale = 2;
  mesh.vertices = {{0, 0, 0, 0, red}, {3, 0, 1, 0, red}, {3, 2, 1, 0, red}, {0, 2, 0, 0, red}};
  mesh.indices = {0, 1, 2, 0, 2, 3};
  mesh.parts = {{0, 6, {1, 1, 20, 20}}};
  // State that somebody left.
  glColorMask(GL_FALSE, GL_FALSE, GL_FALSE, GL_FALSE);
  glEnable(GL_SCISSOR_TEST);
  glScissor(0, 0, 1, 1);
  glEnable(GL_DEPTH_TEST);
  picture.begin();
  picture.clear(0, 0, 1);
  gl::MeshDrawer drawer;
  drawer.draw(owner, mesh, coverage, 8, 6);
  const int row_bytes = 40;  // more than a row
  std::vector<uint8_t> bytes(size_t{6} * row_bytes, 7);
  picture.read(bytes.data(), row_bytes);
  const auto at = [&](int x, int y) {
    const uint8_t* p = &bytes[size_t(y) * row_bytes + size_t(x) * 4];
    EXPECT_EQ(p[3], 255);
    return Rgb{p[2], p[1], p[0]};
  };
  for (int y = 0; y < 6; ++y) {
    for (int x = 0; x < 8; ++x) {
      Rgb wanted{0, 0, 255};
      if (x >= 1 && y >= 1 && x < 6 && y < 4) wanted = x < 3 ? Rgb{255, 0, 0} : Rgb{128, 0, 127};
      EXPECT_LE(distance(at(x, y), wanted), 1) << x << "," << y;
    }
    if (y < 5) {
      EXPECT_EQ(bytes[size_t(y) * row_bytes + 32], 7) << "bytes between rows";
    }
  }
  EXPECT_FALSE(glIsEnabled(GL_BLEND));
  EXPECT_FALSE(glIsEnabled(GL_SCISSOR_TEST));
}

}  // namespace
}  // namespace looktwice
