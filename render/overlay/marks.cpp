#include "overlay/marks.h"

#include <algorithm>
#include <cmath>

#include "overlay/canvas.h"
#include "overlay/layers.h"
#include "overlay/palette.h"

namespace looktwice::overlay {
namespace {

constexpr int kTokensUnit = 7, kPalettesUnit = 11, kGroupsUnit = 12;

const char* const kTokensGlsl = R"(
uniform usampler2D u_tokens;
uniform vec2 u_grid;        // columns, rows
uniform vec4 u_crop;        // what the model sees: x, y, width, height in frame pixels
uniform float u_scale;      // output pixels a frame pixel
struct Token {
  bool inside;
  vec2 at;                  // from the token's corner, output pixels
  vec2 size;                // output pixels
  uint flags;
  float run, difference;    // 0..1 on their palettes; difference < 0: none
  int head;                 // layer of the run head's frame, -1: not frozen
};
Token token_at(vec2 p) {
  Token token;
  vec2 g = (p - u_crop.xy) / u_crop.zw * u_grid;
  vec2 cell = floor(g);
  token.inside = all(greaterThanEqual(g, vec2(0.0))) && all(lessThan(g, u_grid));
  token.size = u_crop.zw / u_grid * u_scale;
  token.at = (g - cell) * token.size;
  uvec4 texel = texelFetch(u_tokens, ivec2(clamp(cell, vec2(0.0), u_grid - 1.0)), 0);
  token.flags = texel.r;
  token.run = float(texel.g) / 65535.0;
  token.difference = (float(texel.b) - 1.0) / 65534.0;
  token.head = int(texel.a) - 1;
  return token;
}
)";

const char* const kGroupsGlsl = R"(
uniform usampler2D u_groups;
uvec4 group_at(vec2 p) {
  vec2 cell = floor((p - u_crop.xy) / u_crop.zw * u_grid);
  return texelFetch(u_groups, ivec2(clamp(cell, vec2(0.0), u_grid - 1.0)), 0);
}
)";

const char* const kCommonGlsl = R"(
uniform float u_pixel;      // output pixels in one pixel of 96 dpi
uniform vec3 u_casing;
uniform sampler2D u_palettes;
vec4 over(vec4 below, vec4 above) { return above + below * (1.0 - above.a); }
vec3 palette(int row, float position) {
  return texelFetch(u_palettes, ivec2(int(position * 255.0 + 0.5), row), 0).rgb;
}
)";

uint16_t to_u16(double v) {
  return static_cast<uint16_t>(std::lround(std::clamp(v, 0.0, 1.0) * 65535));
}

}  // namespace

double heat_maximum(const DifferenceStyle& style, const trace::ClipTrace& clip) {
  if (style.maximum > 0) return style.maximum;
  return clip.has_rlt && clip.tau > 0 ? 4.0 * clip.tau : 0.4;
}

std::vector<TokenTexel> token_texels(const trace::ClipTrace& clip, const Moment& moment,
                                     const Style& style, const std::vector<int>& head_layers) {
  const int h = clip.h, w = clip.w;
  const size_t plane = size_t(h) * w;
  std::vector<TokenTexel> texels(plane);
  if (moment.tubelet < 0 || moment.tubelet >= clip.t) return texels;
  const bool decided = clip.has_rlt && clip.keep.size() == clip.tokens();
  const bool lengths = clip.run_length.size() == clip.tokens();
  const bool differences = clip.difference.size() == clip.tokens();
  const std::vector<int> heads = run_heads(clip, moment.tubelet);
  const bool show_runs = style.rlt.visible && style.rlt.pruned == PrunedStyle::run_length;
  const double most = heat_maximum(style.difference, clip);
  const auto kept = [&](int row, int column) {
    if (row < 0 || column < 0 || row >= h || column >= w) return -1;
    return !decided || clip.keep[moment.tubelet * plane + size_t(row) * w + column] ? 1 : 0;
  };
  for (int row = 0; row < h; ++row) {
    for (int column = 0; column < w; ++column) {
      const size_t place = size_t(row) * w + column;
      const size_t at = moment.tubelet * plane + place;
      TokenTexel& texel = texels[place];
      const int own = kept(row, column);
      // For a kept token everything else is beyond its boundary, the border too; for a pruned one
      // only kept neighbours are.
      const auto differs = [&](int dy, int dx) {
        const int other = kept(row + dy, column + dx);
        return own == 1 ? other != 1 : other == 1;
      };
      const bool left = differs(0, -1), right = differs(0, 1);
      const bool top = differs(-1, 0), bottom = differs(1, 0);
      unsigned flags = own == 1 ? 1U : 0U;
      if (left) flags |= kEdgeLeft;
      if (right) flags |= kEdgeRight;
      if (top) flags |= kEdgeTop;
      if (bottom) flags |= kEdgeBottom;
      if (!left && !top && differs(-1, -1)) flags |= kCornerTopLeft;
      if (!right && !top && differs(-1, 1)) flags |= kCornerTopRight;
      if (!left && !bottom && differs(1, -1)) flags |= kCornerBottomLeft;
      if (!right && !bottom && differs(1, 1)) flags |= kCornerBottomRight;
      if (style.rlt.visible) texel.flags = static_cast<uint16_t>(flags);
      if (show_runs && own == 0 && lengths && clip.t > 1) {
        const int length = clip.run_length[size_t(heads[place]) * plane + place];
        texel.run = to_u16((length - 1.0) / (clip.t - 1.0));
      }
      if (style.difference.visible && differences && std::isfinite(clip.difference[at])) {
        texel.difference = static_cast<uint16_t>(
            1 + std::lround(std::clamp(clip.difference[at] / most, 0.0, 1.0) * 65534));
      }
      const int head = heads[place];
      if (own == 0 && head < static_cast<int>(head_layers.size()) && head_layers[head] >= 0) {
        texel.head = static_cast<uint16_t>(head_layers[head] + 1);
      }
    }
  }
  return texels;
}

