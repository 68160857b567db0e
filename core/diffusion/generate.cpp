#include "diffusion/generate.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "base/error.h"
#include "base/text.h"
#include "diffusion/meter.h"

namespace looktwice::diffusion {
namespace {

using compute::Tensor;
using models::Stdit3Config;
using models::Stdit3Run;
using models::StepPlan;

std::string dims(const Tensor& t) {
  return compute::shape_text(t.shape());
}

void require_finite(const Tensor& t, const char* name) {
  const auto at = checkpoint::first_not_finite(t);
  if (at >= 0) throw bad_input(name, "value " + std::to_string(at) + " is not a finite number");
}

void check(const Stdit3Config& c, const Request& r) {
  const auto& shape = r.noise.shape();
  if (shape.size() != 5 || shape[1] != c.in_channels || r.noise.elements() < 1)
    throw bad_input("noise", "has shape " + dims(r.noise),
                    "the model takes [1, " + std::to_string(c.in_channels) + ", T, H, W]");
  require_finite(r.noise, "noise");
  for (const auto& [tensor, name] : {std::pair{&r.frames, "frames"}, std::pair{&r.clip, "clip"}}) {
    if (!*tensor) continue;
    if (tensor->shape() != shape)
      throw bad_input(name, "has shape " + dims(*tensor) + ", not that of the noise",
                      "it must be " + dims(r.noise));
    require_finite(*tensor, name);
  }
  if (!r.caption)
    throw bad_input("--prompt", "there is no caption",
                    "give --prompt, or a --noise file with a caption");
  require_finite(r.caption, "caption");
  if (!std::isfinite(r.guidance))
    throw bad_input("--guidance", "is not a number", "7 is Open-Sora's");
  if (!r.frame_mask.empty() && r.frame_mask.size() != static_cast<size_t>(shape[0] * shape[2]))
    throw bad_input("frame_mask", "has " + std::to_string(r.frame_mask.size()) + " entries for " +
                                      std::to_string(shape[0] * shape[2]) + " latent frames");
  if (!r.frame_mask.empty() && std::count(r.frame_mask.begin(), r.frame_mask.end(), uint8_t{0}) ==
                                   static_cast<std::ptrdiff_t>(r.frame_mask.size()))
    throw bad_input("frame_mask", "gives all frames, so nothing is left to generate",
                    "set 1 where a frame is to be made");
}

/// The batch of the model: prompts, then, with guidance, as many null captions. The null caption is
/// the model's own, its rows chosen by the mask of the prompt.
models::Stdit3Inputs model_inputs(const models::Stdit3& model, const Request& r, bool guided) {
  const auto& shape = r.noise.shape();
  const int64_t videos = shape[0];
  const auto& cs = r.caption.shape();
  if (cs.size() != 3 || cs[0] != videos)
    throw bad_input("caption", "has shape " + dims(r.caption),
                    "it must be [1, n, " + std::to_string(model.config.caption_channels) + "]");
  if (cs[1] > model.config.caption_tokens)
    throw bad_input("caption", "has " + std::to_string(cs[1]) + " tokens, too long",
                    "the model takes at most " + std::to_string(model.config.caption_tokens));
  if (cs[2] != model.config.caption_channels)
    throw bad_input("caption", "has " + std::to_string(cs[2]) + " channels",
                    "the model takes " + std::to_string(model.config.caption_channels));
  models::Stdit3Inputs in;
  const int64_t batch = guided ? 2 * videos : videos;
  in.batch = static_cast<int>(batch);
  in.frames = static_cast<int>(shape[2]);
  in.height = static_cast<int>(shape[3]);
  in.width = static_cast<int>(shape[4]);
  in.pixel_height = r.size.height;
  in.pixel_width = r.size.width;
  in.fps.assign(static_cast<size_t>(batch), static_cast<float>(r.fps));
  in.caption = Tensor({batch, cs[1], cs[2]}, DType::f32);
  float* to = in.caption.data<float>();
  const int64_t each = cs[1] * cs[2];
  std::copy_n(r.caption.data<float>(), videos * each, to);
  if (guided)
    for (int64_t v = 0; v < videos; ++v)
      std::copy_n(model.null_caption.data<float>(), each, to + (videos + v) * each);
  std::vector<uint8_t> mask = r.caption_mask;
  if (mask.empty()) mask.assign(static_cast<size_t>(videos * cs[1]), 1);
  if (mask.size() != static_cast<size_t>(videos * cs[1]))
    throw bad_input("caption_mask", "has " + std::to_string(mask.size()) + " entries for " +
                                        std::to_string(videos * cs[1]) + " tokens");
  in.caption_mask = mask;
  in.frame_mask = r.frame_mask;
  if (guided) {
    in.caption_mask.insert(in.caption_mask.end(), mask.begin(), mask.end());
    in.frame_mask.insert(in.frame_mask.end(), r.frame_mask.begin(), r.frame_mask.end());
  }
  return in;
}

/// Sets the backend's stop token for as long as it lives.
class StopScope {
 public:
  StopScope(compute::Backend& backend, std::stop_token stop) : backend_(backend) {
    backend_.set_stop(std::move(stop));
  }
  ~StopScope() { backend_.set_stop({}); }
  StopScope(const StopScope&) = delete;
  StopScope& operator=(const StopScope&) = delete;

