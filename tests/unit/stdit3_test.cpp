#include "models/stdit3/stdit3.h"

#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>

#include <gtest/gtest.h>
#include <unistd.h>

#include "base/error.h"
#include "base/json.h"
#include "base/safetensors.h"

namespace looktwice::models {
namespace {
namespace fs = std::filesystem;
using compute::Tensor;

const fs::path kGolden = fs::path(LT_TEST_DATA) / "golden" / "diffusion";

/// tol_abs of the manifest: (file, tensor).
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

Tensor read_f32(const SafetensorsReader& in, const std::string& name) {
  return Tensor::of(in.read<float>(name), in.entry(name).shape);
}

std::vector<uint8_t> read_mask(const SafetensorsReader& in, const std::string& name) {
  std::vector<uint8_t> out(static_cast<size_t>(in.entry(name).elements()));
  if (in.entry(name).dtype == DType::i64) {
    const auto values = in.read<int64_t>(name);
    for (size_t i = 0; i < out.size(); ++i)
      out[i] = values[i] != 0;
  } else {
    in.read_raw(name, out.data());
  }
  return out;
}

/// Repeats rows until there are `count`: the published code broadcasts and tiles its inputs.
template <typename T>
std::vector<T> tiled(std::vector<T> values, size_t count) {
  const size_t n = values.size();
  for (size_t i = n; i < count; ++i)
    values.push_back(values[i % n]);
  return values;
}

class Stdit3Golden : public ::testing::TestWithParam<std::string> {
 protected:
  compute::BackendPtr backend() {
    if (!backend_) {
      compute::BackendOptions options;
      options.name = GetParam();
      backend_ = compute::make_backend(options);
    }
    return backend_;
  }
  bool available() {
    for (const auto& info : compute::list_backends())
      if (info.name == GetParam()) return info.available;
    return false;
  }
  Stdit3Ptr model() {
    if (!model_) model_ = load_stdit3(kGolden / "stdit3_nano", backend());
    return model_;
  }
  compute::BackendPtr backend_;
  Stdit3Ptr model_;
};

Stdit3Inputs inputs_of(const SafetensorsReader& in) {
  const auto shape = in.entry("in.x").shape;
  Stdit3Inputs out;
  out.batch = static_cast<int>(shape[0]);
  out.frames = static_cast<int>(shape[2]);
  out.height = static_cast<int>(shape[3]);
  out.width = static_cast<int>(shape[4]);
  const auto y = in.entry("in.y").shape;
  out.caption = read_f32(in, "in.y").reshape({y[0], y[2], y[3]});
  const size_t batch = static_cast<size_t>(out.batch);
  out.caption_mask = tiled(read_mask(in, "in.mask"), batch * static_cast<size_t>(y[2]));
  out.fps = tiled(in.read<float>("in.fps"), batch);
  out.pixel_height = in.read<float>("in.height")[0];
  out.pixel_width = in.read<float>("in.width")[0];
  if (in.contains("in.x_mask")) out.frame_mask = read_mask(in, "in.x_mask");
  return out;
}

double compare(const Tensor& got, const std::vector<float>& expected) {
  const auto values = got.to_vector();
  // Rows that are the same for all samples are computed once.
  EXPECT_EQ(expected.size() % values.size(), 0u);
  double worst = 0;
  for (size_t i = 0; i < expected.size(); ++i) {
    const double d = std::fabs(values[i % values.size()] - expected[i]);
    worst = std::isnan(d) ? INFINITY : std::max(worst, d);
  }
  return worst;
}

/// How far the expected rows are from the nearest row that was made: the worst of them.
double farthest_row(const Tensor& got, const std::vector<float>& expected) {
  const auto values = got.to_vector();
  const auto cols = static_cast<size_t>(got.cols());
  double worst = 0;
  for (size_t e = 0; e < expected.size(); e += cols) {
    double nearest = INFINITY;
    for (size_t g = 0; g < values.size(); g += cols) {
      double apart = 0;
      for (size_t i = 0; i < cols; ++i)
        apart = std::max(apart, std::fabs(static_cast<double>(values[g + i]) - expected[e + i]));
      nearest = std::min(nearest, apart);
    }
    worst = std::max(worst, nearest);
  }
  return worst;
}

TEST_P(Stdit3Golden, ForwardPassesAndTheirIntermediates) {
  if (!available()) GTEST_SKIP() << GetParam() << " is not built in";
  for (const char* name : {"full", "partial", "odd", "xmask", "batch", "image"}) {
    SCOPED_TRACE(name);
    const std::string file = std::string("forward/") + name + ".safetensors";
    const SafetensorsReader in(kGolden / file);
    int compared = 0;
    const auto check = [&](const std::string& key, const Tensor& value) {
      if (!in.contains(key)) return;
      // What belongs to times comes once per distinct time: each row has to be among them.
      if (key == "mid.t_embed" || key == "mid.t_final" || key == "mid.fps_embed" ||
          key == "mid.t_mlp") {
        for (const std::string& rows : {key, std::string("mid.t0_mlp")}) {
          if (!in.contains(rows) || (rows != key && key != "mid.t_mlp")) continue;
          EXPECT_LE(farthest_row(value, in.read<float>(rows)), tolerances().at({file, rows}))
              << rows;
          ++compared;
        }
        return;
      }
      const double worst = compare(value, in.read<float>(key));
      EXPECT_LE(worst, tolerances().at({file, key})) << key;
      ++compared;
    };
    const Stdit3Inputs inputs = inputs_of(in);
    Stdit3Run run(model(), inputs, [&](const std::string& what, const Tensor& value) {
      check("mid." + what, backend()->download(value));
    });
    const auto t = in.read<float>("in.timestep");
    check("out", run.forward(read_f32(in, "in.x"), t));
    EXPECT_GE(compared, 7);
  }
}

TEST_P(Stdit3Golden, OneResidualEqualsRunningTheStack) {
  if (!available()) GTEST_SKIP() << GetParam() << " is not built in";
  const SafetensorsReader in(kGolden / "forward/full.safetensors");
  const Tensor x = read_f32(in, "in.x");
  const auto t = in.read<float>("in.timestep");
  Stdit3Run run(model(), inputs_of(in));
  const auto full = run.forward(x, t).to_vector();
  const auto step = [&](const StepPlan& plan) {
    run.embed(x, t);
    run.stack(plan);
    return run.finish().to_vector();
  };
  const int depth = model()->config.depth;
  for (const PairRange range : {PairRange{0, depth}, PairRange{1, 3}}) {
    StepPlan keep, reuse;
    keep.keep_residual = range;
    reuse.add_residual = range;
    EXPECT_EQ(step(keep), full) << "keeping must not change the result";
    const auto reused = step(reuse);
    for (size_t i = 0; i < full.size(); ++i)
      ASSERT_NEAR(reused[i], full[i], 1e-5);
  }
  // Module by module.
  StepPlan keep, reuse;
  keep.keep.assign(static_cast<size_t>(depth) * 6, 1);
  reuse.reuse = keep.keep;
  const auto kept = step(keep), reused = step(reuse);
  for (size_t i = 0; i < full.size(); ++i) {
    ASSERT_NEAR(kept[i], full[i], 1e-5);
    ASSERT_NEAR(reused[i], full[i], 1e-5);
  }
}

TEST_P(Stdit3Golden, WatchingDoesNotChangeTheResult) {
  if (!available()) GTEST_SKIP() << GetParam() << " is not built in";
  const SafetensorsReader in(kGolden / "forward/full.safetensors");
  const Tensor x = read_f32(in, "in.x");
  const auto t = in.read<float>("in.timestep");
  Stdit3Run run(model(), inputs_of(in));
  const auto full = run.forward(x, t).to_vector();
  run.embed(x, t);
  int seen = 0;
  const std::string file = "forward/full.safetensors";
  run.stack({}, {{0, false, Residual::attention}, {0, true, Residual::cross_mlp}},
            [&](const Tap& tap, Tensor value) {
              const std::string key = tap.temporal ? "mid.temporal_0_M" : "mid.spatial_0_A";
              EXPECT_LE(compare(backend()->download(value), in.read<float>(key)),
                        tolerances().at({file, key}));
              ++seen;
            });
  EXPECT_EQ(seen, 2);
  EXPECT_EQ(run.finish().to_vector(), full);
}

TEST_P(Stdit3Golden, AWholeStackPolicyHoldsOneTensorMore) {
  if (!available()) GTEST_SKIP() << GetParam() << " is not built in";
  const SafetensorsReader in(kGolden / "forward/full.safetensors");
  const Tensor x = read_f32(in, "in.x");
  const auto t = in.read<float>("in.timestep");
  Stdit3Run run(model(), inputs_of(in));
  run.forward(x, t);
  const size_t before = backend()->memory_in_use();
  const size_t activation =
      static_cast<size_t>(run.rows()) * static_cast<size_t>(model()->config.hidden) * 4;
  StepPlan keep, reuse;
  keep.keep_residual = {0, model()->config.depth};
  reuse.add_residual = keep.keep_residual;
  Tensor metric;
  for (int i = 0; i < 4; ++i) {
    run.embed(x, t);
    run.stack(i % 2 == 0 ? keep : reuse, {{2, true, Residual::attention}},
              [&](const Tap&, Tensor value) { metric = value; });
    run.finish();
  }
  EXPECT_LE(backend()->memory_in_use() - before, 2 * activation + 4096);
  run.forget();
  metric = {};
  EXPECT_LE(backend()->memory_in_use(), before + 4096);
}

INSTANTIATE_TEST_SUITE_P(Backends, Stdit3Golden, ::testing::Values("reference", "onednn", "cuda"));

TEST(Stdit3, PositionTablesAndSinusoids) {
  const std::string file = "forward/units.safetensors";
  const SafetensorsReader in(kGolden / file);
  const auto times = in.read<float>("in.sin_t");
  const auto expected = in.read<float>("out.sin_out");
  for (size_t i = 0; i < times.size(); ++i) {
    std::vector<float> row(256);
    sinusoid(times[i], 256, row.data());
    for (size_t j = 0; j < row.size(); ++j)
      EXPECT_NEAR(row[j], expected[i * 256 + j], tolerances().at({file, "out.sin_out"}));
  }
  struct Case {
    int h, w;
    double height, width;
  };
  for (const Case& c : {Case{8, 8, 480, 854}, Case{7, 5, 240, 640.3}, Case{1, 12, 64, 768},
                        Case{15, 27, 480, 854}}) {
    const std::string key = "out.pos_" + std::to_string(c.h) + "x" + std::to_string(c.w);
    const auto table = position_table(c.h, c.w, 64, std::sqrt(c.height * c.width) / 512);
    const auto golden = in.read<float>(key);
    ASSERT_EQ(table.size(), golden.size());
    for (size_t i = 0; i < table.size(); ++i)
      EXPECT_NEAR(table[i], golden[i], tolerances().at({file, key})) << key << " " << i;
  }
}

std::string message_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const Error& e) {
    EXPECT_EQ(e.exit_code(), 2);
    return e.what();
  }
  return "no error";
}

