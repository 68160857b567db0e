#include "models/vit_blocks.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "compute/threads.h"
#include "compute/token_ops.h"
#include "models/block_ops.h"
#include "models/recorded_blocks.h"

namespace looktwice::models {
namespace {

using compute::Backend;
using compute::Tensor;
using Clock = std::chrono::steady_clock;

const tokens::ParallelFor& pool() {
  static const tokens::ParallelFor run = [](int tasks, const std::function<void(int)>& fn) {
    compute::parallel_items(tasks, [&](int64_t i, int) { fn(int(i)); });
  };
  return run;
}

}  // namespace

double block_flops(const checkpoint::VitConfig& c, double before, double after) {
  const double d = c.hidden;
  return 2 * before * d * 4 * d + 4 * before * before * d + 4 * after * d * c.mlp;
}

double dense_flops(const checkpoint::VitConfig& c, double patches) {
  const double tokens = patches + c.extra_tokens();
  return 2.0 * patches * c.patch_elements() * c.hidden + 2.0 * c.hidden * c.classes +
         c.layers * block_flops(c, tokens, tokens);
}

double activation_bytes(const checkpoint::VitConfig& c, double tokens, DType dtype, bool merging) {
  const double d = c.hidden, element = double(dtype_bytes(dtype));
  const double buffers = (d + 3 * d + d + c.mlp) * element;  // norm, qkv, attended, middle
  const double streams = (merging ? 2 * d + c.head_dim() : d) * 4.0;
  return tokens * (buffers + streams);
}

BlockStack::BlockStack(const checkpoint::VitConfig& config, std::vector<BlockWeights> blocks)
    : config_(config), blocks_(std::move(blocks)), recorded_(std::make_shared<RecordedBlocks>()) {}

/// Matches and merges the clips' tokens by `metric` (f32 [rows, width]); the decision is taken on
/// the host, in float32.
void BlockStack::merge(Backend& backend, PackedTokens& t, const Tensor& metric, int r,
                       const Reduction& reduction, int layer, Tensor& spare,
                       MergeAccount& account) const {
  const Tensor host = backend.download(metric);
  const auto matchings = tokens::match_packed(
      host.data<float>(), int(host.cols()), size_t(host.row_stride()), t.offset, r,
      match_of_layer(config_, reduction, layer), tokens::best_isa(), pool());
  std::vector<int32_t> group_offset{0}, member;
  std::vector<float> weight;
  for (size_t b = 0; b < matchings.size(); ++b) {
    std::vector<int32_t> clip_offset, clip_member;
    matchings[b].members(clip_offset, clip_member);
    for (size_t j = 0; j + 1 < clip_offset.size(); ++j)
      group_offset.push_back(int32_t(member.size()) + clip_offset[j + 1]);
    for (int32_t i : clip_member)
      member.push_back(t.offset[b] + i);
    const auto& sizes = account.sizes()[b];
    weight.insert(weight.end(), sizes.begin(), sizes.end());
    if (sizes.empty()) weight.resize(weight.size() + size_t(matchings[b].tokens_in), 1.0f);
  }
  if (!account.merge(matchings, r)) return;
  t.offset = account.offset();
  const Tensor out = spare.row_range(0, t.offset.back());
  backend.group_mean(out, t.x, group_offset, member,
                     backend.upload(Tensor::of(weight, {int64_t(weight.size())})), {});
  std::swap(spare, t.x);
  t.x = t.x.row_range(0, t.offset.back());
}

void BlockStack::run(Backend& backend, PackedTokens& t, const Reduction& reduction,
                     Result& result) const {
  if (recorded_->run(backend, config_, blocks_, t, reduction, result)) return;
  const int64_t rows = t.x.rows(), d = config_.hidden;
  const float eps = float(reduction.norm_eps.value_or(config_.norm_eps));
  const size_t clips = t.offset.size() - 1;
  const bool by_size = proportional(reduction, config_);

  const BlockBuffers buffers(backend, config_, rows);
  Tensor metric, spare;
  if (merges(reduction)) {
    metric = backend.empty({rows, metric_width(config_, reduction)}, DType::f32);
    spare = backend.empty({rows, d}, DType::f32);
  }
  MergeAccount account(config_, reduction, t.offset, t.size, result);
  const auto keep_hidden = [&] {
    if (!reduction.want_hidden) return;
    const auto all = backend.download_f32(t.x);
    for (size_t b = 0; b < clips; ++b)
      result.clips[b].hidden.emplace_back(all.begin() + t.offset[b] * d,
                                          all.begin() + t.offset[b + 1] * d);
  };
  keep_hidden();

  const auto watch = backend.stopwatch();
  watch->lap();
  for (size_t l = 0; l < blocks_.size(); ++l) {
    const BlockWeights& w = blocks_[l];
    const int r = l < reduction.merge.size() ? reduction.merge[l] : 0;
    account.begin_layer();
    compute::AttentionOptions attention;
    attention.q_segments = attention.k_segments = compute::Segments::packed(lengths_of(t.offset));
    const auto& sizes = account.sizes();
    if (by_size && !sizes.empty() && !sizes[0].empty()) {
      std::vector<float> bias;
      for (const auto& clip : sizes)
        for (float size : clip)
          bias.push_back(std::log(size));
      attention.key_bias = backend.upload(Tensor::of(bias, {int64_t(bias.size())}));
    }
    const Qkv qkv = attend(backend, config_, w, eps, t.x, buffers, attention);
    const auto merge_here = [&] {
      if (r <= 0) return;
      const auto since = Clock::now();
      const Tensor now = metric.row_range(0, t.x.rows());
      merge_metric(backend, config_, reduction, t.x, qkv, now);
      merge(backend, t, now, r, reduction, int(l), spare, account);
      result.merge_milliseconds +=
          std::chrono::duration<double, std::milli>(Clock::now() - since).count();
    };
    if (!reduction.merge_after_mlp) merge_here();
    account.through_mlp();
    feed_forward(backend, config_, w, eps, t.x, buffers);
    if (reduction.merge_after_mlp) merge_here();
    watch->lap();
    account.end_layer();
    keep_hidden();
  }
  account.finish(watch->laps());
  t.size = account.sizes();
}

}  // namespace looktwice::models
