// From polygons to coverage: for every pixel the signed area to the right of each edge is summed,
// so that a running sum along the row gives the exact covered area.
#include <cstddef>
#include <cstdlib>

#include "frames/scenes/canvas.h"

namespace looktwice::frames::scenes {
namespace {

/// Sums of one row part: `cover` is the height that edges span in a pixel, `area` twice the area
/// between them and the pixel's left side. Units of 1/256 pixel.
struct Sums {
  int width, height;
  std::vector<int> cover, area;

  Sums(int w, int h)
      : width(w), height(h), cover(size_t(w + 1) * size_t(h)), area(size_t(w + 1) * size_t(h)) {}

  void put(int row, int column, int dy, int left_a, int left_b) {
    if (column >= width) return;
    const size_t at = size_t(row) * size_t(width + 1) + size_t(column);
    cover[at] += dy;
    area[at] += dy * (left_a + left_b);
  }

  /// An edge inside one row, from (xa, ya) to (xb, yb), x in [0, width·256].
  void in_row(int row, int xa, int ya, int xb, int yb) {
    int column = std::min(xa, xb) >> 8;
    const int last = (std::max(xa, xb) - 1) >> 8;
    if (last <= column) {
      put(row, column, yb - ya, xa - (column << 8), xb - (column << 8));
      return;
    }
    // Left to right; where that turns the edge around, its height changes sign.
    const bool turned = xa > xb;
    if (turned) {
      std::swap(xa, xb);
      std::swap(ya, yb);
    }
    const int64_t dx = xb - xa, dy = yb - ya;
    int x = xa, y = ya;
    for (; column <= last; ++column) {
      const int edge = std::min((column + 1) << 8, xb);
      const int next = edge == xb ? yb : ya + int(dy * (edge - xa) / dx);
      const int span = next - y;
      put(row, column, turned ? -span : span, x - (column << 8), edge - (column << 8));
      x = edge;
      y = next;
    }
  }

  /// An edge whose x may leave the picture: what lies left of it counts fully, what lies right of
  /// it not at all.
  void clipped(int row, int xa, int ya, int xb, int yb) {
    const int right = width << 8;
    const auto cut = [&](int border) {
      return ya + int(int64_t{yb - ya} * (border - xa) / (xb - xa));
    };
    for (const int border : {0, right}) {
      if ((xa < border && xb > border) || (xa > border && xb < border)) {
        const int y = cut(border);
        clipped(row, xa, ya, border, y);
        clipped(row, border, y, xb, yb);
        return;
      }
    }
    xa = std::clamp(xa, 0, right);
    xb = std::clamp(xb, 0, right);
    if (ya != yb) in_row(row, xa, ya, xb, yb);
  }

