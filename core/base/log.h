#pragma once
// Messages for people. The command line prints them to stderr, the app shows them in its log panel.
// Threads: all functions may be called from any thread.

#include <functional>
#include <string>

namespace looktwice {

enum class LogLevel { debug, info, warning, error };

/// Receives every message; called under a lock, so it must be quick and must not log.
using LogSink = std::function<void(LogLevel, const std::string&)>;

/// Replaces the sink (default: warnings and errors to stderr). An empty sink silences the log.
void set_log_sink(LogSink sink);
void log(LogLevel level, const std::string& message);
/// Logs `message` once per process for each `key` (for example "this file is truncated").
void log_once(LogLevel level, const std::string& key, const std::string& message);

}  // namespace looktwice
