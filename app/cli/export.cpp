// looktwice export: the comparison video, drawn by the same compositor as the app.

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <memory>
#include <optional>
#include <thread>

#include "base/error.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/options.h"
#include "export/command.h"
#include "export/comparison.h"
#include "gl/context.h"

namespace looktwice::cli {
namespace {

struct Options {
  SettingsOptions settings;
  std::string input, output, layout = "side-by-side", codec, encoder_preset, range, size, scene;
  std::string marks, palette, legend, pixel_format, fps, trace;
  std::vector<std::string> panes, overlays;
  std::optional<double> crf, opacity, gain, wipe;
  bool luma = false, no_titles = false;
};

/// "A:B", "A:" or ":B" of frames, both included.
void parse_range(const std::string& text, exporting::Request& request) {
  if (text.empty()) return;
  const auto colon = text.find(':');
  if (colon == std::string::npos)
    throw bad_input("--range", "\"" + text + "\" is not FIRST:LAST", "for example 0:299");
  if (colon > 0) request.first = parse_integer(text.substr(0, colon), "--range");
  if (colon + 1 < text.size()) request.last = parse_integer(text.substr(colon + 1), "--range");
  if (request.first < 0 || (request.last && *request.last < request.first))
    throw bad_input("--range", "\"" + text + "\" holds no frame");
}

frames::Rational parse_fps(const std::string& text) {
  if (text.empty()) return {0, 1};
  const auto slash = text.find('/');
  frames::Rational fps;
  if (slash != std::string::npos) {
    fps = {parse_integer(text.substr(0, slash), "--fps"),
           parse_integer(text.substr(slash + 1), "--fps")};
  } else {
    const double value = parse_number(text, "--fps");
    fps = {static_cast<int64_t>(value * 1000 + 0.5), 1000};
  }
  if (fps.num <= 0 || fps.den <= 0 || fps.value() > 1000)
    throw bad_input("--fps", "must lie between 0 and 1000 frames a second");
  return fps;
}

/// --scene takes a file, or the JSON itself.
compose::Scene scene_of(const Options& o) {
  if (o.scene.empty())
    return compose::comparison_scene(compose::layout_from_name(o.layout, "--layout"));
  if (trim(o.scene).starts_with('{'))
    return compose::scene_from_json(parse_json(o.scene, "--scene"), "--scene");
  return compose::scene_from_json(read_json(o.scene), o.scene);
}

void apply_overlays(const Options& o, compose::Scene& scene) {
  auto& style = scene.style;
  if (!o.overlays.empty()) {
    style.rlt.visible = false;
    for (const std::string& name : o.overlays) {
      if (name == "rlt") {
        style.rlt.visible = true;
      } else if (name == "heat") {
        style.difference.visible = true;
      } else if (name == "grid") {
        style.grid.visible = true;
      } else if (name == "none") {
        style.crop.visible = false;
      } else {
        throw bad_input("--overlay", "\"" + name + "\" is not an overlay",
                        "choose rlt, heat, grid or none");
      }
    }
  }
  Json json = compose::to_json(scene);
  if (!o.marks.empty()) json["style"]["rlt"]["pruned"] = o.marks;
  if (!o.palette.empty()) json["style"]["rlt"]["palette"] = o.palette;
  if (!o.legend.empty()) json["legend"] = o.legend;
  scene = compose::scene_from_json(json, "options");
  if (o.opacity) scene.style.rlt.opacity = *o.opacity;
  if (o.gain) scene.gain = *o.gain;
  if (o.wipe) scene.wipe = *o.wipe;
  if (o.luma) scene.luma_only = true;
  if (o.no_titles) scene.titles = false;
  if (scene.style.rlt.opacity < 0 || scene.style.rlt.opacity > 1)
    throw bad_input("--opacity", "must lie between 0 and 1");
  if (scene.wipe < 0 || scene.wipe > 1) throw bad_input("--wipe", "must lie between 0 and 1");
  if (!(scene.gain > 0 && scene.gain <= 1000))
    throw bad_input("--gain", "must lie between 0 and 1000");
}

exporting::Request request_of(const Options& o, const CLI::App& app) {
  exporting::Request request;
  request.input = o.input;
  request.output = o.output;
  engine::Settings settings = o.settings.resolve(app);
  if (app.get_option("--clips")->count() == 0 && o.settings.settings_file.empty())
    settings.clip.clips = 0;  // marks on the whole video
  if (!settings.tokens.rlt) settings.tokens.rlt = 0.1f;

  compose::Scene scene = scene_of(o);
  const compose::Layout layout = scene.layout;
  if (o.panes.empty()) {
    request.panes.assign(scene.panes.size(), {"", settings, o.trace});
  } else {
    if (o.panes.size() > 16) throw bad_input("--pane", "at most 16 panes fit");
    std::vector<compose::Pane> panes;
    for (const std::string& text : o.panes) {
      PaneText pane = parse_pane(text, settings);
      compose::Pane shown;
      if (!o.scene.empty() && o.panes.size() == scene.panes.size() && pane.content.empty())
        shown = scene.panes[panes.size()];
      if (!pane.title.empty()) shown.title = pane.title;
      if (pane.content == "handed-on") {
        shown.content = compose::Content::handed_on;
        shown.marks = false;
      } else if (pane.content == "original") {
        shown.marks = false;
      } else if (!pane.content.empty() && pane.content != "marks") {
        throw bad_input("--pane", "content \"" + pane.content + "\" is not known",
                        "choose original, marks or handed-on");
      }
      panes.push_back(shown);
      request.panes.push_back({pane.input, pane.settings, pane.trace});
    }
    if (panes.size() == 1 && layout != compose::Layout::single) {
      request.panes.assign(scene.panes.size(), request.panes[0]);  // one setting, the usual views
    } else {
      scene.panes = panes;
    }
    if ((layout == compose::Layout::wipe || layout == compose::Layout::difference) &&
        scene.panes.size() != 2)
      throw bad_input("--pane", o.layout + " compares two panes");
  }
  apply_overlays(o, scene);
  request.scene = scene;

  request.encoder.codec = o.codec;
  request.encoder.preset = o.encoder_preset;
  request.encoder.quality = o.crf;
  request.encoder.pixel_format = o.pixel_format;
  request.encoder.fps = parse_fps(o.fps);
  if (!o.size.empty()) {
    const auto parts = split(o.size, 'x');
    if (parts.size() != 2) throw bad_input("--output-size", "\"" + o.size + "\" is not WxH");
    request.size = {static_cast<int>(parse_integer(parts[0], "--output-size")),
                    static_cast<int>(parse_integer(parts[1], "--output-size"))};
    if (request.size.width < 16 || request.size.height < 16 || request.size.width > 16384 ||
        request.size.height > 16384)
      throw bad_input("--output-size", "must lie between 16 and 16384 pixels each way");
  }
  parse_range(o.range, request);

  exporting::describe(request, command_of(app, {"looktwice", "export"}));
  return request;
}

int run_export(const Options& o, const CLI::App& app) {
  const exporting::Request request = request_of(o, app);
  const gl::EglContext context;
  const Interrupt interrupt;
  exporting::Report report;
  const auto start = std::chrono::steady_clock::now();
  {
    ProgressLine progress("exporting");
    exporting::Events events;
    events.progress = [&](double f) { progress(f); };
    report = exporting::run(request, events, interrupt.token());
  }
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  std::printf("%s: %lld frames of %dx%d, %s, %.1f frames a second\n", o.output.c_str(),
              static_cast<long long>(report.frames), report.size.width, report.size.height,
              report.encoder.c_str(), double(report.frames) / std::max(seconds, 1e-9));
  return 0;
}

}  // namespace

void add_export(CLI::App& app, Run& run) {
  auto* cmd = app.add_subcommand("export", "render the comparison video, or a picture (.png)");
  auto o = std::make_shared<Options>();
  cmd->add_option("INPUT", o->input, "video file, camera:, screen:, lavfi:, synth: or .safetensors")
      ->required();
  cmd->add_option("-o,--output", o->output,
                  "file to write: .mp4 .mov .mkv .webm .avi .png, or frame_%05d.png")
      ->required();
  cmd->add_option("--layout", o->layout, "single, side-by-side, grid, wipe or difference");
  cmd->add_option("--pane", o->panes,
                  "one pane: options of inspect in one text, with an INPUT, --trace FILE, --title"
                  " and --content original|marks|handed-on; repeat for more")
      ->allow_extra_args(false);
  cmd->add_option("--overlay", o->overlays, "rlt, heat (differences), grid or none; repeatable")
      ->allow_extra_args(false);
  cmd->add_option("--marks", o->marks, "pruned patches: hatch, dim, run_length or none");
  cmd->add_option("--palette", o->palette, "viridis, cividis or inferno");
  cmd->add_option("--opacity", o->opacity, "of the marks, 0 to 1");
  cmd->add_option("--legend", o->legend, "inside, below or none");
  cmd->add_flag("--no-titles", o->no_titles, "leave the panes' titles out");
  cmd->add_option("--wipe", o->wipe, "where the wipe lies, 0 to 1");
  cmd->add_option("--gain", o->gain, "of the difference");
  cmd->add_flag("--luma", o->luma, "difference of luma alone");
  cmd->add_option("--scene", o->scene,
                  "everything about the picture: a JSON file, or the JSON itself");
  cmd->add_option("--trace", o->trace, "take the decisions from a saved trace");
  cmd->add_option("--codec", o->codec, "h264, hevc, vp9, av1, ffv1, prores or png");
  cmd->add_option("--encoder-preset", o->encoder_preset, "the encoder's own speed preset");
  cmd->add_option("--crf", o->crf, "quality of the encoder; lower is better");
  cmd->add_option("--pixel-format", o->pixel_format, "yuv420p (default), yuv444p, rgb, ...");
  cmd->add_option("--fps", o->fps, "constant rate of the output; the input's own by default");
  cmd->add_option("--output-size", o->size, "WxH; every frame 1:1 by default");
  cmd->add_option("--range", o->range, "FIRST:LAST frames of the input, both included");
  add_clip_options(*cmd, o->settings);
  add_token_options(*cmd, o->settings, false);
  add_run_options(*cmd, o->settings);
  cmd->callback([o, cmd, &run] { run = [o, cmd] { return run_export(*o, *cmd); }; });
}

}  // namespace looktwice::cli
