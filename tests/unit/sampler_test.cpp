#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <thread>

#include <gtest/gtest.h>
#include <unistd.h>

#include "base/error.h"
#include "base/json.h"
#include "base/safetensors.h"
#include "compute/threads.h"
#include "diffusion/generate.h"
#include "diffusion/noise.h"
#include "diffusion/predict.h"
#include "diffusion/vocabulary.h"

namespace looktwice::diffusion {
namespace {
namespace fs = std::filesystem;
using compute::Tensor;

const fs::path kGolden = fs::path(LT_TEST_DATA) / "golden" / "diffusion";

std::string message_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const Error& e) {
    EXPECT_EQ(e.exit_code(), 2);
    return e.what();
  }
  return "no error";
}

const std::map<std::pair<std::string, std::string>, double>& tolerances() {
  static const auto table = [] {
    std::map<std::pair<std::string, std::string>, double> out;
    const Json manifest = read_json(kGolden / "manifest.json");
    for (const Json& t : manifest.at("tensors"))
      out[{t.at("file"), t.at("name")}] = t.value("tol_abs", 0.0);
    return out;
  }();
  return table;
}

bool available(const std::string& backend) {
  for (const auto& info : compute::list_backends())
    if (info.name == backend) return info.available;
  return false;
}

models::Stdit3Ptr model_on(const std::string& backend) {
  static std::map<std::string, models::Stdit3Ptr> loaded;
  auto& model = loaded[backend];
  if (!model) {
    compute::BackendOptions options;
    options.name = backend;
    model = models::load_stdit3(kGolden / "stdit3_nano", compute::make_backend(options));
  }
  return model;
}
/// The fastest backend there is.
models::Stdit3Ptr any_model() {
  return model_on(available("onednn") ? "onednn" : "reference");
}

Tensor read_f32(const SafetensorsReader& in, const std::string& name) {
  return Tensor::of(in.read<float>(name), in.entry(name).shape);
}

Request request_of(const SafetensorsReader& in, const Json& json) {
  Request r;
  r.noise = read_f32(in, "in.z0");
  const auto y = in.entry("in.y").shape;
  r.caption = read_f32(in, "in.y").reshape({y[0], y[2], y[3]});
  for (const int64_t m : in.read<int64_t>("in.mask"))
    r.caption_mask.push_back(m != 0);
  r.size = {in.read<float>("in.height")[0], in.read<float>("in.width")[0],
            in.read<float>("in.num_frames")[0]};
  r.fps = in.read<float>("in.fps")[0];
  if (in.contains("in.frame_mask"))
    for (const float m : in.read<float>("in.frame_mask"))
      r.frame_mask.push_back(m != 0);
  r.steps = json.at("N");
  r.guidance = json.at("cfg_scale");
  for (const auto& [name, entry] : in.tensors())
    if (name.rfind("z_", 0) == 0) r.dump_steps.push_back(std::stoi(name.substr(2)));
  return r;
}

PolicySettings adacache_of(const Json& json) {
  PolicySettings out;
  if (!json.value("do_cache", false)) return out;
  AdaCache ada;
  for (const Json& e : json.at("codebook"))
    ada.codebook.push_back({e[0], e[1]});
  ada.codebook.back().threshold = INFINITY;
  for (const Json& b : json.at("cache_loc"))
    ada.metric_blocks.push_back(b);
  const std::string residual = json.at("cache_res");
  ada.residual = residual == "t-attn"   ? AdaResidual::temporal
                 : residual == "s-attn" ? AdaResidual::spatial
                                        : AdaResidual::cross_mlp;
  if (json.at("apply_moreg").get<bool>()) ada.moreg = MoReg{};
  out.method = ada;
  out.text = "adacache:golden";
  return out;
}

