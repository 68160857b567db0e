#include "engine/generate.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/error.h"
#include "base/log.h"
#include "base/text.h"
#include "diffusion/noise.h"
#include "engine/classify.h"
#include "engine/open.h"

namespace looktwice::engine {
namespace {

using compute::Tensor;
using diffusion::Request;
using models::Stdit3Config;

/// A tensor of a noise file as float32, from any number format.
std::vector<float> numbers(const SafetensorsReader& in, const std::string& name) {
  const TensorEntry& e = in.entry(name);
  const auto count = static_cast<size_t>(e.elements());
  const auto cast = [&](auto zero) {
    using T = decltype(zero);
    std::vector<T> raw(count);
    in.read_raw(name, raw.data());
    return std::vector<float>(raw.begin(), raw.end());
  };
  switch (e.dtype) {
    case DType::f32:
      return cast(0.0f);
    case DType::f64:
      return cast(0.0);
    case DType::u8:
    case DType::boolean:
      return cast(uint8_t{0});
    case DType::i8:
      return cast(int8_t{0});
    case DType::i32:
      return cast(int32_t{0});
    case DType::i64:
      return cast(int64_t{0});
    default:
      throw bad_input(in.path().string() + ": " + name,
                      std::string("is ") + dtype_name(e.dtype) + ", not F32");
  }
}

/// Keys of a noise file; see docs/file-formats.md.
class NoiseFile {
 public:
  explicit NoiseFile(const std::string& path) : in_(path), path_(path) {
    const std::vector<std::string> known = {"noise",      "caption", "caption_mask",
                                            "frame_mask", "frames",  "fps",
                                            "height",     "width",   "num_frames"};
    if (!in_.contains("noise"))
      throw bad_input(path, "has no tensor \"noise\"", "it must be F32 [1, C, T, H, W]");
    for (const auto& [name, entry] : in_.tensors()) {
      if (std::find(known.begin(), known.end(), name) != known.end()) continue;
      if (const auto near = nearest(name, known))
        throw bad_input(path, "holds \"" + name + "\"", "did you mean \"" + *near + "\"?");
    }
  }
  bool has(const std::string& name) const { return in_.contains(name); }
  Tensor floats(const std::string& name) const {
    if (in_.entry(name).dtype != DType::f32)
      throw bad_input(path_ + ": " + name,
                      std::string("is ") + dtype_name(in_.entry(name).dtype) + ", not F32");
    return Tensor::of(in_.read<float>(name), in_.entry(name).shape);
  }
  std::vector<uint8_t> mask(const std::string& name) const {
    std::vector<uint8_t> out;
    for (const float v : numbers(in_, name))
      out.push_back(v != 0.0f);
    return out;
  }
  double scalar(const std::string& name, double fallback) const {
    if (!has(name)) return fallback;
    const auto values = numbers(in_, name);
    if (values.size() != 1)
      throw bad_input(path_ + ": " + name,
                      "holds " + std::to_string(values.size()) + " numbers, not one");
    return values[0];
  }

