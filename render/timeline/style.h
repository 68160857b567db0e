#pragma once
// Colours of the timeline on a dark and on a light ground. Roles differ in shape as well as in
// colour: computed cells are solid, reused ones hatched, predictions outlined.

#include "overlay/palette.h"

namespace looktwice::timeline {

struct Style {
  overlay::Color background, field, line, text, dim;
  overlay::Color computed, on_computed;  ///< a cell that ran, and text on it
  overlay::Color reused, hatch;          ///< a cell that was reused, and its stripes
  overlay::Color predicted;              ///< outlines and curve of a predicted schedule
  overlay::Color curve;                  ///< distances measured
  overlay::Color threshold;
  overlay::Color motion, gradient;
  overlay::Color marker;  ///< chosen step
  bool operator==(const Style&) const = default;
};

const Style& dark_style();
const Style& light_style();

}  // namespace looktwice::timeline