TEST(Stdit3, BadConfigsAreNamed) {
  const auto message = [](const std::string& text) {
    return message_of([&] { read_stdit3_config(parse_json(text, "c"), "config.json"); });
  };
  const auto expect = [&](const std::string& text, const std::string& part) {
    EXPECT_NE(message(text).find(part), std::string::npos) << message(text);
  };
  expect("[]", "not a JSON object");
  expect(R"({"hidden_size": "64"})", "\"hidden_size\"");
  expect(R"({"hidden_size": 18446744073709551615})", "\"hidden_size\"");
  expect(R"({"hidden_size": 60, "num_heads": 7})", "7 heads");
  expect(R"({"hidden_size": 6, "num_heads": 1})", "multiple of 4");
  expect(R"({"depth": 0})", "\"depth\"");
  expect(R"({"depth": 1e9})", "\"depth\"");
  expect(R"({"patch_size": [2, 2, 2]})", "1 in time");
  expect(R"({"patch_size": [1, 2]})", "list of three");
  expect(R"({"patch_size": [1, 0, 2]})", "positive");
  expect(R"({"time_shift": 0})", "\"time_shift\"");
  expect(R"({"time_shift": "a"})", "\"time_shift\"");
  expect(R"({"depth": 4, "cache_block": 4})", "cache_block");
  expect(R"({"qk_norm": 1})", "true or false");
}

