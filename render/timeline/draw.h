#pragma once
// The timeline's pixels, drawn by functions of content and layout on the overlays' canvas: the same
// on screen, in pictures and in exported video.

#include "overlay/canvas.h"
#include "overlay/font.h"
#include "timeline/layout.h"
#include "timeline/style.h"

namespace looktwice::timeline {

/// What only a screen shows.
struct Pointer {
  int hovered_step = 0;  ///< 0: none
  int threshold = -1;    ///< under the mouse or being dragged; -1: none
  bool dragging = false;
};

/// Everything, ground included, inside layout.area.
void draw(overlay::Canvas& canvas, const Content& content, const Layout& layout, const Style& style,
          overlay::Font& font, const Pointer& pointer = {});

/// The curves alone; draw() calls it.
void draw_curves(overlay::Canvas& canvas, const Content& content, const Layout& layout,
                 const Style& style, overlay::Font& font, const Pointer& pointer);

}  // namespace looktwice::timeline
