#include <cmath>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <unistd.h>

#include "base/error.h"
#include "base/safetensors.h"
#include "engine/generate.h"
#include "support/random_stdit3.h"

namespace looktwice::engine {
namespace {
namespace fs = std::filesystem;

std::string message_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const Error& e) {
    EXPECT_EQ(e.exit_code(), 2);
    return e.what();
  }
  return "no error";
}

class Generating : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = fs::temp_directory_path() / ("lt_generator_" + std::to_string(::getpid()));
    test::write_random_stdit3(folder_ / "model", {});
    std::ofstream(folder_ / "model" / "vocab.json")
        << R"({"rows": [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]],
               "words": {"red": 0, "ball": 1, "bounces": 2}, "fillers": ["a"]})";
    generator_ = new Generator((folder_ / "model").string(), RunSettings{});
  }
  static void TearDownTestSuite() {
    delete generator_;
    fs::remove_all(folder_);
  }
  static Settings settings() {
    Settings s;
    s.model = (folder_ / "model").string();
    s.generate.prompt = "a red ball bounces";
    s.generate.steps = 5;
    return s;
  }
  std::string request_error(const std::function<void(Settings&)>& spoil) const {
    Settings s = settings();
    spoil(s);
    return message_of([&] { generator_->request(s); });
  }
  /// A noise file; extra tensors are added by `more`.
  std::string noise_file(const std::function<void(TensorDump&)>& more,
                         const std::vector<int64_t>& shape = {1, 3, 4, 16, 16}) const {
    size_t count = 1;
    for (const int64_t n : shape)
      count *= static_cast<size_t>(n);
    TensorDump dump;
    dump.add("noise", shape, diffusion::gaussian(count, 3));
    if (more) more(dump);
    const fs::path path = folder_ / "noise.safetensors";
    dump.write(path);
    return path.string();
  }
  static inline fs::path folder_;
  static inline Generator* generator_ = nullptr;
};

TEST_F(Generating, FromWordsToPixels) {
  const diffusion::Result a = generator_->run(settings(), {1, 5});
  EXPECT_EQ(a.latents.shape(), (compute::Shape{1, 3, 4, 16, 16}));
  EXPECT_EQ(a.at_step.at(5).to_vector(), a.latents.to_vector());
  EXPECT_EQ(a.trace.settings.at("generate").at("prompt"), "a red ball bounces");
  EXPECT_EQ(to_rgb(a.latents).size(), 4u * 16 * 16 * 3);
  Settings other = settings();
  other.generate.prompt = "ball";
  EXPECT_NE(generator_->run(other).latents.to_vector(), a.latents.to_vector());
  other = settings();
  other.run.seed = 1;
  EXPECT_NE(generator_->run(other).latents.to_vector(), a.latents.to_vector());
  EXPECT_EQ(generator_->run(settings()).latents.to_vector(), a.latents.to_vector());
  other = settings();
  other.generate.prompt = "";
  const auto request = generator_->request(other);
  EXPECT_EQ(request.guidance, 1.0) << "without a prompt there is nothing to guide to";
}

TEST_F(Generating, DefaultsAreTheModels) {
  Settings s = settings();
  s.generate.steps.reset();
  const auto r = generator_->request(s);
  EXPECT_EQ(r.steps, 6);
  EXPECT_EQ(r.guidance, 3.0);
  EXPECT_EQ(r.fps, 8.0);
  EXPECT_EQ(r.size.height, 16.0);
}

TEST_F(Generating, FromAClip) {
  Settings s = settings();
  s.generate.from = "synth:cut";
  s.generate.strength = 0.4;
  s.clip.stride = 2;
  const auto r = generator_->request(s);
  ASSERT_TRUE(r.clip);
  EXPECT_EQ(r.clip.shape(), r.noise.shape());
  float low = 1, high = -1;
  for (const float v : r.clip.to_vector())
    low = std::min(low, v), high = std::max(high, v);
  EXPECT_GE(low, -1.0f);
  EXPECT_LE(high, 1.0f);
  EXPECT_GT(high - low, 0.2f);
  EXPECT_EQ(generator_->run(s).timesteps.size(), 2u);
}

