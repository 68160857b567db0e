#include "base/log.h"

#include <cstdio>
#include <mutex>
#include <set>
#include <utility>

namespace looktwice {
namespace {

void to_stderr(LogLevel level, const std::string& message) {
  if (level < LogLevel::warning) return;
  std::fprintf(stderr, "%s: %s\n", level == LogLevel::error ? "error" : "warning", message.c_str());
}

struct State {
  std::mutex mutex;
  LogSink sink = to_stderr;
  std::set<std::string> said;
};

State& state() {
  static State s;
  return s;
}

}  // namespace

void set_log_sink(LogSink sink) {
  std::lock_guard lock(state().mutex);
  state().sink = std::move(sink);
}

void log(LogLevel level, const std::string& message) {
  std::lock_guard lock(state().mutex);
  if (state().sink) state().sink(level, message);
}

void log_once(LogLevel level, const std::string& key, const std::string& message) {
  std::lock_guard lock(state().mutex);
  if (!state().said.insert(key).second) return;
  if (state().sink) state().sink(level, message);
}

}  // namespace looktwice
