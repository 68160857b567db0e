#include "engine/device.h"

#include <algorithm>

#include "compute/token_ops.h"
#include "engine/inspect.h"
#include "tokens/rlt.h"

namespace looktwice::engine {

compute::BackendPtr make_backend(const RunSettings& run) {
  compute::BackendOptions options;
  options.name = run.backend;
  options.dtype = run.dtype == "bf16" ? DType::bf16 : run.dtype == "f16" ? DType::f16 : DType::f32;
  options.threads = run.threads;
  options.memory = static_cast<size_t>(run.device_memory) << 20;
  options.tf32 = run.tf32;
  return compute::make_backend(options);
}

RunSettings on_cpu(const RunSettings& run) {
  RunSettings cpu = run;
  cpu.backend = "reference";
  for (const compute::BackendInfo& info : compute::list_backends())
    if (info.name == "onednn" && info.available) cpu.backend = "onednn";
  if (cpu.backend == "reference" || cpu.dtype == "f16") cpu.dtype = "f32";
  if (cpu.dtype != "f32") {
    try {
      make_backend(cpu);
    } catch (const Error&) {  // this CPU has no bf16
      cpu.dtype = "f32";
    }
  }
  return cpu;
}

std::string fallback_notice(const compute::DeviceError& error) {
  return "the GPU gave up (" + error.problem() + "); the CPU took over";
}

compute::Tensor decide_on(compute::Backend& backend, const frames::Clip& clip,
                          const frames::ClipOptions& options, float tau, trace::ClipTrace& trace) {
  compute::TokenOps* device = backend.token_ops();
  if (!device || clip.T % options.tubelet != 0) {
    trace = measure_clip(clip, options);
    decide(trace, tau);
    return {};
  }
  const tokens::ClipView view{clip.rgb.data(), clip.T, clip.H, clip.W};
  const tokens::Grid grid = tokens::grid_of(view, options.tubelet, options.patch);
  compute::RltFrames facts;
  facts.T = clip.T;
  facts.H = clip.H;
  facts.W = clip.W;
  facts.tubelet = options.tubelet;
  facts.patch = options.patch;
  const auto scale = tokens::rlt_scale(options.patch);
  std::copy(scale.begin(), scale.end(), facts.scale);
  const compute::Tensor frames = device->upload_frames(clip.rgb.data(), facts);
  const compute::Tensor difference = device->rlt_differences(frames, facts);
  compute::RltKept kept = device->rlt_keep(difference, static_cast<int>(grid.per_tubelet()), tau);
  trace = undecided(clip, grid);
  trace.difference = backend.download_f32(difference);
  trace.has_rlt = true;
  trace.tau = tau;
  trace.keep = std::move(kept.keep);
  trace.run_length = tokens::run_lengths(trace.keep, grid);
  return frames;
}

}  // namespace looktwice::engine
