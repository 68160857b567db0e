#include "models/recorded_blocks.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "compute/device_error.h"
#include "compute/recorder.h"
#include "compute/threads.h"
#include "compute/token_ops.h"
#include "models/block_ops.h"

namespace looktwice::models {

using compute::Backend;
using compute::Tensor;

namespace {

constexpr size_t kPasses = 4;
constexpr int64_t kMostRecorded = 8192;  // rows; larger passes keep the device busy anyway

int64_t round_up(int64_t n, int64_t to) {
  return (n + to - 1) / to * to;
}

compute::MetricDistance distance_of(tokens::Distance d) {
  return d == tokens::Distance::cosine ? compute::MetricDistance::cosine
         : d == tokens::Distance::dot  ? compute::MetricDistance::dot
                                       : compute::MetricDistance::l2;
}

/// A layer's matching of one clip before anything is compared.
struct ClipCandidates {
  tokens::Candidates who;
  tokens::MatchOptions match;
};

ClipCandidates candidates_of(const checkpoint::VitConfig& config, const Reduction& reduction,
                             int layer, size_t clip, int tokens, int r) {
  ClipCandidates c{{}, match_of_layer(config, reduction, layer)};
  c.match.seed += clip;  // as tokens::match_packed
  c.who = tokens::candidates(tokens, r, c.match);
  return c;
}

bool has_sizes(const PackedTokens& t) {
  return !t.size.empty() && !t.size[0].empty();
}

}  // namespace

int64_t bucket_rows(int64_t rows) {
  int64_t step = 16;
  while (step * 32 < rows)
    step *= 2;
  return round_up(rows, step);
}

/// Everything of one shape: memory, plans and, from its second use on, the recording.
struct RecordedBlocks::Pass {
  const Backend* backend = nullptr;
  std::vector<int64_t> key;
  int64_t rows = 0;  // of x, the padding of its bucket included
  std::unique_ptr<BlockBuffers> buffers;
  Tensor x, spare, metric;
  Tensor first_size, first_bias;                       // f32 [rows], or none
  std::shared_ptr<compute::PlannedSegments> segments;  // where nothing merges
  struct Layer {
    int r = 0;
    std::shared_ptr<compute::PlannedSegments> segments;
    std::shared_ptr<compute::PlannedMerge> merge;  // null where nothing can merge
    Tensor size, log_size;                         // of the rows that leave
    int64_t first_source = 0;                      // in score and partner
  };
  std::vector<Layer> layers;
  Tensor score, partner;  // of all layers, one after the other
  std::unique_ptr<compute::Stopwatch> watch;
  std::shared_ptr<compute::Recording> recording;
  Tensor result;  // x or spare
  int uses = 0;

