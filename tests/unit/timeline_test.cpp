// The timeline's arithmetic and words, without OpenGL.

#include <algorithm>
#include <cmath>
#include <set>

#include <gtest/gtest.h>

#include "diffusion/predict.h"
#include "timeline/draw.h"
#include "timeline/matrix.h"

namespace looktwice::timeline {
namespace {

using overlay::Font;

/// A run of AdaCache's fast codebook as its policy decides on these distances.
TracePtr run_of(const std::string& policy, int steps, double distance, int depth = 2) {
  trace::StepDistances d;
  d.steps = steps;
  trace::StepDistances::Tap tap;
  tap.pair = 0;
  tap.residual = "attention";
  for (int i = 0; i < steps; ++i)
    for (int j = 0; j < steps; ++j)
      tap.l1.push_back(static_cast<float>(distance * std::abs(i - j) * (j < steps / 2 ? 3 : 1)));
  tap.l2 = tap.cosine = tap.l1;
  tap.motion.assign(static_cast<size_t>(steps), 0.4F);
  d.taps = {tap};
  diffusion::RunShape shape;
  shape.steps = steps;
  shape.depth = depth;
  shape.frames = 4;
  for (int i = 0; i < steps; ++i)
    shape.timesteps.push_back(1000.0 * (steps - i) / steps);
  auto out = diffusion::predict(diffusion::parse_policy(policy), shape, d);
  for (trace::CacheStep& s : out.run) {
    s.ms = s.computed ? 41 : 2;
    s.module_ms.assign(s.modules.size(), s.computed ? 1.5F : 0.1F);
  }
  if (policy == "none") out.distances = d;
  return std::make_shared<const trace::CacheTrace>(std::move(out));
}

Content content_of(int steps = 30) {
  Content c;
  c.rows.push_back({run_of("none", steps, 0.05), nullptr, "", "", Detail::run});
  c.rows.push_back({run_of("adacache:fast", steps, 0.05), run_of("adacache:slow", steps, 0.05), "",
                    "", Detail::run});
  c.curve = 1;
  return c;
}

bool apart(const Box& a, const Box& b) {
  return a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y ||
         b.y + b.height <= a.y;
}

TEST(Timeline, EveryCellIsHitWhereItIsDrawn) {
  Font font;
  for (const int steps : {4, 30, 100})
    for (const float width : {420.F, 900.F, 1900.F})
      for (const Detail detail : {Detail::run, Detail::blocks, Detail::modules}) {
        Content c = content_of(steps);
        c.rows[1].detail = detail;
        const Layout l = lay_out(c, 7, 11, width, 13, font);
        ASSERT_EQ(l.steps, steps);
        for (size_t i = 0; i < l.lines.size(); ++i)
          for (int step = 1; step <= steps; ++step) {
            const Box b = l.cell(l.lines[i], step);
            EXPECT_GE(b.width, 1);
            const Hit h = hit(l, b.x + b.width / 2, b.y + b.height / 2);
            ASSERT_EQ(h.kind, Hit::Kind::cell);
            ASSERT_EQ(h.line, static_cast<int>(i));
            ASSERT_EQ(h.step, step) << width;
          }
        EXPECT_EQ(l.lines.size(), detail == Detail::run ? 2u : detail == Detail::blocks ? 6u : 14u);
      }
}

TEST(Timeline, NothingLiesOnAnythingElseAtAnyScale) {
  Font font;
  for (const int text : {9, 13, 20, 26, 40})
    for (const auto& [width, share] :
         {std::pair{500.F, 0.F}, {1280.F, 0.F}, {3000.F, 0.F}, {500.F, 0.9F}, {1280.F, 0.9F}}) {
      Content c = content_of();
      c.motion.assign(30, 0.4F);
      // A panel that is lower than it should be: plots shrink, the legend stays in it.
      const float least = share * natural_height(c, width, text, font);
      const Layout l = lay_out(c, 0, 0, width, text, font, least);
      if (share > 0) {
        EXPECT_LE(l.height(), std::ceil(least)) << text << " " << width;
      }
      std::vector<Box> boxes;
      for (const Line& line : l.lines)
        boxes.push_back(line.cells);
      ASSERT_TRUE(l.curve && l.motion);
      boxes.push_back(l.curve->box);
      boxes.push_back(l.motion->box);
      for (const LegendItem& item : l.legend)
        boxes.push_back(item.box);
      for (size_t i = 0; i < boxes.size(); ++i) {
        EXPECT_GE(boxes[i].x, 0);
        EXPECT_LE(boxes[i].y + boxes[i].height, l.height());
        for (size_t k = i + 1; k < boxes.size(); ++k)
          EXPECT_TRUE(apart(boxes[i], boxes[k])) << text << " " << width << " " << i << " " << k;
      }
      // Numbers of the axis and labels of thresholds keep their distance.
      for (size_t i = 1; i < l.ticks.size(); ++i)
        EXPECT_GE(l.step_x(l.ticks[i]) - l.step_x(l.ticks[i - 1]),
                  font.width(std::to_string(l.ticks[i]), text) * 0.9F)
            << text << " " << width;
      for (size_t i = 1; i < l.threshold_labels.size(); ++i)
        EXPECT_GE(l.threshold_labels[i - 1] - l.threshold_labels[i], 1.0F * float(text));
      for (const Line& line : l.lines)
        EXPECT_LE(font.width(line.label, line.text_size), l.plot_x);
    }
}

TEST(Timeline, AThresholdIsDraggedBetweenItsNeighbours) {
  Font font;
  const Content c = content_of();
  const Layout l = lay_out(c, 0, 0, 1000, 13, font);
  ASSERT_EQ(l.thresholds.size(), 5u);
  const double y = l.curve->y(0.16);
  const Hit h = hit(l, l.plot_x + 40, static_cast<float>(y));
  EXPECT_EQ(h.kind, Hit::Kind::threshold);
  EXPECT_EQ(h.threshold, 1);
  EXPECT_NEAR(dragged(l, 1, y), 0.16, 2e-3);
  EXPECT_NEAR(l.curve->value_at(l.curve->y(0.21)), 0.21, 1e-9);
  EXPECT_GT(dragged(l, 1, 1e6), 0.08);
  EXPECT_LT(dragged(l, 1, -1e6), 0.24);
}

TEST(Timeline, SaysWhyInWords) {
  const Content c = content_of();
  const trace::CacheTrace& run = *c.rows[1].run;
  for (int step = 1; step <= 30; ++step) {
    const std::string text = words(c, 1, step);
    const trace::CacheStep& s = run.run[static_cast<size_t>(step) - 1];
    EXPECT_NE(text.find("Step " + std::to_string(step) + " of 30"), std::string::npos);
    EXPECT_NE(text.find(s.reason), std::string::npos) << text;
    EXPECT_NE(text.find("predicted from the sketches"), std::string::npos);
    EXPECT_EQ(text.find("prediction was wrong") != std::string::npos,
              s.computed != c.rows[1].predicted->run[static_cast<size_t>(step) - 1].computed);
    if (!s.computed) {
      EXPECT_NE(text.find(", next compute at step "), std::string::npos);
      EXPECT_NE(text.find("(computed steps take 41 ms)"), std::string::npos) << text;
    }
  }
  EXPECT_NE(words(c, 1, 2, 3).find("temporal 1"), std::string::npos);
  EXPECT_NE(words(c, 1, 2, 3).find("cross-attention: computed, 1.5 ms"), std::string::npos);
  EXPECT_EQ(words(c, 1, 31), "");
  EXPECT_EQ(words(c, 9, 1), "");
}

TEST(Timeline, SummarisesAgainstTheUncachedRow) {
  const Content c = content_of();
  EXPECT_EQ(reference_row(c), 0);
  EXPECT_EQ(summary(c, 0), "30 of 30 · 1.23 s");
  const auto computed = c.rows[1].run->computed_steps().size();
  const double ms = 41.0 * double(computed) + 2.0 * (30 - double(computed));
  char expected[64];
  std::snprintf(expected, sizeof expected, "%zu of 30 · %s · %.2f×", computed,
                time_text(ms).c_str(), 30 * 41 / ms);
  EXPECT_EQ(summary(c, 1), expected);
  Content running = c;
  auto part = std::make_shared<trace::CacheTrace>(*c.rows[1].run);
  part->run.resize(7);
  running.rows[1].run = part;
  EXPECT_EQ(summary(running, 1), "step 7 of 30");
  EXPECT_EQ(policy_label("adacache:[[0.1,2],[null,1]]"), "adacache: own codebook");
}

TEST(Timeline, ThresholdsComeFromThePolicy) {
  const auto fast = thresholds_of(*run_of("adacache:fast", 30, 0.05));
  ASSERT_EQ(fast.size(), 5u);
  EXPECT_EQ(fast[0], (Threshold{0.08, 6}));
  EXPECT_TRUE(thresholds_of(*run_of("interval:3", 30, 0.05)).empty());
  trace::CacheTrace tea;
  tea.policy_settings = Json{{"policy", "teacache"}, {"threshold", 0.2}};
  EXPECT_EQ(thresholds_of(tea), (std::vector<Threshold>{{0.2, 0}}));
}

TEST(Timeline, CanBeReadOnBothGrounds) {
  using overlay::contrast;
  for (const Style* s : {&dark_style(), &light_style()}) {
    for (const auto& ground : {s->background, s->field}) {
      EXPECT_GE(contrast(s->text, ground), 7);
      EXPECT_GE(contrast(s->dim, ground), 4.5);
      EXPECT_GE(contrast(s->threshold, ground), 4.5);
      EXPECT_GE(contrast(s->curve, ground), 7);
      EXPECT_GE(contrast(s->predicted, ground), 3);
      EXPECT_GE(contrast(s->motion, ground), 3);
    }
    EXPECT_GE(contrast(s->on_computed, s->computed), 4.5);
    EXPECT_GE(contrast(s->text, s->reused), 7);
    // Roles stay apart for every common colour vision.
    for (const auto vision : {overlay::Vision::normal, overlay::Vision::protanopia,
                              overlay::Vision::deuteranopia, overlay::Vision::tritanopia}) {
      const auto far = [&](const overlay::Color& a, const overlay::Color& b) {
        return overlay::difference(overlay::seen_by(vision, a), overlay::seen_by(vision, b));
      };
      EXPECT_GT(far(s->computed, s->reused), 30);
      EXPECT_GT(far(s->computed, s->predicted), 25);
      EXPECT_GT(far(s->reused, s->predicted), 25);
      EXPECT_GT(far(s->threshold, s->curve), 15);
    }
  }
}

TEST(StepDistances, AreHitAndNamed) {
  Font font;
  Matrix m;
  const TracePtr uncached = run_of("none", 30, 0.05);
  m.distances = std::make_shared<const trace::StepDistances>(*uncached->distances);
  EXPECT_NEAR(distance_at(m, 4, 9), 0.75, 1e-6);
  EXPECT_TRUE(std::isnan(distance_at(m, 0, 9)));
  EXPECT_TRUE(std::isnan(distance_at(m, 4, 31)));
  const MatrixLayout l = lay_out(m, 5, 5, 600, 500, 13, font);
  const MatrixHit h = hit(l, l.plot.x + 8.5F * l.each, l.plot.y + 3.5F * l.each);
  EXPECT_EQ(h.older, 4);
  EXPECT_EQ(h.newer, 9);
  EXPECT_NE(words(m, h).find("Step 9 after step 4: distance 0.75 (L1)"), std::string::npos);
  EXPECT_EQ(hit(l, l.plot.x + 1, l.plot.y + 9 * l.each).older, 0);
  EXPECT_EQ(hit(l, 0, 0).older, 0);
}

}  // namespace
}  // namespace looktwice::timeline
