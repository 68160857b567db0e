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
#include "cli/export_timeline.h"
#include "cli/interrupt.h"
#include "cli/options.h"
#include "engine/classify.h"
#include "export/command.h"
#include "export/comparison.h"
#include "export/generating.h"
#include "gl/context.h"

namespace looktwice::cli {
namespace {

struct Options {
  SettingsOptions settings;
  std::string input, output, layout = "side-by-side", codec, encoder_preset, range, size, scene;
  std::string marks, palette, legend, pixel_format, fps, json, detail;
  std::vector<std::string> panes, overlays, traces;
  std::optional<double> crf, opacity, gain, wipe;
  std::optional<int> layer;
  std::string merge_view;
  bool luma = false, no_titles = false, predict = false, light = false;

  bool overlay(const char* name) const {
    return std::find(overlays.begin(), overlays.end(), name) != overlays.end();
  }
};

/// A request, and what has to be generated for it first.
struct Work {
  exporting::Request request;
  std::vector<exporting::GeneratedPane> generated;
  exporting::GeneratingOptions options;
  std::vector<timeline::TracePtr> saved;  ///< cache traces of earlier runs
  std::vector<std::string> labels;        ///< of them
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
      } else if (name == "tome") {
        style.merges.visible = true;
      } else if (name == "sizes") {
        style.sizes.visible = true;
      } else if (name == "heat") {
        style.difference.visible = true;
      } else if (name == "grid") {
        style.grid.visible = true;
      } else if (name == "none") {
        style.crop.visible = false;
      } else if (name == "distances") {
        throw bad_input("--overlay", "distances are a picture of their own",
                        "leave INPUT out: export -o FILE.png --trace FILE --overlay distances");
      } else if (name != "cache") {
        throw bad_input("--overlay", "\"" + name + "\" is not an overlay",
                        "choose rlt, tome, sizes, heat, grid, cache or none");
      }
    }
  }
  Json json = compose::to_json(scene);
  if (!o.marks.empty()) json["style"]["rlt"]["pruned"] = o.marks;
  if (!o.palette.empty()) {
    json["style"]["rlt"]["palette"] = o.palette;
    json["style"]["sizes"]["palette"] = o.palette;
  }
  if (!o.merge_view.empty()) json["style"]["merges"]["view"] = o.merge_view;
  if (o.layer) json["style"]["merges"]["layer"] = *o.layer;
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

/// Takes cache traces out of `traces`: they belong beneath the panes.
void take_cache_traces(std::vector<std::string>& traces, const std::string& label, Work& work) {
  std::erase_if(traces, [&](const std::string& file) {
    if (file.empty() || !trace::is_cache_trace(file)) return false;
    work.saved.push_back(std::make_shared<const trace::CacheTrace>(trace::load_cache_trace(file)));
    work.labels.push_back(label);
    return true;
  });
}

/// A pane that is to be generated, and what stands in the scene for it.
void add_generated(Work& work, std::vector<compose::Pane>& panes, const engine::Settings& settings,
                   exporting::GeneratedShow show, const std::string& title) {
  work.generated.push_back({work.request.panes.size(), settings, show});
  work.request.panes.push_back({"", settings, "", nullptr});
  compose::Pane pane;
  pane.marks = false;
  pane.title = title;
  panes.push_back(pane);
}

/// One generating pane alone: beside the input with its marks, or beside the same run without
/// caching.
void add_usual_views(Work& work, std::vector<compose::Pane>& panes, compose::Layout layout,
                     const engine::Settings& input, const PaneText& pane) {
  using exporting::GeneratedShow;
  if (!work.request.input.empty()) {
    work.request.panes.push_back({"", input, "", nullptr});
    panes.push_back({});
    add_generated(work, panes, pane.settings, GeneratedShow::video, pane.title);
    return;
  }
  if (layout != compose::Layout::single)
    add_generated(work, panes, engine::uncached(pane.settings), GeneratedShow::video, "");
  add_generated(work, panes, pane.settings, GeneratedShow::video, pane.title);
  if (layout == compose::Layout::side_by_side || layout == compose::Layout::grid)
    add_generated(work, panes, pane.settings, GeneratedShow::difference, "");
}

