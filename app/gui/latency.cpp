#include "latency.h"

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

#include <unistd.h>

namespace looktwice::gui {

double LatencyMeter::quantile(double q) const {
  if (samples_.empty()) return 0;
  std::vector<double> sorted = samples_;
  const auto at = std::min(sorted.size() - 1, size_t(q * double(sorted.size())));
  std::nth_element(sorted.begin(), sorted.begin() + ptrdiff_t(at), sorted.end());
  return sorted[at];
}

LatencyMeter& tau_latency() {
  static LatencyMeter meter;
  return meter;
}

double since_process_start() {
  // Field 22 of /proc/self/stat, in clock ticks since boot; the name before it may hold spaces.
  std::ifstream file("/proc/self/stat");
  std::string text((std::istreambuf_iterator<char>(file)), {});
  const size_t name = text.rfind(')');
  if (name == std::string::npos) return 0;
  std::istringstream fields(text.substr(name + 1));
  std::string field;
  for (int i = 3; i <= 22 && fields; ++i)
    fields >> field;
  timespec now{};
  clock_gettime(CLOCK_BOOTTIME, &now);
  const double started = std::strtod(field.c_str(), nullptr) / double(sysconf(_SC_CLK_TCK));
  return (double(now.tv_sec) + double(now.tv_nsec) * 1e-9 - started) * 1000;
}

namespace {
double first_picture_ms = 0;
}

void first_picture() {
  if (first_picture_ms == 0) first_picture_ms = since_process_start();
}

double first_picture_after() {
  return first_picture_ms;
}

}  // namespace looktwice::gui
