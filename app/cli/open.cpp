// looktwice open: starts the desktop app, which is installed or built beside this program.

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <vector>

#include <unistd.h>

#include "base/error.h"
#include "cli/commands.h"

namespace looktwice::cli {
namespace {
namespace fs = std::filesystem;

int open(const std::string& input) {
  const auto unset = [](const char* name) {
    const char* value = std::getenv(name);
    return value == nullptr || *value == '\0';
  };
  if (unset("DISPLAY") && unset("WAYLAND_DISPLAY") && unset("QT_QPA_PLATFORM"))
    throw run_failed("open", "there is no display here",
                     "set DISPLAY, or render a video: looktwice export INPUT -o out.mp4");
  std::vector<std::string> words = {"looktwice-gui"};
  if (!input.empty()) words.push_back(input);
  std::vector<char*> args;
  for (std::string& w : words)
    args.push_back(w.data());
  args.push_back(nullptr);
  std::error_code ec;
  const fs::path here = fs::read_symlink("/proc/self/exe", ec).parent_path();
  for (const fs::path& p : {here / "looktwice-gui", here / "../gui/looktwice-gui"})
    if (::access(p.c_str(), X_OK) == 0) ::execv(p.c_str(), args.data());
  ::execvp("looktwice-gui", args.data());
  throw run_failed("looktwice-gui", std::string("cannot be started: ") + std::strerror(errno),
                   "install it, or build the target looktwice-gui");
}

}  // namespace

void add_open(CLI::App& app, Run& run) {
  auto* cmd = app.add_subcommand("open", "start the desktop app");
  auto input = std::make_shared<std::string>();
  cmd->add_option("INPUT", *input, "what to open (default: what was open last)");
  cmd->callback([input, &run] { run = [input] { return open(*input); }; });
}

}  // namespace looktwice::cli
