#pragma once
// From merges to picture: which group every token of a clip is in after a layer, and its colours.

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "overlay/style.h"
#include "overlay/token_picture.h"
#include "tokens/grid.h"

namespace looktwice::overlay {

/// True if a model ran on the clip, so that there are groups to draw.
bool has_merges(const trace::ClipTrace& clip);
/// The layer that a style asks for, from 1 to the clip's last.
int merge_layer(const MergeStyle& style, const trace::ClipTrace& clip);

/// The groups of one clip after one layer.
struct MergePicture {
  std::vector<int32_t>
      group;                ///< [t,h,w] row of its group; -1: pruned, -2: dropped by the matching
  std::vector<float> size;  ///< [groups] tokens in it, or the sum of their initial sizes
  std::vector<int32_t> count;                        ///< [groups] tokens in it
  float largest = 1;                                 ///< size
  std::vector<std::array<uint8_t, 3>> inside, edge;  ///< [groups]
  bool mean_colours = false;                         ///< inside holds means of the clip's pixels
};

/// `layers` counts layers from the first. `pixels` is the clip as the model saw it, for the mean
/// colours; without (rgb null, or another size) `inside` stays black and mean_colours false.
MergePicture merge_picture(const trace::ClipTrace& clip, int layers,
                           const tokens::ClipView& pixels);

/// A token's group as the shader reads it: rgba32ui.
struct GroupTexel {
  uint32_t inside = 0;  ///< r | g << 8 | b << 16 | GroupFlag << 24
  uint32_t edge = 0;    ///< r | g << 8 | b << 16
  uint32_t group = 0;   ///< row of the group + 1; 0: none
  uint32_t size = 0;    ///< place on the palette of sizes, 0..65535
  bool operator==(const GroupTexel&) const = default;
};
enum GroupFlag : uint32_t {
  kGroupThere = 1,
  kGroupLeft = 2,  ///< another group, or none, lies beyond this edge
  kGroupRight = 4,
  kGroupTop = 8,
  kGroupBottom = 16,
  kGroupFlat = 32,   ///< filled with `inside`
  kGroupLarge = 64,  ///< two tokens or more
};

/// Texels [h,w] of one tubelet.
std::vector<GroupTexel> group_texels(const MergePicture& picture, const trace::ClipTrace& clip,
                                     int tubelet, const Style& style);

/// Remembers the last few pictures, so that neither playing nor scrubbing makes one twice.
class MergePictures {
 public:
  using Ptr = std::shared_ptr<const MergePicture>;
  /// `owner` stands for the pixels' identity. Null if the clip has no merges.
  Ptr get(const std::shared_ptr<const trace::ClipTrace>& clip, int layers,
          const std::shared_ptr<const void>& owner, const tokens::ClipView& pixels);

 private:
  struct Entry {
    std::shared_ptr<const trace::ClipTrace> clip;
    std::shared_ptr<const void> owner;
    int layers = 0;
    Ptr picture;
  };
  std::vector<Entry> entries_;  ///< most recently used first
};

}  // namespace looktwice::overlay
