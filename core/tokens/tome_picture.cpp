#include "tokens/tome_picture.h"

#include <algorithm>
#include <string>

#include "base/error.h"

namespace looktwice::tokens {

namespace {

/// The generator behind Python's random module: MT19937 (Matsumoto and Nishimura, 1998), seeded by
/// an array of one word, 53-bit floats.
class PythonRandom {
 public:
  explicit PythonRandom(uint32_t seed) {
    fill(19650218u);
    size_t i = 1;
    for (size_t k = 0; k < kSize; ++k) {
      state_[i] = (state_[i] ^ ((state_[i - 1] ^ (state_[i - 1] >> 30)) * 1664525u)) + seed;
      step(i);
    }
    for (size_t k = 0; k + 1 < kSize; ++k) {
      state_[i] = (state_[i] ^ ((state_[i - 1] ^ (state_[i - 1] >> 30)) * 1566083941u)) -
                  static_cast<uint32_t>(i);
      step(i);
    }
    state_[0] = 0x80000000u;
  }

  double uniform() {
    const uint32_t high = next() >> 5, low = next() >> 6;
    return (double(high) * 67108864.0 + double(low)) / 9007199254740992.0;
  }

 private:
  static constexpr size_t kSize = 624, kMiddle = 397;

  void fill(uint32_t seed) {
    state_[0] = seed;
    for (size_t i = 1; i < kSize; ++i)
      state_[i] = 1812433253u * (state_[i - 1] ^ (state_[i - 1] >> 30)) + static_cast<uint32_t>(i);
  }
  void step(size_t& i) {
    if (++i < kSize) return;
    state_[0] = state_[kSize - 1];
    i = 1;
  }
  uint32_t next() {
    if (at_ == kSize) {
      for (size_t i = 0; i < kSize; ++i) {
        const uint32_t y = (state_[i] & 0x80000000u) | (state_[(i + 1) % kSize] & 0x7fffffffu);
        state_[i] = state_[(i + kMiddle) % kSize] ^ (y >> 1) ^ (y & 1 ? 0x9908b0dfu : 0u);
      }
      at_ = 0;
    }
    uint32_t y = state_[at_++];
    y ^= y >> 11;
    y ^= (y << 7) & 0x9d2c5680u;
    y ^= (y << 15) & 0xefc60000u;
    return y ^ (y >> 18);
  }

  std::array<uint32_t, kSize> state_{};
  size_t at_ = kSize;
};

uint8_t to_byte(double value) {
  return static_cast<uint8_t>(value * 255);
}  // truncates

}  // namespace

std::vector<std::array<double, 3>> border_colours(size_t n, uint32_t seed) {
  PythonRandom random(seed);
  std::vector<std::array<double, 3>> colours(n);
  for (auto& colour : colours)
    for (double& channel : colour)
      channel = random.uniform();
  return colours;
}

std::vector<int32_t> groups_on_grid(std::span<const int32_t> group, int extra_tokens,
                                    const Grid& grid, std::span<const uint8_t> keep) {
  if (!keep.empty() && keep.size() != grid.size())
    throw bad_input("keep mask", "does not fit the grid");
  std::vector<int32_t> groups(grid.size(), -1);
  auto token = static_cast<size_t>(std::max(extra_tokens, 0));
  for (size_t i = 0; i < groups.size(); ++i) {
    if (!keep.empty() && !keep[i]) continue;
    if (token >= group.size()) throw bad_input("groups", "are fewer than the tokens of the grid");
    groups[i] = group[token++];
  }
  if (token != group.size()) throw bad_input("groups", "are more than the tokens of the grid");
  return groups;
}

GroupColours group_colours(const ClipView& clip, const Grid& grid, std::span<const int32_t> groups,
                           uint32_t seed) {
  if (grid != grid_of(clip, grid.tubelet, grid.patch) || groups.size() != grid.size())
    throw bad_input("group picture", "clip, grid and groups do not belong together");
  const int height = grid.h * grid.patch;
  const int32_t largest = *std::max_element(groups.begin(), groups.end());
  if (int64_t{largest} > int64_t{1} << 24)
    throw bad_input("group picture", "group " + std::to_string(largest) + " is out of range");
  const auto count = static_cast<size_t>(std::max(largest, -1) + 1);

  // Sums run over pixels in order, as the published code's do, to give the same last bit.
  std::vector<std::array<double, 3>> mean(count, {0, 0, 0});
  std::vector<size_t> pixels(count, 0);
  std::array<double, 256> unit{};
  for (size_t i = 0; i < unit.size(); ++i)
    unit[i] = double(i) / 255.0;
  for (int t = 0; t < clip.T; ++t)
    for (int y = 0; y < height; ++y) {
      const int32_t* row =
          groups.data() + (size_t(t / grid.tubelet) * grid.h + size_t(y / grid.patch)) * grid.w;
      const uint8_t* rgb = clip.rgb + (size_t(t) * clip.H + size_t(y)) * clip.W * 3;
      for (int column = 0; column < grid.w; ++column) {
        const int32_t g = row[column];
        if (g < 0) continue;
        std::array<double, 3> sum = mean[size_t(g)];
        for (const uint8_t *p = rgb + size_t(column) * grid.patch * 3,
                           *end = p + size_t(grid.patch) * 3;
             p != end; p += 3) {
          sum[0] += unit[p[0]];
          sum[1] += unit[p[1]];
          sum[2] += unit[p[2]];
        }
        mean[size_t(g)] = sum;
        pixels[size_t(g)] += size_t(grid.patch);
      }
    }
  GroupColours out;
  out.inside.resize(count);
  out.edge.resize(count);
  const auto colours = border_colours(count, seed);
  for (size_t g = 0; g < count; ++g)
    for (size_t c = 0; c < 3; ++c) {
      out.inside[g][c] = to_byte(pixels[g] > 0 ? mean[g][c] / double(pixels[g]) : 0);
      out.edge[g][c] = to_byte(colours[g][c]);
    }
  return out;
}

std::vector<uint8_t> group_picture(const ClipView& clip, const Grid& grid,
                                   std::span<const int32_t> groups, uint32_t seed) {
  const GroupColours colours = group_colours(clip, grid, groups, seed);
  const int height = grid.h * grid.patch, width = grid.w * grid.patch;
  const auto group_at = [&](int t, int y, int x) {
    return groups[(size_t(t / grid.tubelet) * grid.h + size_t(y / grid.patch)) * grid.w +
                  size_t(x / grid.patch)];
  };
  std::vector<uint8_t> picture(size_t(clip.T) * height * width * 3, 0);
  uint8_t* to = picture.data();
  for (int t = 0; t < clip.T; ++t)
    for (int y = 0; y < height; ++y)
      for (int x = 0; x < width; ++x, to += 3) {
        const int32_t g = group_at(t, y, x);
        if (g < 0) continue;
        // Neighbours can only differ where a patch ends.
        const int in_y = y % grid.patch, in_x = x % grid.patch;
        const bool border =
            (in_y == 0 && (y == 0 || group_at(t, y - 1, x) != g)) ||
            (in_y == grid.patch - 1 && (y == height - 1 || group_at(t, y + 1, x) != g)) ||
            (in_x == 0 && (x == 0 || group_at(t, y, x - 1) != g)) ||
            (in_x == grid.patch - 1 && (x == width - 1 || group_at(t, y, x + 1) != g));
        const auto& colour = border ? colours.edge[size_t(g)] : colours.inside[size_t(g)];
        std::copy(colour.begin(), colour.end(), to);
      }
  return picture;
}

}  // namespace looktwice::tokens
