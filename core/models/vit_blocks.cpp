#include "models/vit_blocks.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <optional>

#include "compute/threads.h"

namespace looktwice::models {
namespace {

using compute::Activation;
using compute::Backend;
using compute::Tensor;

double now_ms() {
  using namespace std::chrono;
  return duration<double, std::milli>(steady_clock::now().time_since_epoch()).count();
}

const tokens::ParallelFor& pool() {
  static const tokens::ParallelFor run = [](int tasks, const std::function<void(int)>& fn) {
    compute::parallel_items(tasks, [&](int64_t i, int) { fn(int(i)); });
  };
  return run;
}

std::vector<int32_t> lengths_of(const std::vector<int32_t>& offset) {
  std::vector<int32_t> lengths;
  for (size_t b = 0; b + 1 < offset.size(); ++b)
    lengths.push_back(offset[b + 1] - offset[b]);
  return lengths;
}

bool merges(const Reduction& r) {
  return std::any_of(r.merge.begin(), r.merge.end(), [](int n) { return n > 0; });
}

bool proportional(const Reduction& r, const checkpoint::VitConfig& config) {
  if (r.proportional_attention != Choice::automatic) return r.proportional_attention == Choice::on;
  return merges(r) && !config.mae;
}

}  // namespace

double block_flops(const checkpoint::VitConfig& c, double before, double after) {
  const double d = c.hidden;
  return 2 * before * d * 4 * d + 4 * before * before * d + 4 * after * d * c.mlp;
}

/// Buffers of one forward pass, sized for the tokens that enter; layers use their first rows.
struct BlockStack::Scratch {
  Tensor norm, qkv, attended, middle, metric, merged;
  std::vector<tokens::TokenGroups> groups;  // one a clip
  bool capped = false;
};

/// Matches and merges the clips' tokens by `metric` (f32 [rows, width]).
void BlockStack::merge(Backend& backend, PackedTokens& t, const Tensor& metric, int r,
                       const Reduction& reduction, int layer, Scratch& s, Result& result) const {
  tokens::MatchOptions match = reduction.match;
  match.class_token = config_.class_token;
  match.distill_token = config_.distill_token;
  match.seed = reduction.match.seed + uint64_t(layer);
  // The decision is taken on the host, in float32.
  const Tensor host = backend.download(metric);
  const auto matchings =
      tokens::match_packed(host.data<float>(), int(host.cols()), size_t(host.row_stride()),
                           t.offset, r, match, tokens::best_isa(), pool());

  std::vector<int32_t> group_offset{0}, member, offset{0};
  std::vector<float> weight;
  std::vector<std::vector<float>> sizes(matchings.size());
  bool changed = false;
  for (size_t b = 0; b < matchings.size(); ++b) {
    const tokens::Matching& m = matchings[b];
    std::vector<int32_t> clip_offset, clip_member;
    m.members(clip_offset, clip_member);
    std::vector<float> old = t.size[b];
    if (old.empty()) old.assign(size_t(m.tokens_in), 1.0f);
    for (size_t j = 0; j + 1 < clip_offset.size(); ++j) {
      float total = 0;
      for (int32_t i = clip_offset[j]; i < clip_offset[j + 1]; ++i)
        total += old[size_t(clip_member[size_t(i)])];
      sizes[b].push_back(total);
      group_offset.push_back(int32_t(member.size()) + clip_offset[j + 1]);
    }
    for (int32_t i : clip_member)
      member.push_back(t.offset[b] + i);
    weight.insert(weight.end(), old.begin(), old.end());
    offset.push_back(offset.back() + m.tokens_out);
    changed = changed || !m.identity();

    trace::LayerTrace& trace = result.clips[b].layers.back();
    const auto& roots = s.groups[b].roots();
    for (size_t i = 0; i < m.source.size(); ++i) {
      trace.source.push_back(roots[size_t(m.source[i])]);
      trace.destination.push_back(roots[size_t(m.destination[i])]);
    }
    trace.score = m.score;
    for (int32_t i = 0; i < m.tokens_in; ++i)
      if (m.row[size_t(i)] < 0) trace.dropped.push_back(roots[size_t(i)]);
    s.groups[b].apply(m);
    if (match.method == tokens::MatchMethod::bipartite && int(m.source.size()) < r) s.capped = true;
  }
  if (!changed) return;
  const Tensor out = s.merged.row_range(0, offset.back());
  backend.group_mean(out, t.x, group_offset, member,
                     backend.upload(Tensor::of(weight, {int64_t(weight.size())})), {});
  std::swap(s.merged, t.x);
  t.x = t.x.row_range(0, offset.back());
  t.offset = std::move(offset);
  t.size = std::move(sizes);
}

void BlockStack::run(Backend& backend, PackedTokens& t, const Reduction& reduction,
                     Result& result) const {
  const int64_t rows = t.x.rows(), d = config_.hidden;
  const float eps = float(reduction.norm_eps.value_or(config_.norm_eps));
  const size_t clips = t.offset.size() - 1;
  const bool by_size = proportional(reduction, config_);
  const bool merging = merges(reduction);
  const bool concat = reduction.concat_heads || reduction.feature == Feature::x;
  const int metric_width = int(concat ? d : config_.head_dim());

  Scratch s;
  s.norm = backend.empty({rows, d});
  s.qkv = backend.empty({rows, 3 * d});
  s.attended = backend.empty({rows, d});
  s.middle = backend.empty({rows, config_.mlp});
  if (merging) {
    s.metric = backend.empty({rows, metric_width}, DType::f32);
    s.merged = backend.empty({rows, d}, DType::f32);
  }
  for (size_t b = 0; b < clips; ++b) {
    const int32_t n = t.offset[b + 1] - t.offset[b];
    s.groups.emplace_back(n);
    result.clips[b].tokens.push_back(n);
  }
  const auto keep_hidden = [&] {
    if (!reduction.want_hidden) return;
    const auto all = backend.download_f32(t.x);
    for (size_t b = 0; b < clips; ++b)
      result.clips[b].hidden.emplace_back(all.begin() + t.offset[b] * d,
                                          all.begin() + t.offset[b + 1] * d);
  };
  keep_hidden();

  for (size_t l = 0; l < blocks_.size(); ++l) {
    const BlockWeights& w = blocks_[l];
    const double began = now_ms();
    const int r = l < reduction.merge.size() ? reduction.merge[l] : 0;
    const auto before = lengths_of(t.offset);
    for (size_t b = 0; b < clips; ++b) {
      trace::LayerTrace layer;
      layer.tokens_in = before[b];
      result.clips[b].layers.push_back(std::move(layer));
    }
    int64_t n = t.x.rows();
    const Tensor qkv = s.qkv.row_range(0, n), attended = s.attended.row_range(0, n);
    backend.layer_norm(s.norm.row_range(0, n), t.x, w.norm1.weight, w.norm1.bias, eps);
    backend.linear(qkv, s.norm.row_range(0, n), *w.qkv);

    compute::AttentionOptions attention;
    attention.heads = config_.heads;
    attention.scale = 1.0f / std::sqrt(float(config_.head_dim()));
    attention.q_segments = attention.k_segments = compute::Segments::packed(before);
    if (by_size && !t.size.empty() && !t.size[0].empty()) {
      std::vector<float> bias;
      for (const auto& clip : t.size)
        for (float size : clip)
          bias.push_back(std::log(size));
      attention.key_bias = backend.upload(Tensor::of(bias, {int64_t(bias.size())}));
    }
    const Tensor q = qkv.columns(0, d), k = qkv.columns(d, d), v = qkv.columns(2 * d, d);
    backend.attention(attended, q, k, v, attention);
    compute::LinearOptions add;
    add.residual = t.x;
    backend.linear(t.x, attended, *w.proj, add);

    const auto merge_here = [&] {
      if (r <= 0) return;
      const int64_t now = t.x.rows();
      const Tensor metric = s.metric.row_range(0, now);
      const Tensor feature = reduction.feature == Feature::q   ? q
                             : reduction.feature == Feature::v ? v
                             : reduction.feature == Feature::x ? t.x
                                                               : k;
      if (concat) {
        backend.copy(metric, feature);
      } else {
        backend.head_mean(metric, feature, config_.heads);
      }
      merge(backend, t, metric, r, reduction, int(l), s, result);
    };
    if (!reduction.merge_after_mlp) merge_here();

    n = t.x.rows();
    const auto through_mlp = lengths_of(t.offset);
    backend.layer_norm(s.norm.row_range(0, n), t.x, w.norm2.weight, w.norm2.bias, eps);
    compute::LinearOptions gelu;
    gelu.activation = config_.tanh_gelu ? Activation::gelu_tanh : Activation::gelu_erf;
    backend.linear(s.middle.row_range(0, n), s.norm.row_range(0, n), *w.fc1, gelu);
    add.residual = t.x;
    backend.linear(t.x, s.middle.row_range(0, n), *w.fc2, add);
    if (reduction.merge_after_mlp) merge_here();
    backend.synchronize();

    const double spent = now_ms() - began;
    double all_flops = 0;
    for (size_t b = 0; b < clips; ++b) {
      trace::LayerTrace& layer = result.clips[b].layers.back();
      layer.tokens_out = t.offset[b + 1] - t.offset[b];
      layer.flops = block_flops(config_, before[b], through_mlp[b]);
      all_flops += layer.flops;
    }
    for (size_t b = 0; b < clips; ++b) {
      trace::LayerTrace& layer = result.clips[b].layers.back();
      layer.milliseconds = all_flops > 0 ? spent * layer.flops / all_flops : 0;
      result.clips[b].tokens.push_back(layer.tokens_out);
      if (reduction.want_groups) result.clips[b].groups.push_back(s.groups[b].group());
    }
    keep_hidden();
  }
  for (size_t b = 0; b < clips; ++b) {
    result.clips[b].size = t.size[b];
    if (t.size[b].empty()) result.clips[b].size.assign(size_t(t.offset[b + 1] - t.offset[b]), 1.0f);
  }
  if (s.capped)
    result.notes["merge_capped"] = "some layer had too few tokens left to merge r of them";
}

}  // namespace looktwice::models