/// Runs a golden case; compares timesteps and latents.
Result run_case(const std::string& folder, const std::string& name, const PolicySettings& policy,
                const models::Stdit3Ptr& model) {
  const std::string file = folder + "/" + name + ".safetensors";
  const SafetensorsReader in(kGolden / file);
  const Json json = read_json(kGolden / folder / (name + ".json"));
  const Request request = request_of(in, json);
  Result result = generate(model, request, policy);
  const auto times = in.read<float>("timesteps");
  EXPECT_EQ(times.size(), result.timesteps.size());
  for (size_t i = 0; i < times.size(); ++i)
    EXPECT_NEAR(result.timesteps[i], times[i], tolerances().at({file, "timesteps"}));
  for (const auto& [step, latents] : result.at_step) {
    const std::string key = "z_" + std::to_string(step);
    const auto expected = in.read<float>(key);
    const float* got = latents.data<float>();
    double worst = 0;
    for (size_t i = 0; i < expected.size(); ++i)
      worst = std::max(worst, std::fabs(static_cast<double>(got[i]) - expected[i]));
    EXPECT_LE(worst, tolerances().at({file, key})) << key;
  }
  return result;
}

class SamplerGolden
    : public ::testing::TestWithParam<std::tuple<std::string, std::string, std::string>> {};

TEST_P(SamplerGolden, StepsRatesAndLatents) {
  const auto& [backend, folder, name] = GetParam();
  if (!available(backend)) GTEST_SKIP() << backend << " is not built in";
  const Json json = read_json(kGolden / folder / (name + ".json"));
  const PolicySettings policy = adacache_of(json);
  const Result result = run_case(folder, name, policy, model_on(backend));
  if (!json.value("do_cache", false)) return;
  EXPECT_EQ(result.trace.computed_steps(), json.at("computed_steps").get<std::vector<int>>());
  std::vector<std::pair<int, trace::CacheDecision>> got;
  for (const auto& step : result.trace.run)
    for (const auto& d : step.decisions)
      got.emplace_back(step.step, d);
  const Json& expected = json.at("decisions");
  ASSERT_EQ(got.size(), expected.size());
  const bool moreg = json.at("apply_moreg");
  std::map<std::pair<int, bool>, double> before;
  for (size_t i = 0; i < got.size(); ++i) {
    const auto& [step, d] = got[i];
    const Json& e = expected[i];
    EXPECT_EQ(step, e.at("step").get<int>());
    EXPECT_EQ(d.pair, e.at("block").get<int>());
    EXPECT_EQ(d.temporal, e.at("temporal").get<bool>());
    EXPECT_EQ(d.rate_in, e.at("rate_in").get<int>());
    EXPECT_EQ(d.rate_out, e.at("rate_out").get<int>());
    const double c = e.at("c"), metric = e.at("metric");
    EXPECT_NEAR(d.distance, c, 1e-3 * c) << step;
    EXPECT_NEAR(d.metric, metric, (moreg ? 5e-3 : 1e-3) * metric) << step;
    if (!moreg) continue;
    const double m = e.at("m"), g = e.at("g");
    EXPECT_NEAR(d.motion, m, 2e-3 * m) << step;
    double& m_before = before.try_emplace({d.pair, d.temporal}, 1.0).first->second;
    EXPECT_NEAR(d.motion_gradient, g, 5e-3 * std::max(m, m_before) * 10 / d.rate_in) << step;
    m_before = m;
  }
}

using Case = std::tuple<std::string, std::string, std::string>;
std::vector<Case> all_cases() {
  std::vector<Case> out;
  for (const char* folder : {"sampler", "sampler_extra"})
    for (const auto& entry : fs::directory_iterator(kGolden / folder))
      if (entry.path().extension() == ".json")
        for (const char* backend : {"onednn", "cuda"})  // cuda: where there is a device
          if (backend != std::string("cuda") || available(backend))
            out.emplace_back(backend, folder, entry.path().stem().string());
  std::sort(out.begin(), out.end());
  // The scalar backend is slow: one of each kind.
  for (const char* name : {"n30_ada_fast", "n30_ada_scaled_fast_moreg"})
    out.emplace_back("reference", "sampler", name);
  for (const char* name : {"n30_ada_camlp", "n30_ada_frame0", "n30_ada_batch2"})
    out.emplace_back("reference", "sampler_extra", name);
  return out;
}
INSTANTIATE_TEST_SUITE_P(Goldens, SamplerGolden, ::testing::ValuesIn(all_cases()),
                         [](const auto& i) {
                           return std::get<0>(i.param) + "_" + std::get<2>(i.param);
                         });