TEST(Stdit3, BadInputsAreNamed) {
  compute::BackendOptions options;
  options.name = "reference";
  const auto model = load_stdit3(kGolden / "stdit3_nano", compute::make_backend(options));
  Stdit3Inputs good;
  good.batch = 1;
  good.frames = 1;
  good.height = good.width = 4;
  good.caption = Tensor::zeros({1, 3, 32});
  good.caption_mask = {1, 1, 0};
  good.fps = {24};
  good.pixel_height = good.pixel_width = 32;
  const auto expect = [&](const std::function<void(Stdit3Inputs&)>& spoil, const char* part) {
    Stdit3Inputs bad = good;
    spoil(bad);
    const std::string m = message_of([&] { Stdit3Run run(model, bad); });
    EXPECT_NE(m.find(part), std::string::npos) << m;
  };
  EXPECT_NO_THROW(Stdit3Run(model, good));
  expect([](auto& i) { i.caption = Tensor::zeros({1, 9, 32}); }, "too long");
  expect([](auto& i) { i.caption = Tensor::zeros({1, 3, 31}); }, "31 channels");
  expect([](auto& i) { i.caption_mask = {0, 0, 0}; }, "masks every token out");
  expect([](auto& i) { i.caption_mask = {1}; }, "caption_mask");
  expect([](auto& i) { i.fps = {0}; }, "fps");
  expect([](auto& i) { i.pixel_width = 0; }, "size in pixels");
  expect([](auto& i) { i.frame_mask = {1, 1}; }, "frame_mask");
}

