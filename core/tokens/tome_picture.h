#pragma once
// Merge groups as pictures: every group in its mean colour with a border of its own (the figures of
// the ToMe paper and the published make_visualization), and groups over the patch grid for
// overlays.

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "tokens/grid.h"

namespace looktwice::tokens {

/// The first `n` border colours of the published code: triples of Python's random.random() after
/// random.seed(seed), each in [0,1).
std::vector<std::array<double, 3>> border_colours(size_t n, uint32_t seed = 0);

/// Group of each patch [t,h,w] from the group of each of the M tokens that entered layer 0: the
/// first `extra_tokens` are skipped; with `keep` [t,h,w] the rest are the kept patches in order and
/// pruned patches get -1, without it M = extra_tokens + t*h*w.
std::vector<int32_t> groups_on_grid(std::span<const int32_t> group, int extra_tokens,
                                    const Grid& grid, std::span<const uint8_t> keep = {});

/// Colours of groups 0 … the largest, as bytes.
struct GroupColours {
  std::vector<std::array<uint8_t, 3>> inside;  ///< mean of its pixels in all frames; black if none
  std::vector<std::array<uint8_t, 3>> edge;    ///< border_colours, truncated
};
/// Colours of `groups` [t,h,w] (from groups_on_grid; negative: none) over the clip. Throws
/// Error(input) if they do not belong together.
GroupColours group_colours(const ClipView& clip, const Grid& grid, std::span<const int32_t> groups,
                           uint32_t seed = 0);

/// Draws `groups` [t,h,w] (from groups_on_grid; negative: black) over the clip: [T, h*patch,
/// w*patch, 3] bytes. A group's inside has its mean colour over all its pixels in all frames; its
/// border, one pixel wide inside the group in each frame (the picture's edge included), has
/// border_colours[group]. Bit-exact to the published code for one frame (T = tubelet = 1).
std::vector<uint8_t> group_picture(const ClipView& clip, const Grid& grid,
                                   std::span<const int32_t> groups, uint32_t seed = 0);

}  // namespace looktwice::tokens