TEST(Baselines, TeaCacheOnTensors) {
  for (const auto& [name, text] : {std::pair{"teacache_n30_0p1", "teacache:0.1"},
                                   {"teacache_n30_0p2", "teacache:0.2"},
                                   {"teacache_n30_0p5", "teacache:0.5"},
                                   {"teacache_n30_0p5_verbatim_fp32", "teacache:0.5,verbatim"}}) {
    SCOPED_TRACE(name);
    const Json json = read_json(kGolden / "baselines" / (std::string(name) + ".json"));
    const Result r = run_case("baselines", name, parse_policy(text), any_model());
    EXPECT_EQ(r.trace.computed_steps(), json.at("computed_steps").get<std::vector<int>>());
    for (const Json& t : json.at("trace")) {
      const auto& step = r.trace.run.at(t.at("step").get<size_t>() - 1);
      if (t.at("rel_l1").is_null() || step.decisions.empty()) continue;
      const double change = t["rel_l1"], sum = t["acc_sum"];
      EXPECT_NEAR(step.decisions[0].distance, change, 1e-3 * change);
      EXPECT_NEAR(step.decisions[0].metric, sum, 1e-3 * sum);
    }
  }
}

TEST(Baselines, PabOnTensors) {
  const Json json = read_json(kGolden / "baselines" / "pab_n30_246.json");
  const Result r = run_case("baselines", "pab_n30_246", parse_policy("pab:246"), any_model());
  const char* kinds[] = {"attn", "cross", "mlp"};
  for (int pair = 0; pair < 4; ++pair)
    for (const bool temporal : {false, true})
      for (size_t m = 0; m < 3; ++m) {
        std::vector<int> computed;
        for (const auto& step : r.trace.run)
          if (step.modules[static_cast<size_t>(trace::block_row(pair, temporal)) * 3 + m])
            computed.push_back(step.step);
        const std::string key = std::string(temporal ? "temporal." : "spatial.") +
                                std::to_string(pair) + "." + kinds[m];
        EXPECT_EQ(computed, json.at("recomputed").at(key).get<std::vector<int>>()) << key;
      }
}

Request small_request() {
  Request r;
  r.noise = Tensor::of(gaussian(4 * 3 * 8 * 8, 7), {1, 4, 3, 8, 8});
  r.caption = Tensor::of(gaussian(3 * 32, 8), {1, 3, 32});
  r.size = {64, 64, 51};
  r.steps = 12;
  return r;
}

std::vector<float> latents_of(const Request& r, const std::string& policy) {
  return generate(any_model(), r, parse_policy(policy)).latents.to_vector();
}

TEST(Sampler, NoneEqualsIntervalOneBitForBit) {
  EXPECT_EQ(latents_of(small_request(), "none"), latents_of(small_request(), "interval:1"));
}

TEST(Sampler, AReplayedPlanEqualsTheRunThatMadeIt) {
  const Request r = small_request();
  const Result run = generate(any_model(), r, parse_policy("adacache:fast"));
  const auto steps = run.trace.computed_steps();
  EXPECT_LT(steps.size(), 12u);
  std::string plan = "plan:";
  for (size_t i = 0; i < steps.size(); ++i)
    plan += (i ? "," : "") + std::to_string(steps[i]);
  EXPECT_EQ(latents_of(r, plan), run.latents.to_vector());
}

TEST(Sampler, ThreadsChangeNothing) {
  const Request r = small_request();
  std::vector<Result> runs;
  for (const int threads : {1, 2}) {
    compute::set_threads(threads);
    runs.push_back(generate(any_model(), r, parse_policy("adacache:fast")));
  }
  EXPECT_EQ(runs[0].trace.computed_steps(), runs[1].trace.computed_steps());
  EXPECT_EQ(runs[0].latents.to_vector(), runs[1].latents.to_vector()) << "bit for bit";
}

