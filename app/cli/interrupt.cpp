#include "cli/interrupt.h"

#include <cerrno>
#include <csignal>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

namespace looktwice::cli {
namespace {

int pipe_ends[2] = {-1, -1};

void on_signal(int number) {
  const char byte = 1;
  [[maybe_unused]] const auto written = ::write(pipe_ends[1], &byte, 1);
  std::signal(number, SIG_DFL);
}

}  // namespace

Interrupt::Interrupt() {
  if (::pipe2(pipe_ends, O_CLOEXEC) != 0) return;
  std::signal(SIGINT, on_signal);
  std::signal(SIGTERM, on_signal);
  watcher_ = std::jthread([this] {
    char byte = 0;
    ssize_t n = 0;
    do {
      n = ::read(pipe_ends[0], &byte, 1);
    } while (n < 0 && errno == EINTR);
    if (n == 1 && byte == 1) source_.request_stop();
  });
}

Interrupt::~Interrupt() {
  std::signal(SIGINT, SIG_DFL);
  std::signal(SIGTERM, SIG_DFL);
  if (pipe_ends[1] < 0) return;
  const char byte = 0;
  [[maybe_unused]] const auto written = ::write(pipe_ends[1], &byte, 1);
  watcher_.join();
  ::close(pipe_ends[0]);
  ::close(pipe_ends[1]);
  pipe_ends[0] = pipe_ends[1] = -1;
}

}  // namespace looktwice::cli
