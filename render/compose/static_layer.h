#pragma once
// What stays while frames go by: marks, frozen patches, titles, legend and margins, painted once
// into one picture (premultiplied, row 0 on top) and again only where its causes change. A frame
// then costs one blend: out = frame · (1 − alpha) + layer.

#include <optional>
#include <string>
#include <vector>

#include "compose/scene.h"
#include "frames/clip.h"
#include "frames/frame.h"
#include "gl/framebuffer.h"
#include "gl/shader.h"
#include "gl/texture.h"
#include "overlay/legend.h"
#include "overlay/marks.h"
#include "overlay/token_picture.h"
#include "timeline/content.h"
#include "trace/token_trace.h"

namespace looktwice::compose {

struct Painter;

/// Everything that decides how the layer looks in one cell; equal causes are not painted again.
struct CellCauses {
  Cell cell;
  bool has_frame = false;
  Size frame;
  bool frozen = false, marks = false;
  overlay::Style style;
  std::shared_ptr<const trace::ClipTrace> clip;
  std::optional<overlay::Moment> moment;
  std::shared_ptr<const trace::ClipTrace> merged;  ///< whose groups show; null: none do
  std::shared_ptr<const frames::Clip> pixels;      ///< for their colours
  std::vector<frames::FramePtr> heads;  ///< [clip->t], null where not frozen or not there
  frames::FramePtr heads_like;          ///< a frame of their shape and colours
  std::string title;
  bool title_right = false;
  bool operator==(const CellCauses&) const;
};

struct LayerCauses {
  Size size;
  double pixel = 1;  ///< output pixels in one pixel of 96 dpi
  int text_size = 13;
  std::vector<overlay::LegendEntry> legend;
  Rect legend_area;  ///< the strip, or the picture on which a plate with it lies
  bool legend_strip = false;
  timeline::ContentPtr timeline;  ///< null: none
  Rect timeline_area;
  int timeline_text = 13;
  std::optional<Rect> wipe_line;
  std::vector<CellCauses> cells;
};

/// The part of a cell that its frame covers, where titles and legend go; the whole cell if that is
/// smaller than `least` pixels either way.
Rect picture_area(const Cell& cell, Size frame, double least);

/// What the layer does to the frames, in areas of whole texels of every plane. Beyond them frames
/// stay as they are.
struct Coverage {
  std::vector<gl::PixelRect> margins;  ///< no frame is here
  std::vector<gl::PixelRect> opaque;   ///< frames are hidden
  std::vector<gl::PixelRect> dimmed;   ///< black of opacity `dim` and nothing else
  std::vector<gl::PixelRect> mixed;    ///< anything
  float dim = 0;
};

class StaticLayer {
 public:
  /// Paints what changed since the last call, with the context current and a StateGuard alive.
  void update(Painter& painter, const LayerCauses& causes);
  gl::Texture& texture() { return texture_; }
  /// Areas painted by the last update, whole pixels.
  const std::vector<gl::PixelRect>& painted() const { return painted_; }
  /// Counts updates that painted anything.
  uint64_t version() const { return version_; }
  /// The last of them that painted everything.
  uint64_t full_version() const { return full_version_; }
  /// Of the last update.
  Coverage coverage() const;
  void release();

 private:
  /// What a token of a cell showed when it was painted.
  struct Tokens {
    std::vector<overlay::TokenTexel> texels;
    std::vector<overlay::GroupTexel> groups;   ///< empty: none are shown
    std::vector<const frames::Frame*> frozen;  ///< kept alive by CellCauses::heads
  };
  /// An area with text, repainted as a whole: it is blended over the marks.
  struct Inked {
    gl::PixelRect area;
    int cell = -1;  ///< of a title
  };
  /// Areas of a cell whose tokens changed; none if the whole cell must be painted.
  std::optional<std::vector<gl::PixelRect>> changed_tokens(const CellCauses& now,
                                                           const CellCauses& before,
                                                           const Tokens& tokens,
                                                           const Tokens& tokens_before) const;
  Tokens tokens_of(Painter& painter, const CellCauses& cell) const;
  void paint_cell(Painter& painter, const CellCauses& cell, const Tokens& tokens, double pixel,
                  const std::vector<gl::PixelRect>& areas);
  /// Draws titles, legend and wipe line on the painter's canvas, and says where they lie.
  std::vector<Inked> lay_text(Painter& painter, const LayerCauses& causes) const;
  gl::Texture texture_;
  gl::Framebuffer framebuffer_;
  std::optional<LayerCauses> last_;
  std::vector<Tokens> tokens_;  ///< [cell]
  std::vector<Inked> inked_;
  std::vector<gl::PixelRect> painted_;
  uint64_t version_ = 0, full_version_ = 0;
};

}  // namespace looktwice::compose