 private:
  SafetensorsReader in_;
  std::string path_;
};

/// "480x854x51" as height, width, frames in pixels.
diffusion::VideoSize parse_video(const std::string& text) {
  const auto parts = split(text, 'x');
  if (parts.size() != 3)
    throw bad_input("--video", "\"" + text + "\" is no size", "give HEIGHTxWIDTHxFRAMES");
  diffusion::VideoSize out;
  double* const to[] = {&out.height, &out.width, &out.frames};
  for (size_t i = 0; i < 3; ++i) {
    const int64_t n = parse_integer(parts[i], "--video");
    if (n < 1 || n > 65536) throw bad_input("--video", parts[i] + " is out of range");
    *to[i] = static_cast<double>(n);
  }
  return out;
}

/// Latent frames, height and width for a video: the VAE of Open-Sora 1.2 makes 5 of 17 frames and
/// 1 of 8x8 pixels; pixel space is itself.
std::array<int64_t, 3> latent_size(const diffusion::VideoSize& v, bool pixels) {
  if (pixels)
    return {static_cast<int64_t>(v.frames), static_cast<int64_t>(v.height),
            static_cast<int64_t>(v.width)};
  const auto frames = static_cast<int64_t>(v.frames);
  return {frames == 1 ? 1 : frames / 17 * 5 + (frames % 17 + 3) / 4,
          static_cast<int64_t>(v.height) / 8, static_cast<int64_t>(v.width) / 8};
}

/// The other way round, where nobody says it.
diffusion::VideoSize video_size(int64_t t, int64_t h, int64_t w, bool pixels) {
  const double scale = pixels ? 1 : 8;
  double frames = static_cast<double>(t);
  if (!pixels && t > 1)
    frames = static_cast<double>(t / 5 * 17 + (t % 5 == 0 ? 0 : (t % 5) * 4 - 3));
  return {static_cast<double>(h) * scale, static_cast<double>(w) * scale, frames};
}

/// The clip of --from, as many frames as the latents have.
frames::Clip read_clip(const Settings& settings, int64_t t, std::stop_token stop) {
  frames::ClipOptions options = settings.clip;
  options.frames = static_cast<int>(t);
  options.tubelet = 1;
  options.patch = 1;
  options.clips = 1;
  options.size = 0;
  options.crop = frames::Crop::none;
  const auto source = open_source(settings.generate.from);
  std::optional<frames::Clip> clip;
  // A live source goes on until it is stopped: one clip is enough.
  std::stop_source enough;
  const std::stop_callback forward(stop, [&] { enough.request_stop(); });
  try {
    frames::read_clips(
        *source, options,
        [&](frames::Clip&& c) {
          if (!clip) clip = std::move(c);
          enough.request_stop();
        },
        {}, enough.get_token());
  } catch (const Cancelled&) {
    if (stop.stop_requested() || !clip) throw;
  }
  if (!clip || clip->T != t)
    throw bad_input(settings.generate.from, "gives no clip of " + std::to_string(t) + " frames",
                    "choose --start and --stride so that it does");
  return std::move(*clip);
}

/// A clip at the size of the latents, pixels in -1..1: covers them, cut evenly. Of more frames
/// than there are latents every so many is taken.
Tensor fit_clip(const frames::Clip& clip, frames::Resize resize, int64_t t, int64_t h, int64_t w,
                std::vector<double>& times) {
  if (clip.T < t || clip.H < 1 || clip.W < 1)
    throw bad_input("--from", "gives no clip of " + std::to_string(t) + " frames",
                    "choose clips of more frames");
  times.clear();
  const double scale = std::max(static_cast<double>(h) / clip.H, static_cast<double>(w) / clip.W);
  frames::ClipGeometry g;
  g.resized_height =
      std::max<int>(static_cast<int>(h), static_cast<int>(std::lround(clip.H * scale)));
  g.resized_width =
      std::max<int>(static_cast<int>(w), static_cast<int>(std::lround(clip.W * scale)));
  g.height = static_cast<int>(h);
  g.width = static_cast<int>(w);
  g.top = (g.resized_height - g.height) / 2;
  g.left = (g.resized_width - g.width) / 2;
  Tensor out({1, 3, t, h, w}, DType::f32);
  std::vector<uint8_t> rgb(static_cast<size_t>(h * w * 3));
  const size_t frame_bytes = static_cast<size_t>(clip.H) * static_cast<size_t>(clip.W) * 3;
  for (int64_t f = 0; f < t; ++f) {
    const auto at = static_cast<size_t>(f * clip.T / t);
    if (at < clip.times.size()) times.push_back(clip.times[at]);
    const auto frame =
        frames::make_rgb_frame(clip.rgb.data() + at * frame_bytes, clip.W, clip.H, f, 0);
    frames::preprocess(*frame, g, resize, rgb.data());
    for (int64_t i = 0; i < h * w; ++i)
      for (int64_t c = 0; c < 3; ++c)
        out.data<float>()[(c * t + f) * h * w + i] =
            static_cast<float>(rgb[static_cast<size_t>(i * 3 + c)]) / 127.5f - 1.0f;
  }
  return out;
}

/// A safetensors file with F32 `latents` [1, C, T, H, W], for models that work on a VAE's latents.
Tensor read_latents(const std::string& path) {
  const SafetensorsReader in(path);
  const TensorEntry& e = in.entry("latents");
  if (e.dtype != DType::f32)
    throw bad_input(path + ": latents", std::string("is ") + dtype_name(e.dtype) + ", not F32");
  return Tensor::of(in.read<float>("latents"), e.shape);
}

bool ends_with(const std::string& text, const std::string& tail) {
  return text.size() >= tail.size() &&
         text.compare(text.size() - tail.size(), tail.size(), tail) == 0;
}

void read_noise_file(const std::string& path, const Stdit3Config& c, Request& r) {
  const NoiseFile file(path);
  r.noise = file.floats("noise");
  const auto& shape = r.noise.shape();
  if (shape.size() != 5 || shape[0] != 1 || shape[1] != c.in_channels)
    throw bad_input(path + ": noise", "has shape " + compute::shape_text(shape),
                    "the model takes [1, " + std::to_string(c.in_channels) + ", T, H, W]");
  const auto natural = video_size(shape[2], shape[3], shape[4], c.pixel_space());
  r.size = {file.scalar("height", natural.height), file.scalar("width", natural.width),
            file.scalar("num_frames", natural.frames)};
  r.fps = file.scalar("fps", c.fps);
  if (file.has("caption")) {
    r.caption = file.floats("caption");
    const auto& s = r.caption.shape();
    if (s.size() == 4 && s[1] == 1) r.caption = r.caption.reshape({s[0], s[2], s[3]});
    if (file.has("caption_mask")) r.caption_mask = file.mask("caption_mask");
  } else if (file.has("caption_mask")) {
    throw bad_input(path, "has a caption_mask but no caption");
  }
  if (file.has("frame_mask")) r.frame_mask = file.mask("frame_mask");
  if (file.has("frames")) {
    if (r.frame_mask.empty())
      throw bad_input(path, "has frames but no frame_mask",
                      "add a U8 frame_mask [1, T], 0 where a frame is given");
    r.frames = file.floats("frames");
  }
}

}  // namespace

diffusion::PolicySettings policy_of(const GenerateSettings& settings) {
  return diffusion::parse_policy(settings.cache, settings.moreg);
}

Generator::Generator(const std::string& model_folder, const RunSettings& run,
                     const std::function<void(double)>& progress, std::stop_token stop) {
  folder_ = model_folder;
  run_ = run;
  with_fallback([&] { load(progress, stop); },
                [&](const std::string& notice) { fall_back(notice); });
  vocabulary_ = diffusion::Vocabulary::load(model_folder, model_->config.caption_channels,
                                            model_->config.caption_tokens);
}

void Generator::load(const std::function<void(double)>& progress, std::stop_token stop) const {
  model_.reset();
  model_ = models::load_stdit3(folder_, make_backend(run_), progress, std::move(stop));
}

void Generator::fall_back(const std::string& notice) const {
  notice_ = notice;
  log(LogLevel::warning, notice);
  run_ = on_cpu(run_);
}

Request Generator::request(const Settings& settings, std::stop_token stop,
                           const frames::Clip* clip) const {
  const GenerateSettings& g = settings.generate;
  const Stdit3Config& c = model_->config;
  g.check();
  Request r;
  if (!g.noise.empty()) {
    if (!g.video.empty())
      throw bad_input("--video", "the noise file says the size already", "give one of them");
    read_noise_file(g.noise, c, r);
  } else {
    std::array<int64_t, 3> n = {c.sample[0], c.sample[1], c.sample[2]};
    if (!g.video.empty()) {
      r.size = parse_video(g.video);
      n = latent_size(r.size, c.pixel_space());
    } else {
      if (n[0] < 1 || n[1] < 1 || n[2] < 1)
        throw bad_input("--video", "this model has no size of its own",
                        "give --video HEIGHTxWIDTHxFRAMES or a --noise file");
      r.size = video_size(n[0], n[1], n[2], c.pixel_space());
    }
    if (n[1] < 1 || n[2] < 1)
      throw bad_input("--video", g.video + " is smaller than one latent pixel of 8x8");
    if (n[0] * n[1] * n[2] > (int64_t{1} << 28))
      throw bad_input("--video", g.video + " is too large");
    r.noise =
        Tensor::of(diffusion::gaussian(static_cast<size_t>(c.in_channels * n[0] * n[1] * n[2]),
                                       settings.run.seed),
                   {1, c.in_channels, n[0], n[1], n[2]});
    r.fps = c.fps;
  }
  if (g.fps) r.fps = *g.fps;
  r.steps = g.steps.value_or(c.steps);
  r.guidance = g.guidance.value_or(c.guidance);
  if (!g.prompt.empty()) {
    if (r.caption)
      throw bad_input("--prompt", "the noise file has a caption already", "give one of them");
    if (!vocabulary_)
      throw bad_input("--prompt",
                      "this model folder has no vocab.json, and larger models need a "
                      "text encoder that LookTwice does not have",
                      "give caption embeddings in a --noise file");
    const diffusion::Caption caption = vocabulary_->encode(g.prompt);
    r.caption = caption.tokens;
    r.caption_mask = caption.mask;
  } else if (!r.caption) {
    // No prompt: the null caption alone, so guidance has nothing to push from.
    r.caption = model_->null_caption.reshape({1, c.caption_tokens, c.caption_channels});
    r.guidance = 1;
  }
  if (!g.from.empty()) {
    const auto& s = r.noise.shape();
    if (c.pixel_space()) {
      r.clip = fit_clip(clip != nullptr ? *clip : read_clip(settings, s[2], stop),
                        settings.clip.resize, s[2], s[3], s[4], r.clip_times);
    } else {
      if (!ends_with(g.from, ".safetensors"))
        throw bad_input("--from",
                        "this model works on latents of a VAE that LookTwice does not have",
                        "give a .safetensors file with F32 latents [1, C, T, H, W]");
      r.clip = read_latents(g.from);
    }
    r.strength = g.strength;
  }
  return r;
}

diffusion::Result Generator::run(const Settings& settings, const std::vector<int>& dump_steps,
                                 const diffusion::OnStep& on_step, std::stop_token stop) const {
  Request r = request(settings, stop);
  r.dump_steps = dump_steps;
  return run(r, settings, on_step, stop);
}

diffusion::Result Generator::run(const Request& request, const Settings& settings,
                                 const diffusion::OnStep& on_step, std::stop_token stop) const {
  diffusion::Result out = with_fallback(
      [&] {
        return diffusion::generate(model_, request, policy_of(settings.generate), on_step, stop);
      },
      [&](const std::string& notice) {
        fall_back(notice);
        load({}, stop);
      });
  if (!notice_.empty()) out.trace.notes.push_back(notice_);
  out.trace.settings = to_json(settings);
  if (settings.generate.prompt.empty() && request.guidance == 1.0 &&
      settings.generate.noise.empty())
    out.trace.notes.push_back("without a prompt: the model's null caption, no guidance");
  return out;
}

std::vector<uint8_t> to_rgb(const Tensor& latents, int64_t sample) {
  const auto& s = latents.shape();
  const int64_t plane = s.at(3) * s.at(4), frames = s[2];
  const float* from = latents.data<float>() + sample * s[1] * frames * plane;
  std::vector<uint8_t> out(static_cast<size_t>(frames * plane * 3));
  for (int64_t f = 0; f < frames; ++f)
    for (int64_t i = 0; i < plane; ++i)
      for (int64_t c = 0; c < 3; ++c) {
        const float v = (from[(c * frames + f) * plane + i] + 1.0f) * 127.5f;
        out[static_cast<size_t>((f * plane + i) * 3 + c)] =
            static_cast<uint8_t>(std::lround(std::clamp(v, 0.0f, 255.0f)));
      }
  return out;
}

}  // namespace looktwice::engine
