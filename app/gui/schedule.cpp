#include "schedule.h"

#include <algorithm>

#include "base/error.h"
#include "base/text.h"
#include "tokens/tome_schedule.h"

namespace looktwice::gui {

std::vector<int> schedule_values(const std::string& text, int layers, std::string* wrong) {
  try {
    return tokens::parse_schedule(text).layers(layers);
  } catch (const Error& error) {
    if (wrong != nullptr) *wrong = error.what();
    return {};
  }
}

std::string schedule_text(const std::vector<int>& values) {
  if (values.empty()) return "0";
  if (std::ranges::all_of(values, [&](int v) { return v == values.front(); }))
    return std::to_string(values.front());
  std::vector<std::string> words;
  for (const int value : values)
    words.push_back(std::to_string(value));
  return "[" + join(words, ",") + "]";
}

int merge_cap(int tokens, int kept) {
  return std::max(0, (tokens - kept) / 2);
}

std::vector<int> planned_tokens(const std::vector<int>& schedule, int entering, int kept) {
  std::vector<int> tokens{entering};
  for (const int r : schedule)
    tokens.push_back(tokens.back() - std::clamp(r, 0, merge_cap(tokens.back(), kept)));
  return tokens;
}

}  // namespace looktwice::gui
