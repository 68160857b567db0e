#include <cmath>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <unistd.h>

#include "base/error.h"
#include "base/json.h"
#include "diffusion/caching/settings.h"
#include "diffusion/schedule.h"

namespace looktwice::diffusion {
namespace {
namespace fs = std::filesystem;

const fs::path kGolden = fs::path(LT_TEST_DATA) / "golden" / "diffusion";

std::string message_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const Error& e) {
    EXPECT_EQ(e.exit_code(), 2);
    EXPECT_EQ(std::string(e.what()).find('\n'), std::string::npos);
    return e.what();
  }
  return "no error";
}
#define EXPECT_MESSAGE(statement, part)                                           \
  do {                                                                            \
    const std::string message = message_of([&] { statement; });                   \
    EXPECT_NE(message.find(part), std::string::npos) << message << " / " << part; \
  } while (false)

RunShape shape_of(int steps, int depth = 4) {
  RunShape s;
  s.steps = steps;
  s.depth = depth;
  s.frames = 5;
  s.metric_block = depth / 2 - 1;
  s.timesteps = timesteps(steps, 1);
  return s;
}

/// Runs a policy on distances of its own; returns computed steps.
std::vector<int> computed(const PolicySettings& settings, const RunShape& shape,
                          double distance = 0.1) {
  const PolicyPtr policy = make_policy(settings);
  trace::CacheTrace trace;
  const PolicyNeeds needs = policy->begin(shape, trace);
  std::vector<int> out;
  bool before = false;
  for (int step = 1; step <= shape.steps; ++step) {
    trace::CacheStep record;
    const auto plan = policy->plan(
        step, [&] { return distance; }, record);
    EXPECT_FALSE(record.reason.empty());
    if (!plan.add_residual.empty()) continue;
    out.push_back(step);
    std::vector<TapMeasure> measures;
    if (before)
      for (const auto& tap : needs.taps)
        measures.push_back({tap, distance, std::vector<double>(needs.motion_strides.size(), 0.3)});
    before = true;
    policy->measured(step, measures, record);
  }
  return out;
}

/// Replays a recorded AdaCache run on the distances and motions that were measured in it.
void replay(const fs::path& file) {
  SCOPED_TRACE(file.filename().string());
  const Json golden = read_json(file);
  if (!golden.at("do_cache").get<bool>()) return;
  AdaCache ada;
  for (const Json& e : golden.at("codebook"))
    ada.codebook.push_back({e[0], e[1]});
  ada.codebook.back().threshold = std::numeric_limits<double>::infinity();
  for (const Json& b : golden.at("cache_loc"))
    ada.metric_blocks.push_back(b);
  const std::string residual = golden.at("cache_res");
  ada.residual = residual == "t-attn"   ? AdaResidual::temporal
                 : residual == "s-attn" ? AdaResidual::spatial
                                        : AdaResidual::cross_mlp;
  if (golden.at("apply_moreg").get<bool>()) ada.moreg = MoReg{};
  const int steps = golden.at("N");
  std::map<int, std::vector<Json>> decisions;
  for (const Json& d : golden.at("decisions"))
    decisions[d.at("step").get<int>()].push_back(d);

  const PolicyPtr policy = make_policy(ada);
  trace::CacheTrace trace;
  const PolicyNeeds needs = policy->begin(shape_of(steps), trace);
  std::vector<int> done;
  for (int step = 1; step <= steps; ++step) {
    trace::CacheStep record;
    const auto plan = policy->plan(
        step, [] { return 0.0; }, record);
    if (!plan.add_residual.empty()) {
      EXPECT_EQ(record.reason.rfind("reused: ", 0), 0u) << record.reason;
      EXPECT_TRUE(decisions[step].empty());
      continue;
    }
    done.push_back(step);
    std::vector<TapMeasure> measures;
    const auto& expected = decisions[step];
    if (step > 1) {
      ASSERT_EQ(expected.size(), needs.taps.size());
      for (size_t i = 0; i < expected.size(); ++i) {
        EXPECT_EQ(needs.taps[i].pair, expected[i].at("block").get<int>());
        EXPECT_EQ(needs.taps[i].temporal, expected[i].at("temporal").get<bool>());
        const double ratio = expected[i].at("moreg_raw_f64").is_null()
                                 ? 0
                                 : expected[i]["moreg_raw_f64"].get<double>();
        measures.push_back(
            {needs.taps[i],
             expected[i].at("c_single").get<double>() * expected[i].at("rate_in").get<int>(),
             {ratio}});
      }
    }
    policy->measured(step, measures, record);
    ASSERT_EQ(record.decisions.size(), measures.size());
    for (size_t i = 0; i < measures.size(); ++i) {
      const auto& d = record.decisions[i];
      EXPECT_EQ(d.rate_in, expected[i].at("rate_in").get<int>()) << step;
      EXPECT_EQ(d.rate_out, expected[i].at("rate_out").get<int>()) << step;
      EXPECT_NEAR(d.distance, expected[i].at("c").get<double>(), 1e-6);
      const double metric = expected[i].at("metric").get<double>();
      EXPECT_NEAR(d.metric, metric, 5e-3 * metric) << step;
      if (!ada.moreg) continue;
      const double m = expected[i].at("m").get<double>();
      EXPECT_NEAR(d.motion, m, 2e-3 * m) << step;
    }
  }
  EXPECT_EQ(done, golden.at("computed_steps").get<std::vector<int>>());
}