Work work_of(const Options& o, const CLI::App& app) {
  Work work;
  exporting::Request& request = work.request;
  request.input = o.input;
  request.output = o.output;
  engine::Settings made_for;
  if (!o.settings.settings.model.empty())
    made_for = engine::model_defaults(o.settings.settings.model);
  engine::Settings settings = o.settings.resolve(app, made_for);
  if (app.get_option("--clips")->count() == 0 && o.settings.settings_file.empty())
    settings.clip.clips = 0;  // marks on the whole video
  if (!settings.tokens.rlt && settings.model.empty()) settings.tokens.rlt = 0.1f;

  compose::Scene scene = scene_of(o);
  const compose::Layout layout = scene.layout;
  std::vector<std::string> traces = o.traces;
  take_cache_traces(traces, "", work);
  if (traces.size() > 1)
    throw bad_input("--trace", "is given twice", "one trace decides; give others to --pane");
  const std::string trace = traces.empty() ? "" : traces.front();
  if (o.panes.empty()) {
    if (o.input.empty()) throw bad_input("INPUT", "is missing", "give a video, or a --pane");
    request.panes.assign(scene.panes.size(), {"", settings, trace, nullptr});
  } else {
    if (o.panes.size() > 16) throw bad_input("--pane", "at most 16 panes fit");
    std::vector<compose::Pane> panes;
    engine::Settings base = settings;
    base.generate.from = o.input;
    bool usual = false;
    for (const std::string& text : o.panes) {
      PaneText pane = parse_pane(text, base);
      if (pane.generates) {
        if (!pane.content.empty() && pane.content != "marks" && pane.content != "difference")
          throw bad_input("--pane", "content \"" + pane.content + "\" is not known",
                          "a generating pane shows its video, or --content difference");
        const bool difference = pane.content == "difference";
        usual = o.panes.size() == 1 && !difference;
        if (usual)
          add_usual_views(work, panes, layout, settings, pane);
        else
          add_generated(
              work, panes, pane.settings,
              difference ? exporting::GeneratedShow::difference : exporting::GeneratedShow::video,
              pane.title);
        continue;
      }
      pane.settings.generate = {};
      std::vector<std::string> own{pane.trace};
      take_cache_traces(own, pane.title, work);
      pane.trace = own.empty() ? "" : own.front();
      if (o.input.empty() && pane.input.empty())
        throw bad_input("--pane", "\"" + text + "\" has no input",
                        "name one in it, or give the export's INPUT");
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
      request.panes.push_back({pane.input, pane.settings, pane.trace, nullptr});
    }
    if (usual) {
      scene.panes = panes;
    } else if (panes.size() == 1 && work.generated.empty() && layout != compose::Layout::single) {
      request.panes.assign(scene.panes.size(), request.panes[0]);  // one setting, the usual views
    } else {
      scene.panes = panes;
    }
    if ((layout == compose::Layout::wipe || layout == compose::Layout::difference) &&
        scene.panes.size() != 2)
      throw bad_input("--pane", o.layout + " compares two panes");
  }
  const bool merges = std::ranges::any_of(
      o.overlays, [](const std::string& name) { return name == "tome" || name == "sizes"; });
  const bool modelled = std::ranges::any_of(request.panes, [](const exporting::PaneSource& pane) {
    return !pane.settings.model.empty() || !pane.trace_file.empty();
  });
  if (merges && !modelled)
    throw bad_input("--overlay", "merge groups are made by a model",
                    "give --model DIR, or --trace FILE of a run of one");
  if (merges && o.panes.empty() && scene.panes.size() == 2 && o.scene.empty() &&
      layout != compose::Layout::difference) {
    // The picture beside its groups: what RLT hands on is not the question.
    scene.panes = {compose::Pane{}, compose::Pane{}};
    scene.panes[0].marks = false;
  }
  apply_overlays(o, scene);
  if (!o.overlays.empty()) scene.timeline = o.overlay("cache");
  request.scene = scene;
  work.options.timeline = scene.timeline;
  work.options.predict = o.predict;
  work.options.gain = scene.gain;
  work.options.beside_input = work.generated.size() < request.panes.size();

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
  return work;
}

