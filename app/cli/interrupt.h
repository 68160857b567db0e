#pragma once
// Ctrl-C and SIGTERM as a stop token: work unwinds, and half-written files are removed.

#include <stop_token>
#include <thread>

namespace looktwice::cli {

/// While one lives, the first signal triggers token() and a second one ends the program at once.
class Interrupt {
 public:
  Interrupt();
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;
  std::stop_token token() const { return source_.get_token(); }

 private:
  std::stop_source source_;
  std::jthread watcher_;
};

}  // namespace looktwice::cli
