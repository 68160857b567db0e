#pragma once
// One function per subcommand: adds it to the program and sets `run`, which returns the exit code.

#include <functional>

#include <CLI/CLI.hpp>

namespace looktwice::cli {

using Run = std::function<int()>;

void add_open(CLI::App& app, Run& run);
void add_info(CLI::App& app, Run& run);
void add_generate(CLI::App& app, Run& run);
void add_inspect(CLI::App& app, Run& run);
void add_classify(CLI::App& app, Run& run);
void add_export(CLI::App& app, Run& run);
void add_synth(CLI::App& app, Run& run);

/// All commands that this build has.
void add_commands(CLI::App& app, Run& run);

}  // namespace looktwice::cli
