#pragma once
// What the picture shows, as one plain value: screen, screenshot and exported video are drawn from
// it, and sessions and exports carry it.

#include <string>
#include <vector>

#include "base/json.h"
#include "compose/view.h"
#include "overlay/style.h"

namespace looktwice::compose {

enum class Layout { single, side_by_side, stack, grid, wipe, difference };
/// original: the frame as decoded. handed_on: what RLT hands on, pruned patches frozen at the frame
/// of their run head.
enum class Content { original, handed_on };
/// inside: a plate on the first pane, or below where the picture is too small for it. below: a
/// strip under the picture.
enum class LegendPlace { none, inside, below };

struct Pane {
  Content content = Content::original;
  bool marks = true;  ///< draws the overlays of Scene::style
  std::string
      title;  ///< empty: written from the trace ("what RLT hands on · τ 0.10 · 34 % of tokens")
  bool operator==(const Pane&) const = default;
};

struct Scene {
  Layout layout = Layout::single;
  std::vector<Pane> panes{Pane{}};  ///< wipe and difference take the first two
  int only = -1;      ///< the one pane of side by side, stack, grid or wipe that is shown; -1: all
  double wipe = 0.5;  ///< 0..1 of the cell's width: left of it the first pane
  double gain = 4;    ///< of the difference
  bool luma_only = false;  ///< difference of luma alone
  overlay::Style style;
  LegendPlace legend = LegendPlace::inside;
  bool timeline = true;  ///< cache traces beneath the panes, where there are any
  bool titles = true;
  double text_scale = 1;  ///< of titles and legend
  bool operator==(const Scene&) const = default;
};

/// Original with its marks and, at its side (or under the wipe, or subtracted), what RLT hands on.
Scene comparison_scene(Layout layout);
/// Whether several panes are shown, each in a place of its own or under the wipe: one can be
/// hidden.
bool shows_several(const Scene& scene);
/// The pane that is shown alone where the layout has several; -1 where all are.
int only_pane(const Scene& scene);

Json to_json(const Scene& scene);
/// Missing keys keep their defaults; unknown keys and wrong types throw Error(input).
Scene scene_from_json(const Json& json, const std::string& where);
/// "side-by-side" and its like; throws Error(input) naming `where` and the choices.
Layout layout_from_name(const std::string& name, const std::string& where);
std::string layout_name(Layout layout);

/// Where one pane lies on the output.
struct Cell {
  int pane = 0;
  Rect rect;        ///< whole pixels
  Rect clip;        ///< the part of it where this pane shows (wipe)
  Mapping mapping;  ///< frame to output
};
struct Arrangement {
  Size size;                ///< of the output
  std::vector<Cell> cells;  ///< in drawing order
  Rect timeline;            ///< the strip under the panes; empty where there is none
  Rect legend;              ///< the strip under the picture; empty where there is none
};
/// Splits `size` among the panes. `frames` are the sizes of the panes' frames (empty: not there
/// yet); `legend_height` is kept free at the bottom, `timeline_height` above it.
Arrangement arrange(const Scene& scene, const std::vector<Size>& frames, Size size,
                    const View& view, int legend_height = 0, int timeline_height = 0);
/// Even size at which every frame shows 1:1 (the largest frame decides; the others fit their cell),
/// plus `legend_height`.
Size natural_size(const Scene& scene, const std::vector<Size>& frames, int legend_height = 0);

/// What lies under an output point.
struct Hit {
  int pane = 0;
  Point pixel;  ///< whole pixel of the frame
};
std::optional<Hit> hit(const Arrangement& arrangement, const std::vector<Size>& frames,
                       Point output);

}  // namespace looktwice::compose
