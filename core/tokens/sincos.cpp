#include "tokens/sincos.h"

#include <cmath>

#include "base/error.h"

namespace looktwice::tokens {

std::vector<float> sincos_table(int positions, int width, double base) {
  if (positions < 1 || width < 1)
    throw bad_input("position table", "needs at least one position and one column");
  if (!(base > 0)) throw bad_input("position table", "the base must be positive");
  std::vector<double> divisor(static_cast<size_t>(width));
  for (int j = 0; j < width; ++j)
    divisor[static_cast<size_t>(j)] = std::pow(base, double(j - j % 2) / width);
  std::vector<float> table(size_t(positions) * width);
  float* to = table.data();
  for (int p = 0; p < positions; ++p)
    for (int j = 0; j < width; ++j) {
      const double angle = p / divisor[static_cast<size_t>(j)];
      *to++ = static_cast<float>(j % 2 == 0 ? std::sin(angle) : std::cos(angle));
    }
  return table;
}

}  // namespace looktwice::tokens