TEST(AdaCache, RepeatsRecordedDecisions) {
  int count = 0;
  for (const char* folder : {"sampler", "sampler_extra"})
    for (const auto& entry : fs::directory_iterator(kGolden / folder))
      if (entry.path().extension() == ".json") {
        replay(entry.path());
        ++count;
      }
  EXPECT_EQ(count, 18);
}

TEST(AdaCache, AlwaysComputesTheFirstTwoAndTheLastTwo) {
  for (const int steps : {4, 5, 7, 30, 100})
    for (const double distance : {0.0, 0.01, 0.2, 5.0}) {
      const auto done = computed(parse_policy("adacache:fast"), shape_of(steps), distance);
      for (const int s : {1, 2, steps - 1, steps})
        EXPECT_NE(std::find(done.begin(), done.end(), s), done.end()) << steps << " " << s;
    }
}

TEST(AdaCache, AZeroResidualTakesTheLastRate) {
  const auto done = computed(parse_policy("adacache:fast"), shape_of(10), std::nan(""));
  EXPECT_EQ(done.size(), 10u);
}

TEST(AdaCache, SaysWhatItNeeds) {
  const auto begin = [](const std::string& text, RunShape shape,
                        std::optional<std::string> moreg = {}) {
    trace::CacheTrace trace;
    make_policy(parse_policy(text, moreg))->begin(shape, trace);
  };
  EXPECT_MESSAGE(begin("adacache:fast", shape_of(3)), "3 steps are too few");
  EXPECT_MESSAGE(begin("adacache:fast", shape_of(20), ""), "no published window at 20 steps");
  EXPECT_MESSAGE(begin("adacache:fast", shape_of(20), "4..26"), "ends at step 26");
  auto image = shape_of(30);
  image.frames = 1;
  EXPECT_MESSAGE(begin("adacache:fast", image, ""), "one latent frame has no motion");
  EXPECT_MESSAGE(parse_policy("adacache:fast", "26..4"), "is empty");
  EXPECT_MESSAGE(parse_policy("adacache:fast", "5"), "is no window");
  EXPECT_MESSAGE(parse_policy("teacache:0.1", ""), "regularises adacache");
  PolicySettings far = parse_policy("adacache:fast");
  std::get<AdaCache>(far.method).metric_blocks = {4};
  trace::CacheTrace trace;
  EXPECT_MESSAGE(make_policy(far)->begin(shape_of(30), trace), "metric block 4");
}

