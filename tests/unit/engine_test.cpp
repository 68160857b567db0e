// Settings as a value: its JSON form, its command line, what it refuses; RLT of one clip.

#include <cmath>

#include <gtest/gtest.h>

#include "base/error.h"
#include "engine/classify.h"
#include "engine/clips_ahead.h"
#include "engine/inspect.h"
#include "engine/open.h"
#include "engine/settings.h"

namespace looktwice::engine {
namespace {

Settings unusual() {
  Settings s;
  s.clip.frames = 8;
  s.clip.clips = 0;
  s.clip.size = 112;
  s.clip.views_space = 3;
  s.tokens.rlt = 0.1f;
  s.tokens.tome = "16,-1";
  s.tokens.pool = "size-weighted";
  s.tokens.ln_eps = 1e-5;
  s.run.backend = "reference";
  s.run.seed = 7;
  s.model = "models/a b";
  return s;
}

TEST(Settings, JsonRoundTrip) {
  const Settings s = unusual();
  const Json json = to_json(s);
  EXPECT_EQ(settings_from_json(parse_json(to_text(json), "x"), "x"), s);
  EXPECT_NE(to_text(json).find("\"rlt\": 0.1,"), std::string::npos) << to_text(json);
  EXPECT_EQ(settings_from_json(Json::object(), "x"), Settings{});
}

TEST(Settings, HashesTellSettingsApart) {
  Settings a = unusual(), b = unusual();
  EXPECT_EQ(hash(a), hash(b));
  b.tokens.rlt = 0.2f;
  EXPECT_NE(hash(a), hash(b));
}

TEST(Settings, UnknownKeysAreNamedWithTheNearestOne) {
  try {
    settings_from_json(parse_json(R"({"tokens": {"prop_atn": "on"}})", "f"), "f.json");
    FAIL();
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find("prop_attn"), std::string::npos) << e.what();
  }
}

TEST(Settings, WrongValuesAreRefused) {
  for (const char* bad :
       {R"({"tokens": {"rlt": -1}})", R"({"tokens": {"rlt": "0.1"}})", R"({"tokens": 3})",
        R"({"tokens": {"pool": "max"}})", R"({"run": {"backend": "tpu"}})",
        R"({"run": {"threads": -1}})", R"({"clip": {"frames": 0}})", R"({"model": 1})",
        R"({"tokens": {"drop": "random:0"}})", R"({"tokens": {"drop": "random:x"}})",
        R"({"tokens": {"drop": "random:0.5", "rlt": 0.1}})", R"({"tokens": {"ln_eps": 0}})"})
    EXPECT_THROW(settings_from_json(parse_json(bad, "x"), "x"), Error) << bad;
}

TEST(Settings, CommandOptionsNameWhatDiffers) {
  EXPECT_EQ(command_options(Settings{}), "");
  const std::string text = command_options(unusual());
  for (const char* part : {"--frames 8", "--clips all", "--size 112", "--views 1x3", "--rlt 0.1",
                           "--tome 16,-1", "--ln-eps 1e-05", "--model 'models/a b'", "--seed 7"})
    EXPECT_NE(text.find(part), std::string::npos) << part << " in " << text;
}

TEST(Settings, PresetsAreThePapers) {
  Settings s;
  apply_preset(s, "paper:rlt");
  EXPECT_FLOAT_EQ(*s.tokens.rlt, 0.1f);
  EXPECT_EQ(s.tokens.pool, "unweighted");
  EXPECT_DOUBLE_EQ(*s.tokens.ln_eps, 1e-5);
  apply_preset(s, "paper:rlt-tome-baseline");
  EXPECT_EQ(s.tokens.tome, "65");
  EXPECT_FALSE(s.tokens.rlt.has_value());
  for (const std::string& name : preset_names()) {
    Settings t;
    apply_preset(t, name);
    EXPECT_NO_THROW(t.check());
  }
  EXPECT_THROW(apply_preset(s, "paper:none"), Error);
}

TEST(Reduction, WordsBecomeOptions) {
  TokenSettings t;
  t.tome = "8";
  t.tome_match = "kth:3";
  t.tome_distance = "l2";
  t.tome_feature = "v";
  t.prop_attn = "off";
  const auto r = reduction_of(t, 4, 11);
  EXPECT_EQ(r.merge, (std::vector<int>{8, 8, 8, 8}));
  EXPECT_EQ(r.match.method, tokens::MatchMethod::kth);
  EXPECT_EQ(r.match.k, 3);
  EXPECT_EQ(r.match.distance, tokens::Distance::l2);
  EXPECT_EQ(r.feature, models::Feature::v);
  EXPECT_EQ(r.proportional_attention, models::Choice::off);
  EXPECT_TRUE(reduction_of(TokenSettings{}, 4, 0).merge.empty());
  t.tome = "[1,2,3,4,5]";
  EXPECT_THROW(reduction_of(t, 4, 0), Error);
}

frames::Clip moving_square() {
  frames::Clip clip;
  clip.T = 4;
  clip.H = clip.W = 32;
  clip.rgb.assign(size_t{4} * 32 * 32 * 3, 100);
  for (int t = 2; t < 4; ++t)  // the lower right patch changes between the two tubelets
    for (int y = 16; y < 32; ++y)
      for (int x = 16; x < 32; ++x)
        for (int c = 0; c < 3; ++c)
          clip.rgb[((size_t(t) * 32 + y) * 32 + x) * 3 + c] = 200;
  clip.indices = {0, 4, 8, 12};
  clip.times = {0, 0.1, 0.2, 0.3};
  return clip;
}

TEST(Inspect, OneMovingPatch) {
  frames::ClipOptions options;
  options.frames = 4;
  auto trace = measure_clip(moving_square(), options);
  decide(trace, 0.1f);
  EXPECT_EQ(trace.keep, (std::vector<uint8_t>{1, 1, 1, 1, 0, 0, 0, 1}));
  EXPECT_EQ(trace.run_length, (std::vector<int32_t>{2, 2, 2, 1, 0, 0, 0, 1}));
  const double expected = 100.0 / 255 * (1 / 0.229 + 1 / 0.224 + 1 / 0.225) / 3;
  EXPECT_NEAR(trace.difference[7], expected, 1e-5);
  EXPECT_TRUE(std::isinf(trace.difference[0]));
  decide(trace, 2.0f);
  EXPECT_EQ(trace.kept(), 4u);
}

TEST(ClipsAhead, GivesWhatReadingOnOneThreadGives) {
  frames::ClipOptions options;
  options.clips = 0;
  options.frames = 4;
  options.stride = 8;
  std::vector<frames::Clip> want, got;
  const auto report = frames::read_clips(*open_source("synth:static"), options,
                                         [&](frames::Clip&& c) { want.push_back(std::move(c)); });
  double last = 0;
  const auto ahead = read_clips_ahead(
      *open_source("synth:static"), options, [&](frames::Clip&& c) { got.push_back(std::move(c)); },
      [&](double done) { last = done; });
  EXPECT_EQ(ahead.clips, report.clips);
  ASSERT_EQ(got.size(), want.size());
  ASSERT_GT(want.size(), 3u);
  for (size_t i = 0; i < want.size(); ++i) {
    EXPECT_EQ(got[i].clip, want[i].clip);
    EXPECT_EQ(got[i].indices, want[i].indices);
    EXPECT_EQ(got[i].rgb, want[i].rgb);
  }
  EXPECT_GT(last, 0);
}

TEST(ClipsAhead, EndsOnBothSidesErrors) {
  frames::ClipOptions options;
  options.clips = 0;
  options.frames = 4;
  int seen = 0;
  const auto run = [&](const std::function<void()>& each, const std::stop_source& stop) {
    seen = 0;
    read_clips_ahead(
        *open_source("synth:static"), options,
        [&](frames::Clip&&) {
          ++seen;
          each();
        },
        {}, stop.get_token());
  };
  std::stop_source never, stop;
  EXPECT_THROW(run([] { throw std::runtime_error("worker"); }, never), std::runtime_error);
  EXPECT_EQ(seen, 1);
  EXPECT_THROW(run([&] { stop.request_stop(); }, stop), Cancelled);
  EXPECT_LE(seen, 3);       // at most what was ready
  options.frames = 100000;  // the decoder's own
  EXPECT_THROW(run([] {}, never), Error);
}

}  // namespace
}  // namespace looktwice::engine
