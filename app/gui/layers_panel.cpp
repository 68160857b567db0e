#include "layers_panel.h"

#include <algorithm>
#include <cmath>

#include "probe.h"
#include "theme.h"
#include "widgets.h"

namespace looktwice::gui {
namespace {

bool palette_choice(const char* id, overlay::Palette* palette) {
  static constexpr const char* kNames[] = {"Viridis", "Cividis", "Inferno"};
  int chosen = int(*palette);
  if (!segments(id, &chosen, kNames, 3)) return false;
  *palette = overlay::Palette(chosen);
  return true;
}

}  // namespace

LayersPanel::LayersPanel(Workspace& workspace, QWidget* parent)
    : ImGuiWidget(parent), workspace_(workspace) {
  setMinimumSize(260, 160);
  connect(&workspace, &Workspace::document_changed, this, [this] {
    // Moving τ changes nothing here but the heat map's automatic range.
    const compose::Scene& scene = workspace_.document().scene;
    if (scene != drawn_ || scene.style.difference.visible) refresh();
  });
  connect(&workspace.models(), &ModelLibrary::classifier_changed, this, [this] { refresh(2); });
}

void LayersPanel::ui() {
  begin_panel("layers");
  Document next = workspace_.document();
  drawn_ = next.scene;
  layout(next);
  section("RLT marks");
  rlt(next.scene.style.rlt);
  if (workspace_.runner().model()) merges(next.scene.style);
  others(next);
  if (next != workspace_.document()) workspace_.change(std::move(next), "Picture");
  ImGui::End();
}

void LayersPanel::layout(Document& next) {
  using compose::Layout;
  static constexpr Layout kLayouts[] = {Layout::single, Layout::side_by_side, Layout::stack,
                                        Layout::wipe, Layout::difference};
  static constexpr const char* kNames[] = {"Single", "Beside", "Stack", "Wipe", "Difference"};
  constexpr int kCount = int(std::size(kLayouts));
  static constexpr const char* kTips[] = {
      "The video with its marks.",
      "The video beside what RLT hands on: pruned patches frozen at the head of their run.",
      "The video above what RLT hands on.", "Both in one place: drag the line.",
      "What RLT throws away: the difference of the two, amplified."};
  int chosen = 0;
  for (int i = 0; i < kCount; ++i) {
    if (next.scene.layout == kLayouts[i]) chosen = i;
  }
  if (segments("layout", &chosen, kNames, kCount, kTips)) set_layout(next, kLayouts[chosen]);
  if (compose::shows_several(next.scene)) {
    static constexpr const char* kSides[] = {"Both", "First", "Second"};
    int side = compose::only_pane(next.scene) + 1;
    if (segments("only", &side, kSides, 3)) next.scene.only = side - 1;
  }
  if (next.scene.layout == Layout::difference) {
    value_slider("gain", "Gain", &next.scene.gain, 1, 32, "%.1f", "×",
                 "How much the difference is amplified.", true);
    toggle("luma", "Luma only", &next.scene.luma_only, "Compare brightness and leave colour out.");
  }
}

void LayersPanel::rlt(overlay::RltStyle& style) {
  toggle("rlt.visible", "Show", &style.visible, "Marks on the patches that RLT prunes and keeps.");
  if (!style.visible) return;
  static constexpr const char* kStyles[] = {"None", "Dim", "Hatch", "Run length"};
  static constexpr const char* kTips[] = {
      "Pruned patches are not marked.", "Pruned patches are darkened.",
      "Pruned patches are hatched: readable on any picture.",
      "Pruned patches are tinted by the length of the run that they repeat."};
  int chosen = int(style.pruned);
  if (segments("rlt.style", &chosen, kStyles, 4, kTips))
    style.pruned = overlay::PrunedStyle(chosen);
  double opacity = style.opacity * 100;
  if (value_slider("rlt.opacity", "Opacity", &opacity, 0, 100, "%.0f", "%")) {
    style.opacity = opacity / 100;
  }
  toggle("rlt.outline", "Outline kept patches", &style.outline_kept);
  if (style.pruned == overlay::PrunedStyle::run_length)
    palette_choice("rlt.palette", &style.palette);
}

void LayersPanel::merges(overlay::Style& style) {
  section("Merge groups");
  const int layers = workspace_.runner().model()->model().config().layers;
  toggle("merges.visible", "Show groups", &style.merges.visible,
         "Tokens that the model has merged into one.");
  toggle("sizes.visible", "Show group sizes", &style.sizes.visible,
         "Heat map: how many tokens are in each group.");
  if (!style.merges.visible && !style.sizes.visible) return;
  double layer = style.merges.layer <= 0 ? layers : std::min(style.merges.layer, layers);
  if (value_slider("merges.layer", "After layer", &layer, 1, layers, "%.0f", "",
                   "The groups as they are after this layer."))
    style.merges.layer = int(std::lround(layer));
  if (style.merges.visible) {
    static constexpr const char* kViews[] = {"Mean colour", "Outlines"};
    static constexpr const char* kTips[] = {
        "Every group in its mean colour with a border, as the figures of the ToMe paper.",
        "Borders of groups of two tokens or more, over the picture."};
    int chosen = int(style.merges.view);
    if (segments("merges.view", &chosen, kViews, 2, kTips))
      style.merges.view = overlay::MergeView(chosen);
    if (style.merges.view == overlay::MergeView::groups) {
      double opacity = style.merges.opacity * 100;
      if (value_slider("merges.opacity", "Opacity", &opacity, 0, 100, "%.0f", "%"))
        style.merges.opacity = opacity / 100;
    }
  }
  if (style.sizes.visible) palette_choice("sizes.palette", &style.sizes.palette);
}

void LayersPanel::others(Document& next) {
  section("Differences");
  overlay::DifferenceStyle& difference = next.scene.style.difference;
  toggle("difference.visible", "Show heat map", &difference.visible,
         "The difference that each patch's decision rests on.");
  if (difference.visible) {
    double opacity = difference.opacity * 100;
    if (value_slider("difference.opacity", "Opacity", &opacity, 0, 100, "%.0f", "%")) {
      difference.opacity = opacity / 100;
    }
    double maximum = difference.maximum > 0
                         ? difference.maximum
                         : (workspace_.tau() > 0 ? 4.0 * double(workspace_.tau()) : 0.4);
    if (value_slider("difference.maximum", "Full colour at", &maximum, 0.01, 4, "%.3g", "",
                     "The difference shown in the last colour.", true)) {
      difference.maximum = maximum;
    }
    palette_choice("difference.palette", &difference.palette);
  }
  section("Picture");
  toggle("grid.visible", "Patch grid", &next.scene.style.grid.visible,
         "Borders of the patches that the model cuts the frame into.");
  toggle("crop.visible", "Dim outside the crop", &next.scene.style.crop.visible,
         "The model sees a part of the frame; the rest is darkened.");
  bool legend = next.scene.legend != compose::LegendPlace::none;
  if (toggle("legend", "Legend", &legend,
             "Explains every colour on the picture; exports carry it too.")) {
    next.scene.legend = legend ? compose::LegendPlace::inside : compose::LegendPlace::none;
  }
  toggle("titles", "Pane titles", &next.scene.titles);
}

}  // namespace looktwice::gui