TEST(AdaCache, BadFilesAreNamed) {
  const fs::path file =
      fs::temp_directory_path() / ("lt_caching_" + std::to_string(::getpid()) + ".json");
  const auto expect = [&](const std::string& text, const std::string& part) {
    std::ofstream(file) << text;
    const std::string m = message_of([&] { parse_policy("adacache:" + file.string()); });
    EXPECT_NE(m.find(part), std::string::npos) << m;
    EXPECT_NE(m.find("lt_caching_"), std::string::npos) << m;
  };
  expect("{", "not valid JSON");
  expect("[]", "not a JSON object");
  expect("{}", "has no codebook");
  expect(R"({"codebook": []})", "no thresholds");
  expect(R"({"codebook": [[0.2, 2], [0.1, 3], [null, 1]]})", "not ascending");
  expect(R"({"codebook": [[0.1, 2], [0.1, 3], [null, 1]]})", "not ascending");
  expect(R"({"codebook": [[0.1, 2], [0.2, 3]]})", "lacks its last entry");
  expect(R"({"codebook": [[null, 2], [0.2, 3], [null, 1]]})", "has no threshold");
  expect(R"({"codebook": [[0.1, 0], [null, 1]]})", "rate 0");
  expect(R"({"codebook": [[0.1, 1.5], [null, 1]]})", "no [threshold, rate]");
  expect(R"({"codebook": [["0.1", 1], [null, 1]]})", "no [threshold, rate]");
  expect(R"({"codebook": [[0.1], [null, 1]]})", "no [threshold, rate]");
  expect(R"({"codebook": [[null, 1]], "residul": "spatial"})", "did you mean \"residual\"");
  expect(R"({"codebook": [[null, 1]], "residual": "all"})", "known: cross-mlp, spatial, temporal");
  expect(R"({"codebook": [[null, 1]], "norm": 3})", "must be a text");
  expect(R"({"codebook": [[null, 1]], "metric_blocks": [1.5]})", "whole numbers");
  expect(R"({"policy": "pab", "codebook": [[null, 1]]})", "\"policy\" is \"pab\"");
  expect(R"({"codebook": [[null, 1]], "moreg": {"strides": []}})", "no strides");
  expect(R"({"codebook": [[null, 1]], "moreg": {"strides": [0]}})", "below 1");
  expect(R"({"codebook": [[null, 1]], "moreg": {"first_step": 9, "last_step": 3}})", "is empty");
  expect(R"({"codebook": [[null, 1]], "moreg": {"scale": 0}})", "must be above 0");
  std::ofstream(file) << R"({"policy": "adacache", "codebook": [[0.08, 6], [null, 2]],
    "metric_blocks": [0, 2], "residual": "cross-mlp", "norm": "cosine",
    "moreg": {"first_step": 4, "last_step": 26, "strides": [1, 2], "scale": 0.385, "power": 8,
              "divisor": 1, "gradient": 10}})";
  const PolicySettings parsed = parse_policy("adacache:" + file.string());
  const auto& ada = std::get<AdaCache>(parsed.method);
  EXPECT_EQ(ada.codebook.size(), 2u);
  EXPECT_EQ(ada.metric_blocks, (std::vector<int>{0, 2}));
  EXPECT_EQ(ada.moreg->strides, (std::vector<int>{1, 2}));
  EXPECT_EQ(policy_from_json(to_json(parsed), "x"), parsed);
  fs::remove(file);
}

TEST(Policies, BadTextIsNamed) {
  EXPECT_MESSAGE(parse_policy("adacahe:fast"), "did you mean adacache");
  EXPECT_MESSAGE(parse_policy("adacache"), "which codebook");
  EXPECT_MESSAGE(parse_policy("adacache:"), "nothing stands behind");
  EXPECT_MESSAGE(parse_policy("adacache:fats"), "neither fast, slow, 100");
  EXPECT_MESSAGE(parse_policy("adacache:fast+morge"), "nor a file");
  EXPECT_MESSAGE(parse_policy("adacache:fast+moreg4..26"), "is no option");
  EXPECT_MESSAGE(parse_policy(""), "no policy");
  EXPECT_MESSAGE(parse_policy("none:1"), "no arguments");
  EXPECT_MESSAGE(parse_policy("interval:0"), "no interval");
  EXPECT_MESSAGE(parse_policy("interval"), "interval");
  EXPECT_MESSAGE(parse_policy("interval:x"), "interval");
  EXPECT_MESSAGE(parse_policy("plan:1,,3"), "plan");
  EXPECT_MESSAGE(parse_policy("pab:999"), "no preset \"999\"");
  EXPECT_MESSAGE(parse_policy("tgate:gat=3"), "did you mean gate");
  EXPECT_MESSAGE(parse_policy("teacache"), "which threshold");
  EXPECT_MESSAGE(parse_policy("teacache:0"), "not above 0");
  EXPECT_MESSAGE(parse_policy("teacache:nan"), "teacache");
  EXPECT_MESSAGE(parse_policy("deltadit:every=x"), "deltadit");
  const auto run = [](const std::string& text, int steps) {
    computed(parse_policy(text), shape_of(steps));
  };
  EXPECT_MESSAGE(run("plan:2,5", 10), "step 1 is missing");
  EXPECT_MESSAGE(run("plan:1,5,3", 10), "step 3 stands after 5");
  EXPECT_MESSAGE(run("plan:1,2,11", 10), "beyond the 10 steps");
  EXPECT_MESSAGE(run("interval:2", 3), "too few");
  EXPECT_MESSAGE(run("tgate:40", 30), "gate 40");
  EXPECT_MESSAGE(run("deltadit:blocks=9", 30), "blocks=9");
  EXPECT_MESSAGE(run("pab", 1), "no timestep");
}

