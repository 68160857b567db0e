#include "cli/generate_options.h"

#include "base/error.h"
#include "base/text.h"
#include "engine/generate_settings.h"

namespace looktwice::cli {

engine::Settings GenerateOptions::resolve(const CLI::App& app, const engine::Settings& base,
                                          bool strength_without_from) const {
  engine::Settings s = settings.resolve(app, base);
  const engine::GenerateSettings& given = settings.settings.generate;
  engine::GenerateSettings& g = s.generate;
  const auto has = [&](const char* option) { return app.count(option) > 0; };
  if (has("--preset")) engine::apply_preset(g, preset);
  if (has("--model")) s.model = settings.settings.model;
  if (has("--prompt")) g.prompt = given.prompt;
  if (has("--noise")) g.noise = given.noise;
  if (has("--steps")) g.steps = steps;
  if (has("--guidance")) g.guidance = guidance;
  if (has("--cache")) g.cache = given.cache;
  if (has("--moreg")) g.moreg = moreg;
  if (has("--from")) g.from = given.from;
  if (has("--strength")) g.strength = given.strength;
  if (has("--video")) g.video = given.video;
  if (has("--fps")) g.fps = fps;
  if (has("--strength") && g.from.empty() && !strength_without_from)
    throw bad_input("--strength", "there is no clip to start from", "give --from INPUT");
  s.check();
  return s;
}

void add_generate_options(CLI::App& app, GenerateOptions& to) {
  auto& g = to.settings.settings.generate;
  app.add_option("--model", to.settings.settings.model,
                 "model folder: config.json (model_type STDiT3) and *.safetensors");
  app.add_option("--prompt", g.prompt, "words of the model's vocabulary; none: without a prompt");
  app.add_option("--noise", g.noise,
                 "safetensors with noise [1,C,T,H,W] and, where wanted, caption, caption_mask, "
                 "frame_mask, frames, fps, height, width, num_frames");
  app.add_option("--steps", to.steps, "denoising steps");
  app.add_option("--guidance", to.guidance, "classifier-free guidance; 1: the prompt alone");
  app.add_option("--cache", g.cache,
                 "none | interval:K | plan:1,2,8,... | adacache:fast|slow|100|FILE|[[0.08,6],...,"
                 "[null,1]] | pab[:246|357|579[,reference]] | tgate[:gate=10,sp=5,fi=1,warmup=2] | "
                 "deltadit[:every=2,blocks=N,boundary=K] | teacache:DELTA[,verbatim]|FILE");
  app.add_option("--moreg", to.moreg,
                 "motion regularisation of adacache; FIRST..LAST step of its window (published: "
                 "4..26 at 30 steps, 10..90 at 100)")
      ->expected(0, 1);
  app.add_option("--preset", to.preset,
                 "steps, guidance and policy as a paper's code runs them: " +
                     join(engine::generate_preset_names(), ", "));
  app.add_option("--from", g.from, "start from this clip, noised (video to video)");
  app.add_option("--strength", g.strength, "share of the steps that --from runs, above 0 to 1");
  app.add_option("--video", g.video,
                 "HEIGHTxWIDTHxFRAMES in pixels, where the model leaves it open");
  app.add_option("--fps", to.fps, "frames a second, told to the model and written to videos");
  add_clip_options(app, to.settings);
  add_run_options(app, to.settings);
}

}  // namespace looktwice::cli