 private:
  compute::Backend& backend_;
};

double ms_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start)
      .count();
}

class Sampler {
 public:
  Sampler(const models::Stdit3Ptr& model, const Request& request)
      : model_(model), r_(request), c_(model->config), guided_(request.guidance != 1.0) {}

  Result run(const PolicySettings& settings, const OnStep& on_step) {
    check(c_, r_);
    plan_times();
    Stdit3Run run(model_, model_inputs(*model_, r_, guided_));
    const PolicyPtr policy = make_policy(settings);
    describe(settings);
    Meter meter(*model_->backend, policy->begin(shape(), out_.trace),
                static_cast<int>(r_.noise.dim(2)), run.spatial_tokens());
    if (r_.sketch && r_.sketch_elements > 0 && std::holds_alternative<NoCache>(settings.method))
      meter.sketch(sketch_taps(), r_.sketch_elements, static_cast<int>(out_.timesteps.size()));
    if (r_.token_change) meter.watch_tokens({c_.metric_block(), true, models::Residual::attention});
    start_latents();
    const auto start = std::chrono::steady_clock::now();
    for (size_t i = 0; i < out_.timesteps.size(); ++i)
      step(i, run, *policy, meter, on_step);
    out_.ms = ms_since(start) - shown_ms_;
    out_.trace.distances = meter.distances();
    out_.latents = Tensor::of(z_, r_.noise.shape());
    return std::move(out_);
  }

 private:
  void plan_times() {
    const auto all = timesteps(r_.steps, time_shift_of(c_, r_.size));
    const int first = r_.clip ? first_step_of_strength(r_.steps, r_.strength) : 0;
    out_.timesteps.assign(all.begin() + first, all.end());
    for (const int s : r_.dump_steps)
      if (s < 1 || s > static_cast<int>(out_.timesteps.size()))
        throw bad_input("--dump-steps", "step " + std::to_string(s) + " is not within the " +
                                            std::to_string(out_.timesteps.size()) +
                                            " steps of the run");
  }

  std::vector<models::Tap> sketch_taps() const {
    std::vector<models::Tap> out = {{c_.metric_block(), true, models::Residual::attention}};
    for (const models::Tap& tap : r_.sketch_taps)
      if (tap.pair >= 0 && tap.pair < c_.depth &&
          std::find(out.begin(), out.end(), tap) == out.end())
        out.push_back(tap);
    return out;
  }

  RunShape shape() const {
    RunShape s;
    s.steps = static_cast<int>(out_.timesteps.size());
    s.depth = c_.depth;
    s.frames = static_cast<int>(r_.noise.dim(2));
    s.metric_block = c_.metric_block();
    // As float32, which is what the published code looks keys up in.
    for (const double t : out_.timesteps)
      s.timesteps.push_back(static_cast<float>(t));
    s.guided = guided_;
    return s;
  }

  void describe(const PolicySettings& settings) {
    trace::CacheTrace& t = out_.trace;
    t.policy = settings.text;
    t.model = model_->name;
    t.backend = model_->backend->name();
    t.dtype = model_->backend->dtype() == DType::bf16 ? "bf16" : "f32";
    t.steps = static_cast<int>(out_.timesteps.size());
    t.depth = c_.depth;
    t.guidance = r_.guidance;
    if (r_.clip && t.steps < r_.steps)
      t.notes.push_back("starts at step " + std::to_string(r_.steps - t.steps + 1) + " of " +
                        std::to_string(r_.steps) + ": the clip was noised to strength " +
                        number_text(r_.strength));
  }

  void start_latents() {
    const Tensor& given = r_.frames ? r_.frames : r_.noise;
    z_ = r_.noise.to_vector();
    if (r_.clip) {
      const auto sigma = static_cast<float>(out_.timesteps.front() / 1000.0);
      const float* clip = r_.clip.data<float>();
      for (size_t i = 0; i < z_.size(); ++i)
        z_[i] = (1 - sigma) * clip[i] + sigma * z_[i];
    }
    fixed_ = given.to_vector();
    for_given_frames([&](size_t at) { z_[at] = fixed_[at]; });
  }

  template <typename F>
  void for_given_frames(F&& f) const {
    if (r_.frame_mask.empty()) return;
    const auto& s = r_.noise.shape();
    const int64_t plane = s[3] * s[4];
    for (int64_t b = 0; b < s[0]; ++b)
      for (int64_t c = 0; c < s[1]; ++c)
        for (int64_t t = 0; t < s[2]; ++t)
          if (r_.frame_mask[static_cast<size_t>(b * s[2] + t)] == 0)
            for (int64_t i = 0; i < plane; ++i)
              f(static_cast<size_t>(((b * s[1] + c) * s[2] + t) * plane + i));
  }