TEST(Policies, JsonFormRoundTrips) {
  for (const char* text :
       {"none", "interval:3", "plan:1,2,8", "adacache:fast", "adacache:slow", "adacache:100",
        "adacache:fast+moreg", "adacache:fast+moreg=4..26", "pab", "pab:357", "pab:579,reference",
        "tgate:gate=12,sp=3,fi=3", "deltadit:every=3,blocks=2", "teacache:0.2,verbatim"}) {
    const PolicySettings parsed = parse_policy(text);
    EXPECT_EQ(parsed.text, text);
    EXPECT_EQ(policy_from_json(to_json(parsed), "x"), parsed) << text;
    EXPECT_EQ(parse_policy(parsed.text), parsed) << text;
  }
}

TEST(Fixed, IntervalAndPlan) {
  EXPECT_EQ(computed(parse_policy("interval:1"), shape_of(6)).size(), 6u);
  EXPECT_EQ(computed(parse_policy("interval:3"), shape_of(12)),
            (std::vector<int>{1, 2, 5, 8, 11, 12}));
  EXPECT_EQ(computed(parse_policy("plan:1,4,5"), shape_of(8)), (std::vector<int>{1, 4, 5}));
  EXPECT_EQ(computed(parse_policy("none"), shape_of(1)).size(), 1u);
}

TEST(Pab, SchedulesAreThePublishedCodes) {
  const Json golden = read_json(kGolden / "schedules" / "pab.json");
  ASSERT_EQ(golden.size(), 24u);
  for (const Json& g : golden) {
    const std::string preset = g.at("preset");
    RunShape shape;
    shape.steps = g.at("N");
    shape.depth = g.at("depth");
    shape.timesteps = g.at("t_int").get<std::vector<double>>();
    const PolicyPtr policy = make_policy(parse_policy("pab:" + preset + ",reference"));
    trace::CacheTrace trace;
    policy->begin(shape, trace);
    for (int step = 1; step <= shape.steps; ++step) {
      trace::CacheStep record;
      const auto plan = policy->plan(
          step, [] { return 0.0; }, record);
      const auto reused = [&](const Json& where) {
        for (const Json& s : where.at("reuse"))
          if (s.get<int>() == step) return true;
        return false;
      };
      const Json& s = g.at("schedule");
      for (int pair = 0; pair < shape.depth; ++pair) {
        for (const bool temporal : {false, true}) {
          const auto is = [&](models::Module m) { return plan.reuses(pair, temporal, m); };
          const std::string side = temporal ? "temporal" : "spatial";
          EXPECT_EQ(is(models::Module::self_attention), reused(s.at(side + "_attn")));
          EXPECT_EQ(is(models::Module::cross_attention), reused(s.at(side + "_cross")));
          for (const Json& part : s.at(side + "_mlp"))
            for (const Json& b : part.at("blocks"))
              if (b.get<int>() == pair) {
                EXPECT_EQ(is(models::Module::mlp), reused(part)) << preset << " " << step;
              }
        }
      }
    }
  }
}

TEST(Pab, KeysAreBoundToStepsAndSaidSo) {
  RunShape shape = shape_of(30);
  shape.timesteps = timesteps(30, time_shift({480, 854, 51}));
  trace::CacheTrace trace;
  const PolicyPtr policy = make_policy(parse_policy("pab"));
  policy->begin(shape, trace);
  std::string notes;
  for (const auto& n : trace.notes)
    notes += n + "\n";
  for (const char* part :
       {"864 is bound to step 14", "788 is bound to step 18", "676 is bound to step 22"})
    EXPECT_NE(notes.find(part), std::string::npos) << notes;
  trace::CacheTrace silent;
  make_policy(parse_policy("pab:246,reference"))->begin(shape, silent);
  ASSERT_EQ(silent.notes.size(), 3u);
  EXPECT_NE(silent.notes[0].find("meets no timestep"), std::string::npos);
}

