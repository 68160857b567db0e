#pragma once
// Inside of the compositor, shared by the picture and the video path.

#include <array>
#include <map>
#include <optional>
#include <vector>

#include "compose/compositor.h"
#include "compose/painter.h"
#include "compose/static_layer.h"

namespace looktwice::compose {

struct PaneState {
  PaneInput input;
  std::vector<frames::FramePtr> remembered;  ///< sampled frames of the clip that were shown
  /// The frame of this number, null where it is not there.
  frames::FramePtr find(int64_t index) const;
  /// The clip whose merges can be drawn over input.clip; null: none.
  std::shared_ptr<const trace::ClipTrace> merged() const;
};

struct Compositor::Parts {
  Painter painter;
  std::map<int, PaneState> panes;
  timeline::ContentPtr timeline;
  /// All that lies over the frames. One for each frame of a tubelet: a frozen patch changes from
  /// frame to frame within its tubelet, but seldom from one tubelet to the next.
  std::array<StaticLayer, 4> layers;
  int current = 0;
  StaticLayer& layer() { return layers[current]; }
  std::array<StaticLayer, 2> contents;  ///< difference: frozen patches of the two panes

  /// Texts, legend and their sizes for a picture.
  struct Look {
    Arrangement arrangement;
    double pixel = 1;
    int text_size = 13;
    std::vector<overlay::LegendEntry> legend;
    bool legend_below = false;
    int timeline_text = 13;
  };
  Look look(const Scene& scene, Size size, const View& view, double ui_scale);
  Size natural(const Scene& scene, int least_width);
  /// Pixels that the timeline takes under panes `width` pixels wide, 0 where there is none, and the
  /// size of its text.
  int timeline_height(const Scene& scene, int width, double ui_scale, int* text_size);
  std::vector<Size> sizes(const Scene& scene) const;
  const PaneState* pane(int index) const;
  frames::FramePtr frame_of(int index) const;

  /// Paints the layer(s) for this picture where they changed.
  void update_layers(const Scene& scene, const Look& look);
  /// Where a picture goes.
  struct Surface {
    unsigned framebuffer = 0;
    int x = 0, y = 0, height = 0;  ///< as in Target
    bool bottom_up = false;
  };
  /// Blends the frames and the layer into it.
  void blend(const Scene& scene, const Look& look, const Surface& surface);

 private:
  CellCauses causes_for(const Scene& scene, const Cell& cell, bool frozen, bool marks);
  void draw_on(const Surface& surface, gl::Program& program, const Rect& area);
  void blend_difference(const Scene& scene, const Look& look, const Surface& surface);
  std::vector<overlay::LegendEntry> legend_of(const Scene& scene) const;
  std::string title_of(const Scene& scene, int pane) const;
};

}  // namespace looktwice::compose
