// looktwice: the command line. Exit codes: 0 done, 1 the run failed, 2 bad input or option.

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <exception>
#include <new>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "base/error.h"
#include "base/text.h"
#include "cli/commands.h"
#include "compute/threads.h"

namespace {

/// One line on stderr; nothing of the program's insides.
int fail(std::string message, int code) {
  for (char& c : message)
    if (c == '\n') c = ' ';
  std::fprintf(stderr, "looktwice: %s\n", message.c_str());
  return code;
}

/// "did you mean" for a mistyped command; empty for one that exists.
std::string unknown_command(const CLI::App& app, const std::string& word) {
  std::vector<std::string> known;
  for (const CLI::App* sub : app.get_subcommands({}))
    known.push_back(sub->get_name());
  const auto near = looktwice::nearest(word, known);
  if (std::find(known.begin(), known.end(), word) != known.end()) return {};
  return word + ": is no command; " +
         (near ? "did you mean " + *near + "?" : "see looktwice --help");
}

}  // namespace

int main(int argc, char** argv) {
  using namespace looktwice;
  compute::settle_thread_policy(argv);
  std::signal(SIGPIPE, SIG_IGN);
  CLI::App app(
      "LookTwice shows which tokens video transformers skip: patches that repeat in time (RLT),\n"
      "tokens merged between layers (ToMe), denoising steps reused (AdaCache).",
      "looktwice");
  app.require_subcommand(1);
  app.set_version_flag("--version", LOOKTWICE_VERSION);
  app.footer(
      "INPUT is a video file, camera:/dev/video0, screen::0, lavfi:GRAPH, live:GRAPH (a graph "
      "that\n"
      "stands in for a camera), synth:NAME or a .safetensors file of frames.\n"
      "Exit codes: 0 done, 1 the run failed, 2 bad input or option.");
  cli::Run run;
  cli::add_commands(app, run);
  const std::string first = argc > 1 ? argv[1] : "";
  const bool command_given = !first.empty() && first[0] != '-';
  try {
    app.parse(argc, argv);
    return run ? run() : 0;
  } catch (const CLI::CallForHelp& e) {
    return app.exit(e);
  } catch (const CLI::CallForAllHelp& e) {
    return app.exit(e);
  } catch (const CLI::CallForVersion& e) {
    return app.exit(e);
  } catch (const CLI::ParseError& e) {
    if (command_given) {
      const std::string unknown = unknown_command(app, first);
      if (!unknown.empty()) return fail(unknown, 2);
    }
    return fail(
        std::string(e.what()) + "; see looktwice " + (command_given ? first + " --help" : "--help"),
        2);
  } catch (const Error& e) {
    return fail(e.what(), e.exit_code());
  } catch (const Cancelled&) {
    return fail("cancelled", 1);
  } catch (const std::bad_alloc&) {
    return fail("out of memory; choose fewer frames, a smaller size or fewer clips", 1);
  } catch (const std::exception& e) {
    return fail(e.what(), 1);
  }
}
