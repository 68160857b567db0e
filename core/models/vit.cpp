#include "models/vit.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>

#include "base/error.h"

namespace looktwice::models {

using compute::Tensor;

namespace {

constexpr size_t kTablesKept = 4;

bool merges(const Reduction& r) {
  return std::any_of(r.merge.begin(), r.merge.end(), [](int n) { return n > 0; });
}

/// Forgets the stop token of a run when the run is over, however it ends.
class StopGuard {
 public:
  StopGuard(compute::Backend& backend, std::stop_token stop) : backend_(backend) {
    backend_.set_stop(std::move(stop));
  }
  ~StopGuard() { backend_.set_stop({}); }
  StopGuard(const StopGuard&) = delete;
  StopGuard& operator=(const StopGuard&) = delete;

 private:
  compute::Backend& backend_;
};

}  // namespace

/// Which tokens of every clip enter.
struct Vit::Batch {
  std::vector<tokens::Grid> grids;
  std::vector<std::vector<int32_t>> kept;     // flat indices
  std::vector<std::vector<int32_t>> lengths;  // run lengths of the kept, where needed
};

Vit::Vit(checkpoint::VitConfig config, checkpoint::Preprocess preprocess,
         std::vector<std::string> labels, compute::BackendPtr backend, VitEnds ends,
         std::vector<BlockWeights> blocks)
    : config_(config),
      preprocess_(std::move(preprocess)),
      labels_(std::move(labels)),
      backend_(std::move(backend)),
      ends_(std::move(ends)),
      stack_(config, std::move(blocks)) {}

void Vit::check(std::span<const ClipInput> clips, const Reduction& r) const {
  if (clips.empty()) throw bad_input("classify", "there are no clips");
  if (r.merge.size() > size_t(config_.layers))
    throw bad_input("--tome", "the schedule has " + std::to_string(r.merge.size()) +
                                  " entries, the model has " + std::to_string(config_.layers) +
                                  " layers");
  for (int n : r.merge)
    if (n < 0) throw bad_input("--tome", "r is negative");
  if (r.length_encoding == Choice::on && !has_length_table())
    throw bad_input("--length-encoding", "the checkpoint has no table of run lengths",
                    "use auto or off");
  if (r.norm_eps && !(*r.norm_eps >= 0 && *r.norm_eps < 1))
    throw bad_input("--ln-eps", "is out of range", "something like 1e-6");
}

Vit::Batch Vit::plan(std::span<const ClipInput> clips, const Reduction& r, Result& result) {
  Batch batch;
  const bool lengths =
      r.run_length_sizes || (has_length_table() && r.length_encoding != Choice::off);
  for (const ClipInput& clip : clips) {
    const tokens::Grid g = grid(clip.frames.T, clip.frames.H, clip.frames.W);
    if (!clip.keep.empty() && clip.keep.size() != g.size())
      throw std::logic_error("classify: the mask is not as large as the grid");
    std::vector<int32_t> kept;
    for (size_t i = 0; i < g.size(); ++i)
      if (clip.keep.empty() || clip.keep[i]) kept.push_back(int32_t(i));
    if (kept.empty()) throw bad_input("classify", "a clip keeps no token", "lower the threshold");
    std::vector<int32_t> run;
    if (lengths) {
      const std::vector<uint8_t> all(clip.keep.empty() ? g.size() : 0, 1);
      run = tokens::packed_lengths(clip.keep.empty() ? std::span<const uint8_t>(all) : clip.keep, g,
                                   r.length_order);
    }
    batch.grids.push_back(g);
    batch.kept.push_back(std::move(kept));
    batch.lengths.push_back(std::move(run));
    result.clips.emplace_back();
  }
  return batch;
}

const Tensor& Vit::position_table(const tokens::Grid& g, Result& result) {
  auto it =
      std::find_if(tables_.begin(), tables_.end(), [&](const Table& t) { return t.grid == g; });
  if (it == tables_.end()) {
    if (tables_.size() >= kTablesKept) tables_.erase(tables_.begin());
    Table table{g, {}, {}};
    table.values = backend_->upload(positions(g, table.note));
    tables_.push_back(std::move(table));
    it = tables_.end() - 1;
  }
  result.notes["positions"] = it->note;
  return it->values;
}

PackedTokens Vit::embed(std::span<const ClipInput> clips, Batch& batch, const Reduction& r,
                        Result& result) {
  const int64_t d = config_.hidden, extra = config_.extra_tokens();
  PackedTokens t;
  t.offset.push_back(0);
  for (const auto& kept : batch.kept)
    t.offset.push_back(t.offset.back() + int32_t(extra) + int32_t(kept.size()));
  t.x = backend_->empty({t.offset.back(), d}, DType::f32);
  t.size.resize(clips.size());
  for (size_t b = 0; b < clips.size(); ++b) {
    const auto& kept = batch.kept[b];
    const auto n = int64_t(kept.size());
    compute::PatchifyOptions o;
    o.rgb = clips[b].frames.rgb;
    o.frames = clips[b].on_device;
    o.T = clips[b].frames.T;
    o.H = clips[b].frames.H;
    o.W = clips[b].frames.W;
    o.tubelet = config_.video ? config_.tubelet : 1;
    o.patch = config_.patch;
    std::copy_n(preprocess_.mean, 3, o.mean);
    std::copy_n(preprocess_.std, 3, o.std);
    const Tensor patches = backend_->empty({n, config_.patch_elements()});
    backend_->patchify(patches, o, kept);
    const Tensor rows = t.x.row_range(t.offset[b] + extra, n);
    backend_->linear(rows, patches, *ends_.patch);
    std::vector<int32_t> position;
    for (int64_t i = 0; i < extra; ++i)
      position.push_back(int32_t(i));
    for (int32_t i : kept)
      position.push_back(int32_t(extra) + i);
    if (extra) backend_->copy(t.x.row_range(t.offset[b], extra), ends_.extra);
    const Tensor clip = t.x.row_range(t.offset[b], extra + n);
    backend_->add_rows(clip, clip, position_table(batch.grids[b], result),
                       backend_->indices(position));
    if (has_length_table() && r.length_encoding != Choice::off) {
      std::vector<int32_t> row;
      for (int32_t length : batch.lengths[b]) {
        if (length > ends_.length_table.rows())
          throw bad_input("--length-encoding", "a run of " + std::to_string(length) +
                                                   " tubelets, the table has " +
                                                   std::to_string(ends_.length_table.rows()));
        row.push_back(length - 1);
      }
      backend_->add_rows(rows, rows, ends_.length_table, backend_->indices(row));
    }
    if (r.run_length_sizes) {
      t.size[b].assign(size_t(extra), 1.0f);
      for (int32_t length : batch.lengths[b])
        t.size[b].push_back(float(length));
    }
  }
  return t;
}

void Vit::pool_and_head(PackedTokens& t, const Reduction& r, Result& result) {
  const int64_t clips = int64_t(t.offset.size()) - 1, d = config_.hidden;
  const int32_t extra = config_.extra_tokens();
  const float eps = float(r.norm_eps.value_or(config_.final_norm_eps));
  const auto head = [&](const Tensor& x, const compute::LinearPtr& weights) {
    const Tensor normed = backend_->empty({clips, d});
    backend_->layer_norm(normed, x, ends_.norm.weight, ends_.norm.bias, eps);
    const Tensor logits = backend_->empty({clips, config_.classes}, DType::f32);
    backend_->linear(logits, normed, *weights);
    return backend_->download_f32(logits);
  };
  const auto row_of_each_clip = [&](int32_t which) {
    std::vector<int32_t> rows;
    for (int64_t b = 0; b < clips; ++b)
      rows.push_back(t.offset[size_t(b)] + which);
    const Tensor x = backend_->empty({clips, d}, DType::f32);
    backend_->gather_rows(x, t.x, backend_->indices(rows));
    return x;
  };
  std::vector<float> logits;
  if (config_.pooling == checkpoint::Pooling::mean) {
    const bool by_size = r.pool == Pool::automatic ? merges(r) : r.pool == Pool::size_weighted;
    std::vector<int32_t> offset{0}, member;
    std::vector<float> weight;
    for (size_t b = 0; b < size_t(clips); ++b) {
      const int32_t n = t.offset[b + 1] - t.offset[b];
      for (int32_t i = 0; i < n; ++i) {
        if (i >= extra) member.push_back(t.offset[b] + i);
        weight.push_back(by_size && !t.size[b].empty() ? t.size[b][size_t(i)] : 1.0f);
      }
      offset.push_back(int32_t(member.size()));
    }
    const Tensor pooled = backend_->empty({clips, d}, DType::f32);
    backend_->group_mean(pooled, t.x, offset, member,
                         backend_->upload(Tensor::of(weight, {int64_t(weight.size())})), {});
    logits = head(pooled, ends_.head);
    result.notes["pooling"] = by_size ? "mean weighted by size" : "unweighted mean";
  } else {
    logits = head(row_of_each_clip(0), ends_.head);
    result.notes["pooling"] = "class token";
  }
  if (ends_.distill_head) {
    const auto other = head(row_of_each_clip(1), ends_.distill_head);
    for (size_t i = 0; i < logits.size(); ++i)
      logits[i] = (logits[i] + other[i]) / 2;
  }
  for (float v : logits)
    if (!std::isfinite(v))
      throw run_failed("classify", "a logit is not finite",
                       "the weights may overflow in this dtype; try --dtype f32");
  const size_t k = size_t(config_.classes);
  for (size_t b = 0; b < size_t(clips); ++b)
    result.clips[b].logits.assign(logits.begin() + std::ptrdiff_t(b * k),
                                  logits.begin() + std::ptrdiff_t((b + 1) * k));
}

Result Vit::classify(std::span<const ClipInput> clips, const Reduction& reduction,
                     std::stop_token stop) {
  using Clock = std::chrono::steady_clock;
  check(clips, reduction);
  const StopGuard guard(*backend_, std::move(stop));
  const auto began = Clock::now();
  Result result;
  result.notes["backend"] = backend_->description();
  result.notes["dtype"] = dtype_name(backend_->dtype());
  Batch batch = plan(clips, reduction, result);
  PackedTokens tokens = embed(clips, batch, reduction, result);
  for (size_t b = 0; b < clips.size(); ++b)
    result.clips[b].initial_size = tokens.size[b];
  stack_.run(*backend_, tokens, reduction, result);
  pool_and_head(tokens, reduction, result);
  result.milliseconds = std::chrono::duration<double, std::milli>(Clock::now() - began).count();

  double all = 0;
  for (size_t b = 0; b < clips.size(); ++b) {
    ClipResult& clip = result.clips[b];
    clip.flops = 2.0 * double(batch.kept[b].size()) * config_.patch_elements() * config_.hidden +
                 2.0 * config_.hidden * config_.classes;
    for (const auto& layer : clip.layers)
      clip.flops += layer.flops;
    all += clip.flops;
  }
  for (ClipResult& clip : result.clips)
    clip.milliseconds = all > 0 ? result.milliseconds * clip.flops / all : 0;
  return result;
}

}  // namespace looktwice::models
