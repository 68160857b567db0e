#pragma once
// Options that say what a video DiT makes: those of `generate`, and of generating panes.

#include <string>

#include "cli/options.h"

namespace looktwice::cli {

/// Raw texts of the options, and the settings that they are bound to.
struct GenerateOptions {
  SettingsOptions settings;
  std::string preset, moreg;
  int steps = 0;
  double guidance = 0, fps = 0;
  /// Call once after parsing; as SettingsOptions::resolve. `strength_without_from`: --strength may
  /// stand alone, as the export's input is what panes start from.
  engine::Settings resolve(const CLI::App& app, const engine::Settings& base = {},
                           bool strength_without_from = false) const;
};

/// Clip and run options included.
void add_generate_options(CLI::App& app, GenerateOptions& to);

}  // namespace looktwice::cli
