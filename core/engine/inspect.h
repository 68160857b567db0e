#pragma once
// The model-free run: RLT's decisions for every clip of a source.

#include <functional>
#include <stop_token>
#include <string>

#include "engine/settings.h"
#include "frames/clip.h"
#include "tokens/grid.h"
#include "trace/token_trace.h"

namespace looktwice::engine {

/// A clip's place in its source and on the token grid; nothing decided.
trace::ClipTrace undecided(const frames::Clip& clip, const tokens::Grid& grid);
tokens::Grid grid_of(const trace::ClipTrace& clip);

/// Differences of one clip, without a decision: what is computed once per clip. The trace's `keep`
/// and `run_length` stay empty until decide().
trace::ClipTrace measure_clip(const frames::Clip& clip, const frames::ClipOptions& options);

/// Decides keep mask and run lengths of a measured clip at τ. Cheap: no pixel is read again.
void decide(trace::ClipTrace& clip, float tau);

/// Facts of a run that stand before its clips: source, size, rate, settings.
trace::TokenTrace trace_header(const frames::SourceInfo& info, const std::string& input,
                               const Settings& settings);

/// What a run says while it goes on. Every member may be empty. Called on the caller's thread.
struct InspectEvents {
  std::function<void(const trace::TokenTrace& header)> on_start;  ///< once, before the first clip
  std::function<void(trace::ClipTrace&&)> on_clip;
  std::function<void(const frames::ReadReport&)> on_end;  ///< once, after the last clip
  std::function<void(double)> progress;                   ///< 0 to 1
};

/// Reads the clips of `input` one after the other and hands each decided trace to `on_clip`; memory
/// holds one clip. `settings.tokens.rlt` without a value means τ = 0.1. Every clip of a
/// [B,T,H,W,3] tensor is one clip. A live source that is stopped or lost after its first clip ends
/// the run properly. Returns the header (no clips). Throws Error, Cancelled.
trace::TokenTrace inspect(const std::string& input, const Settings& settings,
                          const InspectEvents& events, std::stop_token stop = {});

}  // namespace looktwice::engine