TEST(Stdit3, OtherFoldersAreNamed) {
  compute::BackendOptions options;
  options.name = "reference";
  const auto backend = compute::make_backend(options);
  const fs::path dir = fs::temp_directory_path() / ("lt_stdit3_" + std::to_string(::getpid()));
  fs::create_directories(dir);
  fs::copy_file(kGolden / "stdit3_nano" / "model.safetensors", dir / "model.safetensors");
  const auto message = [&](const Json& config) {
    std::ofstream(dir / "config.json") << config.dump();
    return message_of([&] { load_stdit3(dir, backend); });
  };
  const Json good = read_json(kGolden / "stdit3_nano" / "config.json");
  EXPECT_EQ(message(good), "no error");
  Json other = good;
  other["model_type"] = "videomae";
  EXPECT_NE(message(other).find("not STDiT3"), std::string::npos) << message(other);
  other = good;
  other["depth"] = 5;
  EXPECT_NE(message(other).find("spatial_blocks.4"), std::string::npos) << message(other);
  other = good;
  other["depth"] = 3;
  EXPECT_NE(message(other).find("blocks.3"), std::string::npos) << message(other);
  other = good;
  other["caption_channels"] = 33;
  EXPECT_NE(message(other).find("y_proj.fc1"), std::string::npos) << message(other);
  fs::remove_all(dir);
}

}  // namespace
}  // namespace looktwice::models
