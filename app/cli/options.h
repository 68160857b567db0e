#pragma once
// Options that several commands share, bound to engine::Settings.

#include <map>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "engine/settings.h"

namespace looktwice::cli {

/// Holds the raw texts of options whose value is decided after parsing.
struct SettingsOptions {
  engine::Settings settings;
  std::string settings_file, preset, rlt, ln_eps;
  std::map<std::string, std::string> clip;  ///< by name, as frames::set_clip_option takes them
  /// Call once after parsing: applies --settings, --preset and the options in that order over
  /// `base`, checks, and returns the value. Options given on the command line win over the file.
  engine::Settings resolve(const CLI::App& app, const engine::Settings& base = {}) const;
};

void add_clip_options(CLI::App& app, SettingsOptions& to);
void add_token_options(CLI::App& app, SettingsOptions& to, bool with_model);
void add_run_options(CLI::App& app, SettingsOptions& to);

/// What the text of `--pane` says.
struct PaneText {
  engine::Settings settings;
  std::string input;  ///< empty: the export's
  std::string trace;  ///< file of decisions, or empty
  std::string title;
  /// original | marks | handed-on, or empty: marks, or as in --scene; of generating panes:
  /// difference
  std::string content;
  bool generates = false;  ///< its frames come from a video DiT
};
/// Reads a text of options as `--pane` takes it; what it leaves unsaid is as in `base`.
PaneText parse_pane(const std::string& text, const engine::Settings& base);

/// The command that was given, quoted for a shell.
std::string command_of(const CLI::App& app, std::vector<std::string> words);

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
