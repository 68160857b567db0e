#pragma once
// Token reduction inside a model: what may be asked for and what came of it. Plain values.

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/json.h"
#include "compute/tensor.h"
#include "tokens/grid.h"
#include "tokens/rlt.h"
#include "tokens/tome.h"
#include "trace/token_trace.h"

namespace looktwice::models {

enum class Choice { automatic, on, off };
enum class Pool { automatic, size_weighted, unweighted };
/// What ToMe compares (paper, Table 1): the keys, queries or values of the layer, or the tokens.
enum class Feature { k, q, v, x };

/// Defaults follow the papers: RLT alone pools unweighted; ToMe pools by size and uses proportional
/// attention, except in MAE fine-tuned image models; sizes start at one.
struct Reduction {
  Choice length_encoding = Choice::automatic;  ///< automatic: when the checkpoint has a table
  tokens::LengthOrder length_order = tokens::LengthOrder::aligned;
  std::vector<int> merge;         ///< r of every layer; empty: no merging. More entries than layers
                                  ///< are an Error(input)
  tokens::MatchOptions match;     ///< class_token and distill_token are set by the model
  bool run_length_sizes = false;  ///< sizes start at the run lengths of the kept tokens
  Choice proportional_attention = Choice::automatic;  ///< adds log(size) to every key's logit
  Pool pool = Pool::automatic;
  Feature feature = Feature::k;
  bool concat_heads = false;       ///< compare all heads side by side instead of their mean
  bool merge_after_mlp = false;    ///< merge at the end of a block instead of after attention
  std::optional<double> norm_eps;  ///< replaces every layer norm's eps
  bool want_groups = false;        ///< fill ClipResult::groups
  bool want_hidden = false;        ///< fill ClipResult::hidden (tests, inspection)
};

/// One clip (or image, T = 1) and the tokens of it that enter.
struct ClipInput {
  tokens::ClipView frames;         ///< RGB [T,H,W,3], borrowed
  std::span<const uint8_t> keep;   ///< [t,h,w] of RLT or a drop baseline, borrowed; empty: all
  compute::Tensor on_device = {};  ///< the frames where they are the backend's already, or none
};

/// Of one clip. Token order: class and distillation tokens, then patches in (t,h,w) order.
struct ClipResult {
  std::vector<float> logits;                 ///< [classes]
  std::vector<int32_t> tokens;               ///< [L+1]: count entering each layer, then leaving
  std::vector<trace::LayerTrace> layers;     ///< [L]
  std::vector<float> initial_size;           ///< [M], empty: ones
  std::vector<float> size;                   ///< of the tokens that leave the last layer
  std::vector<std::vector<int32_t>> groups;  ///< [L][M] row of every token's group after layer l
  /// If asked for: the tokens that enter layer 0, then those that leave each layer, [rows·hidden].
  std::vector<std::vector<float>> hidden;
  double milliseconds = 0;  ///< share of the batch's time, by FLOPs
  double flops = 0;         ///< multiply-adds counted as two
};

struct Result {
  std::vector<ClipResult> clips;
  double milliseconds = 0;
  double merge_milliseconds = 0;  ///< of them: matching and merging, as the host's clock saw it
  Json notes;  ///< backend, dtype, position table, capped merges, …: for the trace
};

}  // namespace looktwice::models
