#include "compose/parts.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "base/text.h"
#include "overlay/layers.h"
#include "timeline/layout.h"

namespace looktwice::compose {
namespace {

/// Text height in pixels at 96 dpi.
constexpr double kText = 13;

/// Exports: text grows with the cell's width (18 px at 1280).
double export_pixel(double cell_width) {
  return std::max(10.0, cell_width / 71.0) / kText;
}

/// At least two decimals, at most four.
std::string tau_text(double tau) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4f", tau);
  std::string out = text;
  while (out.size() > 4 && out.back() == '0' && out[out.size() - 3] != '.')
    out.pop_back();
  return out;
}

/// "ToMe after layer 6 · 1568 → 1178 tokens · RLT τ 0.10"
std::string merge_title(const overlay::Style& style, const trace::ClipTrace& clip) {
  const int layer = overlay::merge_layer(style.merges, clip);
  std::string title = "ToMe after layer " + std::to_string(layer) + " · " +
                      std::to_string(clip.entered()) + " → " +
                      std::to_string(clip.layers[size_t(layer) - 1].tokens_out) + " tokens";
  if (clip.has_rlt && clip.drop == "rlt") title += " · RLT τ " + tau_text(clip.tau);
  if (clip.has_rlt && clip.drop != "rlt") title += " · random drop";
  return title;
}

int text_size_of(double pixel, double text_scale) {
  return std::clamp(static_cast<int>(std::lround(kText * pixel * text_scale)), 8, 200);
}

}  // namespace

frames::FramePtr PaneState::find(int64_t index) const {
  if (input.frame && input.frame->index == index) return input.frame;
  for (const auto* list : {&input.held, &remembered}) {
    for (const frames::FramePtr& frame : *list)
      if (frame && frame->index == index) return frame;
  }
  return nullptr;
}

std::shared_ptr<const trace::ClipTrace> PaneState::merged() const {
  const auto& clip = input.clip;
  if (!clip) return nullptr;
  const auto& merged = input.merged ? input.merged : clip;
  const bool same = merged->t == clip->t && merged->h == clip->h && merged->w == clip->w &&
                    (merged->frame_indices == clip->frame_indices || input.stale);
  return same && overlay::has_merges(*merged) ? merged : nullptr;
}

const PaneState* Compositor::Parts::pane(int index) const {
  const auto found = panes.find(index);
  return found == panes.end() ? nullptr : &found->second;
}

frames::FramePtr Compositor::Parts::frame_of(int index) const {
  const PaneState* state = pane(index);
  return state ? state->input.frame : nullptr;
}

std::vector<Size> Compositor::Parts::sizes(const Scene& scene) const {
  std::vector<Size> sizes(scene.panes.size());
  for (size_t i = 0; i < sizes.size(); ++i) {
    if (const auto frame = frame_of(static_cast<int>(i))) sizes[i] = {frame->width, frame->height};
  }
  return sizes;
}

std::string Compositor::Parts::title_of(const Scene& scene, int index) const {
  const Pane& pane_scene = scene.panes[index];
  if (!pane_scene.title.empty()) return pane_scene.title;
  const PaneState* state = pane(index);
  const bool alone = scene.layout == Layout::single && pane_scene.marks &&
                     scene.style.rlt.visible && state && state->input.clip &&
                     state->input.clip->has_rlt;
  if (pane_scene.content == Content::original && pane_scene.marks &&
      (scene.style.merges.visible || scene.style.sizes.visible) && state) {
    if (const auto merged = state->merged()) return merge_title(scene.style, *merged);
  }
  if (pane_scene.content == Content::original && !alone) return "original";
  if (!state || !state->input.clip) return "what RLT hands on · no clip covers this frame";
  const trace::ClipTrace& clip = *state->input.clip;
  char kept[32];
  std::snprintf(kept, sizeof kept, "%.0f", 100 * overlay::kept_ratio(clip));
  const std::string tau = tau_text(clip.tau);
  if (pane_scene.content == Content::original) {
    return "RLT · τ " + tau + " · " + kept + " % of tokens kept";
  }
  return "what RLT hands on · τ " + tau + " · " + kept + " % of tokens";
}

std::vector<overlay::LegendEntry> Compositor::Parts::legend_of(const Scene& scene) const {
  std::vector<overlay::LegendEntry> entries;
  if (scene.legend == LegendPlace::none) return entries;
  const bool difference = scene.layout == Layout::difference && scene.panes.size() > 1;
  if (difference) {
    const double white = scene.gain > 0 ? 255 / scene.gain : 0;
    char text[96];
    std::snprintf(text, sizeof text, "difference%s: black equal, white %.3g of 255 levels or more",
                  scene.luma_only ? " of luma" : "", white);
    entries.push_back({overlay::Swatch::gain, text});
  }
  const size_t used = scene.layout == Layout::single || difference ? 1 : scene.panes.size();
  for (size_t i = 0; i < std::min(used, scene.panes.size()); ++i) {
    const PaneState* state = pane(static_cast<int>(i));
    if (!scene.panes[i].marks || !state || !state->input.frame) continue;
    for (auto& entry : overlay::legend_entries(
             scene.style, state->input.clip.get(), state->merged().get(), state->input.frame->width,
             state->input.frame->height, state->input.merged && state->input.stale)) {
      if (std::find(entries.begin(), entries.end(), entry) == entries.end()) {
        entries.push_back(std::move(entry));
      }
    }
  }
  return entries;
}

