#pragma once
// Decisions about tokens that a device can take where the data already lies. Optional: a backend
// without them (Backend::token_ops() is null) leaves them to core/tokens on the host. The results
// are those of core/tokens, bit for bit.

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "compute/tensor.h"

namespace looktwice::compute {

/// What tokens::rlt_differences needs to know of frames.
struct RltFrames {
  int clips = 1, T = 0, H = 0, W = 0;
  int tubelet = 2, patch = 16;
  double scale[3] = {};  ///< 1 / (255 std_c 3 patch²): what a sum of byte differences counts
};

struct RltKept {
  std::vector<uint8_t> keep;                 ///< [clips, t, h, w]
  std::vector<std::vector<int32_t>> tokens;  ///< [clips] indices of kept tokens, ascending
};

/// tokens::Distance.
enum class MetricDistance { cosine, dot, l2 };

/// Rows of one metric that look for partners: clip c's sources are a[a_offset[c] … a_offset[c+1])
/// and may choose among b[b_offset[c] … b_offset[c+1]).
struct PartnerSearch {
  std::vector<int32_t> a, b;                ///< rows of the metric
  std::vector<int32_t> a_offset, b_offset;  ///< [clips + 1]
  MetricDistance distance = MetricDistance::cosine;
};
struct Partners {
  std::vector<float> score;      ///< -inf where there is no b
  std::vector<int32_t> partner;  ///< index among the clip's b, the lowest among equals
};

/// One layer of bipartite merging (tokens::decide and merge_weighted) for several clips side by
/// side: rows in_offset[c] … in_offset[c+1]) are clip c, of which pairs[c] sources merge.
struct MergeShape {
  PartnerSearch search;
  std::vector<int32_t> in_offset;  ///< [clips + 1]
  std::vector<int32_t> pairs;      ///< [clips]
  int fixed = 0;                   ///< protected tokens, at the front of every clip
  bool ordered = false;  ///< the rest of a leaves in ascending order (class token), else in order
                         ///< of similarity
};
/// Its lists on the device.
class PlannedMerge {
 public:
  virtual ~PlannedMerge() = default;
  std::vector<int32_t> out_offset;  ///< [clips + 1] rows that leave
  int64_t sources = 0;              ///< entries of search.a
};
struct MergeTensors {
  Tensor x, metric;       ///< [rows, width]; f32 [rows, metric width]
  Tensor size;            ///< f32 [rows], none: ones
  Tensor y;               ///< [out rows, width], of x's dtype
  Tensor size_out;        ///< f32 [out rows]
  Tensor log_size;        ///< f32 [out rows]: the bias of proportional attention
  Tensor score, partner;  ///< f32, i32 [sources]: Partners of every source, for the trace
};

/// One thread at a time, like the backend it belongs to.
class TokenOps {
 public:
  virtual ~TokenOps() = default;
  /// Frames [clips,T,H,W,3] as a device tensor u8 [clips·T·H, W·3].
  virtual Tensor upload_frames(const uint8_t* rgb, const RltFrames& frames) = 0;
  /// Device tensor f32 [clips, t·h·w]: tokens::rlt_differences of every clip.
  virtual Tensor rlt_differences(const Tensor& frames_u8, const RltFrames& frames) = 0;
  /// Kept where difference > tau, and in the first tubelet (`first` tokens of each clip).
  virtual RltKept rlt_keep(const Tensor& differences, int first, float tau) = 0;
  /// tokens::best_partners of every clip; metric f32 [rows, width] in device memory.
  virtual Partners best_partners(const Tensor& metric, const PartnerSearch& search) = 0;
  /// Lists of a layer, for any number of merge() calls. Not in a recording.
  virtual std::shared_ptr<PlannedMerge> plan_merge(const MergeShape& shape) = 0;
  /// Matches and merges; the host waits for nothing.
  virtual void merge(const PlannedMerge& plan, const MergeTensors& tensors) = 0;
};

}  // namespace looktwice::compute
