// looktwice synth: the built-in scenes, listed or written to a file; the labelled world.

#include <algorithm>
#include <cstdio>
#include <memory>
#include <optional>
#include <thread>

#include "base/error.h"
#include "base/safetensors.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/options.h"
#include "frames/scenes.h"
#include "frames/world.h"
#ifdef LOOKTWICE_HAS_VIDEO
#include "video/encoder.h"
#endif

namespace looktwice::cli {
namespace {

struct Options {
  std::string scene, output, json;
  bool list = false;
  std::optional<int64_t> count;
  uint64_t seed = 0;
  frames::world::Options clip;
};

/// Clips and labels of the labelled world (docs/world.md).
int world(const Options& o) {
  if (!o.scene.empty())
    throw bad_input("--count", "writes clips of the labelled world, not of a scene",
                    "leave out " + o.scene + " or --count");
  if (o.output.empty()) throw bad_input("synth", "needs -o DIR with --count");
  frames::world::WriteOptions options;
  options.clip = o.clip;
  options.first_seed = o.seed;
  options.count = *o.count;
  options.threads = std::max(1, int(std::thread::hardware_concurrency()));
  const Interrupt interrupt;
  ProgressLine progress("drawing");
  frames::world::write_world(
      o.output, options, [&](double done) { progress(done); }, interrupt.token());
  return 0;
}

int list(const Options& o) {
  if (!o.json.empty()) {
    Json doc = document("synth", 1);
    doc["scenes"] = Json::array();
    for (const auto& s : frames::scene_list())
      doc["scenes"].push_back(
          {{"name", s.name}, {"title", s.title}, {"description", s.description}});
    doc["parameters"] = Json::array();
    for (const auto& p : frames::scene_parameters())
      doc["parameters"].push_back(
          {{"name", p.name}, {"default", p.default_value}, {"description", p.description}});
    write_json(o.json, doc);
    if (o.json == "-") return 0;
  }
  for (const auto& s : frames::scene_list())
    std::printf("synth:%-12s %s: %s\n", s.name.c_str(), s.title.c_str(), s.description.c_str());
  std::printf("\nParameters, as in synth:%s?seed=7&width=640&height=360\n",
              frames::scene_list().front().name.c_str());
  for (const auto& p : frames::scene_parameters())
    std::printf("  %-8s %s (%s)\n", p.name.c_str(), p.description.c_str(), p.default_value.c_str());
  return 0;
}

void write_tensor(frames::FrameSource& source, const std::string& path,
                  const std::stop_token& stop) {
  const auto& info = source.info();
  const size_t one = size_t{3} * info.width * info.height;
  const auto count = info.frame_count.value_or(0);
  if (size_t(count) * one > size_t{8} << 30)
    throw bad_input(path, "would take " + std::to_string(size_t(count) * one >> 30) + " GiB",
                    "choose fewer frames or a smaller size, as in synth:NAME?frames=16&width=224");
  std::vector<uint8_t> rgb;
  rgb.reserve(size_t(count) * one);
  int64_t n = 0;
  while (const auto frame = source.next(stop)) {
    rgb.resize(rgb.size() + one);
    frames::to_rgb24(*frame, rgb.data() + rgb.size() - one);
    ++n;
  }
  TensorDump dump;
  dump.add("frames_u8", {n, info.height, info.width, 3}, rgb);
  dump.write(path, {{"fps", number_text(info.fps)}});
}

int synth(const Options& o) {
  if (o.list) return list(o);
  if (o.count) return world(o);
  if (o.scene.empty())
    throw bad_input("synth", "needs the name of a scene or --count",
                    "looktwice synth --list names the scenes");
  const std::string input = frames::is_scene(o.scene) ? o.scene : "synth:" + o.scene;
  const auto source = frames::open_scene(frames::parse_scene(input));
  if (o.output.empty())
    throw bad_input("synth", "needs -o FILE", "give a video file or a .safetensors file");
  const Interrupt interrupt;
  if (o.output.size() > 12 && o.output.rfind(".safetensors") == o.output.size() - 12) {
    write_tensor(*source, o.output, interrupt.token());
    return 0;
  }
#ifdef LOOKTWICE_HAS_VIDEO
  video::EncoderOptions options;
  options.fps = source->info().rate;
  options.metadata["comment"] = "looktwice synth " + shell_quote(input);
  video::Encoder encoder(o.output, source->info().width, source->info().height, options);
  ProgressLine progress("drawing");
  while (const auto frame = source->next(interrupt.token())) {
    encoder.write(frame, interrupt.token());
    if (const auto total = source->info().frame_count)
      progress(double(frame->index + 1) / double(*total));
  }
  encoder.finish();
  return 0;
#else
  throw bad_input(o.output, "this build writes no video", "give a .safetensors file");
#endif
}

}  // namespace

void add_synth(CLI::App& app, Run& run) {
  auto* cmd = app.add_subcommand("synth", "list the built-in scenes, or write one to a file");
  auto o = std::make_shared<Options>();
  cmd->add_option("SCENE", o->scene, "NAME or synth:NAME?key=value&...");
  cmd->add_flag("--list", o->list, "list scenes and their parameters");
  cmd->add_option("-o,--output", o->output,
                  "video file, or .safetensors of frames_u8 [T,H,W,3]; with --count a folder");
  cmd->add_option("--count", o->count, "write N labelled clips and labels.json into a folder");
  cmd->add_option("--seed", o->seed,
                  "with --count: seed of the first clip (docs/world.md: splits)");
  cmd->add_option("--frames", o->clip.frames, "with --count: frames of a clip")
      ->capture_default_str();
  cmd->add_option("--width", o->clip.width, "with --count: pixels")->capture_default_str();
  cmd->add_option("--height", o->clip.height, "with --count: pixels")->capture_default_str();
  cmd->add_option("--json", o->json, "with --list: write a JSON document (- for standard output)");
  cmd->callback([o, &run] { run = [o] { return synth(*o); }; });
}

}  // namespace looktwice::cli
