#include "state_report.h"

#include <cstdio>

namespace looktwice::gui {

StateReport::StateReport(std::function<Json()> collect, QObject* parent)
    : QObject(parent), collect_(std::move(collect)) {
  timer_.setInterval(50);
  connect(&timer_, &QTimer::timeout, this, [this] { poll(); });
  timer_.start();
}

void StateReport::poll() {
  std::string line = collect_().dump(-1, ' ', false, Json::error_handler_t::replace);
  if (line == last_) return;
  last_ = std::move(line);
  std::printf("%s\n", last_.c_str());
  std::fflush(stdout);
}

}  // namespace looktwice::gui
