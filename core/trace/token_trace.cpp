#include "trace/token_trace.h"

#include <algorithm>
#include <numeric>

#include "base/error.h"

namespace looktwice::trace {

size_t ClipTrace::kept() const {
  return has_rlt ? static_cast<size_t>(std::count(keep.begin(), keep.end(), uint8_t{1})) : tokens();
}

std::vector<int32_t> group_roots(const ClipTrace& clip, int layers) {
  const size_t tokens = clip.entered();
  // parent[i]: the token that names the group which i's group joined; itself while it is a root.
  std::vector<int32_t> parent(tokens);
  std::iota(parent.begin(), parent.end(), 0);
  const size_t count =
      layers < 0 ? clip.layers.size() : std::min(clip.layers.size(), size_t(layers));
  for (size_t l = 0; l < count; ++l) {
    const LayerTrace& layer = clip.layers[l];
    if (layer.source.size() != layer.destination.size())
      throw bad_input("layer " + std::to_string(l), "its merge pairs are incomplete");
    for (size_t k = 0; k < layer.source.size(); ++k) {
      const auto s = static_cast<size_t>(layer.source[k]), d = size_t(layer.destination[k]);
      if (layer.source[k] < 0 || s >= tokens || layer.destination[k] < 0 || d >= tokens)
        throw bad_input("layer " + std::to_string(l), "a merge pair names no token of the clip");
      parent[s] = layer.destination[k];
    }
    for (const int32_t root : layer.dropped) {
      if (root < 0 || size_t(root) >= tokens)
        throw bad_input("layer " + std::to_string(l), "a dropped token is none of the clip");
      parent[size_t(root)] = -1;
    }
  }
  // A destination outlives its sources, so every chain ends; the walk is bounded all the same.
  std::vector<int32_t> roots(tokens);
  for (size_t i = 0; i < tokens; ++i) {
    auto at = static_cast<int32_t>(i);
    size_t hops = 0;
    while (at >= 0 && parent[size_t(at)] != at) {
      at = parent[size_t(at)];
      if (++hops > tokens) throw bad_input("merge pairs", "form a circle");
    }
    roots[i] = at;
    // Later walks through i are short.
    for (auto j = static_cast<int32_t>(i); j >= 0 && parent[size_t(j)] != j;) {
      const int32_t next = parent[size_t(j)];
      parent[size_t(j)] = at;
      if (next == at || next < 0) break;
      j = next;
    }
  }
  return roots;
}

std::vector<int32_t> group_roots_on_grid(const ClipTrace& clip, int layers) {
  const std::vector<int32_t> roots = group_roots(clip, layers);
  std::vector<int32_t> grid(clip.tokens(), -1);
  size_t token = static_cast<size_t>(clip.extra_tokens);
  for (size_t i = 0; i < grid.size(); ++i)
    if (!clip.has_rlt || clip.keep[i] == 1) grid[i] = roots[token++];
  return grid;
}

std::vector<float> group_sizes(const ClipTrace& clip, int layers) {
  const std::vector<int32_t> roots = group_roots(clip, layers);
  std::vector<float> sum(roots.size(), 0.0f), sizes(roots.size(), 0.0f);
  for (size_t i = 0; i < roots.size(); ++i)
    if (roots[i] >= 0)
      sum[size_t(roots[i])] += clip.initial_size.empty() ? 1.0f : clip.initial_size[i];
  for (size_t i = 0; i < roots.size(); ++i)
    if (roots[i] >= 0) sizes[i] = sum[size_t(roots[i])];
  return sizes;
}

std::vector<int32_t> run_lengths_of(const std::vector<uint8_t>& keep, int t, int h, int w) {
  const size_t step = size_t(h) * w;
  std::vector<int32_t> lengths(keep.size(), 0), next(step, t);
  for (int at = t - 1; at >= 0; --at)
    for (size_t p = 0; p < step; ++p) {
      const size_t i = size_t(at) * step + p;
      if (!keep[i]) continue;
      lengths[i] = next[p] - at;
      next[p] = at;
    }
  return lengths;
}

}  // namespace looktwice::trace
