#include "trace/group_rows.h"

#include <algorithm>
#include <numeric>

namespace looktwice::trace {

std::vector<int32_t> group_rows(const ClipTrace& clip, int layers) {
  const std::vector<int32_t> roots = group_roots(clip, layers);
  const size_t count =
      layers < 0 ? clip.layers.size() : std::min(clip.layers.size(), size_t(layers));
  // Groups in the order in which they leave each layer, named by their roots then.
  std::vector<int32_t> order(roots.size());
  std::iota(order.begin(), order.end(), 0);
  std::vector<uint8_t> gone(roots.size(), 0);
  for (size_t l = 0; l < count; ++l) {
    const LayerTrace& layer = clip.layers[l];
    if (layer.source.empty() && layer.dropped.empty()) continue;
    for (const auto* list : {&layer.source, &layer.dropped})
      for (const int32_t root : *list)
        gone[size_t(root)] = 1;
    std::vector<int32_t> even, odd;
    for (size_t i = 0; i < order.size(); ++i)
      if (!gone[size_t(order[i])]) (i % 2 == 0 ? even : odd).push_back(order[i]);
    order.clear();
    if (clip.extra_tokens == 2 && !even.empty() && !odd.empty()) {
      order = {even.front(), odd.front()};
      even.erase(even.begin());
      odd.erase(odd.begin());
    }
    order.insert(order.end(), even.begin(), even.end());
    order.insert(order.end(), odd.begin(), odd.end());
  }
  std::vector<int32_t> row_of(roots.size(), -1), rows(roots.size(), -1);
  for (size_t i = 0; i < order.size(); ++i)
    row_of[size_t(order[i])] = static_cast<int32_t>(i);
  for (size_t i = 0; i < roots.size(); ++i)
    if (roots[i] >= 0) rows[i] = row_of[size_t(roots[i])];
  return rows;
}

}  // namespace looktwice::trace
