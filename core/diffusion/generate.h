#pragma once
// Sampling a video diffusion transformer with rectified flow, guidance and a caching policy:
// a request (a value) in, latents and a CacheTrace out.

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "diffusion/caching/settings.h"
#include "diffusion/schedule.h"
#include "models/stdit3/stdit3.h"
#include "trace/cache_trace.h"

namespace looktwice::diffusion {

/// Everything that decides a run besides model and policy. Tensors are host float32. B videos are
/// sampled in one batch (1 from the command line).
struct Request {
  compute::Tensor noise;              ///< [B, in_channels, T, H, W]
  compute::Tensor caption;            ///< [B, n, caption_channels]
  std::vector<uint8_t> caption_mask;  ///< [B, n]; empty: all are tokens
  VideoSize size;                     ///< pixels and frames of the video that the latents stand for
  double fps = 24;
  int steps = 30;
  double guidance = 7;              ///< v = u + s (c - u); 1: the prompt alone, half the work
  std::vector<uint8_t> frame_mask;  ///< [B, T] 0: this latent frame is given; empty: none is
  compute::Tensor frames;  ///< [B, in_channels, T, H, W] given frames; none: those of noise
  compute::Tensor clip;    ///< SDEdit: [B, in_channels, T, H, W] to start from; none: pure noise
  std::vector<double> clip_times;  ///< seconds of the clip's frames in its source; may be empty
  double strength = 1;             ///< SDEdit: share of the schedule that is run, (0, 1]
  std::vector<int> dump_steps;     ///< steps (from 1) after which latents are kept
  /// Keep a sketch of the metric residual at every step of an uncached run (CacheTrace::distances).
  bool sketch = true;
  int sketch_elements = 4096;
  /// What the sketch holds besides the model's own metric block, whose temporal self-attention it
  /// always keeps: a replay can only follow policies that measure one of these.
  std::vector<models::Tap> sketch_taps;
  bool token_change = false;  ///< StepView::token_change; keeps one more residual
};

/// What a step looked like; borrowed for the length of the call.
struct StepView {
  const trace::CacheStep& record;
  const std::vector<float>& latents;  ///< [B, C, T, H, W] after the step
  const std::vector<float>& clean;    ///< the same shape: estimate of the finished video
  /// [T, gh*gw] mean over channels of |A_new - A_old| of the first sample, A the residual that the
  /// policy measures, or the temporal self-attention of the model's metric block where it measures
  /// none. Empty where not asked for, at steps that did not compute A, and before there are two.
  const std::vector<float>& token_change;
  int steps = 0;  ///< of the whole run: with SDEdit, those that are run
};
/// Called after every step, on the calling thread.
using OnStep = std::function<void(const StepView&)>;

struct Result {
  compute::Tensor latents;                 ///< host f32 [B, in_channels, T, H, W]
  std::vector<double> timesteps;           ///< [S]
  std::map<int, compute::Tensor> at_step;  ///< of dump_steps
  trace::CacheTrace trace;
  double ms = 0;  ///< the denoising loop, without what was spent in OnStep
};

/// Samples. Steps of the trace count from 1; with a strength below 1 only the later part of the
/// schedule is run, and N of the policy is the number of steps that are.
/// Throws Error(input) on anything in request or policy that does not fit the model, Cancelled
/// within 100 ms of `stop`. One thread at a time per backend.
Result generate(const models::Stdit3Ptr& model, const Request& request,
                const PolicySettings& policy, const OnStep& on_step = {},
                std::stop_token stop = {});

/// Time shift of this model for this video: config time_shift, else by size.
double time_shift_of(const models::Stdit3Config& config, const VideoSize& size);

}  // namespace looktwice::diffusion
