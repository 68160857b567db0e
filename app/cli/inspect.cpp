// looktwice inspect: RLT's decisions for every clip, model-free.

#include "engine/inspect.h"

#include <cmath>
#include <cstdio>
#include <limits>
#include <memory>

#include "base/error.h"
#include "base/safetensors.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/dumps.h"
#include "cli/interrupt.h"
#include "cli/options.h"
#include "trace/token_trace.h"
#include "trace/trace_file.h"

namespace looktwice::cli {
namespace {

Json clip_json(const trace::ClipTrace& clip) {
  Json kept_by_tubelet = Json::array();
  const size_t per = size_t(clip.h) * clip.w;
  for (int k = 0; k < clip.t; ++k) {
    size_t kept = 0;
    for (size_t i = 0; i < per; ++i)
      kept += clip.keep[k * per + i];
    kept_by_tubelet.push_back(kept);
  }
  return {{"frames", clip.frame_indices},
          {"grid", {clip.t, clip.h, clip.w}},
          {"crop", {clip.crop_x, clip.crop_y, clip.crop_width, clip.crop_height}},
          {"tokens", clip.tokens()},
          {"kept", clip.kept()},
          {"kept_ratio", finite(double(clip.kept()) / double(clip.tokens()))},
          {"kept_by_tubelet", kept_by_tubelet}};
}

struct Options {
  SettingsOptions settings;
  std::string input, json, dump, trace;
};

int inspect(const Options& o, const CLI::App& app) {
  engine::Settings settings = o.settings.resolve(app);
  if (!settings.tokens.rlt) settings.tokens.rlt = 0.1f;

  Json clips = Json::array();
  size_t tokens = 0, kept = 0;
  RltDump dump;
  std::unique_ptr<trace::TokenTraceWriter> writer;
  const bool quiet = o.json == "-";
  trace::TokenTrace header;
  frames::ReadReport report;
  const Interrupt interrupt;
  {
    ProgressLine progress("inspecting");
    engine::InspectEvents events;
    events.on_start = [&](const trace::TokenTrace& h) {
      if (!o.trace.empty()) writer = std::make_unique<trace::TokenTraceWriter>(o.trace, h);
    };
    events.on_clip = [&](trace::ClipTrace&& clip) {
      tokens += clip.tokens();
      kept += clip.kept();
      if (!o.json.empty()) clips.push_back(clip_json(clip));
      if (!o.dump.empty()) dump.add(clip);
      if (writer) writer->append(clip);
    };
    events.on_end = [&](const frames::ReadReport& r) { report = r; };
    events.progress = [&](double f) { progress(f); };
    header = engine::inspect(o.input, settings, events, interrupt.token());
  }
  if (writer) writer->commit();
  if (!o.dump.empty()) {
    TensorDump tensors;
    dump.put(tensors);
    tensors.write(o.dump);
  }
  const double ratio = tokens > 0 ? double(kept) / double(tokens) : 0;
  const std::string command =
      "looktwice inspect " + shell_quote(o.input) + " " + engine::command_options(settings);
  if (!o.json.empty()) {
    Json doc = document("inspect", 1);
    doc["source"] = {{"input", o.input},
                     {"width", header.source_width},
                     {"height", header.source_height},
                     {"fps", finite(header.source_fps)}};
    doc["settings"] = engine::to_json(settings);
    doc["command"] = command;
    doc["tokens"] = tokens;
    doc["kept"] = kept;
    doc["kept_ratio"] = finite(ratio);
    doc["dropped_tail"] = report.dropped_tail;
    doc["clips"] = std::move(clips);
    write_json(o.json, doc);
  }
  if (!quiet)
    std::printf("RLT at τ = %s keeps %zu of %zu tokens (%.1f%%)\n",
                number_text(*settings.tokens.rlt).c_str(), kept, tokens, 100 * ratio);
  if (!quiet && report.dropped_tail > 0)
    std::printf("the last %lld frames are too few for a clip and belong to none\n",
                static_cast<long long>(report.dropped_tail));
  return 0;
}

}  // namespace

void add_inspect(CLI::App& app, Run& run) {
  auto* cmd = app.add_subcommand("inspect", "show which tokens RLT keeps, clip by clip (no model)");
  auto o = std::make_shared<Options>();
  cmd->add_option("INPUT", o->input, "video file, camera:, screen:, lavfi:, synth: or .safetensors")
      ->required();
  add_clip_options(*cmd, o->settings);
  add_token_options(*cmd, o->settings, false);
  add_run_options(*cmd, o->settings);
  cmd->add_option("--json", o->json, "write a JSON document (- for standard output)");
  cmd->add_option("--dump", o->dump, "write arrays as .safetensors");
  cmd->add_option("--trace", o->trace, "write a trace that opens later without the source");
  cmd->callback([o, cmd, &run] { run = [o, cmd] { return inspect(*o, *cmd); }; });
}

}  // namespace looktwice::cli
