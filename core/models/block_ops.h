#pragma once
// What a block of a plain vision transformer does, apart from merging: shared by the paths that run
// layer by layer and those that are written down and replayed.

#include "models/vit_blocks.h"

namespace looktwice::models {

/// Results between the operations of a block, for as many rows as enter the first one; later layers
/// use their first rows.
struct BlockBuffers {
  BlockBuffers(compute::Backend& backend, const checkpoint::VitConfig& config, int64_t rows);
  compute::Tensor norm, qkv, attended, middle;
};

struct Qkv {
  compute::Tensor q, k, v;  ///< column ranges of BlockBuffers::qkv
};

/// x += proj(attention(LN(x))). The options say segments and bias; heads and scale are set here.
Qkv attend(compute::Backend& backend, const checkpoint::VitConfig& config,
           const BlockWeights& weights, float eps, const compute::Tensor& x,
           const BlockBuffers& buffers, compute::AttentionOptions options);

/// x += fc2(gelu(fc1(LN(x)))).
void feed_forward(compute::Backend& backend, const checkpoint::VitConfig& config,
                  const BlockWeights& weights, float eps, const compute::Tensor& x,
                  const BlockBuffers& buffers);

/// What tokens are compared by, into `metric` f32 [rows, metric_width()].
void merge_metric(compute::Backend& backend, const checkpoint::VitConfig& config,
                  const Reduction& reduction, const compute::Tensor& x, const Qkv& qkv,
                  const compute::Tensor& metric);
int64_t metric_width(const checkpoint::VitConfig& config, const Reduction& reduction);

/// Match options of a layer: the model's protected tokens, and numbers of its own.
tokens::MatchOptions match_of_layer(const checkpoint::VitConfig& config, const Reduction& reduction,
                                    int layer);
/// Whether attention counts a merged token as often as it stands for one.
bool proportional(const Reduction& reduction, const checkpoint::VitConfig& config);
bool merges(const Reduction& reduction);
std::vector<int32_t> lengths_of(const std::vector<int32_t>& offset);

/// Keeps the account of a run: tokens, groups, sizes and traces of every layer and clip.
class MergeAccount {
 public:
  /// `sizes` [clips] as in PackedTokens.
  MergeAccount(const checkpoint::VitConfig& config, const Reduction& reduction,
               std::vector<int32_t> offset, std::vector<std::vector<float>> sizes, Result& result);

  const std::vector<int32_t>& offset() const { return offset_; }
  const std::vector<std::vector<float>>& sizes() const { return sizes_; }
  void begin_layer();
  /// One matching a clip. True if any changes the rows.
  bool merge(const std::vector<tokens::Matching>& matchings, int r);
  /// The tokens are through the block's MLP in the number that they have now.
  void through_mlp() { mlp_lengths_ = lengths_of(offset_); }
  void end_layer();
  /// Milliseconds of every layer, shared among clips by their FLOPs; final sizes and notes.
  void finish(const std::vector<double>& layer_ms);

 private:
  const checkpoint::VitConfig& config_;
  const Reduction& reduction_;
  std::vector<int32_t> offset_;
  std::vector<std::vector<float>> sizes_;
  Result& result_;
  std::vector<tokens::TokenGroups> groups_;  // one a clip
  std::vector<int32_t> before_, mlp_lengths_;
  bool capped_ = false;
};

}  // namespace looktwice::models