TEST(Sampler, TheSameSeedGivesTheSameVideo) {
  EXPECT_EQ(latents_of(small_request(), "tgate:6"), latents_of(small_request(), "tgate:6"));
  EXPECT_EQ(gaussian(5, 3), gaussian(5, 3));
  EXPECT_NE(gaussian(5, 3), gaussian(5, 4));
  const auto many = gaussian(100000, 1);
  double mean = 0, square = 0;
  for (const float v : many)
    mean += v, square += v * v;
  EXPECT_NEAR(mean / 1e5, 0, 0.02);
  EXPECT_NEAR(square / 1e5, 1, 0.02);
}

TEST(Sampler, TgateDropsGuidanceAfterItsGate) {
  const Result r = generate(any_model(), small_request(), parse_policy("tgate:gate=6,fi=2"));
  for (const auto& step : r.trace.run) {
    EXPECT_EQ(step.batch, step.step <= 6 ? 2 : 1);
    EXPECT_EQ(step.guided, step.step <= 6);
  }
  // The gate changes the result, but not by everything.
  const auto full = latents_of(small_request(), "none");
  double difference = 0, size = 0;
  const auto gated = r.latents.to_vector();
  for (size_t i = 0; i < full.size(); ++i) {
    difference += std::fabs(full[i] - gated[i]);
    size += std::fabs(full[i]);
  }
  EXPECT_GT(difference, 0);
  EXPECT_LT(difference, size);
}

TEST(Sampler, DeltaDitReusesPartOfTheStack) {
  const Result r =
      generate(any_model(), small_request(), parse_policy("deltadit:every=2,blocks=2,boundary=6"));
  EXPECT_EQ(r.trace.computed_steps().size(), 12u) << "part of the stack runs at every step";
  EXPECT_LT(r.trace.computed_share(), 1.0);
  EXPECT_GT(r.trace.computed_share(), 0.5);
}

TEST(Sampler, Bfloat16StaysNearFloat32) {
  compute::BackendOptions options;
  options.name = "onednn";
  options.dtype = DType::bf16;
  if (!available("onednn")) GTEST_SKIP() << "onednn is not built in";
  const auto half = models::load_stdit3(kGolden / "stdit3_nano", compute::make_backend(options));
  const Request r = small_request();
  const Result a = generate(half, r, parse_policy("adacache:fast"));
  const Result b = generate(any_model(), r, parse_policy("adacache:fast"));
  EXPECT_EQ(a.trace.dtype, "bf16");
  EXPECT_EQ(a.trace.metric_dtype, "f32") << "distances are measured in float32";
  const double da = a.trace.run[1].decisions.at(0).distance;
  const double db = b.trace.run[1].decisions.at(0).distance;
  EXPECT_NEAR(da, db, 0.25 * db);
  double difference = 0, size = 0;
  const auto x = a.latents.to_vector(), y = b.latents.to_vector();
  for (size_t i = 0; i < x.size(); ++i) {
    difference += std::fabs(x[i] - y[i]);
    size += std::fabs(y[i]);
  }
  EXPECT_LT(difference, 0.1 * size);
}

TEST(Sampler, StrengthRunsTheLaterPartOfTheSchedule) {
  Request r = small_request();
  r.clip = Tensor::of(gaussian(4 * 3 * 8 * 8, 9), {1, 4, 3, 8, 8});
  r.strength = 0.5;
  const Result half = generate(any_model(), r, parse_policy("none"));
  EXPECT_EQ(half.timesteps.size(), 6u);
  r.strength = 1;
  EXPECT_EQ(generate(any_model(), r, parse_policy("none")).latents.to_vector(),
            latents_of(small_request(), "none"))
      << "full strength leaves nothing of the clip";
  r.strength = 1e-3;
  const Result little = generate(any_model(), r, parse_policy("none"));
  EXPECT_EQ(little.timesteps.size(), 1u);
}

