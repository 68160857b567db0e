#pragma once
// The layers: each has its shader text and sets its own uniforms. Text of layers that do not show
// is left out: where the CPU draws, what is skipped costs as much as what is drawn.

#include <string>

#include "gl/shader.h"
#include "overlay/marks.h"
#include "overlay/style.h"

namespace looktwice::overlay {

/// `vec4 crop_marks(vec4 below, vec2 p)`: dims what the model does not see and frames what it does.
extern const char* const kCropGlsl;
void set_crop(gl::Program& program, const CropStyle& style, const MarksPlace& place);
/// Whether the model sees less than the frame, by a pixel at least.
bool crop_shows(const CropStyle& style, const trace::ClipTrace* clip, int frame_width,
                int frame_height);

/// `vec4 difference_marks(vec4 below, Token token)`: the heat map.
extern const char* const kDifferenceGlsl;
void set_difference(gl::Program& program, const DifferenceStyle& style);

/// `vec4 rlt_marks(vec4 below, Token token, vec2 position)`: pruned patches dimmed, hatched or
/// tinted, kept ones outlined.
extern const char* const kRltGlsl;
std::string rlt_defines(const RltStyle& style);
void set_rlt(gl::Program& program, const RltStyle& style);

/// `vec4 merges_marks(vec4 below, Token token, uvec4 group)`: ToMe's groups in their mean colours
/// with borders, or their outlines.
extern const char* const kMergesGlsl;
std::string merges_defines(const MergeStyle& style);
void set_merges(gl::Program& program, const MergeStyle& style, const trace::ClipTrace* clip,
                const MarksPlace& place);

/// `vec4 sizes_marks(vec4 below, uvec4 group)`: the heat map of group sizes.
extern const char* const kSizesGlsl;
void set_sizes(gl::Program& program, const GroupSizeStyle& style);

/// `vec4 grid_marks(vec4 below, Token token)`: the borders of the tokens.
extern const char* const kGridGlsl;
void set_grid(gl::Program& program, const GridStyle& style);

}  // namespace looktwice::overlay
