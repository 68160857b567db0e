#pragma once
// The legend explains every colour that the overlays put on the picture.

#include <string>
#include <vector>

#include "overlay/canvas.h"
#include "overlay/font.h"
#include "overlay/style.h"
#include "overlay/token_picture.h"

namespace looktwice::overlay {

enum class Swatch {
  kept,
  pruned_dim,
  pruned_hatch,
  ramp,
  grid,
  crop,
  gain,
  groups,
  outlines,
  dropped
};

struct LegendEntry {
  Swatch swatch = Swatch::kept;
  std::string text;
  double opacity = 1;
  Palette palette = Palette::viridis;
  double tick = -1;       ///< 0..1: a mark on the ramp
  bool reversed = false;  ///< the palette's last colour comes first
  bool operator==(const LegendEntry&) const = default;
};

/// What must be explained for marks in this style on a frame of this clip (null: nothing).
/// `merged` is the clip whose groups are drawn (null: none); `stale`: it was made with settings
/// that are no longer those on screen.
std::vector<LegendEntry> legend_entries(const Style& style, const trace::ClipTrace* clip,
                                        const trace::ClipTrace* merged, int frame_width,
                                        int frame_height, bool stale = false);

/// A legend laid out: where everything lies, from its own corner.
struct LegendLayout {
  float width = 0, height = 0;
  std::vector<Box> entries;  ///< swatch and text
  int text_size = 13;
};
/// Entries one under the other (`flow` false) or one after the other in lines of at most `width`.
LegendLayout lay_out_legend(const std::vector<LegendEntry>& entries, float width, bool flow,
                            int text_size, Font& font);
void draw_legend(Canvas& canvas, const std::vector<LegendEntry>& entries,
                 const LegendLayout& layout, float x, float y, Font& font);

}  // namespace looktwice::overlay