  void plan_layers(Backend& b, const checkpoint::VitConfig& config, const PackedTokens& t,
                   const Reduction& reduction);
  void body(Backend& b, const checkpoint::VitConfig& config,
            const std::vector<BlockWeights>& blocks, const Reduction& reduction);
};

/// Lengths after every layer are known before the first: they depend on counts alone.
void RecordedBlocks::Pass::plan_layers(Backend& b, const checkpoint::VitConfig& config,
                                       const PackedTokens& t, const Reduction& reduction) {
  std::vector<int32_t> offset = t.offset;
  int64_t sources = 0;
  layers.resize(size_t(config.layers));
  const auto plan_segments = [&] {
    const auto s = compute::Segments::packed(lengths_of(offset));
    return b.recorder()->plan_segments(s, s, offset.back(), int64_t(s.count()));
  };
  auto current = plan_segments();
  for (size_t l = 0; l < layers.size(); ++l) {
    Layer& layer = layers[l];
    layer.segments = current;
    layer.r = l < reduction.merge.size() ? reduction.merge[l] : 0;
    if (layer.r <= 0) continue;
    compute::MergeShape shape;
    shape.in_offset = offset;
    shape.search.distance = distance_of(reduction.match.distance);
    shape.search.a_offset = shape.search.b_offset = {0};
    int64_t pairs = 0;
    for (size_t c = 0; c + 1 < offset.size(); ++c) {
      const int n = offset[c + 1] - offset[c];
      const ClipCandidates clip = candidates_of(config, reduction, int(l), c, n, layer.r);
      shape.fixed = std::min(clip.match.protected_tokens(), n);
      shape.ordered = clip.match.class_token;
      for (int32_t i : clip.who.a)
        shape.search.a.push_back(offset[c] + i);
      for (int32_t i : clip.who.b)
        shape.search.b.push_back(offset[c] + i);
      shape.search.a_offset.push_back(int32_t(shape.search.a.size()));
      shape.search.b_offset.push_back(int32_t(shape.search.b.size()));
      shape.pairs.push_back(tokens::pair_count(n, layer.r, clip.who, clip.match));
      pairs += shape.pairs.back();
    }
    if (pairs == 0) continue;
    layer.merge = b.token_ops()->plan_merge(shape);
    layer.first_source = sources;
    sources += layer.merge->sources;
    offset = layer.merge->out_offset;
    layer.size = b.empty({offset.back()}, DType::f32);
    layer.log_size = b.empty({offset.back()}, DType::f32);
    current = plan_segments();
  }
  score = b.empty({sources}, DType::f32);
  partner = b.empty({sources}, DType::i32);
}

void RecordedBlocks::Pass::body(Backend& b, const checkpoint::VitConfig& config,
                                const std::vector<BlockWeights>& blocks,
                                const Reduction& reduction) {
  const float eps = float(reduction.norm_eps.value_or(config.norm_eps));
  const bool by_size = proportional(reduction, config);
  watch = b.stopwatch();
  Tensor now = x, other = spare, size = first_size, bias = first_bias;
  watch->lap();
  for (size_t l = 0; l < blocks.size(); ++l) {
    compute::AttentionOptions attention;
    attention.planned = segments ? segments : layers[l].segments;
    if (by_size) attention.key_bias = bias;
    const Qkv qkv = attend(b, config, blocks[l], eps, now, *buffers, attention);
    const auto merge_here = [&] {
      if (layers.empty() || !layers[l].merge) return;
      const Layer& layer = layers[l];
      compute::MergeTensors t;
      t.metric = metric.row_range(0, now.rows());
      merge_metric(b, config, reduction, now, qkv, t.metric);
      t.x = now;
      t.size = size;
      t.y = other.row_range(0, layer.merge->out_offset.back());
      t.size_out = size = layer.size;
      t.log_size = bias = layer.log_size;
      t.score = score.reshape({score.elements(), 1})
                    .row_range(layer.first_source, layer.merge->sources)
                    .reshape({layer.merge->sources});
      t.partner = partner.reshape({partner.elements(), 1})
                      .row_range(layer.first_source, layer.merge->sources)
                      .reshape({layer.merge->sources});
      b.token_ops()->merge(*layer.merge, t);
      other = now;
      now = t.y;
    };
    if (!reduction.merge_after_mlp) merge_here();
    feed_forward(b, config, blocks[l], eps, now, *buffers);
    if (reduction.merge_after_mlp) merge_here();
    watch->lap();
  }
  result = now;
}

RecordedBlocks::RecordedBlocks() = default;
RecordedBlocks::~RecordedBlocks() = default;

RecordedBlocks::Pass& RecordedBlocks::pass_for(Backend& b, const checkpoint::VitConfig& config,
                                               const PackedTokens& t, const Reduction& reduction) {
  const bool merging = merges(reduction);
  const size_t clips = t.offset.size() - 1;
  const int64_t rows = merging ? t.x.rows() : bucket_rows(t.x.rows());
  std::vector<int64_t> key = {
      rows,
      int64_t(clips),
      merging,
      proportional(reduction, config),
      has_sizes(t),
      int64_t(std::bit_cast<uint32_t>(float(reduction.norm_eps.value_or(config.norm_eps))))};
  if (merging) {
    key.insert(key.end(), t.offset.begin(), t.offset.end());
    key.insert(key.end(), reduction.merge.begin(), reduction.merge.end());
    const tokens::MatchOptions& m = reduction.match;
    const bool random = m.partition == tokens::Partition::random;
    for (int64_t v : {int64_t(m.partition), int64_t(m.distance), random ? int64_t(m.seed) : 0,
                      int64_t(reduction.feature), int64_t(reduction.concat_heads),
                      int64_t(reduction.merge_after_mlp)})
      key.push_back(v);
  }
  for (auto it = passes_.begin(); it != passes_.end(); ++it)
    if ((*it)->backend == &b && (*it)->key == key) {
      passes_.splice(passes_.begin(), passes_, it);
      return *passes_.front();
    }
  if (passes_.size() >= kPasses) passes_.pop_back();
  auto pass = std::make_unique<Pass>();
  pass->backend = &b;
  pass->key = key;
  pass->rows = rows;
  pass->buffers = std::make_unique<BlockBuffers>(b, config, rows);
  // Rows between the last token and the bucket's end are computed and never read by another row;
  // zeros keep them finite.
  pass->x = b.zeros({rows, config.hidden}, DType::f32);
  b.copy(pass->buffers->attended, pass->x);
  if (has_sizes(t)) {
    pass->first_size = b.zeros({rows}, DType::f32);
    pass->first_bias = b.zeros({rows}, DType::f32);
  }
  if (merging) {
    pass->spare = b.empty({rows, config.hidden}, DType::f32);
    pass->metric = b.empty({rows, metric_width(config, reduction)}, DType::f32);
    pass->plan_layers(b, config, t, reduction);
  } else {
    const auto s = compute::Segments::packed(lengths_of(t.offset));
    pass->segments = b.recorder()->plan_segments(s, s, rows, int64_t(clips));
  }
  passes_.push_front(std::move(pass));
  return *passes_.front();
}

bool RecordedBlocks::run(Backend& b, const checkpoint::VitConfig& config,
                         const std::vector<BlockWeights>& blocks, PackedTokens& t,
                         const Reduction& reduction, Result& result) {
  const bool merging = merges(reduction);
  if (!b.recorder() || reduction.want_hidden || t.x.rows() == 0) return false;
  if (merging && (!b.token_ops() || reduction.match.method != tokens::MatchMethod::bipartite))
    return false;
  if (!merging && t.x.rows() > kMostRecorded) return false;
  const auto shortest = [&] {
    int32_t n = t.offset.back();
    for (int32_t length : lengths_of(t.offset))
      n = std::min(n, length);
    return n;
  };
  // A clip of nothing but protected tokens has no place in the device's lists.
  if (merging && shortest() <= int32_t(config.class_token) + int32_t(config.distill_token))
    return false;

  Pass* made = nullptr;
  try {
    made = &pass_for(b, config, t, reduction);
  } catch (const compute::DeviceError& e) {
    // Remembered passes may be what fills the device.
    if (e.kind() != compute::DeviceError::Kind::out_of_memory || passes_.empty()) throw;
    passes_.clear();
    return false;
  }
  Pass& pass = *made;
  const int64_t rows = t.x.rows();
  const Tensor x = pass.x.row_range(0, rows);
  b.copy(x, t.x);
  if (pass.segments) {
    const auto s = compute::Segments::packed(lengths_of(t.offset));
    b.recorder()->update(*pass.segments, s, s);
  }
  if (pass.first_size) {
    Tensor size = Tensor::zeros({pass.rows}), bias = Tensor::zeros({pass.rows});
    float* to = size.data<float>();
    for (const auto& clip : t.size)
      to = std::copy(clip.begin(), clip.end(), to);
    for (int64_t i = 0; i < rows; ++i)
      bias.data<float>()[i] = std::log(size.data<float>()[i]);
    b.recorder()->write(pass.first_size, size);
    b.recorder()->write(pass.first_bias, bias);
  }
  const auto body = [&] { pass.body(b, config, blocks, reduction); };
  if (pass.uses++ == 0 || pass.rows > kMostRecorded) {
    body();
  } else {
    try {
      if (!pass.recording) pass.recording = b.recorder()->record(body);
    } catch (const compute::DeviceError& e) {
      // A recording keeps memory of its own; without room for it, the pass runs as the first did.
      if (e.kind() != compute::DeviceError::Kind::out_of_memory) throw;
    }
    if (pass.recording) {
      b.recorder()->replay(*pass.recording);
    } else {
      body();
    }
  }

  std::vector<float> score;
  std::vector<int32_t> partner;
  if (pass.score && pass.score.elements() > 0) {
    score = b.download_f32(pass.score);
    const Tensor host = b.download(pass.partner);
    partner.assign(host.data<int32_t>(), host.data<int32_t>() + host.elements());
  }
  MergeAccount account(config, reduction, t.offset, t.size, result);
  for (size_t l = 0; l < blocks.size(); ++l) {
    account.begin_layer();
    const auto merge_here = [&] {
      if (pass.layers.empty() || pass.layers[l].r <= 0) return;
      const Pass::Layer& layer = pass.layers[l];
      const auto lengths = lengths_of(account.offset());
      std::vector<tokens::Matching> matchings(lengths.size());
      std::vector<ClipCandidates> clips;
      std::vector<size_t> first{size_t(layer.first_source)};
      for (size_t c = 0; c < lengths.size(); ++c) {
        clips.push_back(candidates_of(config, reduction, int(l), c, lengths[c], layer.r));
        first.push_back(first.back() + clips.back().who.a.size());
      }
      compute::parallel_items(int64_t(lengths.size()), [&](int64_t i, int) {
        const auto c = size_t(i);
        if (!layer.merge) {
          matchings[c] = tokens::identity_matching(lengths[c]);
          return;
        }
        const auto begin = std::ptrdiff_t(first[c]), end = std::ptrdiff_t(first[c + 1]);
        const tokens::BestPartners best{{score.begin() + begin, score.begin() + end},
                                        {partner.begin() + begin, partner.begin() + end}};
        matchings[c] = tokens::decide(lengths[c], layer.r, clips[c].who, best, clips[c].match);
      });
      account.merge(matchings, layer.r);
    };
    if (!reduction.merge_after_mlp) merge_here();
    account.through_mlp();
    if (reduction.merge_after_mlp) merge_here();
    account.end_layer();
  }
  account.finish(pass.watch->laps());
  t.size = account.sizes();
  t.offset = account.offset();
  t.x = pass.result.row_range(0, t.offset.back());
  return true;
}

}  // namespace looktwice::models