TEST(Sampler, GivenFramesStayAsTheyAre) {
  Request r = small_request();
  r.frames = Tensor::of(gaussian(4 * 3 * 8 * 8, 5), {1, 4, 3, 8, 8});
  r.frame_mask = {0, 1, 1};
  const auto out = latents_of(r, "adacache:fast");
  for (size_t c = 0; c < 4; ++c)
    for (size_t i = 0; i < 64; ++i)
      EXPECT_EQ(out[c * 192 + i], r.frames.data<float>()[c * 192 + i]);
}

TEST(Sampler, StepsAreSeenAsTheyHappen) {
  Request r = small_request();
  r.token_change = true;
  int seen = 0, changes = 0;
  std::vector<float> last;
  const Result result =
      generate(any_model(), r, parse_policy("adacache:slow"), [&](const StepView& view) {
        EXPECT_EQ(view.record.step, ++seen);
        EXPECT_EQ(view.latents.size(), view.clean.size());
        if (!view.token_change.empty()) {
          EXPECT_EQ(view.token_change.size(), 3u * 16u);
          ++changes;
        }
        last = view.clean;
      });
  EXPECT_EQ(seen, 12);
  EXPECT_GT(changes, 1);
  const auto latents = result.latents.to_vector();
  for (size_t i = 0; i < last.size(); ++i)
    ASSERT_NEAR(last[i], latents[i], 1e-5) << "the last estimate is the result";
}

TEST(Sampler, TokenChangeIsSeenUnderEveryPolicyAndChangesNothing) {
  for (const char* policy : {"none", "interval:3", "plan:1,2,5,8,11,12", "adacache:slow", "pab:246",
                             "tgate:gate=6", "deltadit:every=2", "teacache:0.2"}) {
    Request r = small_request();
    const auto plain = latents_of(r, policy);
    r.token_change = true;
    const models::Tap tap{any_model()->config.metric_block(), true, models::Residual::attention};
    const size_t cell = models::StepPlan::index(tap.pair, true, models::Module::self_attention);
    int seen = 0, computed = 0;
    std::vector<float> first;
    const Result watched = generate(any_model(), r, parse_policy(policy), [&](const StepView& v) {
      const bool here = v.record.modules[cell] != 0;
      computed += here;
      if (!here) {
        EXPECT_TRUE(v.token_change.empty()) << policy << " step " << v.record.step;
      }
      if (v.token_change.empty()) return;
      ++seen;
      EXPECT_EQ(v.token_change.size(), 3u * 16u);
      for (const float c : v.token_change)
        EXPECT_TRUE(c >= 0 && std::isfinite(c));
      EXPECT_NE(v.token_change, first) << policy << ": of an earlier step";
      first = v.token_change;
    });
    // T-GATE's batch shrinks at its gate: nothing to compare with there.
    EXPECT_GE(seen, computed - 2) << policy;
    EXPECT_GT(seen, 0) << policy;
    EXPECT_EQ(watched.latents.to_vector(), plain) << policy;
  }
}

TEST(Sampler, CancellingIsFelt) {
  Request r = small_request();
  r.noise = Tensor::of(gaussian(4 * 8 * 32 * 32, 7), {1, 4, 8, 32, 32});
  r.steps = 1000;
  std::stop_source stop;
  std::atomic<bool> started = false;
  std::thread canceller([&] {
    while (!started)
      std::this_thread::yield();
    stop.request_stop();
  });
  EXPECT_THROW(generate(
                   any_model(), r, parse_policy("none"), [&](const StepView&) { started = true; },
                   stop.get_token()),
               Cancelled);
  canceller.join();
  EXPECT_NO_THROW(latents_of(small_request(), "none")) << "the backend is usable afterwards";
}

TEST(Sampler, MemoryOfAWholeStackPolicy) {
  const auto model = any_model();
  Request r = small_request();
  r.noise = Tensor::of(gaussian(4 * 4 * 24 * 24, 7), {1, 4, 4, 24, 24});
  r.steps = 4;
  r.sketch = false;
  const size_t activation = size_t{2} * 4 * 144 * 64 * 4;  // [2 samples, T*S, hidden] float32
  const auto peak = [&](const std::string& policy) {
    size_t most = 0;
    generate(model, r, parse_policy(policy),
             [&](const StepView&) { most = std::max(most, model->backend->memory_in_use()); });
    return most;
  };
  const size_t none = peak("none");
  EXPECT_LE(peak("interval:2"), none + activation + 65536);
  EXPECT_LE(peak("adacache:fast"), none + 2 * activation + 65536);
}

