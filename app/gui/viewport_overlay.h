#pragma once
// What the viewport's interface asks of the trace: places under the cursor and words for them.

#include <optional>
#include <string>

#include "compose/view.h"
#include "workspace.h"

namespace looktwice::gui {

/// The patch at a pixel of the source frame; none outside what the model sees.
std::optional<Place> place_at(const Workspace& workspace, compose::Point pixel);
/// Where a patch lies on the source frame, in its pixels.
compose::Rect place_rect(const trace::ClipTrace& clip, Place place);
/// The token at a place at the moment shown.
std::optional<overlay::TokenState> token_at(const Workspace& workspace, Place place);

/// "0.034 (2.0 grey levels)"; "first tubelet" for +inf.
std::string difference_text(float difference);
/// One sentence on why a token is kept or pruned.
std::string decision_text(const overlay::TokenState& token, float tau);

}  // namespace looktwice::gui
