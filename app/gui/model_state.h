#pragma once
// What --print-state says of models and runs.

#include "base/json.h"
#include "workspace.h"

namespace looktwice::gui {

Json model_state(const Workspace& workspace);

}  // namespace looktwice::gui