Layers layers_of(const Style& style, const trace::ClipTrace* clip, const trace::ClipTrace* merged,
                 int frame_width, int frame_height) {
  Layers layers;
  if (!clip || clip->tokens() == 0) return layers;
  const bool decided = clip->has_rlt && clip->keep.size() == clip->tokens();
  layers.crop = crop_shows(style.crop, clip, frame_width, frame_height);
  layers.difference = style.difference.visible && clip->difference.size() == clip->tokens();
  layers.rlt = style.rlt.visible && decided &&
               (style.rlt.outline_kept || style.rlt.pruned != PrunedStyle::none);
  layers.grid = style.grid.visible;
  const bool groups = merged && has_merges(*merged) && merged->t == clip->t &&
                      merged->h == clip->h && merged->w == clip->w;
  layers.merges = style.merges.visible && groups;
  layers.sizes = style.sizes.visible && groups;
  return layers;
}

std::string marks_glsl(const Style& style, const Layers& layers) {
  std::string text = std::string(kTokensGlsl) + kCommonGlsl + kHatchGlsl;
  std::string stack = "vec4 marks(vec4 below, vec2 p, vec2 position) {\n";
  if (layers.crop) {
    text += kCropGlsl;
    stack += "  below = crop_marks(below, p);\n";
  }
  if (layers.tokens()) stack += "  Token token = token_at(p);\n  vec4 above = below;\n";
  if (layers.groups()) {
    text += kGroupsGlsl;
    stack += "  uvec4 group = group_at(p);\n";
  }
  if (layers.merges) {
    text += merges_defines(style.merges) + kMergesGlsl;
    stack += "  above = merges_marks(above, token, group);\n";
  }
  if (layers.sizes) {
    text += kSizesGlsl;
    stack += "  above = sizes_marks(above, group);\n";
  }
  if (layers.difference) {
    text += kDifferenceGlsl;
    stack += "  above = difference_marks(above, token);\n";
  }
  if (layers.grid) {
    text += kGridGlsl;
    stack += "  above = grid_marks(above, token);\n";
  }
  if (layers.rlt) {
    text += rlt_defines(style.rlt) + kRltGlsl;
    stack += "  above = rlt_marks(above, token, position);\n";
  }
  stack += layers.tokens() ? "  return token.inside ? above : below;\n}\n" : "  return below;\n}\n";
  return text + stack;
}

void Marks::apply(gl::Program& program, const gl::Owner& owner, const trace::ClipTrace* clip,
                  const std::vector<TokenTexel>& tokens, const std::vector<GroupTexel>& groups,
                  const Style& style, const MarksPlace& place) {
  if (!palettes_) {
    palettes_ = gl::Texture(owner, gl::Format::rgba8, 256, 3, gl::Filter::nearest);
    for (const Palette palette : {Palette::viridis, Palette::cividis, Palette::inferno}) {
      palettes_.upload(table(palette).data(), 1024, 256, 1, 0, static_cast<int>(palette));
    }
  }
  const bool there = clip && !tokens.empty() && tokens.size() == size_t(clip->h) * clip->w &&
                     clip->crop_width > 0 && clip->crop_height > 0;
  const int w = there ? clip->w : 1, h = there ? clip->h : 1;
  if (tokens_.width() != w || tokens_.height() != h) {
    tokens_ = gl::Texture(owner, gl::Format::rgba16ui, w, h, gl::Filter::nearest);
  }
  const std::vector<TokenTexel> none(1);
  const std::vector<TokenTexel>& texels = there ? tokens : none;
  tokens_.upload(texels.data(), ptrdiff_t(sizeof(TokenTexel)) * w, w, h);
  const bool grouped = there && groups.size() == tokens.size();
  if (grouped) {
    if (groups_.width() != w || groups_.height() != h)
      groups_ = gl::Texture(owner, gl::Format::rgba32ui, w, h, gl::Filter::nearest);
    groups_.upload(groups.data(), ptrdiff_t(sizeof(GroupTexel)) * w, w, h);
  }
  program.use();
  if (grouped) program.set_texture("u_groups", kGroupsUnit, groups_);
  program.set_texture("u_tokens", kTokensUnit, tokens_);
  program.set_texture("u_palettes", kPalettesUnit, palettes_);
  program.set("u_grid", static_cast<float>(w), static_cast<float>(h));
  if (there) {
    program.set("u_crop", static_cast<float>(clip->crop_x), static_cast<float>(clip->crop_y),
                static_cast<float>(clip->crop_width), static_cast<float>(clip->crop_height));
  } else {
    program.set("u_crop", -1e6F, -1e6F, 1.F, 1.F);
  }
  program.set("u_scale", static_cast<float>(place.scale));
  program.set("u_pixel", static_cast<float>(place.pixel));
  program.set("u_casing", colors::casing.r, colors::casing.g, colors::casing.b);
  set_crop(program, style.crop, place);
  set_difference(program, style.difference);
  set_rlt(program, style.rlt);
  set_grid(program, style.grid);
  set_merges(program, style.merges, clip, place);
  set_sizes(program, style.sizes);
}

void Marks::release() {
  tokens_ = {};
  palettes_ = {};
  groups_ = {};
}

}  // namespace looktwice::overlay