TEST_F(Generating, NoiseFilesSayEverything) {
  Settings s = settings();
  s.generate.prompt = "";
  s.generate.noise = noise_file([](TensorDump& d) {
    d.add("caption", {1, 2, 4}, std::vector<float>(8, 0.5f));
    d.add("caption_mask", {1, 2}, std::vector<uint8_t>{1, 0});
    d.add("frame_mask", {1, 4}, std::vector<uint8_t>{0, 1, 1, 1});
    d.add("frames", {1, 3, 4, 16, 16}, std::vector<float>(3072, 0.25f));
    d.add("fps", {}, std::vector<float>{12});
    d.add("height", {1}, std::vector<float>{480});
  });
  const auto r = generator_->request(s);
  EXPECT_EQ(r.fps, 12.0);
  EXPECT_EQ(r.size.height, 480.0);
  EXPECT_EQ(r.size.width, 16.0);
  const auto out = generator_->run(s).latents.to_vector();
  EXPECT_EQ(out[0], 0.25f) << "the given frame stays";
}

TEST_F(Generating, BadRequestsAreNamed) {
  const auto expect = [&](const std::function<void(Settings&)>& spoil, const char* part) {
    const std::string m = request_error(spoil);
    EXPECT_NE(m.find(part), std::string::npos) << m;
  };
  expect([](Settings& s) { s.generate.prompt = "a red bal"; }, "nearest: ball");
  expect([](Settings& s) { s.generate.noise = "/no/such.safetensors"; }, "/no/such.safetensors");
  expect(
      [&](Settings& s) {
        s.generate.noise = noise_file({}, {1, 4, 4, 16, 16});
      },
      "the model takes [1, 3, T, H, W]");
  expect(
      [&](Settings& s) {
        s.generate.noise = noise_file({}, {2, 3, 4, 16, 16});
      },
      "the model takes [1, 3, T, H, W]");
  expect(
      [&](Settings& s) {
        s.generate.noise = noise_file({}, {3, 4, 16, 16});
      },
      "the model takes [1, 3, T, H, W]");
  expect(
      [&](Settings& s) {
        s.generate.noise = noise_file([](TensorDump& d) {
          d.add("caption", {1, 1, 4}, std::vector<float>(4, 1.0f));
        });
      },
      "has a caption already");
  expect(
      [&](Settings& s) {
        s.generate.noise =
            noise_file([](TensorDump& d) { d.add("captions", {1}, std::vector<float>{1}); });
      },
      "\"captions\"");
  expect(
      [&](Settings& s) {
        s.generate.noise =
            noise_file([](TensorDump& d) { d.add("frames", {1}, std::vector<float>{1}); });
      },
      "no frame_mask");
  expect([&](Settings& s) { s.generate.strength = 0, s.generate.from = "synth:cut"; },
         "--strength");
  expect([&](Settings& s) { s.generate.from = "synth:nowhere"; }, "nowhere");
  expect([&](Settings& s) { s.generate.video = "32x32"; }, "--video");
  expect([&](Settings& s) { s.generate.fps = -1; }, "--fps");
  GenerateSettings typo;
  typo.cache = "adacahe:fast";
  EXPECT_NE(message_of([&] { policy_of(typo); }).find("mean adacache"), std::string::npos);
  EXPECT_NE(message_of([] { Generator("/no/such/model", RunSettings{}); }).find("/no/such/model"),
            std::string::npos);
}

TEST(GenerateSettings, PresetsAreValidPolicies) {
  for (const std::string& name : generate_preset_names()) {
    GenerateSettings s;
    apply_preset(s, name);
    EXPECT_NO_THROW(policy_of(s)) << name;
    EXPECT_EQ(*s.guidance, 7.0);
  }
  GenerateSettings s;
  EXPECT_NE(message_of([&] { apply_preset(s, "paper:adacache-fats"); }).find("adacache-fast"),
            std::string::npos);
}

TEST(GenerateSettings, JsonFormRoundTrips) {
  GenerateSettings s;
  s.prompt = "a red ball";
  s.noise = "n.safetensors";
  s.steps = 30;
  s.guidance = 7.5;
  s.cache = "adacache:fast";
  s.moreg = "4..26";
  s.from = "clip.mp4";
  s.strength = 0.5;
  s.fps = 24;
  EXPECT_EQ(generate_settings_from_json(to_json(s), "x"), s);
  EXPECT_EQ(generate_settings_from_json(Json::object(), "x"), GenerateSettings{});
  Settings all;
  all.generate = s;
  EXPECT_EQ(settings_from_json(to_json(all), "x"), all);
  EXPECT_NE(command_options(all).find("--prompt 'a red ball'"), std::string::npos);
  EXPECT_NE(command_options(all).find("--moreg=4..26"), std::string::npos);
  EXPECT_NE(message_of([] {
              generate_settings_from_json(Json{{"step", 3}}, "f");
            }).find("steps"),
            std::string::npos);
  EXPECT_NE(message_of([] {
              generate_settings_from_json(Json{{"steps", "3"}}, "f");
            }).find("steps"),
            std::string::npos);
}

}  // namespace
}  // namespace looktwice::engine
