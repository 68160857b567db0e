// looktwice generate: a video diffusion transformer under a caching policy.

#include "engine/generate.h"

#include <cmath>
#include <cstdio>
#include <memory>

#include "base/error.h"
#include "base/safetensors.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/generate_options.h"
#include "cli/interrupt.h"
#ifdef LOOKTWICE_HAS_VIDEO
#include "video/encoder.h"
#endif

namespace looktwice::cli {
namespace {

struct Options {
  GenerateOptions run;
  std::string dump_steps, json, dump, trace, output;
  int scale = 1;
};

std::vector<int> parse_steps(const std::string& text) {
  std::vector<int> out;
  if (trim(text).empty()) return out;
  for (const std::string& part : split(text, ',')) {
    const int64_t step = parse_integer(part, "--dump-steps");
    if (step < 1 || step > 100000)
      throw bad_input("--dump-steps", part + " is no step", "steps count from 1");
    out.push_back(static_cast<int>(step));
  }
  return out;
}

/// The arrays of a run; names and shapes are documented in docs/file-formats.md.
void write_dump(const std::string& path, const diffusion::Result& r) {
  const trace::CacheTrace& t = r.trace;
  const auto steps = static_cast<int64_t>(t.run.size());
  std::vector<float> times, distance, motion, gradient, metric;
  std::vector<uint8_t> compute, modules;
  std::vector<int32_t> rate;
  for (const double v : r.timesteps)
    times.push_back(static_cast<float>(v));
  for (const trace::CacheStep& s : t.run) {
    compute.push_back(s.computed);
    modules.insert(modules.end(), s.modules.begin(), s.modules.end());
    const trace::CacheDecision none, &d = s.decisions.empty() ? none : s.decisions.back();
    distance.push_back(static_cast<float>(d.distance));
    motion.push_back(static_cast<float>(d.motion));
    gradient.push_back(static_cast<float>(d.motion_gradient));
    metric.push_back(static_cast<float>(d.metric));
    rate.push_back(d.rate_out);
  }
  TensorDump dump;
  dump.add("latents", r.latents.shape(), r.latents.to_vector());
  dump.add("timesteps", {steps}, times);
  dump.add("cache/compute", {steps}, compute);
  dump.add("cache/module_compute", {steps, 2 * t.depth, trace::kModules}, modules);
  dump.add("cache/distance", {steps}, distance);
  dump.add("cache/motion", {steps}, motion);
  dump.add("cache/motion_gradient", {steps}, gradient);
  dump.add("cache/metric", {steps}, metric);
  dump.add("cache/rate", {steps}, rate);
  for (const auto& [step, latents] : r.at_step)
    dump.add("latents/" + std::to_string(step), latents.shape(), latents.to_vector());
  dump.write(path);
}

void write_video(const Options& o, const compute::Tensor& latents, double fps,
                 const std::string& comment, std::stop_token stop) {
#ifdef LOOKTWICE_HAS_VIDEO
  const auto& s = latents.shape();
  const int frames = static_cast<int>(s[2]), h = static_cast<int>(s[3]), w = static_cast<int>(s[4]);
  const std::vector<uint8_t> rgb = engine::to_rgb(latents);
  video::EncoderOptions options;
  options.fps = {static_cast<int>(std::lround(fps * 1000)), 1000};
  options.metadata["comment"] = comment;
  video::Encoder encoder(o.output, w * o.scale, h * o.scale, options);
  std::vector<uint8_t> big(static_cast<size_t>(h) * static_cast<size_t>(w) *
                           static_cast<size_t>(o.scale * o.scale) * 3);
  for (int f = 0; f < frames; ++f) {
    size_t to = 0;
    for (int y = 0; y < h * o.scale; ++y)
      for (int x = 0; x < w * o.scale; ++x)
        for (int c = 0; c < 3; ++c)
          big[to++] = rgb[static_cast<size_t>(((f * h + y / o.scale) * w + x / o.scale) * 3 + c)];
    encoder.write(frames::make_rgb_frame(big.data(), w * o.scale, h * o.scale, f, f / fps), stop);
  }
  encoder.finish(stop);
#else
  (void)o, (void)latents, (void)fps, (void)comment, (void)stop;
  throw bad_input("-o", "this build has no FFmpeg", "use --dump");
#endif
}

Json result_json(const diffusion::Result& r, const engine::Settings& settings,
                 const std::string& command) {
  Json out = document("generate", 1);
  Json trace = trace::to_json(r.trace);
  trace.erase("schema");
  trace.erase("version");
  trace.erase("distances");
  trace.erase("settings");
  out["settings"] = engine::to_json(settings);
  out["command"] = command;
  out["latents"] = r.latents.shape();
  out["timesteps"] = r.timesteps;
  out["milliseconds"] = finite(r.ms);
  out["computed"] = r.trace.computed_steps().size();
  out["computed_share"] = finite(r.trace.computed_share());
  for (const auto& [key, value] : trace.items())
    out[key] = value;
  return out;
}

void print(const diffusion::Result& r) {
  std::printf("%5s %7s %9s %9s  %s\n", "step", "t", "ms", "GFLOP", "decision");
  for (const trace::CacheStep& s : r.trace.run)
    std::printf("%5d %7.1f %9.2f %9.3f  %s\n", s.step, s.t, s.ms, s.flops / 1e9, s.reason.c_str());
  for (const std::string& note : r.trace.notes)
    std::printf("note: %s\n", note.c_str());
  std::printf("%s: %zu of %zu steps computed (%.1f%% of the modules), %.2f s\n",
              r.trace.policy.c_str(), r.trace.computed_steps().size(), r.trace.run.size(),
              100 * r.trace.computed_share(), r.ms / 1000);
}

int generate(const Options& o, const CLI::App& app) {
  const engine::Settings settings = o.run.resolve(app);
  if (settings.model.empty())
    throw bad_input("--model", "is missing", "give a model folder: config.json and *.safetensors");
  if (o.scale < 1 || o.scale > 64) throw bad_input("--scale", "must lie between 1 and 64");
  engine::policy_of(settings.generate);  // a mistyped policy is said before the model is loaded
  const std::vector<int> dump_steps = parse_steps(o.dump_steps);
  if (!dump_steps.empty() && o.dump.empty())
    throw bad_input("--dump-steps", "needs a file to dump to", "give --dump FILE.safetensors");

  const Interrupt interrupt;
  std::unique_ptr<engine::Generator> generator;
  {
    ProgressLine loading("loading the model");
    generator = std::make_unique<engine::Generator>(
        settings.model, settings.run, [&](double f) { loading(f); }, interrupt.token());
  }
  if (!o.output.empty() && !generator->model().config.pixel_space())
    throw bad_input("-o", "this model makes latents of a VAE that LookTwice does not have",
                    "write the latents with --dump");
  diffusion::Request request = generator->request(settings, interrupt.token());
  request.dump_steps = dump_steps;
  request.sketch = !o.trace.empty();
  diffusion::Result result;
  {
    ProgressLine progress("denoising");
    result = generator->run(
        request, settings,
        [&](const diffusion::StepView& v) {
          progress(static_cast<double>(v.record.step) / v.steps);
        },
        interrupt.token());
  }
  const std::string command =
      "looktwice generate " + engine::command_options(settings, engine::Settings{});
  if (!o.output.empty()) write_video(o, result.latents, request.fps, command, interrupt.token());
  if (!o.dump.empty()) write_dump(o.dump, result);
  if (!o.trace.empty()) trace::save(result.trace, o.trace);
  if (!o.json.empty()) write_json(o.json, result_json(result, settings, command));
  if (o.json != "-" && o.trace != "-") print(result);
  return 0;
}

}  // namespace

void add_generate(CLI::App& app, Run& run) {
  auto* cmd = app.add_subcommand(
      "generate", "make a video with a diffusion transformer that reuses denoising steps");
  auto o = std::make_shared<Options>();
  add_generate_options(*cmd, o->run);
  cmd->add_option("--dump-steps", o->dump_steps, "also dump the latents after these steps: 1,2,15");
  cmd->add_option("-o,--output", o->output, "write the video (models that work on pixels)");
  cmd->add_option("--scale", o->scale, "enlarge the video of -o by a whole number");
  cmd->add_option("--json", o->json, "write a JSON document (- for standard output)");
  cmd->add_option("--dump", o->dump, "write arrays as .safetensors");
  cmd->add_option("--trace", o->trace, "write every decision; an uncached run adds its sketches");
  cmd->callback([o, cmd, &run] { run = [o, cmd] { return generate(*o, *cmd); }; });
}

}  // namespace looktwice::cli