TEST(Sketch, PredictsSchedulesOfUncachedRuns) {
  Request r = small_request();
  r.steps = 30;
  const auto model = any_model();
  const Result uncached = generate(model, r, parse_policy("none"));
  ASSERT_TRUE(uncached.trace.distances);
  const auto& d = *uncached.trace.distances;
  EXPECT_EQ(d.steps, 30);
  ASSERT_EQ(d.taps.size(), 1u);
  for (size_t i = 0; i < 30; ++i)
    EXPECT_EQ(d.taps[0].l1[i * 30 + i], 0);

  // The first decision of a run is made on two steps that the policy does not touch.
  RunShape shape;
  shape.steps = 30;
  shape.depth = model->config.depth;
  shape.frames = 3;
  shape.metric_block = model->config.metric_block();
  shape.timesteps = uncached.timesteps;
  const PolicySettings policy = parse_policy("adacache:fast+moreg");
  const Result cached = generate(model, r, policy);
  const trace::CacheTrace predicted = predict(policy, shape, d);
  ASSERT_EQ(predicted.run.size(), 30u);
  ASSERT_EQ(predicted.run[1].decisions.size(), 1u);
  EXPECT_NEAR(predicted.run[1].decisions[0].distance, cached.trace.run[1].decisions[0].distance,
              0.1 * cached.trace.run[1].decisions[0].distance)
      << "a sketch is a sample";
  const Agreement a = agreement(predicted, cached.trace);
  EXPECT_EQ(a.steps, 30);
  EXPECT_GE(a.same, 15);
  PolicySettings other = policy;
  std::get<AdaCache>(other.method).metric_blocks = {3};
  EXPECT_NE(message_of([&] { predict(other, shape, d); }).find("pair 3"), std::string::npos);
  EXPECT_NE(message_of([&] { predict(parse_policy("teacache:0.1"), shape, d); }).find("teacache"),
            std::string::npos);
  EXPECT_FALSE(cached.trace.distances) << "only uncached runs are sketched";
}

TEST(Sketch, AFullSketchReplaysExactly) {
  // With every element kept, the distance of steps 1 and 2 is the run's own.
  Request r = small_request();
  r.sketch_elements = 1 << 20;
  const auto model = any_model();
  const Result uncached = generate(model, r, parse_policy("none"));
  const Result cached = generate(model, r, parse_policy("adacache:fast"));
  ASSERT_TRUE(uncached.trace.distances);
  const double direct = cached.trace.run[1].decisions.at(0).distance;
  EXPECT_NEAR(uncached.trace.distances->taps[0].l1[1], direct, 0.1 * direct);
}

