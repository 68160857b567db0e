// Positions and grid of the image transformer.

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/error.h"
#include "models/vit.h"

namespace looktwice::models {
namespace {

using compute::Tensor;

/// Cubic convolution kernel, a = -0.5.
double cubic(double x) {
  constexpr double a = -0.5;
  x = std::fabs(x);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a;
  return 0;
}

struct Taps {
  int first = 0;
  std::vector<double> weight;
};

std::vector<Taps> taps(int from, int to) {
  std::vector<Taps> all;
  const double scale = double(from) / to, widen = std::max(1.0, scale), reach = 2 * widen;
  for (int i = 0; i < to; ++i) {
    const double centre = scale * (i + 0.5);
    Taps t;
    t.first = std::max(int(centre - reach + 0.5), 0);
    const int end = std::min(int(centre + reach + 0.5), from);
    double sum = 0;
    for (int j = t.first; j < end; ++j) {
      t.weight.push_back(cubic((j - centre + 0.5) / widen));
      sum += t.weight.back();
    }
    for (double& w : t.weight)
      w /= sum;
    all.push_back(std::move(t));
  }
  return all;
}

}  // namespace

std::vector<float> resize_positions(const float* table, int from_h, int from_w, int to_h, int to_w,
                                    int width) {
  const auto rows = taps(from_h, to_h), columns = taps(from_w, to_w);
  std::vector<float> out(size_t(to_h) * size_t(to_w) * size_t(width));
  std::vector<double> sum(static_cast<size_t>(width));
  for (int y = 0; y < to_h; ++y)
    for (int x = 0; x < to_w; ++x) {
      std::fill(sum.begin(), sum.end(), 0.0);
      const Taps &ty = rows[size_t(y)], &tx = columns[size_t(x)];
      for (size_t j = 0; j < ty.weight.size(); ++j)
        for (size_t i = 0; i < tx.weight.size(); ++i) {
          const double w = ty.weight[j] * tx.weight[i];
          const int at = (ty.first + int(j)) * from_w + tx.first + int(i);
          const float* p = table + int64_t(at) * width;
          for (int c = 0; c < width; ++c)
            sum[size_t(c)] += w * p[c];
        }
      float* to = out.data() + (int64_t(y) * to_w + x) * width;
      for (int c = 0; c < width; ++c)
        to[c] = float(sum[size_t(c)]);
    }
  return out;
}

tokens::Grid ImageVit::grid(int T, int H, int W) const {
  if (T != 1)
    throw bad_input("classify",
                    "an image model takes one frame at a time, not " + std::to_string(T));
  return tokens::grid_of({nullptr, T, H, W}, 1, config_.patch);
}

Tensor ImageVit::positions(const tokens::Grid& g, std::string& note) const {
  const int64_t d = config_.hidden, n = int64_t(g.size());
  if (!ends_.position) {
    note = "none";
    return Tensor::zeros({config_.extra_tokens() + n, d});
  }
  // Some models have no position for their class tokens.
  const int from_h = config_.image_height / config_.patch,
            from_w = config_.image_width / config_.patch;
  const int64_t stored = ends_.position.rows(), patches = int64_t(from_h) * from_w;
  if (stored != patches + config_.extra_tokens() && stored != patches)
    throw bad_input("pos_embed", "has " + std::to_string(stored) + " rows, but config.json says " +
                                     std::to_string(from_h) + "x" + std::to_string(from_w) +
                                     " patches and " + std::to_string(config_.extra_tokens()) +
                                     " class tokens");
  const int64_t own = stored - patches, extra = config_.extra_tokens();
  Tensor out = Tensor::zeros({extra + n, d});
  const float* from = ends_.position.data<float>();
  if (own) std::memcpy(out.raw(), from, size_t(own * d) * sizeof(float));
  float* to = out.data<float>() + extra * d;
  if (g.h == from_h && g.w == from_w) {
    note = "stored in the checkpoint";
    std::memcpy(to, from + own * d, size_t(n * d) * sizeof(float));
  } else {
    note = "interpolated from " + std::to_string(from_h) + "x" + std::to_string(from_w) + " to " +
           std::to_string(g.h) + "x" + std::to_string(g.w);
    const auto resized = resize_positions(from + own * d, from_h, from_w, g.h, g.w, int(d));
    std::memcpy(to, resized.data(), resized.size() * sizeof(float));
  }
  return out;
}

}  // namespace looktwice::models
