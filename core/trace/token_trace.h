#pragma once
// What happened to every token of every clip. Runs produce traces; overlays, charts, exports and
// tests read them. Needs nothing of the rooms that make them. trace/trace_file.h stores them.

#include <cstdint>
#include <string>
#include <vector>

#include "base/json.h"

namespace looktwice::trace {

/// One layer of a model. Tokens are named by their number among the M tokens that entered layer 0
/// (class and distillation tokens first, then kept patches in (t,h,w) order). A group of merged
/// tokens is named by the one token that was never a source: its root. A pair says that the group
/// named `source` joined the group named `destination`; a token is a source at most once.
struct LayerTrace {
  int32_t tokens_in = 0, tokens_out = 0;
  std::vector<int32_t> source, destination;  ///< [r] roots, before this layer's merge
  std::vector<float> score;                  ///< [r] similarity of each pair, or empty
  std::vector<int32_t> dropped;              ///< roots that left without a group (kth matching)
  double milliseconds = 0;                   ///< 0 if not measured
  double flops = 0;                          ///< multiply-adds counted as two
};

struct Prediction {
  int32_t index = 0;  ///< class
  std::string label;  ///< empty if the model has no labels
  double score = 0;   ///< after softmax
};

/// One clip. Arrays are [t,h,w] row-major.
struct ClipTrace {
  int t = 0, h = 0, w = 0, tubelet = 2, patch = 16;
  std::vector<int64_t> frame_indices;  ///< source frames sampled, T of them
  std::vector<double> frame_times;     ///< seconds
  double crop_x = 0, crop_y = 0, crop_width = 0, crop_height = 0;  ///< on the source frame, pixels

  /// Which tokens went in. `has_rlt` says that `keep` stands for something (RLT or random drop).
  bool has_rlt = false;
  float tau = 0;
  std::string drop = "rlt";         ///< "rlt" or "random"; differences are empty for the latter
  std::vector<float> difference;    ///< normalised units, +inf at t = 0
  std::vector<uint8_t> keep;        ///< 1 kept, 0 pruned
  std::vector<int32_t> run_length;  ///< tubelets; 0 where pruned

  /// What a model did with them; empty if none ran.
  int32_t extra_tokens = 0;         ///< class and distillation tokens before the patches
  std::vector<float> initial_size;  ///< [M] sizes that ToMe started from; empty means ones
  std::vector<LayerTrace> layers;
  std::vector<Prediction> predictions;        ///< best first
  std::vector<Prediction> dense_predictions;  ///< of the same clip without reduction; may be empty
  double milliseconds = 0;                    ///< whole forward pass; 0 if not measured
  double flops = 0;

  size_t tokens() const { return size_t(t) * h * w; }
  size_t kept() const;
  /// M: tokens that entered layer 0.
  size_t entered() const { return size_t(extra_tokens) + kept(); }
};

/// Root of each of the M tokens after the merges of the first `layers` layers (all if negative):
/// -1 for tokens that were dropped. Two tokens are in one group iff their roots are equal.
std::vector<int32_t> group_roots(const ClipTrace& clip, int layers = -1);
/// The same on the grid: [t,h,w], -1 where pruned by RLT or dropped.
std::vector<int32_t> group_roots_on_grid(const ClipTrace& clip, int layers = -1);
/// Sum of initial sizes in each token's group, [M].
std::vector<float> group_sizes(const ClipTrace& clip, int layers = -1);

/// Run lengths from a keep mask ([t,h,w]; 0 where pruned); traces store only the mask.
std::vector<int32_t> run_lengths_of(const std::vector<uint8_t>& keep, int t, int h, int w);

struct TokenTrace {
  std::string source;  ///< INPUT as given
  int source_width = 0, source_height = 0;
  double source_fps = 0;
  std::string model;  ///< folder or name; empty for model-free runs
  Json settings;      ///< the whole settings value of the run
  Json notes;         ///< anything worth saying: backend, dtype, position table resized, …
  std::vector<ClipTrace> clips;
};

}  // namespace looktwice::trace
