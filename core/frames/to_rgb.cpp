// Y'CbCr to RGB in float32: every product is far below 2^24 ulps from a tie, so the result is the
// float64 one but for exact ties. Built with -ffp-contract=off so that every CPU gives the same.
#include <algorithm>
#include <cstring>
#include <vector>

#include "frames/frame.h"

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define LT_CLONES __attribute__((target_clones("avx2", "default")))
#else
#define LT_CLONES
#endif

namespace looktwice::frames {
namespace {

/// ITU-R BT.601-7 2.5.1, BT.709-6 3.2, BT.2020-2 table 4 (non-constant luminance), H.273 8.3.
struct Coefficients {
  float y_scale, y_offset;  ///< to 0..255
  float c_offset;           ///< in sixteenths of a sample
  float rv, gu, gv, bu;     ///< for chroma in sixteenths of a sample
};

Coefficients coefficients(const Frame& f) {
  const double kr = f.matrix == Matrix::bt601 ? 0.299 : f.matrix == Matrix::bt709 ? 0.2126 : 0.2627;
  const double kb = f.matrix == Matrix::bt601 ? 0.114 : f.matrix == Matrix::bt709 ? 0.0722 : 0.0593;
  const double unit = f.depth == 10 ? 4 : 1;
  const bool full = f.range == Range::full;
  const double peak = f.depth == 10 ? 1023 : 255;
  const double ys = 255.0 / (full ? peak : 219 * unit);
  const double cs = 255.0 / (full ? peak : 224 * unit) / 16;
  const double kg = 1 - kr - kb;
  const auto f32 = [](double v) { return static_cast<float>(v); };
  return {f32(ys),
          f32(full ? 0 : 16 * unit),
          f32(128 * unit * 16),
          f32(2 * (1 - kr) * cs),
          f32(-2 * (1 - kb) * kb / kg * cs),
          f32(-2 * (1 - kr) * kr / kg * cs),
          f32(2 * (1 - kb) * cs)};
}

inline uint8_t to_byte(float v) {
  return static_cast<uint8_t>(std::clamp(static_cast<int>(v + 0.5f), 0, 255));
}

LT_CLONES
void matrix_row(const int16_t* __restrict y, const int16_t* __restrict u,
                const int16_t* __restrict v, int width, const Coefficients& k,
                uint8_t* __restrict r, uint8_t* __restrict g, uint8_t* __restrict b) {
  const Coefficients c = k;
  for (int x = 0; x < width; ++x) {
    const float luma = (static_cast<float>(y[x]) - c.y_offset) * c.y_scale;
    const float cb = static_cast<float>(u[x]) - c.c_offset;
    const float cr = static_cast<float>(v[x]) - c.c_offset;
    r[x] = to_byte(luma + c.rv * cr);
    g[x] = to_byte(luma + (c.gu * cb + c.gv * cr));
    b[x] = to_byte(luma + c.bu * cb);
  }
}

LT_CLONES
void gray_row(const int16_t* __restrict y, int width, const Coefficients& k,
              uint8_t* __restrict r) {
  const Coefficients c = k;
  for (int x = 0; x < width; ++x)
    r[x] = to_byte((static_cast<float>(y[x]) - c.y_offset) * c.y_scale);
}

LT_CLONES
void interleave(const uint8_t* __restrict r, const uint8_t* __restrict g,
                const uint8_t* __restrict b, int width, uint8_t* __restrict to) {
  for (int x = 0; x < width; ++x) {
    to[3 * x] = r[x];
    to[3 * x + 1] = g[x];
    to[3 * x + 2] = b[x];
  }
}

/// One row of samples as int16.
LT_CLONES
void widen8(const uint8_t* __restrict from, int n, int16_t* __restrict to) {
  for (int i = 0; i < n; ++i)
    to[i] = from[i];
}

void load_row(const Plane& plane, int depth, int row, int16_t* to) {
  const uint8_t* from = plane.data + plane.stride * row;
  if (depth == 10)
    std::memcpy(to, from, sizeof(int16_t) * static_cast<size_t>(plane.width));
  else
    widen8(from, plane.width, to);
}

/// Quarters: (4-w) of `a` and w of `b`.
LT_CLONES
void blend_rows(const int16_t* __restrict a, const int16_t* __restrict b, int w, int n,
                int16_t* __restrict to) {
  const int v = 4 - w;
  for (int i = 0; i < n; ++i)
    to[i] = static_cast<int16_t>(v * a[i] + w * b[i]);
}

/// Doubles a row of chroma (quarters, with one sample of padding at both ends, `from` pointing at
/// sample 0) to sixteenths: even columns take `even` quarters of the left neighbour, odd columns
/// `odd` quarters of the right one.
LT_CLONES
void double_row(const int16_t* __restrict from, int even, int odd, int n, int16_t* __restrict to) {
  const int e = 4 - even, o = 4 - odd;
  for (int i = 0; i < n; ++i) {
    to[2 * i] = static_cast<int16_t>(even * from[i - 1] + e * from[i]);
    to[2 * i + 1] = static_cast<int16_t>(o * from[i] + odd * from[i + 1]);
  }
}

LT_CLONES
void times4(const int16_t* __restrict from, int n, int16_t* __restrict to) {
  for (int i = 0; i < n; ++i)
    to[i] = static_cast<int16_t>(4 * from[i]);
}

/// Rows of one chroma plane at full resolution, in sixteenths of a sample.
class Chroma {
 public:
  Chroma(const Frame& f, int plane)
      : plane_(f.planes[static_cast<size_t>(plane)]),
        depth_(f.depth),
        half_x_(f.layout != Layout::yuv444),
        half_y_(f.layout == Layout::yuv420),
        offset_(chroma_offset(f.site)) {
    const size_t n = static_cast<size_t>(plane_.width) + 2;
    rows_[0].resize(n);
    rows_[1].resize(n);
    mixed_.resize(n);
    out_.resize(2 * n);
  }