/// Runs what panes show, and completes the request with it.
std::vector<exporting::GeneratedReport> generate(const Options& o, Work& work,
                                                 const std::stop_token& stop) {
  exporting::Request& request = work.request;
  std::vector<exporting::GeneratedReport> reports;
  if (!work.generated.empty()) {
    ProgressLine line("");
    reports = exporting::generate_panes(
        request, work.generated, work.options,
        [&](double f, const std::string& what) {
          line.say(what + " " + std::to_string(static_cast<int>(100 * f)) + "%");
        },
        stop);
    // The part of the input that was denoised, unless another one was asked for.
    for (const exporting::GeneratedPane& pane : work.generated) {
      const engine::Settings& s = pane.settings;
      if (!o.range.empty() || o.input.empty() || s.generate.from != o.input) continue;
      request.first = s.clip.start;
      request.last =
          s.clip.start + int64_t{request.panes[pane.pane].video->frames()} * s.clip.stride - 1;
    }
  }
  if (request.scene.timeline && !work.saved.empty()) {
    std::vector<timeline::TracePtr> traces = work.saved;
    std::vector<std::string> labels = work.labels;
    if (request.timeline)
      for (const timeline::Row& row : request.timeline->rows) {
        traces.push_back(row.run);
        labels.push_back(row.label);
      }
    request.timeline = exporting::timeline_of(traces, labels, o.predict);
  }
  // The input alone above the timeline of its denoising.
  if (request.scene.layout == compose::Layout::single && request.panes.size() > 1) {
    request.panes.resize(1);
    request.scene.panes.resize(1);
  }
  for (const exporting::GeneratedReport& r : reports) {
    std::printf("%s: %zu of %d steps computed, denoiser %.0f ms", r.run->trace->policy.c_str(),
                r.run->trace->computed_steps().size(), r.run->trace->steps, r.run->denoise_ms);
    if (r.reference)
      std::printf(", %s, %s", engine::speed_text(*r.reference, *r.run).c_str(),
                  engine::quality_text(*r.quality).c_str());
    std::printf("\n");
  }
  return reports;
}

/// No input and nothing to generate: traces alone make a picture.
int run_timeline_picture(const Options& o) {
  TimelinePicture picture;
  picture.traces = o.traces;
  picture.labels.assign(o.traces.size(), "");
  for (const std::string& text : o.panes) {
    const PaneText pane = parse_pane(text, {});
    if (pane.trace.empty()) continue;
    picture.traces.push_back(pane.trace);
    picture.labels.push_back(pane.title);
  }
  picture.output = o.output;
  picture.size = o.size;
  picture.detail = o.detail;
  picture.light = o.light;
  picture.predict = o.predict;
  picture.matrix = o.overlay("distances");
  write_timeline_picture(picture);
  return 0;
}

/// True where no pane has frames to show.
bool only_traces(const Options& o) {
  if (!o.input.empty()) return false;
  return std::none_of(o.panes.begin(), o.panes.end(), [](const std::string& text) {
    const PaneText pane = parse_pane(text, {});
    return pane.generates || !pane.input.empty();
  });
}

int run_export(const Options& o, const CLI::App& app) {
  if (only_traces(o)) return run_timeline_picture(o);
  Work work = work_of(o, app);
  const Interrupt interrupt;
  const auto reports = generate(o, work, interrupt.token());
  const exporting::Request& request = work.request;
  const gl::EglContext context;
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
  std::printf("%s: %lld %s, %s, %.1f frames a second\n", o.output.c_str(),
              static_cast<long long>(report.frames), report.frames == 1 ? "frame" : "frames",
              report.encoder.c_str(), double(report.frames) / std::max(seconds, 1e-9));
  if (!o.json.empty()) {
    Json doc = document("export-report", 1);
    doc["output"] = o.output;
    doc["frames"] = report.frames;
    doc["width"] = report.size.width;
    doc["height"] = report.size.height;
    doc["encoder"] = report.encoder;
    doc["generated"] = exporting::to_json(reports);
    write_json(o.json, doc);
  }
  return 0;
}

}  // namespace

