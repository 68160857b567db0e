#pragma once
// One function per subcommand: adds it to the program and sets `run`, which returns the exit code.

#include <functional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "base/json.h"

namespace looktwice::cli {

using Run = std::function<int()>;

void add_open(CLI::App& app, Run& run);
void add_info(CLI::App& app, Run& run);
void add_generate(CLI::App& app, Run& run);
void add_inspect(CLI::App& app, Run& run);
void add_classify(CLI::App& app, Run& run);
void add_export(CLI::App& app, Run& run);
void add_models(CLI::App& app, Run& run);
void add_synth(CLI::App& app, Run& run);

/// The model folders found in `places`, as `models` and `info` list them.
Json models_json(const std::vector<std::string>& places);
void print_models(const Json& list);

/// All commands that this build has.
void add_commands(CLI::App& app, Run& run);

}  // namespace looktwice::cli
