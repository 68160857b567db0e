#pragma once
// Names of classes.

#include <filesystem>
#include <string>
#include <vector>

#include "base/json.h"

namespace looktwice::checkpoint {

/// Class names of a model folder, [classes], or empty where there are none. Looked for in:
/// `id2label` of config.json (unless it only holds LABEL_0, LABEL_1, …), `id2label.json` or
/// `*-id2label.json` (an object from number to name), `labels.txt` or `label_map*.txt` (one name a
/// line). Throws Error(input) naming the file when it has fewer names than the model has classes,
/// or a number twice.
std::vector<std::string> load_labels(const std::filesystem::path& folder, const Json& config,
                                     int classes);

}  // namespace looktwice::checkpoint
