#include "tokens/tome_schedule.h"

#include <cmath>

#include "base/error.h"
#include "base/text.h"

namespace looktwice::tokens {

namespace {

constexpr int64_t kMost = 1000000;  // tokens a layer: far above any model's, far below overflow

int count_of(std::string_view text) {
  const int64_t r = parse_integer(trim(text), "--tome");
  if (r < 0) throw bad_input("--tome", "a layer cannot merge " + std::to_string(r) + " tokens");
  if (r > kMost)
    throw bad_input("--tome", "no layer has " + std::to_string(r) + " tokens to merge");
  return static_cast<int>(r);
}

}  // namespace

MergeSchedule parse_schedule(std::string_view text) {
  text = trim(text);
  MergeSchedule schedule;
  if (text.empty()) throw bad_input("--tome", "is empty", "give R, R,INFLECT or [r0,r1,…]");
  if (text.front() == '[') {
    if (text.back() != ']' || text.size() < 2)
      throw bad_input("--tome", "the list is not closed", "write [r0,r1,…]");
    schedule.kind = MergeSchedule::Kind::list;
    const std::string_view inside = trim(text.substr(1, text.size() - 2));
    if (!inside.empty())
      for (const std::string& part : split(inside, ','))
        schedule.list.push_back(count_of(part));
    return schedule;
  }
  const std::vector<std::string> parts = split(text, ',');
  if (parts.size() > 2)
    throw bad_input("--tome", "has " + std::to_string(parts.size()) + " numbers",
                    "a list stands in brackets: [r0,r1,…]");
  schedule.r = count_of(parts[0]);
  if (parts.size() == 2) {
    schedule.kind = MergeSchedule::Kind::ramp;
    schedule.inflect = parse_number(trim(parts[1]), "--tome");
    if (schedule.inflect < -1 || schedule.inflect > 1)
      throw bad_input("--tome", "the inflection lies outside -1 to 1");
  }
  return schedule;
}

std::vector<int> MergeSchedule::layers(int layers) const {
  if (layers < 0) throw bad_input("--tome", "the model has no layers");
  const auto depth = static_cast<size_t>(layers);
  if (kind == Kind::list) {
    if (list.size() > depth)
      throw bad_input("--tome", "lists " + std::to_string(list.size()) + " layers; the model has " +
                                    std::to_string(layers));
    std::vector<int> padded = list;
    padded.resize(depth, 0);
    return padded;
  }
  if (!(r >= 0 && r <= double(kMost)) || !(inflect >= -1 && inflect <= 1))
    throw bad_input("--tome", "r or its inflection is out of range");
  if (kind == Kind::constant || layers == 1) return std::vector<int>(depth, static_cast<int>(r));
  // Truncation is towards zero, in float64, as Python's int() does it.
  const double low = std::trunc(r * (1.0 - inflect));
  const double high = 2 * r - low;
  const double step = (high - low) / (layers - 1);
  std::vector<int> each(depth);
  for (int i = 0; i < layers; ++i)
    each[size_t(i)] = static_cast<int>(low + step * i);
  return each;
}

std::string MergeSchedule::text() const {
  if (kind == Kind::list) {
    std::vector<std::string> parts;
    for (const int value : list)
      parts.push_back(std::to_string(value));
    return "[" + join(parts, ",") + "]";
  }
  const std::string rate = number_text(r);
  return kind == Kind::ramp ? rate + "," + number_text(inflect) : rate;
}

}  // namespace looktwice::tokens
