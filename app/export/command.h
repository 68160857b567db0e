#pragma once
// The words that say what an export is: the command that makes it again, and its settings.

#include <string>

#include "export/comparison.h"

namespace looktwice::exporting {

/// The command line, quoted for a shell, that makes the same video: options where the scene is one
/// of the usual ones, `--scene` with its JSON where it is not.
std::string command(const Request& request);

/// Sets what the file carries: "title", "comment" (`command`, or that of the request if empty) and
/// "looktwice" (JSON, schema looktwice/export: input, scene, and what each pane shows).
void describe(Request& request, const std::string& command = "");

}  // namespace looktwice::exporting
