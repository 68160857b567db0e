// to_rgb24 against a float64 computation written from the standards' formulas, one pixel at a time.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "frames/frame.h"

namespace looktwice::frames {
namespace {

struct Picture {
  Frame frame;
  std::array<std::vector<uint8_t>, 3> bytes;
};

Picture random_picture(int width, int height, Layout layout, int depth, unsigned seed) {
  Picture p;
  std::mt19937 rng(seed);
  p.frame.width = width;
  p.frame.height = height;
  p.frame.layout = layout;
  p.frame.depth = depth;
  const int sample = depth == 10 ? 2 : 1;
  for (int i = 0; i < p.frame.plane_count(); ++i) {
    const size_t n = static_cast<size_t>(i);
    const bool chroma = i > 0;
    const int w = chroma && layout != Layout::yuv444 ? (width + 1) / 2 : width;
    const int h = chroma && layout == Layout::yuv420 ? (height + 1) / 2 : height;
    const ptrdiff_t stride = static_cast<ptrdiff_t>(w) * sample + 2 * (i + 1);
    p.bytes[n].resize(static_cast<size_t>(stride * h));
    for (int y = 0; y < h; ++y)
      for (int x = 0; x < w; ++x) {
        const unsigned v = rng() % (depth == 10 ? 1024U : 256U);
        uint8_t* to = p.bytes[n].data() + stride * y + x * sample;
        to[0] = static_cast<uint8_t>(v & 255U);
        if (sample == 2) to[1] = static_cast<uint8_t>(v >> 8U);
      }
    p.frame.planes[n] = {p.bytes[n].data(), stride, w, h};
  }
  return p;
}

double sample(const Frame& f, int plane, int x, int y) {
  const Plane& p = f.planes[static_cast<size_t>(plane)];
  x = std::clamp(x, 0, p.width - 1);
  y = std::clamp(y, 0, p.height - 1);
  const uint8_t* at = p.data + p.stride * y;
  return f.depth == 10 ? at[2 * x] + 256.0 * at[2 * x + 1] : at[x];
}

/// Linear interpolation of a chroma plane at the place of luma pixel (x, y).
double chroma(const Frame& f, int plane, int x, int y) {
  const ChromaOffset o = chroma_offset(f.site);
  const double cx = f.layout == Layout::yuv444 ? x : (x - o.x) / 2;
  const double cy = f.layout == Layout::yuv420 ? (y - o.y) / 2 : y;
  const int x0 = static_cast<int>(std::floor(cx)), y0 = static_cast<int>(std::floor(cy));
  const double fx = cx - x0, fy = cy - y0;
  return (1 - fy) * ((1 - fx) * sample(f, plane, x0, y0) + fx * sample(f, plane, x0 + 1, y0)) +
         fy * ((1 - fx) * sample(f, plane, x0, y0 + 1) + fx * sample(f, plane, x0 + 1, y0 + 1));
}

std::array<double, 3> expected(const Frame& f, int x, int y) {
  static constexpr double kKr[] = {0.299, 0.2126, 0.2627}, kKb[] = {0.114, 0.0722, 0.0593};
  const double kr = kKr[static_cast<int>(f.matrix)], kb = kKb[static_cast<int>(f.matrix)];
  const double scale = std::pow(2.0, f.depth - 8), peak = std::pow(2.0, f.depth) - 1;
  const bool full = f.range == Range::full;
  const double luma =
      full ? sample(f, 0, x, y) / peak : (sample(f, 0, x, y) - 16 * scale) / (219 * scale);
  if (f.layout == Layout::gray) return {255 * luma, 255 * luma, 255 * luma};
  const double half = 128 * scale, reach = full ? peak : 224 * scale;
  const double cb = (chroma(f, 1, x, y) - half) / reach, cr = (chroma(f, 2, x, y) - half) / reach;
  const double r = luma + 2 * (1 - kr) * cr, b = luma + 2 * (1 - kb) * cb;
  const double g = (luma - kr * r - kb * b) / (1 - kr - kb);
  return {255 * r, 255 * g, 255 * b};
}

void check(const Frame& f, const std::string& what) {
  std::vector<uint8_t> rgb(static_cast<size_t>(3 * f.width * f.height));
  to_rgb24(f, rgb.data());
  for (int y = 0; y < f.height; ++y)
    for (int x = 0; x < f.width; ++x) {
      const auto want = expected(f, x, y);
      for (int c = 0; c < 3; ++c) {
        const double exact = std::clamp(want[static_cast<size_t>(c)], 0.0, 255.0);
        const int got = rgb[static_cast<size_t>(3 * (y * f.width + x) + c)];
        ASSERT_LE(std::abs(got - exact), 0.5 + 1e-4) << what << " at " << x << "," << y << "," << c;
      }
    }
}

TEST(ToRgb, EveryLayoutMatrixRangeDepthAndSitingAgainstFloat64) {
  unsigned seed = 0;
  for (const auto& [w, h] : {std::pair{40, 22}, {37, 19}, {2, 2}, {1, 1}})
    for (Layout layout : {Layout::yuv420, Layout::yuv422, Layout::yuv444, Layout::gray})
      for (int depth : {8, 10})
        for (Matrix matrix : {Matrix::bt601, Matrix::bt709, Matrix::bt2020})
          for (Range range : {Range::limited, Range::full})
            for (int site = 0; site <= static_cast<int>(ChromaSite::bottom_right); ++site) {
              Picture p = random_picture(w, h, layout, depth, ++seed);
              p.frame.matrix = matrix;
              p.frame.range = range;
              p.frame.site = static_cast<ChromaSite>(site);
              check(p.frame, "layout " + std::to_string(static_cast<int>(layout)) + " depth " +
                                 std::to_string(depth) + " matrix " +
                                 std::to_string(static_cast<int>(matrix)) + " range " +
                                 std::to_string(static_cast<int>(range)) + " site " +
                                 std::to_string(site));
              if (HasFatalFailure()) return;
            }
}

TEST(ToRgb, RgbAndFullRangeGrayAreTakenVerbatim) {
  Picture p = random_picture(19, 7, Layout::gray, 8, 3);
  p.frame.range = Range::full;
  std::vector<uint8_t> rgb(3 * 19 * 7);
  to_rgb24(p.frame, rgb.data());
  for (int y = 0; y < 7; ++y)
    for (int x = 0; x < 19; ++x)
      for (int c = 0; c < 3; ++c)
        ASSERT_EQ(rgb[static_cast<size_t>(3 * (y * 19 + x) + c)],
                  p.frame.planes[0].data[p.frame.planes[0].stride * y + x]);
  const FramePtr f = make_rgb_frame(rgb.data(), 19, 7, 0, 0);
  std::vector<uint8_t> again(rgb.size());
  to_rgb24(*f, again.data());
  EXPECT_EQ(rgb, again);
}

}  // namespace
}  // namespace looktwice::frames