TEST(Request, BadOnesAreNamed) {
  const auto expect = [&](const std::function<void(Request&)>& spoil, const char* part,
                          const char* policy = "none") {
    Request bad = small_request();
    spoil(bad);
    const std::string m = message_of([&] { generate(any_model(), bad, parse_policy(policy)); });
    EXPECT_NE(m.find(part), std::string::npos) << m;
  };
  expect([](Request& r) { r.noise = Tensor::zeros({1, 3, 3, 8, 8}); }, "[1, 4, T, H, W]");
  expect([](Request& r) { r.noise = Tensor::zeros({4, 3, 8, 8}); }, "[1, 4, T, H, W]");
  expect([](Request& r) { r.noise.data<float>()[3] = NAN; }, "not a finite number");
  expect([](Request& r) { r.caption = Tensor::zeros({1, 9, 32}); }, "too long");
  expect([](Request& r) { r.caption = Tensor::zeros({1, 3, 16}); }, "16 channels");
  expect([](Request& r) { r.caption = Tensor(); }, "--prompt");
  expect([](Request& r) { r.caption_mask = {1}; }, "caption_mask");
  expect([](Request& r) { r.size.frames = 8; }, "8 frames");
  expect([](Request& r) { r.size.height = 0; }, "positive");
  expect([](Request& r) { r.fps = -1; }, "fps");
  expect([](Request& r) { r.steps = 0; }, "--steps");
  expect([](Request& r) { r.steps = 3; }, "too few", "adacache:fast");
  expect([](Request& r) { r.dump_steps = {13}; }, "--dump-steps");
  expect([](Request& r) { r.frame_mask = {0, 0, 0}; }, "gives all frames");
  expect([](Request& r) { r.frame_mask = {1}; }, "frame_mask");
  expect([](Request& r) { r.frames = Tensor::zeros({1, 4, 1, 8, 8}); }, "not that of the noise");
  expect([](Request& r) { r.guidance = NAN; }, "--guidance");
  expect([](Request& r) { r.guidance = 1; }, "this run has none", "tgate:6");
  expect([](Request&) {}, "no published window", "adacache:fast+moreg");
  expect(
      [](Request& r) {
        r.noise = Tensor::of(gaussian(256, 7), {1, 4, 1, 8, 8});
        r.steps = 30;
      },
      "no motion", "adacache:fast+moreg");
  expect(
      [](Request& r) {
        r.clip = r.noise;
        r.strength = 0;
      },
      "--strength");
}

TEST(VocabularyFile, EncodesAndNamesUnknownWords) {
  const fs::path dir = fs::temp_directory_path() / ("lt_vocab_" + std::to_string(::getpid()));
  fs::create_directories(dir);
  EXPECT_FALSE(Vocabulary::load(dir, 2, 3));
  const auto write = [&](const std::string& text) { std::ofstream(dir / "vocab.json") << text; };
  write(R"({"schema": "looktwice/vocabulary", "version": 1, "rows": [[0, 1], [2, 3], [4, 5]],
    "words": {"ball": 0, "disc": 0, "red": 1, "blue": 2}, "fillers": ["a", "the"],
    "slots": [{"name": "shape", "words": ["ball", "disc"], "default": "ball"},
              {"name": "colour", "words": ["red", "blue"]}]})");
  const auto v = Vocabulary::load(dir, 2, 3);
  ASSERT_TRUE(v);
  const Caption c = v->encode("A Blue, ball!");
  EXPECT_EQ(c.tokens.to_vector(), (std::vector<float>{0, 1, 4, 5}));
  EXPECT_EQ(c.mask, (std::vector<uint8_t>{1, 1}));
  EXPECT_EQ(v->encode("the disc").mask, (std::vector<uint8_t>{1, 0}));
  EXPECT_EQ(v->encode("red").tokens.to_vector(), (std::vector<float>{0, 1, 2, 3}));
  const auto message = [&](const std::string& prompt) {
    return message_of([&] { v->encode(prompt); });
  };
  EXPECT_NE(message("a bal").find("\"bal\" (nearest: ball)"), std::string::npos);
  EXPECT_NE(message("a xyzzy").find("it knows: ball, blue, disc, red"), std::string::npos);
  EXPECT_NE(message("red blue ball").find("both say the colour"), std::string::npos);
  write(R"({"rows": [[0]], "words": {}})");
  EXPECT_NE(message_of([&] { Vocabulary::load(dir, 2, 3); }).find("row 0 has 1"),
            std::string::npos);
  write(R"({"rows": [[0, 1]], "words": {"ball": 1}})");
  EXPECT_NE(message_of([&] { Vocabulary::load(dir, 2, 3); }).find("\"ball\" has no row"),
            std::string::npos);
  write(R"({"rows": [[0, 1]], "words": {"one": 0}})");
  const auto plain = Vocabulary::load(dir, 2, 3);
  EXPECT_NE(message_of([&] { plain->encode("one one one one"); }).find("too long"),
            std::string::npos);
  EXPECT_NE(message_of([&] { plain->encode(" "); }).find("none of the words"), std::string::npos);
  fs::remove_all(dir);
}

}  // namespace
}  // namespace looktwice::diffusion
