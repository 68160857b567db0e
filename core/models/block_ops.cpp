#include "models/block_ops.h"

#include <algorithm>
#include <cmath>

namespace looktwice::models {

using compute::Activation;
using compute::Backend;
using compute::Tensor;

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

tokens::MatchOptions match_of_layer(const checkpoint::VitConfig& config, const Reduction& reduction,
                                    int layer) {
  tokens::MatchOptions match = reduction.match;
  match.class_token = config.class_token;
  match.distill_token = config.distill_token;
  match.seed = reduction.match.seed + uint64_t(layer);
  return match;
}

BlockBuffers::BlockBuffers(Backend& backend, const checkpoint::VitConfig& config, int64_t rows)
    : norm(backend.empty({rows, config.hidden})),
      qkv(backend.empty({rows, int64_t{3} * config.hidden})),
      attended(backend.empty({rows, config.hidden})),
      middle(backend.empty({rows, config.mlp})) {}

Qkv attend(Backend& backend, const checkpoint::VitConfig& config, const BlockWeights& w, float eps,
           const Tensor& x, const BlockBuffers& buffers, compute::AttentionOptions options) {
  const int64_t n = x.rows(), d = config.hidden;
  const Tensor norm = buffers.norm.row_range(0, n), qkv = buffers.qkv.row_range(0, n),
               attended = buffers.attended.row_range(0, n);
  backend.layer_norm(norm, x, w.norm1.weight, w.norm1.bias, eps);
  backend.linear(qkv, norm, *w.qkv);
  options.heads = config.heads;
  options.scale = 1.0f / std::sqrt(float(config.head_dim()));
  const Qkv parts{qkv.columns(0, d), qkv.columns(d, d), qkv.columns(2 * d, d)};
  backend.attention(attended, parts.q, parts.k, parts.v, options);
  compute::LinearOptions add;
  add.residual = x;
  backend.linear(x, attended, *w.proj, add);
  return parts;
}

void feed_forward(Backend& backend, const checkpoint::VitConfig& config, const BlockWeights& w,
                  float eps, const Tensor& x, const BlockBuffers& buffers) {
  const int64_t n = x.rows();
  const Tensor norm = buffers.norm.row_range(0, n), middle = buffers.middle.row_range(0, n);
  backend.layer_norm(norm, x, w.norm2.weight, w.norm2.bias, eps);
  compute::LinearOptions gelu;
  gelu.activation = config.tanh_gelu ? Activation::gelu_tanh : Activation::gelu_erf;
  backend.linear(middle, norm, *w.fc1, gelu);
  compute::LinearOptions add;
  add.residual = x;
  backend.linear(x, middle, *w.fc2, add);
}

int64_t metric_width(const checkpoint::VitConfig& config, const Reduction& reduction) {
  return reduction.concat_heads || reduction.feature == Feature::x ? config.hidden
                                                                   : config.head_dim();
}

void merge_metric(Backend& backend, const checkpoint::VitConfig& config, const Reduction& reduction,
                  const Tensor& x, const Qkv& qkv, const Tensor& metric) {
  const Tensor feature = reduction.feature == Feature::q   ? qkv.q
                         : reduction.feature == Feature::v ? qkv.v
                         : reduction.feature == Feature::x ? x
                                                           : qkv.k;
  if (metric.cols() == config.hidden && feature.cols() == metric.cols()) {
    backend.copy(metric, feature);
  } else {
    backend.head_mean(metric, feature, config.heads);
  }
}

MergeAccount::MergeAccount(const checkpoint::VitConfig& config, const Reduction& reduction,
                           std::vector<int32_t> offset, std::vector<std::vector<float>> sizes,
                           Result& result)
    : config_(config),
      reduction_(reduction),
      offset_(std::move(offset)),
      sizes_(std::move(sizes)),
      result_(result) {
  for (size_t b = 0; b + 1 < offset_.size(); ++b) {
    const int32_t n = offset_[b + 1] - offset_[b];
    groups_.emplace_back(n);
    result_.clips[b].tokens.push_back(n);
  }
}

void MergeAccount::begin_layer() {
  before_ = lengths_of(offset_);
  for (size_t b = 0; b < groups_.size(); ++b) {
    trace::LayerTrace layer;
    layer.tokens_in = before_[b];
    result_.clips[b].layers.push_back(std::move(layer));
  }
}

bool MergeAccount::merge(const std::vector<tokens::Matching>& matchings, int r) {
  std::vector<int32_t> offset{0};
  std::vector<std::vector<float>> sizes(matchings.size());
  bool changed = false;
  for (size_t b = 0; b < matchings.size(); ++b) {
    const tokens::Matching& m = matchings[b];
    std::vector<int32_t> clip_offset, clip_member;
    m.members(clip_offset, clip_member);
    std::vector<float> old = sizes_[b];
    if (old.empty()) old.assign(size_t(m.tokens_in), 1.0f);
    for (size_t j = 0; j + 1 < clip_offset.size(); ++j) {
      float total = 0;
      for (int32_t i = clip_offset[j]; i < clip_offset[j + 1]; ++i)
        total += old[size_t(clip_member[size_t(i)])];
      sizes[b].push_back(total);
    }
    offset.push_back(offset.back() + m.tokens_out);
    changed = changed || !m.identity();

    trace::LayerTrace& trace = result_.clips[b].layers.back();
    const auto& roots = groups_[b].roots();
    for (size_t i = 0; i < m.source.size(); ++i) {
      trace.source.push_back(roots[size_t(m.source[i])]);
      trace.destination.push_back(roots[size_t(m.destination[i])]);
    }
    trace.score = m.score;
    for (int32_t i = 0; i < m.tokens_in; ++i)
      if (m.row[size_t(i)] < 0) trace.dropped.push_back(roots[size_t(i)]);
    groups_[b].apply(m);
    if (reduction_.match.method == tokens::MatchMethod::bipartite && int(m.source.size()) < r)
      capped_ = true;
  }
  if (changed) {
    offset_ = std::move(offset);
    sizes_ = std::move(sizes);
  }
  return changed;
}

void MergeAccount::end_layer() {
  for (size_t b = 0; b < groups_.size(); ++b) {
    trace::LayerTrace& layer = result_.clips[b].layers.back();
    layer.tokens_out = offset_[b + 1] - offset_[b];
    layer.flops = block_flops(config_, before_[b], mlp_lengths_[b]);
    result_.clips[b].tokens.push_back(layer.tokens_out);
    if (reduction_.want_groups) result_.clips[b].groups.push_back(groups_[b].group());
  }
}

void MergeAccount::finish(const std::vector<double>& layer_ms) {
  for (size_t l = 0; l < layer_ms.size(); ++l) {
    double all = 0;
    for (size_t b = 0; b < groups_.size(); ++b)
      all += result_.clips[b].layers[l].flops;
    for (size_t b = 0; b < groups_.size(); ++b) {
      trace::LayerTrace& layer = result_.clips[b].layers[l];
      layer.milliseconds = all > 0 ? layer_ms[l] * layer.flops / all : 0;
    }
  }
  for (size_t b = 0; b < groups_.size(); ++b) {
    result_.clips[b].size = sizes_[b];
    if (sizes_[b].empty()) result_.clips[b].size.assign(size_t(offset_[b + 1] - offset_[b]), 1.0f);
  }
  if (capped_)
    result_.notes["merge_capped"] = "some layer had too few tokens left to merge r of them";
}

}  // namespace looktwice::models
