// A GPU that gives up in the middle of a run: the CPU takes over, says so, and gives its own
// result. The GPU is the emulated plugin that LOOKTWICE_CUDA_PLUGIN names (ctest sets it).

#include <cstdlib>
#include <string>

#include <gtest/gtest.h>

#include "base/safetensors.h"
#include "engine/classify.h"
#include "engine/generate.h"

namespace looktwice::engine {
namespace {

const std::string kGolden = std::string(LT_TEST_DATA) + "/golden/";

class DeviceFallback : public testing::Test {
 protected:
  void SetUp() override {
    if (!std::getenv("LOOKTWICE_CUDA_PLUGIN")) GTEST_SKIP() << "LOOKTWICE_CUDA_PLUGIN is not set";
  }
  void TearDown() override {
    unsetenv("LOOKTWICE_EMULATED_LOST_AFTER");
    unsetenv("LOOKTWICE_EMULATED_MEMORY");
  }
  static RunSettings on(const std::string& backend) {
    RunSettings run;
    run.backend = backend;
    return run;
  }
  static frames::Clip clip() {
    const SafetensorsReader file(kGolden + "tokens/tiny_vit_cases.safetensors");
    frames::Clip c;
    c.T = 8;
    c.H = c.W = 64;
    c.rgb = file.read<uint8_t>("frames_u8");
    c.rgb.resize(size_t{8} * 64 * 64 * 3);
    for (int i = 0; i < c.T; ++i) {
      c.indices.push_back(i);
      c.times.push_back(i);
    }
    return c;
  }
  static Settings settings() {
    Settings s;
    s.tokens.rlt = 0.1f;
    s.tokens.tome = "2";
    return s;
  }
  const std::string model_ = kGolden + "tokens/tiny_videomae";
};

TEST_F(DeviceFallback, ALostDeviceInTheMiddleOfAPass) {
  ClassifierRunner host(model_, on_cpu(on("auto")));
  const ClipOutcome want = host.run(clip(), settings());
  for (const char* after : {"5", "20"}) {
    setenv("LOOKTWICE_EMULATED_LOST_AFTER", after, 1);
    ClassifierRunner runner(model_, on("cuda"));
    EXPECT_EQ(runner.notice(), "");
    const ClipOutcome got = runner.run(clip(), settings());
    EXPECT_NE(runner.notice().find("the GPU gave up"), std::string::npos) << runner.notice();
    EXPECT_NE(runner.notice().find("CPU"), std::string::npos);
    EXPECT_EQ(runner.backend().name(), host.backend().name());
    EXPECT_EQ(got.result.logits, want.result.logits);
    EXPECT_EQ(got.trace.keep, want.trace.keep);
    // The session goes on there.
    EXPECT_EQ(runner.run(clip(), settings()).result.logits, want.result.logits);
  }
}

TEST_F(DeviceFallback, AModelThatDoesNotFit) {
  ClassifierRunner host(model_, on_cpu(on("auto")));
  setenv("LOOKTWICE_EMULATED_MEMORY", "33600000", 1);  // little more than the library's workspace
  ClassifierRunner runner(model_, on("cuda"));
  EXPECT_NE(runner.notice().find("memory"), std::string::npos) << runner.notice();
  EXPECT_EQ(runner.run(clip(), settings()).result.logits,
            host.run(clip(), settings()).result.logits);
}

TEST_F(DeviceFallback, DecisionsOnTheDeviceAreTheHosts) {
  const auto backend = make_backend(on("cuda"));
  frames::ClipOptions options;
  trace::ClipTrace device, host;
  const auto frames = decide_on(*backend, clip(), options, 0.1f, device);
  EXPECT_TRUE(frames);
  EXPECT_FALSE(decide_on(*make_backend(on("reference")), clip(), options, 0.1f, host));
  EXPECT_EQ(device.difference, host.difference);
  EXPECT_EQ(device.keep, host.keep);
  EXPECT_EQ(device.run_length, host.run_length);
}

TEST(RunOnCpu, KeepsWhatTheCpuHas) {
  RunSettings run;
  run.backend = "cuda:1";
  run.dtype = "f16";
  run.threads = 3;
  const RunSettings cpu = on_cpu(run);
  EXPECT_NE(cpu.backend.rfind("cuda", 0), 0u);
  EXPECT_EQ(cpu.dtype, "f32");
  EXPECT_EQ(cpu.threads, 3);
}

}  // namespace
}  // namespace looktwice::engine
