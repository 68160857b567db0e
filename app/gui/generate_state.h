#pragma once
// What --print-state says of generating runs.

#include "base/json.h"
#include "generate_session.h"

namespace looktwice::gui {

Json generate_state(const GenerateSession& session);

}  // namespace looktwice::gui
