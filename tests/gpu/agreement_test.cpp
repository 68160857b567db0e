// The shared list of operations (tests/ops) on the CUDA backend, against the reference. With
// LOOKTWICE_TEST_NEEDS_GPU=1 a machine without a device fails; otherwise it says why it skips.

#include <cmath>
#include <cstdlib>

#include <gtest/gtest.h>

#include "compute/backend.h"
#include "op_cases.h"

namespace looktwice::compute {
namespace {

class CudaAgreement : public testing::TestWithParam<DType> {
 protected:
  void SetUp() override {
    for (const BackendInfo& info : list_backends())
      if (info.name == "cuda" && !info.available) {
        if (std::getenv("LOOKTWICE_TEST_NEEDS_GPU")) FAIL() << info.note;
        GTEST_SKIP() << info.note;
      }
  }
};

INSTANTIATE_TEST_SUITE_P(Cuda, CudaAgreement, testing::Values(DType::f32, DType::bf16, DType::f16),
                         [](const auto& tested) { return std::string(dtype_name(tested.param)); });

TEST_P(CudaAgreement, EveryOperationEqualsTheReferenceTwice) {
  const DType dtype = GetParam();
  const auto reference = make_backend({"reference", DType::f32, 0});
  BackendOptions options;
  options.name = "cuda";
  options.dtype = dtype;
  const auto cuda = make_backend(options);
  const double relative = dtype == DType::f32 ? 1e-5 : dtype == DType::bf16 ? 2e-2 : 4e-3;
  const char* only = std::getenv("LOOKTWICE_TEST_ONLY");
  const char* most_flops = std::getenv("LOOKTWICE_TEST_MOST_FLOPS");  // an emulator is slow
  int checked = 0;
  for (const auto& c : ops::op_cases()) {
    if (c.large || (only && c.name.find(only) == std::string::npos)) continue;
    if (most_flops && c.flops > std::atof(most_flops)) continue;
    SCOPED_TRACE(c.name);
    ++checked;
    auto want = c.make(*reference, dtype);
    auto got = c.make(*cuda, dtype);
    auto again = c.make(*cuda, dtype);
    want.run();
    got.run();
    again.run();
    for (size_t i = 0; i < want.outputs.size(); ++i) {
      const auto a = reference->download_f32(want.outputs[i]);
      const auto b = cuda->download_f32(got.outputs[i]);
      ASSERT_EQ(a.size(), b.size());
      EXPECT_EQ(b, cuda->download_f32(again.outputs[i])) << "two runs differ";
      double most = 0;
      size_t worst = 0;
      for (size_t j = 0; j < a.size(); ++j) {
        ASSERT_TRUE(std::isfinite(b[j])) << "element " << j;
        const double error = std::fabs(double(a[j]) - b[j]) / (c.scale + std::fabs(double(a[j])));
        if (error > most) {
          most = error;
          worst = j;
        }
      }
      EXPECT_LE(most, relative) << "element " << worst;
    }
  }
  EXPECT_GT(checked, 0);
  RecordProperty("cases", checked);
}

}  // namespace
}  // namespace looktwice::compute
