#pragma once
// Options that several commands share, bound to engine::Settings.

#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "engine/settings.h"

namespace looktwice::cli {

/// Holds the raw texts of options whose value is decided after parsing.
struct SettingsOptions {
  engine::Settings settings;
  std::string settings_file, preset;
  std::string clips = "1", size, crop, sampling, views, resize, rlt, ln_eps;
  /// Call once after parsing: applies --settings, --preset and the texts in that order, checks, and
  /// returns the value. Options given on the command line win over the file.
  engine::Settings resolve(const CLI::App& app) const;
};

void add_clip_options(CLI::App& app, SettingsOptions& to);
void add_token_options(CLI::App& app, SettingsOptions& to, bool with_model);
void add_run_options(CLI::App& app, SettingsOptions& to);

/// Settings from a text of options as `--pane` takes it, over `base`. `input` receives the input
/// named in the text, if any; `trace` the file of --trace.
engine::Settings parse_pane(const std::string& text, const engine::Settings& base,
                            std::string& input, std::string& trace);

/// Splits a text like a POSIX shell does with quotes and backslashes; nothing is expanded.
std::vector<std::string> shell_split(const std::string& text, const std::string& where);

/// A progress line on stderr: shown only on a terminal, erased at the end.
class ProgressLine {
 public:
  explicit ProgressLine(std::string label);
  ~ProgressLine();
  void operator()(double fraction);
  void say(const std::string& text);

 private:
  std::string label_;
  bool shown_ = false, terminal_;
  int last_ = -1;
};

}  // namespace looktwice::cli