Compositor::Parts::Look Compositor::Parts::look(const Scene& scene, Size size, const View& view,
                                                double ui_scale) {
  Look look;
  const std::vector<Size> frame_sizes = sizes(scene);
  int strip = timeline_height(scene, size.width, ui_scale, &look.timeline_text);
  // On a screen too small for both, the picture comes first.
  if (ui_scale > 0 && strip > size.height * 2 / 3) strip = 0;
  look.arrangement = arrange(scene, frame_sizes, size, view, 0, strip);
  look.legend = legend_of(scene);
  // All depends on the width of the first cell alone, so that a strip below the picture, which
  // changes the height, does not change its own causes.
  const double cell_width =
      look.arrangement.cells.empty() ? size.width : look.arrangement.cells.front().rect.width;
  look.pixel = ui_scale > 0 ? ui_scale : export_pixel(cell_width);
  look.text_size = text_size_of(look.pixel, scene.text_scale);
  look.pixel *= scene.text_scale > 1 ? scene.text_scale : 1;
  if (look.legend.empty()) return look;

  const Size first = frame_sizes.empty() ? Size{} : frame_sizes.front();
  double picture_width = cell_width;
  double picture_height =
      look.arrangement.cells.empty() ? size.height : look.arrangement.cells.front().rect.height;
  if (!first.empty()) {
    picture_height = std::min(picture_height, cell_width * first.height / first.width);
    if (ui_scale > 0) {
      picture_width = std::min(picture_width, picture_height * first.width / first.height);
    }
  }
  const auto inside = overlay::lay_out_legend(look.legend, static_cast<float>(picture_width), false,
                                              look.text_size, painter.font);
  const double margin = 1.2 * look.text_size;
  const bool fits =
      inside.width + margin <= picture_width && inside.height + margin <= 0.3 * picture_height;
  look.legend_below = scene.legend == LegendPlace::below || !fits;
  if (look.legend_below) {
    const auto laid = overlay::lay_out_legend(look.legend, static_cast<float>(size.width), true,
                                              look.text_size, painter.font);
    const int height = (static_cast<int>(std::ceil(laid.height)) + 1) / 2 * 2;
    // On a screen too small for both, the picture comes first.
    if (ui_scale > 0 && height > size.height / 2) {
      look.legend.clear();
      return look;
    }
    look.arrangement = arrange(scene, frame_sizes, size, view, height, strip);
  }
  return look;
}

int Compositor::Parts::timeline_height(const Scene& scene, int width, double ui_scale,
                                       int* text_size) {
  // Exports: 15 pixels at 1280, as much as the rows and their times need.
  const double pixel = ui_scale > 0 ? ui_scale : std::max(1.0, width / 85.0 / kText);
  *text_size = text_size_of(pixel, scene.text_scale);
  if (!scene.timeline || !timeline || timeline->rows.empty()) return 0;
  const float height =
      timeline::natural_height(*timeline, static_cast<float>(width), *text_size, painter.font);
  return (static_cast<int>(std::ceil(height)) + 1) / 2 * 2;
}

Size Compositor::Parts::natural(const Scene& scene, int least_width) {
  std::vector<Size> frame_sizes = sizes(scene);
  Size plain = compose::natural_size(scene, frame_sizes);
  if (plain.width < least_width) {
    const int factor = (least_width + plain.width - 1) / plain.width;
    for (Size& frame : frame_sizes)
      frame = {frame.width * factor, frame.height * factor};
    plain = compose::natural_size(scene, frame_sizes);
  }
  int text = 0;
  const int strip = timeline_height(scene, plain.width, 0, &text);
  const Size with_strip{plain.width, plain.height + strip};
  const Look there = look(scene, with_strip, {}, 0);
  if (!there.legend_below) return with_strip;
  const auto laid = overlay::lay_out_legend(there.legend, static_cast<float>(plain.width), true,
                                            there.text_size, painter.font);
  return compose::natural_size(scene, frame_sizes,
                               strip + (static_cast<int>(std::ceil(laid.height)) + 1) / 2 * 2);
}

