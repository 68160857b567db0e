#include "engine/generated.h"

#include <chrono>
#include <cmath>
#include <cstdio>
#include <limits>

#include "base/error.h"
#include "metrics/psnr.h"
#include "metrics/ssim.h"

namespace looktwice::engine {
namespace {

using Clock = std::chrono::steady_clock;

double ms_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

std::string number(const char* format, double value) {
  char text[64];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

void require_same_shape(const frames::RgbVideo& a, const frames::RgbVideo& b) {
  if (a.width != b.width || a.height != b.height || a.frames() != b.frames())
    throw bad_input("compare", "the videos differ in size or number of frames",
                    "generate both with the same size");
}

}  // namespace

GeneratedRunPtr run_video(const Generator& generator, const Settings& settings,
                          const RunOptions& options, std::stop_token stop) {
  const auto start = Clock::now();
  diffusion::Request request = generator.request(settings, stop, options.clip.get());
  request.sketch = options.sketch;
  request.token_change = options.token_change;
  request.sketch_taps = options.sketch_taps;
  diffusion::Result result = generator.run(request, settings, options.on_step, stop);
  auto out = std::make_shared<GeneratedRun>();
  out->settings = settings;
  out->denoise_ms = result.ms;
  if (generator.model().config.pixel_space())
    out->video = video_of(result.latents, request.fps, request.clip_times);
  out->total_ms = ms_since(start);
  out->trace = std::make_shared<const trace::CacheTrace>(std::move(result.trace));
  return out;
}

void warm_up(const Generator& generator, const Settings& settings, std::stop_token stop) {
  Settings one = uncached(settings);
  one.generate.from.clear();
  one.generate.steps = 1;
  diffusion::Request request = generator.request(one, stop);
  request.sketch = false;
  generator.run(request, one, {}, stop);
}

Settings uncached(const Settings& settings) {
  Settings out = settings;
  out.generate.cache = "none";
  out.generate.moreg.reset();
  return out;
}

bool comparable(const Settings& a, const Settings& b) {
  return uncached(a) == uncached(b);
}

frames::RgbVideoPtr video_of(const compute::Tensor& latents, double fps,
                             std::vector<double> times) {
  const auto& s = latents.shape();
  auto out = std::make_shared<frames::RgbVideo>();
  out->height = static_cast<int>(s.at(3));
  out->width = static_cast<int>(s.at(4));
  out->fps = fps > 0 ? fps : 8;
  out->rgb = to_rgb(latents);
  const int frames = static_cast<int>(s[2]);
  if (static_cast<int>(times.size()) == frames) {
    if (frames > 1 && times.back() > times.front())
      out->fps = (frames - 1) / (times.back() - times.front());
    out->times = std::move(times);
  } else {
    out->times = frames::even_times(frames, out->fps);
  }
  return out;
}

Quality compare(const frames::RgbVideo& reference, const frames::RgbVideo& other) {
  require_same_shape(reference, other);
  Quality out;
  const size_t bytes =
      static_cast<size_t>(reference.width) * static_cast<size_t>(reference.height) * 3;
  double ssim = 0;
  for (int f = 0; f < reference.frames(); ++f) {
    out.psnr.push_back(metrics::psnr(reference.frame(f), other.frame(f), bytes));
    const bool fits = reference.width >= 11 && reference.height >= 11;
    out.ssim.push_back(fits ? metrics::ssim_rgb(reference.frame(f), other.frame(f), reference.width,
                                                reference.height)
                            : std::numeric_limits<double>::quiet_NaN());
    ssim += out.ssim.back();
  }
  out.psnr_all = metrics::psnr(reference.rgb.data(), other.rgb.data(), reference.rgb.size());
  out.ssim_mean = reference.frames() > 0 ? ssim / reference.frames() : 0;
  return out;
}

frames::RgbVideoPtr difference_video(const frames::RgbVideo& reference,
                                     const frames::RgbVideo& other, double gain) {
  require_same_shape(reference, other);
  auto out = std::make_shared<frames::RgbVideo>(reference);
  for (size_t i = 0; i < out->rgb.size(); ++i) {
    const double d = std::abs(int{reference.rgb[i]} - int{other.rgb[i]}) * gain;
    out->rgb[i] = static_cast<uint8_t>(std::lround(std::min(255.0, d)));
  }
  return out;
}

std::string quality_text(const Quality& q, int frame) {
  const double psnr = frame < 0 ? q.psnr_all : q.psnr.at(static_cast<size_t>(frame));
  const double ssim = frame < 0 ? q.ssim_mean : q.ssim.at(static_cast<size_t>(frame));
  std::string out = std::isinf(psnr) ? "PSNR ∞" : number("PSNR %.1f dB", psnr);
  if (std::isfinite(ssim)) out += number(" · SSIM %.3f", ssim);
  return out;
}

std::string speed_text(const GeneratedRun& reference, const GeneratedRun& run) {
  if (!(run.denoise_ms > 0) || !(run.total_ms > 0)) return "";
  return number("denoiser %.2f×", reference.denoise_ms / run.denoise_ms) +
         number(" · end to end %.2f×", reference.total_ms / run.total_ms);
}

}  // namespace looktwice::engine
