#pragma once
// A generating run as panes, timelines and reports take it, and how two of them compare.

#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "engine/generate.h"
#include "frames/rgb_video.h"

namespace looktwice::engine {

struct GeneratedRun {
  Settings settings;
  std::shared_ptr<const trace::CacheTrace> trace;
  frames::RgbVideoPtr video;  ///< null: the model works on latents of a VAE
  double denoise_ms = 0;      ///< the denoising loop
  double total_ms = 0;        ///< end to end: caption, clip, noise, denoising, pixels; no loading
};
using GeneratedRunPtr = std::shared_ptr<const GeneratedRun>;

struct RunOptions {
  diffusion::OnStep on_step = {};
  bool sketch = true;                             ///< uncached runs keep sketches
  bool token_change = false;                      ///< StepView::token_change
  std::vector<models::Tap> sketch_taps = {};      ///< see diffusion::Request
  std::shared_ptr<const frames::Clip> clip = {};  ///< see Generator::request
};
/// Runs the settings. Throws Error, Cancelled.
GeneratedRunPtr run_video(const Generator& generator, const Settings& settings,
                          const RunOptions& options = {}, std::stop_token stop = {});
/// One step of the same size, thrown away: the first forward pass of a model also prepares kernels
/// and memory, which would flatter whatever is timed after it.
void warm_up(const Generator& generator, const Settings& settings, std::stop_token stop = {});

/// The settings without caching, everything else alike: what a cached run is compared with.
Settings uncached(const Settings& settings);
/// True if two runs start from the same noise and aim at the same video, so that they differ by
/// their policies alone.
bool comparable(const Settings& a, const Settings& b);

/// Latents in pixel space as a video. `times`: seconds of the frames, empty for even ones.
frames::RgbVideoPtr video_of(const compute::Tensor& latents, double fps,
                             std::vector<double> times = {});

/// Quality of one video against another, per frame and over all. SSIM is NaN for pictures smaller
/// than its window of 11.
struct Quality {
  std::vector<double> psnr, ssim;  ///< [frames]; PSNR in dB, infinite where equal
  double psnr_all = 0;             ///< of the mean squared error over all frames
  double ssim_mean = 0;
};
/// Throws Error(input) unless both have the same size and number of frames.
Quality compare(const frames::RgbVideo& reference, const frames::RgbVideo& other);
/// |reference − other| · gain, frame by frame.
frames::RgbVideoPtr difference_video(const frames::RgbVideo& reference,
                                     const frames::RgbVideo& other, double gain);

/// "PSNR 31.2 dB · SSIM 0.941" of one frame (from 0), or over all (frame < 0).
std::string quality_text(const Quality& quality, int frame = -1);
/// "denoiser 2.13× · end to end 2.04×".
std::string speed_text(const GeneratedRun& reference, const GeneratedRun& run);

}  // namespace looktwice::engine
