#include "frames/resize.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <vector>

namespace looktwice::frames {
namespace {

/// For each output sample of one axis: the first input sample and its coefficients.
struct Taps {
  int count = 0;                 ///< coefficients stored for each output sample
  std::vector<int> first, used;  ///< per output sample
  std::vector<int> weight;       ///< [samples, count]
};

constexpr int kPillowBits = 32 - 8 - 2;

/// Output samples [from, from + samples) of an axis resized from `in` to `out` samples.
Taps pillow_taps(int in, int out, int from, int samples) {
  const double scale = double(in) / out;
  const double widen = std::max(scale, 1.0);
  const double support = widen;  // the triangle reaches 1 to either side
  const double narrow = 1.0 / widen;
  Taps taps;
  taps.count = int(std::ceil(support)) * 2 + 1;
  taps.first.resize(size_t(samples));
  taps.used.resize(size_t(samples));
  taps.weight.resize(size_t(samples) * size_t(taps.count));
  std::vector<double> values(size_t(taps.count));
  for (int i = 0; i < samples; ++i) {
    const double center = (from + i + 0.5) * scale;
    const int low = std::max(0, int(center - support + 0.5));
    const int high = std::min(in, int(center + support + 0.5));
    double sum = 0;
    for (int k = low; k < high; ++k) {
      const double at = std::abs((k - center + 0.5) * narrow);
      const double value = at < 1.0 ? 1.0 - at : 0.0;
      values[size_t(k - low)] = value;
      sum += value;
    }
    taps.first[size_t(i)] = low;
    taps.used[size_t(i)] = high - low;
    int* weight = &taps.weight[size_t(i) * size_t(taps.count)];
    for (int k = 0; k < high - low; ++k) {
      const double value = sum != 0 ? values[size_t(k)] / sum : values[size_t(k)];
      weight[k] = int(0.5 + value * (1 << kPillowBits));
    }
  }
  return taps;
}

inline uint8_t pillow_round(int sum) {
  return uint8_t(std::clamp(sum >> kPillowBits, 0, 255));
}

/// Input samples [first, end) that an axis needs.
struct Reach {
  int first = 0, end = 0;
};

Reach reach(const Taps& taps) {
  return {taps.first.front(), taps.first.back() + taps.used.back()};
}

/// One row of pixels, the first of which is number `origin`, to the samples of `taps`.
void pillow_row(const uint8_t* from, int origin, const Taps& taps, uint8_t* to) {
  const size_t samples = taps.first.size();
  for (size_t i = 0; i < samples; ++i) {
    const uint8_t* pixel = from + size_t{3} * size_t(taps.first[i] - origin);
    const int* weight = &taps.weight[i * size_t(taps.count)];
    int r = 1 << (kPillowBits - 1), g = r, b = r;
    for (int k = 0; k < taps.used[i]; ++k) {
      r += pixel[3 * k] * weight[k];
      g += pixel[3 * k + 1] * weight[k];
      b += pixel[3 * k + 2] * weight[k];
    }
    to[3 * i] = pillow_round(r);
    to[3 * i + 1] = pillow_round(g);
    to[3 * i + 2] = pillow_round(b);
  }
}

/// Rows of `values` bytes, the first of which is number `origin`, to the rows of `taps`.
void pillow_columns(const uint8_t* from, ptrdiff_t stride, int origin, size_t values,
                    const Taps& taps, uint8_t* to) {
  std::vector<int> sums(values);
  for (size_t y = 0; y < taps.first.size(); ++y) {
    std::fill(sums.begin(), sums.end(), 1 << (kPillowBits - 1));
    for (int k = 0; k < taps.used[y]; ++k) {
      const uint8_t* row = from + (taps.first[y] - origin + k) * stride;
      const int weight = taps.weight[y * size_t(taps.count) + size_t(k)];
      for (size_t x = 0; x < values; ++x)
        sums[x] += row[x] * weight;
    }
    uint8_t* out = to + values * y;
    for (size_t x = 0; x < values; ++x)
      out[x] = pillow_round(sums[x]);
  }
}

void resize_pillow(const uint8_t* from, int width, int height, ptrdiff_t stride, int to_width,
                   int to_height, const Window& window, uint8_t* to) {
  const size_t row_bytes = size_t{3} * size_t(window.width);
  const auto rows_out = size_t(window.height);
  // A pass that changes nothing is left out.
  if (to_width == width && to_height == height) {
    from += window.top * stride + ptrdiff_t{3} * window.left;
    for (size_t y = 0; y < rows_out; ++y)
      std::memcpy(to + row_bytes * y, from + ptrdiff_t(y) * stride, row_bytes);
    return;
  }
  if (to_height == height) {
    const Taps across = pillow_taps(width, to_width, window.left, window.width);
    for (size_t y = 0; y < rows_out; ++y)
      pillow_row(from + (window.top + ptrdiff_t(y)) * stride, 0, across, to + row_bytes * y);
    return;
  }
  const Taps down = pillow_taps(height, to_height, window.top, window.height);
  const Reach rows = reach(down);
  if (to_width == width) {
    pillow_columns(from + rows.first * stride + ptrdiff_t{3} * window.left, stride, rows.first,
                   row_bytes, down, to);
    return;
  }
  const Taps across = pillow_taps(width, to_width, window.left, window.width);
  const Reach columns = reach(across);
  const bool columns_first =
      to_height < height && int64_t{height} - to_height > 2 * (int64_t{width} - to_width);
  if (columns_first) {
    const size_t values = size_t{3} * size_t(columns.end - columns.first);
    std::vector<uint8_t> middle(values * rows_out);
    pillow_columns(from + rows.first * stride + ptrdiff_t{3} * columns.first, stride, rows.first,
                   values, down, middle.data());
    for (size_t y = 0; y < rows_out; ++y)
      pillow_row(&middle[values * y], columns.first, across, to + row_bytes * y);
  } else {
    std::vector<uint8_t> middle(row_bytes * size_t(rows.end - rows.first));
    for (int y = rows.first; y < rows.end; ++y)
      pillow_row(from + y * stride, 0, across, &middle[row_bytes * size_t(y - rows.first)]);
    pillow_columns(middle.data(), ptrdiff_t(row_bytes), rows.first, row_bytes, down, to);
  }
}

constexpr int kOpencvOne = 1 << 11;

/// Two taps a sample; `used` is unused.
Taps opencv_taps(int in, int out, int from, int samples) {
  const double scale = double(in) / out;
  Taps taps;
  taps.count = 2;
  taps.first.resize(size_t(samples));
  taps.weight.resize(size_t(samples) * 2);
  for (int i = 0; i < samples; ++i) {
    const auto at = float((from + i + 0.5) * scale - 0.5);
    int low = int(std::floor(at));
    float part = at - float(low);
    if (low < 0) {
      low = 0;
      part = 0;
    }
    if (low >= in - 1) {
      low = in - 1;
      part = 0;
    }
    taps.first[size_t(i)] = low;
    taps.weight[size_t(i) * 2] = int(std::lrint((1.0f - part) * kOpencvOne));
    taps.weight[size_t(i) * 2 + 1] = int(std::lrint(part * kOpencvOne));
  }
  return taps;
}

void resize_opencv(const uint8_t* from, int width, int height, ptrdiff_t stride, int to_width,
                   int to_height, const Window& window, uint8_t* to) {
  const Taps across = opencv_taps(width, to_width, window.left, window.width);
  const Taps down = opencv_taps(height, to_height, window.top, window.height);
  const size_t row_values = size_t{3} * size_t(window.width);
  // The two input rows that the current output row lies between, resized along the row.
  std::vector<int> rows[2];
  int held[2] = {-1, -1};
  for (auto& row : rows)
    row.resize(row_values);
  const auto fill = [&](int slot, int y) {
    if (held[slot] == y) return;
    held[slot] = y;
    const uint8_t* row = from + y * stride;
    for (size_t i = 0; i < size_t(window.width); ++i) {
      const int x = across.first[i];
      const uint8_t* a = row + size_t{3} * size_t(x);
      const uint8_t* b = row + size_t{3} * size_t(std::min(x + 1, width - 1));
      for (size_t c = 0; c < 3; ++c)
        rows[slot][3 * i + c] = a[c] * across.weight[2 * i] + b[c] * across.weight[2 * i + 1];
    }
  };
  for (int y = 0; y < window.height; ++y) {
    const int low = down.first[size_t(y)];
    if (held[1] == low) {
      std::swap(rows[0], rows[1]);
      std::swap(held[0], held[1]);
    }
    fill(0, low);
    fill(1, std::min(low + 1, height - 1));
    const int upper = down.weight[size_t(y) * 2], lower = down.weight[size_t(y) * 2 + 1];
    uint8_t* out = to + row_values * size_t(y);
    for (size_t x = 0; x < row_values; ++x) {
      const int sum = ((upper * (rows[0][x] >> 4)) >> 16) + ((lower * (rows[1][x] >> 4)) >> 16);
      out[x] = uint8_t((sum + 2) >> 2);
    }
  }
}

}  // namespace

void resize_rgb(const uint8_t* from, int width, int height, ptrdiff_t stride, int to_width,
                int to_height, const Window& window, Resize kernel, uint8_t* to) {
  if (kernel == Resize::opencv && (to_width != width || to_height != height)) {
    resize_opencv(from, width, height, stride, to_width, to_height, window, to);
  } else {
    resize_pillow(from, width, height, stride, to_width, to_height, window, to);
  }
}

void preprocess(const Frame& frame, const ClipGeometry& geometry, Resize resize, uint8_t* to) {
  const Window window{geometry.left, geometry.top, geometry.width, geometry.height};
  if (frame.layout == Layout::rgb24) {
    resize_rgb(frame.planes[0].data, frame.width, frame.height, frame.planes[0].stride,
               geometry.resized_width, geometry.resized_height, window, resize, to);
    return;
  }
  const auto rgb = std::make_unique_for_overwrite<uint8_t[]>(size_t{3} * size_t(frame.width) *
                                                             size_t(frame.height));
  to_rgb24(frame, rgb.get());
  resize_rgb(rgb.get(), frame.width, frame.height, ptrdiff_t{3} * frame.width,
             geometry.resized_width, geometry.resized_height, window, resize, to);
}

}  // namespace looktwice::frames
