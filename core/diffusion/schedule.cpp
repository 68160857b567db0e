#include "diffusion/schedule.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/text.h"

namespace looktwice::diffusion {

double time_shift(const VideoSize& size) {
  if (!(size.height > 0) || !(size.width > 0) || !(size.frames >= 1) ||
      !std::isfinite(size.height * size.width * size.frames))
    throw bad_input("height, width, num_frames",
                    "a video of " + number_text(size.height) + "x" + number_text(size.width) +
                        " pixels and " + number_text(size.frames) + " frames gives no time shift",
                    "all must be positive");
  double frames = 1;
  if (size.frames != 1) frames = std::floor(size.frames / 17) * 5;
  if (frames <= 0)
    throw bad_input("num_frames",
                    number_text(size.frames) +
                        " frames give a time shift of 0 and timesteps that are not "
                        "numbers",
                    "use 1 frame or 17 and more, or a model whose config fixes time_shift");
  return std::sqrt(size.height * size.width / (512.0 * 512.0)) * std::sqrt(frames);
}

std::vector<double> timesteps(int steps, double shift) {
  if (steps < 1)
    throw bad_input("--steps", std::to_string(steps) + " is no number of steps", "give 1 or more");
  if (steps > 100000)
    throw bad_input("--steps", std::to_string(steps) + " steps are too many",
                    "give 100000 or less");
  if (!(shift > 0) || !std::isfinite(shift))
    throw bad_input(
        "time_shift",
        "a time shift of " + number_text(shift) + " gives timesteps that are not numbers",
        "it must be above 0");
  std::vector<double> out;
  for (int i = 0; i < steps; ++i) {
    const double tau = 1.0 - static_cast<double>(i) / steps;
    out.push_back(1000.0 * shift * tau / (1.0 + (shift - 1.0) * tau));
  }
  return out;
}

double step_length(const std::vector<double>& t, size_t i) {
  return (t.at(i) - (i + 1 < t.size() ? t[i + 1] : 0.0)) / 1000.0;
}

int first_step_of_strength(int steps, double strength) {
  if (!(strength > 0) || strength > 1)
    throw bad_input("--strength", number_text(strength) + " is not within 0 to 1",
                    "1 starts from pure noise, small values stay near the clip");
  const int run = std::clamp(static_cast<int>(std::lround(steps * strength)), 1, steps);
  return steps - run;
}

}  // namespace looktwice::diffusion
