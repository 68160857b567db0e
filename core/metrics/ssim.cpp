#include "metrics/ssim.h"

#include <array>
#include <cmath>
#include <string>
#include <vector>

#include "base/error.h"

namespace looktwice::metrics {

namespace {

constexpr int kWindow = 11;
constexpr double kSigma = 1.5;

std::array<double, kWindow> gaussian() {
  std::array<double, kWindow> weights{};
  double sum = 0;
  for (int i = 0; i < kWindow; ++i) {
    const double x = (i - kWindow / 2) / kSigma;
    sum += weights[size_t(i)] = std::exp(-0.5 * x * x);
  }
  for (double& weight : weights)
    weight /= sum;
  return weights;
}

/// Weighted moments of one row: a, b, a², b², ab, each `width` - 10 entries.
struct Moments {
  explicit Moments(int width) : values(size_t(5) * width), width_(size_t(width)) {}
  double* map(int which) { return values.data() + size_t(which) * width_; }
  const double* map(int which) const { return values.data() + size_t(which) * width_; }
  std::vector<double> values;

 private:
  size_t width_;
};

}  // namespace

double ssim(const uint8_t* a, size_t stride_a, const uint8_t* b, size_t stride_b, int width,
            int height) {
  if (width < kWindow || height < kWindow)
    throw bad_input("SSIM", "a picture of " + std::to_string(width) + "x" + std::to_string(height) +
                                " is smaller than its window of 11x11");
  static const std::array<double, kWindow> weight = gaussian();
  constexpr double c1 = (0.01 * 255) * (0.01 * 255), c2 = (0.03 * 255) * (0.03 * 255);
  const int columns = width - kWindow + 1;
  std::vector<Moments> ring(kWindow, Moments(columns));
  std::vector<double> product[5];
  for (auto& row : product)
    row.resize(size_t(width));
  Moments sum(columns);

  double total = 0;
  for (int y = 0; y < height; ++y) {
    const uint8_t* pa = a + size_t(y) * stride_a;
    const uint8_t* pb = b + size_t(y) * stride_b;
    for (int x = 0; x < width; ++x) {
      const double va = pa[x], vb = pb[x];
      const auto i = static_cast<size_t>(x);
      product[0][i] = va;
      product[1][i] = vb;
      product[2][i] = va * va;
      product[3][i] = vb * vb;
      product[4][i] = va * vb;
    }
    Moments& row = ring[size_t(y % kWindow)];
    for (int m = 0; m < 5; ++m) {
      const double* from = product[m].data();
      double* to = row.map(m);
      for (int x = 0; x < columns; ++x)
        to[x] = weight[0] * from[x];
      for (int k = 1; k < kWindow; ++k)
        for (int x = 0; x < columns; ++x)
          to[x] += weight[size_t(k)] * from[x + k];
    }
    if (y < kWindow - 1) continue;
    for (int m = 0; m < 5; ++m) {
      double* to = sum.map(m);
      for (int k = 0; k < kWindow; ++k) {
        const double w = weight[size_t(k)];
        const double* from = ring[size_t((y - (kWindow - 1) + k) % kWindow)].map(m);
        for (int x = 0; x < columns; ++x)
          to[x] = (k == 0 ? 0.0 : to[x]) + w * from[x];
      }
    }
    const double *ea = sum.map(0), *eb = sum.map(1), *eaa = sum.map(2), *ebb = sum.map(3),
                 *eab = sum.map(4);
    double line = 0;
    for (int x = 0; x < columns; ++x) {
      const double ma = ea[x], mb = eb[x];
      const double va = eaa[x] - ma * ma, vb = ebb[x] - mb * mb, cov = eab[x] - ma * mb;
      line += ((2 * ma * mb + c1) * (2 * cov + c2)) / ((ma * ma + mb * mb + c1) * (va + vb + c2));
    }
    total += line;
  }
  return total / (double(columns) * (height - kWindow + 1));
}

double ssim_rgb(const uint8_t* a, const uint8_t* b, int width, int height) {
  if (width < 1 || height < 1) throw bad_input("SSIM", "the picture is empty");
  const size_t pixels = size_t(width) * height;
  const auto luma = [pixels](const uint8_t* rgb) {
    std::vector<uint8_t> y(pixels);
    for (size_t i = 0; i < pixels; ++i)  // the weights in thousandths, rounded to nearest
      y[i] = static_cast<uint8_t>(
          (299u * rgb[3 * i] + 587u * rgb[3 * i + 1] + 114u * rgb[3 * i + 2] + 500u) / 1000u);
    return y;
  };
  const std::vector<uint8_t> ya = luma(a), yb = luma(b);
  return ssim(ya.data(), size_t(width), yb.data(), size_t(width), width, height);
}

}  // namespace looktwice::metrics
