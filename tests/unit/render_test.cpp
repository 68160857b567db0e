// Everything of render/ that needs no OpenGL.

#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

#include "base/error.h"
#include "compose/scene.h"
#include "overlay/legend.h"
#include "overlay/marks.h"
#include "overlay/palette.h"
#include "overlay/token_picture.h"
#include "render_scene.h"

namespace looktwice {
namespace {

using compose::Layout;
using compose::Point;
using compose::Rect;
using compose::Size;
using compose::View;

TEST(View, FitCentresAndOneToOneIsExact) {
  const auto fit = compose::map_frame({640, 360}, {0, 0, 1280, 800}, {});
  EXPECT_DOUBLE_EQ(fit.scale, 2);
  EXPECT_DOUBLE_EQ(fit.left, 0);
  EXPECT_DOUBLE_EQ(fit.top, 40);
  const auto one = compose::map_frame({641, 361}, {10, 0, 1280, 800}, compose::one_to_one({}));
  EXPECT_DOUBLE_EQ(one.scale, 1);
  EXPECT_DOUBLE_EQ(one.left, std::round(one.left));
  EXPECT_DOUBLE_EQ(one.top, std::round(one.top));
}

TEST(View, PixelUnderCursorAtEveryPixelBorder) {
  for (const double zoom : {0.5, 1.0, 1.37, 3.0, 8.0}) {
    const View view{zoom, 0.31, 0.77};
    const Size frame{53, 37};
    const auto m = compose::map_frame(frame, {5, 3, 400, 300}, view);
    for (int x = 0; x < 400; ++x) {
      const auto pixel = compose::pixel_at(m, frame, {x + 0.9, m.to_output({0, 10}).y + zoom / 2});
      const double expected = std::floor((x + 0.5 - m.left) / m.scale);
      if (expected < 0 || expected >= frame.width) {
        EXPECT_FALSE(pixel) << x;
      } else {
        ASSERT_TRUE(pixel) << x;
        EXPECT_EQ(pixel->x, expected);
      }
    }
  }
}

TEST(View, ZoomKeepsThePointUnderTheCursor) {
  const Size frame{1920, 1080};
  const Rect cell{640, 0, 640, 700};
  View view;
  const Point cursor{800, 200};
  const Point before = compose::map_frame(frame, cell, view).to_frame(cursor);
  for (int i = 0; i < 9; ++i) {
    view = compose::zoom_at(view, frame, cell, cursor, 1.5);
    const auto m = compose::map_frame(frame, cell, view);
    const Point now = m.to_frame(cursor);
    // Corners are on whole pixels: half an output pixel.
    EXPECT_NEAR(now.x, before.x, 0.51 / m.scale + 1e-9);
    EXPECT_NEAR(now.y, before.y, 0.51 / m.scale + 1e-9);
  }
  const View moved = compose::pan_by(view, frame, cell, 30, -20);
  const auto a = compose::map_frame(frame, cell, view), b = compose::map_frame(frame, cell, moved);
  EXPECT_NEAR(b.left - a.left, 30, 1);
  EXPECT_NEAR(b.top - a.top, -20, 1);
}

TEST(View, LogicalAndPhysicalAreInverse) {
  for (const double ratio : {1.0, 1.25, 1.5, 2.0}) {
    const Point p = compose::to_physical({101, 53}, ratio);
    EXPECT_DOUBLE_EQ(p.x, 101 * ratio);
    EXPECT_EQ(compose::to_logical(p, ratio), (Point{101, 53}));
  }
}

TEST(Arrangement, NaturalSizeShowsEveryFrameOneToOne) {
  for (const int width : {16, 224, 641, 849, 853, 854, 1279, 1280}) {
    for (const int height : {16, 225, 479, 720}) {
      for (const int panes : {1, 2, 3, 4, 5}) {
        for (const Layout layout : {Layout::side_by_side, Layout::stack, Layout::grid}) {
          compose::Scene scene;
          scene.layout = layout;
          scene.panes.assign(panes, {});
          const std::vector<Size> frames(panes, Size{width, height});
          const Size size = compose::natural_size(scene, frames, 30);
          EXPECT_EQ(size.width % 2, 0);
          EXPECT_EQ(size.height % 2, 0);
          const auto a = compose::arrange(scene, frames, size, {}, 30);
          ASSERT_EQ(a.cells.size(), size_t(panes));
          for (const auto& cell : a.cells) {
            ASSERT_EQ(cell.mapping.scale, 1) << width << "x" << height << " " << panes;
            EXPECT_EQ(std::fmod(cell.mapping.left, 8), 0) << width << " " << panes;
            EXPECT_EQ(std::fmod(cell.mapping.top, 2), 0);
            EXPECT_GE(cell.mapping.left, cell.rect.x);
            EXPECT_LE(cell.mapping.left + width, cell.rect.x + cell.rect.width);
            EXPECT_LE(cell.mapping.top + height, cell.rect.y + cell.rect.height);
            EXPECT_LE(cell.rect.y + cell.rect.height, a.legend.y);
          }
        }
      }
    }
  }
}

TEST(Arrangement, StackPutsPanesAboveEachOther) {
  const compose::Scene scene = compose::comparison_scene(Layout::stack);
  const std::vector<Size> frames(2, Size{640, 360});
  const Size size = compose::natural_size(scene, frames);
  EXPECT_EQ(size.width, 640);
  EXPECT_EQ(size.height, 720);
  const auto a = compose::arrange(scene, frames, size, {});
  ASSERT_EQ(a.cells.size(), 2U);
  EXPECT_EQ(a.cells[1].rect.x, 0);
  EXPECT_EQ(a.cells[1].rect.y, 360);
}

TEST(Arrangement, OnePaneAloneTakesThePlaceOfAll) {
  const std::vector<Size> frames(2, Size{640, 360});
  for (const Layout layout : {Layout::side_by_side, Layout::stack, Layout::grid, Layout::wipe,
                              Layout::single, Layout::difference}) {
    compose::Scene scene = compose::comparison_scene(layout);
    const size_t all = compose::arrange(scene, frames, {800, 600}, {}).cells.size();
    scene.only = 1;
    const auto a = compose::arrange(scene, frames, {800, 600}, {});
    if (layout == Layout::single || layout == Layout::difference) {
      EXPECT_EQ(a.cells.size(), all) << compose::layout_name(layout);
      continue;
    }
    ASSERT_EQ(a.cells.size(), 1U) << compose::layout_name(layout);
    EXPECT_EQ(a.cells[0].pane, 1);
    EXPECT_EQ(a.cells[0].rect.width, 800);
    EXPECT_EQ(compose::natural_size(scene, frames).width, 640);
    scene.only = 2;  // no such pane: all are shown
    EXPECT_EQ(compose::arrange(scene, frames, {800, 600}, {}).cells.size(), all);
  }
}

TEST(Arrangement, CellsTileAndAreEvenOnAScreen) {
  compose::Scene scene = compose::comparison_scene(Layout::side_by_side);
  const std::vector<Size> frames(2, Size{1280, 720});
  const auto a = compose::arrange(scene, frames, {901, 300}, {});
  EXPECT_EQ(a.cells[0].rect.x + a.cells[0].rect.width, a.cells[1].rect.x);
  EXPECT_LE(std::abs(a.cells[0].rect.width - a.cells[1].rect.width), 1);
  const auto hit = compose::hit(a, frames, a.cells[1].mapping.to_output({100.5, 50.5}));
  ASSERT_TRUE(hit);
  EXPECT_EQ(hit->pane, 1);
  EXPECT_NEAR(hit->pixel.x, 100, 2);
}

TEST(Arrangement, WipeSplitsThePictureNotTheMargins) {
  compose::Scene scene = compose::comparison_scene(Layout::wipe);
  scene.wipe = 0.25;
  const std::vector<Size> frames(2, Size{400, 400});
  const auto a = compose::arrange(scene, frames, {1000, 400}, {});
  ASSERT_EQ(a.cells.size(), 2U);
  EXPECT_EQ(a.cells[0].clip.width, 400);  // margin 300, a quarter of 400
  EXPECT_EQ(a.cells[1].clip.x, 400);
  EXPECT_EQ(a.cells[0].mapping, a.cells[1].mapping);
  EXPECT_EQ(compose::hit(a, frames, {399.5, 10})->pane, 0);
  EXPECT_EQ(compose::hit(a, frames, {400.5, 10})->pane, 1);
  EXPECT_FALSE(compose::hit(a, frames, {100, 10}));
}

TEST(Scene, JsonRoundTripAndErrorsNameTheKey) {
  compose::Scene scene = compose::comparison_scene(Layout::wipe);
  scene.wipe = 0.3;
  scene.gain = 8;
  scene.luma_only = true;
  scene.panes[1].title = "τ → × ≤";
  scene.style.rlt.pruned = overlay::PrunedStyle::run_length;
  scene.style.rlt.palette = overlay::Palette::inferno;
  scene.style.difference.visible = true;
  scene.style.grid.opacity = 0.5;
  scene.style.crop.dim = 0.1;
  scene.legend = compose::LegendPlace::below;
  scene.titles = false;
  scene.text_scale = 2;
  const Json json = compose::to_json(scene);
  EXPECT_EQ(compose::scene_from_json(json, "scene"), scene);
  EXPECT_EQ(compose::scene_from_json(Json::object(), "scene"), compose::Scene{});
  const auto message = [&](const char* text) {
    try {
      compose::scene_from_json(parse_json(text, "x"), "scene.json");
    } catch (const Error& e) {
      EXPECT_EQ(e.exit_code(), 2);
      return std::string(e.what());
    }
    return std::string("no error");
  };
  EXPECT_NE(message(R"({"layot": "wipe"})").find("layout"), std::string::npos);
  EXPECT_NE(message(R"({"layout": "sideways"})").find("side-by-side"), std::string::npos);
  EXPECT_NE(message(R"({"style": {"rlt": {"opacity": 2}}})").find("opacity"), std::string::npos);
  EXPECT_NE(message(R"({"panes": []})").find("panes"), std::string::npos);
  EXPECT_NE(message("[]").find("object"), std::string::npos);
  EXPECT_THROW(compose::layout_from_name("x", "--layout"), Error);
}

TEST(Tokens, MomentIsTheLastSampleAtOrBefore) {
  auto clip = test::square_clip(64, 64, 2, 4);
  EXPECT_FALSE(overlay::moment_at(*clip, -1));
  EXPECT_EQ(overlay::moment_at(*clip, 0), (overlay::Moment{0, 0, 0}));
  EXPECT_EQ(overlay::moment_at(*clip, 3), (overlay::Moment{0, 0, 0}));
  EXPECT_EQ(overlay::moment_at(*clip, 4), (overlay::Moment{1, 0, 1}));
  EXPECT_EQ(overlay::moment_at(*clip, 8), (overlay::Moment{2, 1, 0}));
  EXPECT_EQ(overlay::moment_at(*clip, 31), (overlay::Moment{7, 3, 1}));
  trace::TokenTrace trace;
  trace.clips = {*clip, *clip};
  for (auto& i : trace.clips[1].frame_indices)
    i += 32;
  EXPECT_EQ(overlay::clip_at(trace, 31), &trace.clips[0]);
  EXPECT_EQ(overlay::clip_at(trace, 32), &trace.clips[1]);
  EXPECT_EQ(overlay::clip_at(trace, 63), &trace.clips[1]);
  EXPECT_EQ(overlay::clip_at(trace, 64), nullptr);
  trace.clips[1].frame_indices.clear();
  EXPECT_EQ(overlay::clip_at(trace, 40), nullptr);
}

TEST(Tokens, TokenUnderAPointKnowsItsRun) {
  const auto clip = test::square_clip(128, 64, 2, 1);
  const auto pruned = overlay::token_at(*clip, {6, 3, 0}, 32 + 16.5, 40);
  ASSERT_TRUE(pruned);
  EXPECT_EQ(pruned->column, 1);
  EXPECT_EQ(pruned->row, 2);
  EXPECT_FALSE(pruned->kept);
  EXPECT_EQ(pruned->head, 0);
  EXPECT_EQ(pruned->run_length, 4);
  const auto kept = overlay::token_at(*clip, {6, 3, 0}, 32 + 63.9, 0);
  ASSERT_TRUE(kept);
  EXPECT_TRUE(kept->kept);
  EXPECT_EQ(kept->head, 3);
  EXPECT_FALSE(overlay::token_at(*clip, {6, 3, 0}, 31.9, 40));
  EXPECT_FALSE(overlay::token_at(*clip, {6, 3, 0}, 96, 40));
  EXPECT_EQ(overlay::head_frames(*clip, 7), (std::vector<int64_t>{1}));
  EXPECT_TRUE(overlay::head_frames(*clip, 1).empty());
  EXPECT_DOUBLE_EQ(overlay::kept_ratio(*clip), (16 + 3 * 8) / 64.0);
}

TEST(Tokens, BrokenTracesShowNothing) {
  trace::ClipTrace clip;
  EXPECT_FALSE(overlay::moment_at(clip, 0));
  auto half = test::square_clip(64, 64, 2);
  half->keep.resize(3);
  EXPECT_FALSE(overlay::token_at(*half, {0, 0, 0}, 1, 1));
  EXPECT_TRUE(overlay::head_frames(*half, 3).empty());
  half->crop_width = 0;
  EXPECT_FALSE(overlay::token_at(*half, {0, 0, 0}, 1, 1));
}

TEST(Tokens, BoundariesLieWhereKeptMeetsPruned) {
  const auto clip = test::square_clip(64, 64, 2);
  const auto texels = overlay::token_texels(*clip, {2, 1, 0}, {}, {5, -1, -1, -1});
  const auto at = [&](int row, int column) { return texels[size_t(row) * 4 + column]; };
  EXPECT_EQ(at(1, 2).flags, overlay::kKept | overlay::kEdgeLeft);
  EXPECT_EQ(at(1, 1).flags, overlay::kEdgeRight);
  EXPECT_EQ(at(1, 0).flags, 0);
  EXPECT_EQ(at(0, 3).flags, overlay::kKept | overlay::kEdgeRight | overlay::kEdgeTop);
  EXPECT_EQ(at(1, 1).head, 6);
  EXPECT_EQ(at(1, 2).head, 0);
}

TEST(Palettes, LightnessGrowsForEveryVision) {
  for (const auto palette :
       {overlay::Palette::viridis, overlay::Palette::cividis, overlay::Palette::inferno}) {
    for (const auto vision : {overlay::Vision::normal, overlay::Vision::protanopia,
                              overlay::Vision::deuteranopia, overlay::Vision::tritanopia}) {
      double last = -1;
      for (int i = 0; i <= 16; ++i) {
        const double l =
            overlay::luminance(overlay::seen_by(vision, overlay::at(palette, i / 16.0)));
        EXPECT_GT(l, last) << int(palette) << " " << int(vision) << " " << i;
        last = l;
      }
      EXPECT_GT(overlay::contrast(overlay::seen_by(vision, overlay::at(palette, 0)),
                                  overlay::seen_by(vision, overlay::at(palette, 1))),
                7);
    }
  }
}

TEST(Palettes, MarksStandOutForEveryVision) {
  using namespace overlay;
  for (const auto vision :
       {Vision::normal, Vision::protanopia, Vision::deuteranopia, Vision::tritanopia}) {
    const Color kept = seen_by(vision, colors::kept), casing = seen_by(vision, colors::casing);
    // The outline is a bright line between dark ones: against black pictures the line shows,
    // against white ones its casing does, and between themselves both do.
    EXPECT_GT(contrast(kept, seen_by(vision, colors::black)), 4.5);
    EXPECT_GT(contrast(casing, seen_by(vision, colors::white)), 4.5);
    EXPECT_GT(contrast(kept, casing), 4.5);
    // It is not taken for a colour of the run-length tint or for the white lines.
    EXPECT_GT(difference(kept, seen_by(vision, colors::white)), 25);
    for (int i = 0; i <= 8; ++i) {
      EXPECT_GT(difference(kept, seen_by(vision, at(Palette::viridis, i / 8.0))), 8);
    }
    EXPECT_GT(contrast(seen_by(vision, colors::text), seen_by(vision, colors::plate)), 7);
  }
  // Text on its plate, over a white picture.
  const float a = 0.78F;
  const Color over_white{colors::plate.r * a + 1 - a, colors::plate.g * a + 1 - a,
                         colors::plate.b * a + 1 - a, 1};
  EXPECT_GT(contrast(colors::text, over_white), 4.5);
}

TEST(Legend, ExplainsWhatIsShownAndNothingElse) {
  const auto clip = test::square_clip(128, 64, 2);
  overlay::Style style;
  const auto has = [&](const std::vector<overlay::LegendEntry>& entries, overlay::Swatch swatch) {
    return std::any_of(entries.begin(), entries.end(),
                       [&](const auto& e) { return e.swatch == swatch; });
  };
  auto entries = overlay::legend_entries(style, clip.get(), nullptr, 128, 64);
  EXPECT_EQ(entries.size(), 3U);
  EXPECT_TRUE(has(entries, overlay::Swatch::kept));
  EXPECT_TRUE(has(entries, overlay::Swatch::pruned_hatch));
  EXPECT_TRUE(has(entries, overlay::Swatch::crop));
  const auto square = test::square_clip(64, 64, 2);
  EXPECT_FALSE(
      has(overlay::legend_entries(style, square.get(), nullptr, 64, 64), overlay::Swatch::crop));
  style.rlt.pruned = overlay::PrunedStyle::run_length;
  style.difference.visible = style.grid.visible = true;
  entries = overlay::legend_entries(style, clip.get(), nullptr, 128, 64);
  EXPECT_EQ(entries.size(), 5U);
  EXPECT_TRUE(overlay::legend_entries(style, nullptr, nullptr, 128, 64).empty());

  overlay::Font font;
  if (!font.usable()) GTEST_SKIP() << "no font on this machine";
  const auto rows = overlay::lay_out_legend(entries, 2000, false, 18, font);
  const auto flow = overlay::lay_out_legend(entries, 2000, true, 18, font);
  EXPECT_GT(rows.height, flow.height);
  for (const auto& box : flow.entries)
    EXPECT_LE(box.x + box.width, flow.width);
  EXPECT_LE(overlay::lay_out_legend(entries, 500, true, 18, font).width, 520);
}

TEST(Font, MeasuresGreekAndCutsAtCharacters) {
  overlay::Font font;
  if (!font.usable()) GTEST_SKIP() << "no font on this machine";
  EXPECT_EQ(overlay::code_points("τΔ→×≤").size(), 5U);
  EXPECT_EQ(overlay::code_points("a\xff\xc3"), (std::vector<char32_t>{'a', 0xfffd, 0xfffd}));
  for (const char32_t c : overlay::code_points("τΔ→×≤·−")) {
    const auto glyph = font.glyph(c, 20);
    EXPECT_GT(glyph.advance, 0);
    EXPECT_TRUE(std::any_of(glyph.coverage.begin(), glyph.coverage.end(),
                            [](uint8_t v) { return v > 128; }));
  }
  const std::string text = "ττττττττττ";
  const std::string cut = font.fitted(text, 20, font.width(text, 20) / 2);
  EXPECT_LT(cut.size(), text.size());
  for (const char32_t c : overlay::code_points(cut))
    EXPECT_NE(c, char32_t{0xfffd});
  EXPECT_EQ(font.fitted("a", 20, 100), "a");
}

}  // namespace
}  // namespace looktwice
