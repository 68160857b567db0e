#pragma once
// Timesteps of rectified flow as Open-Sora 1.2 samples them (hpcaitech/Open-Sora v1.2, schedulers
// "rflow"): N uniform times, moved towards noise by the size of the video.

#include <optional>
#include <vector>

namespace looktwice::diffusion {

/// Size of the video that the latents stand for: pixels and frames.
struct VideoSize {
  double height = 0, width = 0, frames = 1;
};

/// ρ = sqrt(h·w / 512²) · sqrt(F div 17 · 5), the second factor 1 for one frame. Throws
/// Error(input) for 2 to 16 frames, where it is 0 and timesteps are not numbers, and for sizes that
/// are not positive.
double time_shift(const VideoSize& size);

/// t_i = 1000 · ρτ / (1 + (ρ-1)τ), τ = 1 - i/N for i = 0 … N-1. Throws Error(input) unless N ≥ 1
/// and ρ is a positive number.
std::vector<double> timesteps(int steps, double shift);

/// (t_i - t_next)/1000, the last against 0.
double step_length(const std::vector<double>& timesteps, size_t i);

/// SDEdit: `steps` timesteps of a schedule that starts at a clip noised to `strength` in (0, 1]
/// (Meng et al., "SDEdit", 2022): the part of the schedule below t(strength), strength being the
/// share of the N steps that are run. Returns the index of the first step to run.
int first_step_of_strength(int steps, double strength);

}  // namespace looktwice::diffusion