void add_export(CLI::App& app, Run& run) {
  auto* cmd = app.add_subcommand("export", "render the comparison video, or a picture (.png)");
  auto o = std::make_shared<Options>();
  cmd->add_option("INPUT", o->input,
                  "video file, camera:, screen:, lavfi:, synth: or .safetensors; may be left out "
                  "where every pane is generated, and for a picture of cache traces");
  cmd->add_option("-o,--output", o->output,
                  "file to write: .mp4 .mov .mkv .webm .avi .png, or frame_%05d.png")
      ->required();
  cmd->add_option("--layout", o->layout, "single, side-by-side, stack, grid, wipe or difference");
  cmd->add_option("--pane", o->panes,
                  "one pane: options of inspect or classify in one text, with an INPUT, --trace "
                  "FILE, --title"
                  " and --content original|marks|handed-on; or options of generate, where"
                  " --strength alone denoises INPUT and --content difference shows what caching"
                  " changed; repeat for more")
      ->allow_extra_args(false);
  cmd->add_option("--overlay", o->overlays,
                  "rlt, tome (merge groups), sizes (of groups), heat (differences), grid, cache "
                  "(the timeline beneath) or none; repeatable."
                  " Without INPUT also distances: the steps' distances of a --trace")
      ->allow_extra_args(false);
  cmd->add_option("--marks", o->marks, "pruned patches: hatch, dim, run_length or none");
  cmd->add_option("--merge-view", o->merge_view,
                  "merge groups: groups (mean colour and border) or outlines");
  cmd->add_option("--layer", o->layer, "merge groups as they are after this layer (the last)");
  cmd->add_option("--palette", o->palette, "viridis, cividis or inferno");
  cmd->add_option("--opacity", o->opacity, "of the marks, 0 to 1");
  cmd->add_option("--legend", o->legend, "inside, below or none");
  cmd->add_flag("--no-titles", o->no_titles, "leave the panes' titles out");
  cmd->add_option("--wipe", o->wipe, "where the wipe lies, 0 to 1");
  cmd->add_option("--gain", o->gain, "of the difference");
  cmd->add_flag("--luma", o->luma, "difference of luma alone");
  cmd->add_option("--scene", o->scene,
                  "everything about the picture: a JSON file, or the JSON itself");
  cmd->add_option("--trace", o->traces,
                  "take the decisions from a saved trace; cache traces are drawn beneath, and may "
                  "be several")
      ->allow_extra_args(false);
  cmd->add_flag("--predict", o->predict,
                "ghost the schedule that an uncached run's sketches predict over the real ones");
  cmd->add_option("--detail", o->detail, "of a timeline picture: run, blocks or modules");
  cmd->add_flag("--light", o->light, "of a timeline picture: on a light ground");
  cmd->add_option(
      "--json", o->json,
      "write size, speed and, of generated panes, PSNR and SSIM (- for standard output)");
  cmd->add_option("--codec", o->codec, "h264, hevc, vp9, av1, ffv1, prores or png");
  cmd->add_option("--encoder-preset", o->encoder_preset, "the encoder's own speed preset");
  cmd->add_option("--crf", o->crf, "quality of the encoder; lower is better");
  cmd->add_option("--pixel-format", o->pixel_format, "yuv420p (default), yuv444p, rgb, ...");
  cmd->add_option("--fps", o->fps, "constant rate of the output; the input's own by default");
  cmd->add_option("--output-size", o->size, "WxH; every frame 1:1 by default");
  cmd->add_option("--range", o->range, "FIRST:LAST frames of the input, both included");
  add_clip_options(*cmd, o->settings);
  add_token_options(*cmd, o->settings, true);
  add_run_options(*cmd, o->settings);
  cmd->callback([o, cmd, &run] { run = [o, cmd] { return run_export(*o, *cmd); }; });
}

}  // namespace looktwice::cli
