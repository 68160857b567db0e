#pragma once
// The overlays' common ground: the token grid as a texture, and the shader text that stacks the
// layers (crop, merge groups, heat maps, RLT decisions, grid), each of which has a file of its own.

#include <optional>
#include <string>
#include <vector>

#include "gl/shader.h"
#include "gl/texture.h"
#include "overlay/merge_picture.h"
#include "overlay/style.h"
#include "overlay/token_picture.h"

namespace looktwice::overlay {

/// A token as the shader reads it: rgba16ui.
struct TokenTexel {
  uint16_t flags = 0;       ///< TokenFlag
  uint16_t run = 0;         ///< place on the palette of run lengths, 0..65535
  uint16_t difference = 0;  ///< place on the palette of differences + 1; 0: none (first tubelet)
  uint16_t head = 0;        ///< layer of the run head's frame + 1; 0: not frozen
};
/// Edges and corners are where kept and pruned meet; a kept token's also at the border of the grid.
enum TokenFlag : uint16_t {
  kKept = 1,
  kEdgeLeft = 2,
  kEdgeRight = 4,
  kEdgeTop = 8,
  kEdgeBottom = 16,
  kCornerTopLeft = 32,
  kCornerTopRight = 64,
  kCornerBottomLeft = 128,
  kCornerBottomRight = 256,
};

/// Texels [h,w] of one moment; what `style` does not show is left zero, so that equal texels look
/// equal. `head_layers` [clip.t] gives the layer of each run head's frame, -1 where it is not
/// there; empty: nothing is frozen.
std::vector<TokenTexel> token_texels(const trace::ClipTrace& clip, const Moment& moment,
                                     const Style& style, const std::vector<int>& head_layers);

/// The difference that gets the last colour of the heat map.
double heat_maximum(const DifferenceStyle& style, const trace::ClipTrace& clip);

/// What the layers are drawn on.
struct MarksPlace {
  double scale = 1;  ///< output pixels a frame pixel
  int frame_width = 0, frame_height = 0;
  double pixel = 1;  ///< output pixels in one pixel of 96 dpi
};

/// The layers that show for these decisions on a frame of this size; all off without marks.
struct Layers {
  bool crop = false, difference = false, rlt = false, grid = false, merges = false, sizes = false;
  bool tokens() const { return difference || rlt || grid || groups(); }
  bool groups() const { return merges || sizes; }
};
/// `merged` is the clip whose groups are drawn; null: none.
Layers layers_of(const Style& style, const trace::ClipTrace* clip, const trace::ClipTrace* merged,
                 int frame_width, int frame_height);

/// GLSL of the layers that show: `vec4 marks(vec4 below, vec2 p, vec2 position)` puts them over
/// `below` (premultiplied); p in frame pixels, position in output pixels from the frame's corner.
/// Also `Token token_at(vec2 p)`. Equal text for equal arguments.
std::string marks_glsl(const Style& style, const Layers& layers);

/// Texture units 7 (tokens), 11 (palettes) and 12 (groups) belong to the marks.
class Marks {
 public:
  /// Uploads tokens and groups [clip.h, clip.w] (clip null, or empty: none) and sets the uniforms
  /// of both GLSL parts.
  void apply(gl::Program& program, const gl::Owner& owner, const trace::ClipTrace* clip,
             const std::vector<TokenTexel>& tokens, const std::vector<GroupTexel>& groups,
             const Style& style, const MarksPlace& place);
  void release();

 private:
  gl::Texture tokens_, palettes_, groups_;
};

}  // namespace looktwice::overlay