  void step(size_t i, Stdit3Run& run, CachePolicy& policy, Meter& meter, const OnStep& on_step) {
    const auto start = std::chrono::steady_clock::now();
    model_->backend->check_stop();
    meter.begin_step();
    trace::CacheStep record;
    record.step = static_cast<int>(i) + 1;
    record.t = out_.timesteps[i];
    const int videos = static_cast<int>(r_.noise.dim(0));
    const auto t = static_cast<float>(record.t);

    // T-GATE's plan shrinks the batch, so plans that need no look at the input are made first.
    bool embedded = false;
    const auto embed = [&](bool null_only) {
      const bool both = guided_ && !null_only;
      Tensor batch({both ? 2 * videos : videos, c_.in_channels, r_.noise.dim(2), r_.noise.dim(3),
                    r_.noise.dim(4)},
                   DType::f32);
      std::copy(z_.begin(), z_.end(), batch.data<float>());
      if (both) std::copy(z_.begin(), z_.end(), batch.data<float>() + z_.size());
      run.embed(batch, std::vector<float>(static_cast<size_t>(batch.dim(0)), t),
                null_only ? videos : 0);
      record.batch = static_cast<int>(batch.dim(0));
      record.guided = both;
      embedded = true;
    };
    const StepPlan plan = policy.plan(
        record.step,
        [&] {
          embed(false);
          return meter.input_change(run.first_block_input());
        },
        record);
    if (!embedded) embed(plan.null_branch_only && guided_);
    record.modules = models::computed_modules(plan, c_.depth);
    record.computed =
        std::find(record.modules.begin(), record.modules.end(), uint8_t{1}) != record.modules.end();
    record.flops = run.flops(plan);
    run.stack(plan, meter.taps(), [&](const models::Tap& tap, const Tensor& residual) {
      meter.observe(record.step, tap, residual);
    });
    record.module_ms = run.module_ms();
    if (record.computed) {
      const auto measures = meter.take();
      policy.measured(record.step, measures, record);
    }
    record.metric_ms = meter.ms();
    advance(run.finish(), i, record.guided);
    if (std::find(r_.dump_steps.begin(), r_.dump_steps.end(), record.step) != r_.dump_steps.end())
      out_.at_step[record.step] = Tensor::of(z_, r_.noise.shape());
    record.ms = ms_since(start);
    if (on_step) {
      // What others do with a step is no part of the time of the run.
      const auto shown = std::chrono::steady_clock::now();
      const std::vector<float> change = meter.token_change();
      on_step({record, z_, clean_, change, static_cast<int>(out_.timesteps.size())});
      shown_ms_ += ms_since(shown);
    }
    out_.trace.run.push_back(std::move(record));
  }

  /// z += v·Δt; the first in_channels of the model's output are v.
  void advance(const Tensor& output, size_t i, bool guided) {
    const auto& s = r_.noise.shape();
    const int64_t videos = s[0], each = s[1] * s[2] * s[3] * s[4];
    const int64_t stride = output.elements() / output.dim(0);
    const float* out = output.data<float>();
    const auto dt = static_cast<float>(step_length(out_.timesteps, i));
    const auto left = static_cast<float>(out_.timesteps[i] / 1000.0);
    const auto scale = static_cast<float>(r_.guidance);
    clean_.resize(z_.size());
    bool finite = true;
    for (int64_t b = 0; b < videos; ++b) {
      const float* cond = out + b * stride;
      const float* null = out + (videos + b) * stride;
      for (int64_t k = 0; k < each; ++k) {
        const float v = guided ? null[k] + scale * (cond[k] - null[k]) : cond[k];
        const auto at = static_cast<size_t>(b * each + k);
        clean_[at] = z_[at] + v * left;
        z_[at] += v * dt;
        finite = finite && std::isfinite(z_[at]);
      }
    }
    if (!finite)
      throw run_failed("generate",
                       "step " + std::to_string(i + 1) + " gave values that are not finite numbers",
                       "try --dtype f32 or a smaller --guidance");
    for_given_frames([&](size_t at) { z_[at] = clean_[at] = fixed_[at]; });
  }

  const models::Stdit3Ptr& model_;
  const Request& r_;
  const Stdit3Config& c_;
  const bool guided_;
  Result out_;
  std::vector<float> z_, clean_, fixed_;
  double shown_ms_ = 0;  ///< spent in on_step
};

}  // namespace

double time_shift_of(const Stdit3Config& config, const VideoSize& size) {
  return config.time_shift ? *config.time_shift : time_shift(size);
}

Result generate(const models::Stdit3Ptr& model, const Request& request,
                const PolicySettings& policy, const OnStep& on_step, std::stop_token stop) {
  const StopScope scope(*model->backend, std::move(stop));
  return Sampler(model, request).run(policy, on_step);
}

}  // namespace looktwice::diffusion