TEST(Pab, NothingIsReusedThatWasNotKept) {
  for (const int steps : {2, 5, 30, 47, 100})
    for (const double shift : {0.3, 1.0, 4.84, 20.0}) {
      RunShape shape = shape_of(steps);
      shape.timesteps = timesteps(steps, shift);
      trace::CacheTrace trace;
      const PolicyPtr policy = make_policy(parse_policy("pab:357"));
      try {
        policy->begin(shape, trace);
      } catch (const Error&) {
        continue;  // no timestep within the window
      }
      std::vector<bool> kept(static_cast<size_t>(shape.depth) * 6, false);
      for (int step = 1; step <= steps; ++step) {
        trace::CacheStep record;
        const auto plan = policy->plan(
            step, [] { return 0.0; }, record);
        for (size_t i = 0; i < kept.size(); ++i) {
          EXPECT_TRUE(!plan.reuse[i] || kept[i]) << steps << " " << shift << " " << step;
          if (!plan.reuse[i]) kept[i] = plan.keep[i];
        }
      }
    }
}

TEST(Tgate, SchedulesAreThePublishedCodes) {
  const Json golden = read_json(kGolden / "schedules" / "tgate.json");
  ASSERT_EQ(golden.size(), 5u);
  for (const Json& g : golden) {
    Tgate set;
    set.gate = g.at("gate_step");
    set.self_interval = g.at("sp_interval");
    set.final_interval = g.at("fi_interval");
    set.warm_up = g.at("warm_up");
    const RunShape shape = shape_of(g.at("N"));
    trace::CacheTrace trace;
    const PolicyPtr policy = make_policy(set);
    policy->begin(shape, trace);
    for (const Json& s : g.at("steps")) {
      const int i = s.at("i");
      trace::CacheStep record;
      const auto plan = policy->plan(
          i + 1, [] { return 0.0; }, record);
      for (const bool temporal : {false, true}) {
        EXPECT_EQ(plan.reuses(1, temporal, models::Module::self_attention),
                  s.at("self_attn") == "reuse");
        EXPECT_EQ(plan.reuses(1, temporal, models::Module::cross_attention),
                  s.at("cross_attn") == "reuse");
        EXPECT_FALSE(plan.reuses(1, temporal, models::Module::mlp));
      }
      EXPECT_EQ(plan.keep_mean_of_halves, s.at("store_mean_of_cfg_halves").get<bool>());
      EXPECT_EQ(plan.null_branch_only, !s.at("cfg_batch").get<bool>());
    }
  }
}

TEST(TeaCache, RepeatsRecordedDecisions) {
  for (const char* name : {"teacache_n30_0p1", "teacache_n30_0p2", "teacache_n30_0p5",
                           "teacache_n30_0p5_verbatim_fp32"}) {
    SCOPED_TRACE(name);
    const Json golden = read_json(kGolden / "baselines" / (std::string(name) + ".json"));
    TeaCache set;
    set.threshold = golden.at("threshold");
    set.verbatim_last = std::string(name).find("verbatim") != std::string::npos;
    if (golden.contains("coefficients")) {
      EXPECT_EQ(set.coefficients, golden.at("coefficients").get<std::vector<double>>());
    }
    RunShape shape = shape_of(golden.at("N"));
    shape.timesteps = golden.at("timesteps").get<std::vector<double>>();
    trace::CacheTrace trace;
    const PolicyPtr policy = make_policy(set);
    policy->begin(shape, trace);
    std::vector<int> done;
    for (const Json& s : golden.at("trace")) {
      trace::CacheStep record;
      const double change = s.at("rel_l1").is_null() ? std::nan("") : s["rel_l1"].get<double>();
      const auto plan = policy->plan(
          s.at("step"), [&] { return change; }, record);
      if (plan.add_residual.empty()) done.push_back(s.at("step"));
      if (!s.at("acc_sum").is_null() && !s.at("forced").get<bool>()) {
        ASSERT_EQ(record.decisions.size(), 1u);
        EXPECT_NEAR(record.decisions[0].metric, s["acc_sum"].get<double>(), 1e-6);
      }
    }
    EXPECT_EQ(done, golden.at("computed_steps").get<std::vector<int>>());
  }
}

TEST(DeltaDit, RearBlocksThenFrontBlocks) {
  const RunShape shape = shape_of(10);
  trace::CacheTrace trace;
  const PolicyPtr policy = make_policy(parse_policy("deltadit:every=2,blocks=2,boundary=5"));
  policy->begin(shape, trace);
  models::PairRange kept;
  for (int step = 1; step <= 10; ++step) {
    trace::CacheStep record;
    const auto plan = policy->plan(
        step, [] { return 0.0; }, record);
    if (!plan.keep_residual.empty()) kept = plan.keep_residual;
    if (plan.add_residual.empty()) continue;
    EXPECT_EQ(plan.add_residual, kept);
    EXPECT_EQ(plan.add_residual.first, step <= 5 ? 2 : 0);
  }
}