CellCauses Compositor::Parts::causes_for(const Scene& scene, const Cell& cell, bool frozen,
                                         bool marks) {
  CellCauses causes;
  causes.cell = cell;
  causes.style = scene.style;
  const PaneState* state = pane(cell.pane);
  const Pane& pane_scene = scene.panes[cell.pane];
  if (!state || !state->input.frame) return causes;
  const frames::Frame& frame = *state->input.frame;
  causes.has_frame = true;
  causes.frame = {frame.width, frame.height};
  causes.frozen = frozen && pane_scene.content == Content::handed_on;
  causes.marks = marks && pane_scene.marks;
  if (marks && !pane_scene.marks && pane_scene.content == Content::handed_on) {
    // Nothing is handed on from outside the crop: that much is shown in any case.
    causes.marks = true;
    causes.style.rlt.visible = causes.style.difference.visible = causes.style.grid.visible = false;
    causes.style.merges.visible = causes.style.sizes.visible = false;
  }
  const auto& clip = state->input.clip;
  if (!clip || !(causes.frozen || causes.marks)) return causes;
  const auto moment = overlay::moment_at(*clip, frame.index);
  if (!moment) return causes;
  causes.clip = clip;
  causes.moment = moment;
  if (causes.marks && (causes.style.merges.visible || causes.style.sizes.visible)) {
    causes.merged = state->merged();
    if (causes.merged && causes.style.merges.visible) causes.pixels = state->input.pixels;
  }
  if (causes.frozen) {
    causes.heads.resize(std::max(clip->t, 0));
    for (const int head : overlay::run_heads(*clip, moment->tubelet)) {
      const size_t sample = size_t(head) * clip->tubelet + moment->offset;
      if (head == moment->tubelet || causes.heads[head] || sample >= clip->frame_indices.size()) {
        continue;
      }
      const auto there = state->find(clip->frame_indices[sample]);
      // Colours and size as the frame's: the shader reads them alike.
      if (there && same_shape(*there, frame) && there->matrix == frame.matrix &&
          there->range == frame.range && there->site == frame.site) {
        causes.heads[head] = there;
        causes.heads_like = there;
      }
    }
  } else {
    causes.moment->offset = causes.moment->sample = 0;  // marks are the same for the whole tubelet
  }
  return causes;
}

void Compositor::Parts::update_layers(const Scene& scene, const Look& look) {
  const bool difference = scene.layout == Layout::difference && scene.panes.size() > 1;
  LayerCauses causes;
  causes.size = look.arrangement.size;
  causes.pixel = look.pixel;
  causes.text_size = look.text_size;
  for (const Cell& cell : look.arrangement.cells) {
    CellCauses one = causes_for(scene, cell, !difference, true);
    if (scene.titles) {
      one.title = title_of(scene, cell.pane);
      if (difference) {
        one.title = "difference × " + number_text(scene.gain) + ": " + one.title + " − " +
                    title_of(scene, 1);
      }
      if (const PaneState* state = pane(cell.pane); state && !state->input.caption.empty())
        one.title += (one.title.empty() ? "" : " · ") + state->input.caption;
      one.title_right = scene.layout == Layout::wipe && cell.pane == 1;
    }
    causes.cells.push_back(std::move(one));
  }
  if (!look.legend.empty()) {
    causes.legend = look.legend;
    causes.legend_strip = look.legend_below;
    causes.legend_area = look.arrangement.legend;
    if (!look.legend_below && !causes.cells.empty()) {
      // On the first picture that has marks to explain.
      const CellCauses* best = &causes.cells.front();
      for (const CellCauses& cell : causes.cells)
        if (!best->marks && cell.marks) best = &cell;
      Cell whole = best->cell;
      whole.clip = whole.rect;
      causes.legend_area = picture_area(whole, best->frame, 8.0 * look.text_size);
    }
  }
  if (look.arrangement.timeline.height > 0) {
    causes.timeline = timeline;
    causes.timeline_area = look.arrangement.timeline;
    causes.timeline_text = look.timeline_text;
  }
  if (scene.layout == Layout::wipe && look.arrangement.cells.size() > 1) {
    causes.wipe_line = look.arrangement.cells[1].clip;
  }
  current = 0;
  for (const CellCauses& cell : causes.cells) {
    if (cell.frozen && cell.moment) {
      current = cell.moment->offset % static_cast<int>(layers.size());
      break;
    }
  }
  layer().update(painter, causes);

  if (!difference) return;
  for (int i = 0; i < 2; ++i) {
    Cell cell = look.arrangement.cells.front();
    cell.pane = i;
    cell.mapping = map_frame(sizes(scene)[i], cell.rect, {});
    if (i == 0) cell.mapping = look.arrangement.cells.front().mapping;
    // The second frame lies on the first, whatever its size.
    const auto a = frame_of(0), b = frame_of(1);
    if (i == 1 && a && b) {
      cell.mapping = look.arrangement.cells.front().mapping;
      cell.mapping.scale *= double(a->width) / b->width;
    }
    LayerCauses content;
    content.size = look.arrangement.size;
    content.cells.push_back(causes_for(scene, cell, true, false));
    contents[i].update(painter, content);
  }
}

}  // namespace looktwice::compose
