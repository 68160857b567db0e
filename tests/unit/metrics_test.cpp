#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "base/error.h"
#include "metrics/agreement.h"
#include "metrics/psnr.h"
#include "metrics/ssim.h"

namespace looktwice::metrics {
namespace {

struct Pictures {
  std::vector<uint8_t> a, b, c;
};
/// 50x40 pictures from integer formulas; the expected values below were computed from the same
/// formulas with SciPy's Gaussian filter in float64.
Pictures pictures() {
  Pictures p;
  for (int y = 0; y < 40; ++y)
    for (int x = 0; x < 50; ++x) {
      p.a.push_back(uint8_t((x * 7 + y * 13) & 255));
      p.b.push_back(uint8_t((x * 7 + y * 13 + ((x * y) % 11) * 3) & 255));
      p.c.push_back(uint8_t(p.a.back() / 2 + 30));
    }
  return p;
}

TEST(Ssim, AgreesWithAnIndependentComputation) {
  const Pictures p = pictures();
  EXPECT_NEAR(ssim(p.a.data(), 50, p.b.data(), 50, 50, 40), 0.6504044789738773, 1e-9);
  EXPECT_NEAR(ssim(p.a.data(), 50, p.c.data(), 50, 50, 40), 0.7748632596358613, 1e-9);
  EXPECT_NEAR(ssim(p.a.data(), 50, p.a.data(), 50, 50, 40), 1.0, 1e-12);
}

TEST(Ssim, StrideAndSmallPictures) {
  const Pictures p = pictures();
  // The left 20 columns by stride, and the same columns copied out.
  std::vector<uint8_t> a, b;
  for (size_t y = 0; y < 40; ++y)
    for (size_t x = 0; x < 20; ++x) {
      a.push_back(p.a[y * 50 + x]);
      b.push_back(p.b[y * 50 + x]);
    }
  EXPECT_EQ(ssim(p.a.data(), 50, p.b.data(), 50, 20, 40), ssim(a.data(), 20, b.data(), 20, 20, 40));
  EXPECT_LT(ssim(p.a.data(), 50, p.b.data(), 50, 11, 11), 1.0);
  EXPECT_THROW(ssim(p.a.data(), 50, p.b.data(), 50, 10, 40), Error);
  EXPECT_THROW(ssim(p.a.data(), 50, p.b.data(), 50, 50, 10), Error);
}

TEST(Ssim, RgbTakesLuma) {
  const Pictures p = pictures();
  std::vector<uint8_t> grey_a, grey_b;
  for (size_t i = 0; i < p.a.size(); ++i)
    for (int c = 0; c < 3; ++c) {
      grey_a.push_back(p.a[i]);
      grey_b.push_back(p.b[i]);
    }
  EXPECT_EQ(ssim_rgb(grey_a.data(), grey_b.data(), 50, 40),
            ssim(p.a.data(), 50, p.b.data(), 50, 50, 40));
}

TEST(Psnr, KnownValues) {
  const std::vector<uint8_t> a(300, 10), b(300, 11), c(300, 265 - 256);
  EXPECT_TRUE(std::isinf(psnr(a.data(), a.data(), 300)));
  EXPECT_NEAR(psnr(a.data(), b.data(), 300), 48.1308036087, 1e-9);
  EXPECT_NEAR(psnr(a.data(), c.data(), 300), 48.1308036087, 1e-9);
}

TEST(Agreement, WilsonIntervals) {
  // Textbook values: 8 of 10, and the ends that the normal approximation gets wrong.
  Share s = share(8, 10);
  EXPECT_NEAR(s.value, 0.8, 1e-12);
  EXPECT_NEAR(s.low, 0.490162, 1e-5);
  EXPECT_NEAR(s.high, 0.943318, 1e-5);
  s = share(0, 10);
  EXPECT_EQ(s.low, 0);
  EXPECT_NEAR(s.high, 0.277533, 1e-5);
  s = share(10, 10);
  EXPECT_NEAR(s.low, 1 - 0.277533, 1e-5);
  EXPECT_EQ(s.high, 1);
  s = share(0, 0);
  EXPECT_EQ(s.low, 0);
  EXPECT_EQ(s.high, 1);
  EXPECT_THROW(share(2, 1), Error);
}

TEST(Agreement, CountsRows) {
  const float nan = std::nanf("");
  const std::vector<float> a{1, 2, 3, /**/ 5, 5, 1, /**/ 0, -1, -2, /**/ nan, 1, 0};
  const std::vector<float> b{0, 0, 1, /**/ 1, 2, 0, /**/ 9, 1, 1, /**/ 0, 1, nan};
  EXPECT_EQ(agreement(a, b, 3).hits, 3u);  // row 1: a names class 0 (lowest of a tie), b class 1
  const std::vector<int32_t> labels{2, 0, 1, 0};
  EXPECT_EQ(accuracy(a, 3, labels).hits, 2u);
  EXPECT_EQ(top_k_accuracy(a, 3, labels, 2).hits, 3u);
  EXPECT_EQ(top_k_accuracy(a, 3, labels, 3).hits, 4u);
  EXPECT_THROW(accuracy(a, 5, labels), Error);
  EXPECT_THROW(accuracy(a, 3, std::vector<int32_t>{0}), Error);
  EXPECT_THROW(accuracy(a, 3, std::vector<int32_t>{0, 1, 2, 3}), Error);
  EXPECT_THROW(agreement(a, std::vector<float>(3), 3), Error);
}

}  // namespace
}  // namespace looktwice::metrics
