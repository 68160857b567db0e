#pragma once
// From trace to picture: which token a pixel of a video frame belongs to, and what became of it.

#include <cstdint>
#include <optional>
#include <vector>

#include "trace/token_trace.h"

namespace looktwice::overlay {

/// The clip that covers a source frame, null if none. A clip covers its sampled frames and the ones
/// between, and after the last one as many as lie between the last two samples.
const trace::ClipTrace* clip_at(const trace::TokenTrace& trace, int64_t frame_index);

/// First source frame after the clip, which must have frames.
int64_t end_of(const trace::ClipTrace& clip);

/// The moment of a clip that stands for a source frame: its last sampled frame at or before it.
struct Moment {
  int sample = 0;   ///< index into frame_indices
  int tubelet = 0;  ///< sample / clip.tubelet
  int offset = 0;   ///< sample within the tubelet
  bool operator==(const Moment&) const = default;
};
/// None before the first sampled frame.
std::optional<Moment> moment_at(const trace::ClipTrace& clip, int64_t frame_index);

/// One token as an inspector shows it.
struct TokenState {
  int t = 0, row = 0, column = 0;
  bool kept = true;
  int head = 0;          ///< tubelet of the run head: t where kept
  int run_length = 1;    ///< of the run it belongs to, in tubelets
  float difference = 0;  ///< normalised units, +inf in the first tubelet
};
/// The token under a point of the source frame (pixels); none outside the model's crop or grid.
/// Without RLT decisions every token is kept.
std::optional<TokenState> token_at(const trace::ClipTrace& clip, const Moment& moment, double x,
                                   double y);

/// Run heads [h,w] of a tubelet: for each place the latest tubelet at or before `tubelet` that is
/// kept (0 if none is).
std::vector<int> run_heads(const trace::ClipTrace& clip, int tubelet);
/// Source frames whose pixels the model gets in place of this one's pruned patches, ascending: for
/// each run head the frame at the same offset in its tubelet.
std::vector<int64_t> head_frames(const trace::ClipTrace& clip, int64_t frame_index);

/// Kept tokens of the whole clip, 0..1; 1 where the clip holds no RLT decisions.
double kept_ratio(const trace::ClipTrace& clip);

}  // namespace looktwice::overlay