TEST(Schedule, Timesteps) {
  const Json golden = read_json(kGolden / "schedules" / "timesteps.json");
  int compared = 0;
  for (const Json& g : golden) {
    if (g.at("model_dtype") != "float32") continue;
    const VideoSize size{g.at("height"), g.at("width"), g.at("num_frames")};
    const auto t = timesteps(g.at("N"), time_shift(size));
    ASSERT_EQ(t.size(), g.at("t_sampler").size());
    for (size_t i = 0; i < t.size(); ++i) {
      const double expected = g["t_sampler"][i].get<double>();
      EXPECT_NEAR(t[i], expected, 1e-6 * expected);
      EXPECT_EQ(static_cast<int>(static_cast<float>(t[i])), g["t_int"][i].get<int>());
    }
    ++compared;
  }
  EXPECT_EQ(compared, 8);
}

TEST(Schedule, RefusesWhatGivesNoNumbers) {
  EXPECT_MESSAGE(time_shift({480, 854, 16}), "16 frames");
  EXPECT_MESSAGE(time_shift({480, 854, 2}), "2 frames");
  EXPECT_MESSAGE(time_shift({0, 854, 51}), "positive");
  EXPECT_MESSAGE(timesteps(0, 1), "--steps");
  EXPECT_MESSAGE(timesteps(30, 0), "time shift");
  EXPECT_MESSAGE(timesteps(30, std::nan("")), "time shift");
  EXPECT_MESSAGE(first_step_of_strength(30, 0), "--strength");
  EXPECT_MESSAGE(first_step_of_strength(30, 1.5), "--strength");
  EXPECT_EQ(first_step_of_strength(30, 1), 0);
  EXPECT_EQ(first_step_of_strength(30, 0.5), 15);
  EXPECT_EQ(first_step_of_strength(30, 1e-9), 29);
}

TEST(CacheTrace, SurvivesTheDisk) {
  trace::CacheTrace t;
  t.policy = "adacache:fast";
  t.policy_settings = to_json(parse_policy("adacache:fast"));
  t.model = "m";
  t.steps = 4;
  t.depth = 1;
  t.notes = {"a note"};
  trace::CacheStep s;
  s.step = 1;
  s.t = 1000;
  s.modules = {1, 1, 1, 0, 0, 0};
  s.module_ms = {1.5f, 0.25f, 3, 0, 0, 0};
  s.reason = "computed: first";
  s.decisions.push_back({});
  s.decisions[0].distance = 0.0625;
  s.decisions[0].rate_out = 6;
  t.run.push_back(s);
  t.distances.emplace();
  t.distances->steps = 2;
  t.distances->elements = 8;
  t.distances->taps.push_back({0,
                               true,
                               "attention",
                               {0, 0.123456789f, 0.1f, 0},
                               {0, 1, 1, 0},
                               {0, 2, 2, 0},
                               {0.4f, std::nanf("")}});
  const Json json = to_json(t);
  EXPECT_EQ(to_text(json).find("nan"), std::string::npos);
  const trace::CacheTrace back = trace::cache_trace_from_json(parse_json(to_text(json), "x"), "x");
  EXPECT_EQ(to_text(trace::to_json(back)), to_text(json));
  EXPECT_EQ(back.computed_steps(), (std::vector<int>{1}));
  EXPECT_DOUBLE_EQ(back.computed_share(), 0.5);
  EXPECT_EQ(back.run[0].module_ms, s.module_ms);
  EXPECT_NEAR(back.distances->taps[0].l1[1], 0.123456789f, 1e-6);
  EXPECT_TRUE(std::isnan(back.distances->taps[0].motion[1]));
  EXPECT_MESSAGE(trace::cache_trace_from_json(Json{{"schema", "x"}}, "f.json"), "f.json");
  Json broken = json;
  broken["run"][0]["modules"] = "11";
  EXPECT_MESSAGE(trace::cache_trace_from_json(broken, "f.json"), "2 cells");
  broken["run"][0].erase("modules");
  EXPECT_MESSAGE(trace::cache_trace_from_json(broken, "f.json"), "not a cache trace");
}

}  // namespace
}  // namespace looktwice::diffusion
