#pragma once
// How overlays look: a plain value with a JSON form. What they show comes from the trace.

#include <string>

#include "base/json.h"

namespace looktwice::overlay {

/// How pruned patches are marked. run_length: tinted by the length of the run that they belong to,
/// the longest darkest.
enum class PrunedStyle { none, dim, hatch, run_length };
/// Sequential palettes, all readable with the common colour-vision deficiencies.
enum class Palette { viridis, cividis, inferno };

/// The RLT decisions.
struct RltStyle {
  bool visible = true;
  PrunedStyle pruned = PrunedStyle::hatch;
  bool outline_kept = true;
  double opacity = 0.65;  ///< 0..1, of the marks on pruned patches
  Palette palette = Palette::viridis;
  bool operator==(const RltStyle&) const = default;
};

/// Heat map of the RLT differences, in normalised units.
struct DifferenceStyle {
  bool visible = false;
  double opacity = 0.6;
  double maximum = 0;  ///< difference shown in the last colour; 0 takes four times tau, or 0.4
  Palette palette = Palette::cividis;
  bool operator==(const DifferenceStyle&) const = default;
};

struct GridStyle {
  bool visible = false;
  double opacity = 0.35;
  bool operator==(const GridStyle&) const = default;
};

/// groups: every group in its mean colour with a border, as the figures of the ToMe paper.
/// outlines: borders of groups of two tokens or more, over the picture.
enum class MergeView { groups, outlines };

/// ToMe's merge groups.
struct MergeStyle {
  bool visible = false;
  MergeView view = MergeView::groups;
  int layer = 0;       ///< groups as they are after this layer, from 1; 0: after the last
  double opacity = 1;  ///< of the mean colours
  bool operator==(const MergeStyle&) const = default;
};

/// Heat map of the groups' sizes, after the layer of MergeStyle; logarithmic from 1 to the largest.
struct GroupSizeStyle {
  bool visible = false;
  double opacity = 0.7;
  Palette palette = Palette::inferno;
  bool operator==(const GroupSizeStyle&) const = default;
};

/// The part of the frame that the model sees; drawn only where it is less than the frame.
struct CropStyle {
  bool visible = true;
  double dim = 0.45;  ///< how much the rest is darkened, 0..1
  bool operator==(const CropStyle&) const = default;
};

struct Style {
  RltStyle rlt;
  DifferenceStyle difference;
  MergeStyle merges;
  GroupSizeStyle sizes;
  GridStyle grid;
  CropStyle crop;
  bool operator==(const Style&) const = default;
};

Json to_json(const Style& style);
/// Missing keys keep their defaults; unknown keys and wrong types throw Error(input).
Style style_from_json(const Json& json, const std::string& where);

}  // namespace looktwice::overlay