  void edge(int x0, int y0, int x1, int y1) {
    if (y0 == y1) return;
    const bool up = y0 > y1;
    if (up) {
      std::swap(x0, x1);
      std::swap(y0, y1);
    }
    if (y1 <= 0 || y0 >= height << 8) return;
    const int64_t dx = x1 - x0, dy = y1 - y0;
    const auto x_at = [&](int y) { return y == y1 ? x1 : x0 + int(dx * (y - y0) / dy); };
    int y = std::max(y0, 0), x = x_at(y);
    const int end = std::min(y1, height << 8);
    while (y < end) {
      const int row = y >> 8, base = row << 8;
      const int next = std::min(end, base + 256), next_x = x_at(next);
      if (up) {
        clipped(row, next_x, next - base, x, y - base);
      } else {
        clipped(row, x, y - base, next_x, next - base);
      }
      y = next;
      x = next_x;
    }
  }
};

int fixed(double value) {
  // Far outside is as good as anywhere outside, and must not overflow.
  return int(std::floor(std::clamp(value, -30000.0, 30000.0) * 256 + 0.5));
}

}  // namespace

Mask rasterize(const Path& path, int canvas_width, int canvas_height) {
  int left = INT32_MAX, top = INT32_MAX, right = INT32_MIN, bottom = INT32_MIN;
  for (const auto& contour : path.contours)
    for (const Point& p : contour) {
      left = std::min(left, fixed(p.x));
      right = std::max(right, fixed(p.x));
      top = std::min(top, fixed(p.y));
      bottom = std::max(bottom, fixed(p.y));
    }
  Mask mask;
  if (left > right) return mask;
  mask.x = std::max(0, left >> 8);
  mask.y = std::max(0, top >> 8);
  mask.width = std::min(canvas_width, (right + 255) >> 8) - mask.x;
  mask.height = std::min(canvas_height, (bottom + 255) >> 8) - mask.y;
  if (mask.width <= 0 || mask.height <= 0) return Mask();
  Sums sums(mask.width, mask.height);
  const int ox = mask.x << 8, oy = mask.y << 8;
  for (const auto& contour : path.contours)
    for (size_t i = 0; i < contour.size(); ++i) {
      const Point &a = contour[i], &b = contour[(i + 1) % contour.size()];
      sums.edge(fixed(a.x) - ox, fixed(a.y) - oy, fixed(b.x) - ox, fixed(b.y) - oy);
    }
  mask.alpha.resize(size_t(mask.width) * size_t(mask.height));
  for (int y = 0; y < mask.height; ++y) {
    int running = 0;
    const size_t from = size_t(y) * size_t(mask.width + 1), to = size_t(y) * size_t(mask.width);
    for (int x = 0; x < mask.width; ++x) {
      const int cover = sums.cover[from + size_t(x)], area = sums.area[from + size_t(x)];
      const int filled = running + cover - area / 512;
      running += cover;
      mask.alpha[to + size_t(x)] = uint8_t(std::min(255, std::abs(filled)));
    }
  }
  return mask;
}

namespace {

/// One box blur along rows of `n` samples `step` apart.
void box(uint8_t* data, int n, ptrdiff_t step, int radius, std::vector<uint8_t>& line) {
  line.resize(size_t(n));
  for (int i = 0; i < n; ++i)
    line[size_t(i)] = data[i * step];
  const int side = 2 * radius + 1;
  int sum = 0;
  for (int i = 0; i < std::min(n, radius); ++i)
    sum += line[size_t(i)];
  for (int i = 0; i < n; ++i) {
    if (i + radius < n) sum += line[size_t(i + radius)];
    if (i - radius - 1 >= 0) sum -= line[size_t(i - radius - 1)];
    data[i * step] = uint8_t((sum + radius) / side);
  }
}

}  // namespace

Mask blurred(const Mask& mask, int radius, int canvas_width, int canvas_height) {
  if (radius < 1 || mask.alpha.empty()) return mask;
  const int pad = 3 * radius;
  Mask grown;
  grown.x = std::max(0, mask.x - pad);
  grown.y = std::max(0, mask.y - pad);
  grown.width = std::min(canvas_width, mask.x + mask.width + pad) - grown.x;
  grown.height = std::min(canvas_height, mask.y + mask.height + pad) - grown.y;
  grown.alpha.resize(size_t(grown.width) * size_t(grown.height));
  for (int y = 0; y < mask.height; ++y)
    std::copy_n(
        &mask.alpha[size_t(y) * size_t(mask.width)], mask.width,
        &grown
             .alpha[size_t(y + mask.y - grown.y) * size_t(grown.width) + size_t(mask.x - grown.x)]);
  std::vector<uint8_t> line;
  for (int pass = 0; pass < 3; ++pass) {
    for (int y = 0; y < grown.height; ++y)
      box(&grown.alpha[size_t(y) * size_t(grown.width)], grown.width, 1, radius, line);
    for (int x = 0; x < grown.width; ++x)
      box(&grown.alpha[size_t(x)], grown.height, grown.width, radius, line);
  }
  return grown;
}

}  // namespace looktwice::frames::scenes