  const int16_t* row(int y) {
    const int n = plane_.width;
    int16_t* mixed = mixed_.data() + 1;
    if (half_y_) {
      // Luma row y lies at (y - offset)/2 in chroma rows: even rows lean up, odd rows down.
      const int c = y / 2, lean = static_cast<int>(2 * offset_.y);
      const int above = y % 2 == 0 ? std::max(c - 1, 0) : c;
      const int below = std::min(y % 2 == 0 ? c : c + 1, plane_.height - 1);
      const int weight = y % 2 == 0 ? 4 - lean : 2 - lean;  // of the lower one
      blend_rows(load(above), load(below), weight, n, mixed);
    } else {
      times4(load(y), n, mixed);
    }
    if (!half_x_) {
      times4(mixed, n, out_.data());
    } else {
      const int lean = static_cast<int>(2 * offset_.x);
      mixed[-1] = mixed[0];
      mixed[n] = mixed[n - 1];
      double_row(mixed, lean, 2 - lean, n, out_.data());
    }
    return out_.data();
  }

 private:
  const int16_t* load(int row) {
    const size_t slot = static_cast<size_t>(row) % 2;
    if (held_[slot] != row) {
      load_row(plane_, depth_, row, rows_[slot].data());
      held_[slot] = row;
    }
    return rows_[slot].data();
  }

  Plane plane_;
  int depth_;
  bool half_x_, half_y_;
  ChromaOffset offset_;
  std::array<int, 2> held_{-1, -1};
  std::array<std::vector<int16_t>, 2> rows_;
  std::vector<int16_t> mixed_, out_;
};

}  // namespace

void to_rgb24(const Frame& frame, uint8_t* to) {
  const size_t width = static_cast<size_t>(frame.width);
  if (frame.layout == Layout::rgb24) {
    for (int y = 0; y < frame.height; ++y)
      std::memcpy(to + 3 * width * static_cast<size_t>(y),
                  frame.planes[0].data + frame.planes[0].stride * y, 3 * width);
    return;
  }
  const Coefficients k = coefficients(frame);
  std::vector<int16_t> luma(width);
  std::vector<uint8_t> r(width), g(width), b(width);
  if (frame.layout == Layout::gray) {
    for (int y = 0; y < frame.height; ++y, to += 3 * width) {
      load_row(frame.planes[0], frame.depth, y, luma.data());
      gray_row(luma.data(), frame.width, k, r.data());
      interleave(r.data(), r.data(), r.data(), frame.width, to);
    }
    return;
  }
  Chroma u(frame, 1), v(frame, 2);
  for (int y = 0; y < frame.height; ++y, to += 3 * width) {
    load_row(frame.planes[0], frame.depth, y, luma.data());
    matrix_row(luma.data(), u.row(y), v.row(y), frame.width, k, r.data(), g.data(), b.data());
    interleave(r.data(), g.data(), b.data(), frame.width, to);
  }
}

}  // namespace looktwice::frames
