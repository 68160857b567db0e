#include "engine/inspect.h"

#include "engine/open.h"
#include "tokens/rlt.h"

namespace looktwice::engine {

tokens::Grid grid_of(const trace::ClipTrace& clip) {
  return {clip.t, clip.h, clip.w, clip.tubelet, clip.patch};
}

trace::ClipTrace undecided(const frames::Clip& clip, const tokens::Grid& grid) {
  trace::ClipTrace trace;
  trace.t = grid.t;
  trace.h = grid.h;
  trace.w = grid.w;
  trace.tubelet = grid.tubelet;
  trace.patch = grid.patch;
  trace.frame_indices = clip.indices;
  trace.frame_times = clip.times;
  trace.crop_x = clip.crop.x;
  trace.crop_y = clip.crop.y;
  trace.crop_width = clip.crop.width;
  trace.crop_height = clip.crop.height;
  return trace;
}

trace::ClipTrace measure_clip(const frames::Clip& clip, const frames::ClipOptions& options) {
  const tokens::ClipView view{clip.rgb.data(), clip.T, clip.H, clip.W};
  const tokens::Grid grid = tokens::grid_of(view, options.tubelet, options.patch);
  trace::ClipTrace trace = undecided(clip, grid);
  trace.difference = tokens::rlt_differences(view, grid);
  return trace;
}

void decide(trace::ClipTrace& clip, float tau) {
  const tokens::Grid grid = grid_of(clip);
  clip.has_rlt = true;
  clip.tau = tau;
  clip.keep = tokens::rlt_keep(clip.difference, grid, tau);
  clip.run_length = tokens::run_lengths(clip.keep, grid);
}

trace::TokenTrace trace_header(const frames::SourceInfo& info, const std::string& input,
                               const Settings& settings) {
  trace::TokenTrace header;
  header.source = input;
  header.source_width = info.width;
  header.source_height = info.height;
  header.source_fps = info.fps;
  header.settings = to_json(settings);
  return header;
}

trace::TokenTrace inspect(const std::string& input, const Settings& settings,
                          const InspectEvents& events, std::stop_token stop) {
  settings.check();
  const float tau = settings.tokens.rlt.value_or(0.1f);
  const auto source = open_source(input);
  const trace::TokenTrace header = trace_header(source->info(), input, settings);
  if (events.on_start) events.on_start(header);
  const frames::ReadReport report = frames::read_clips(
      *source, settings.clip,
      [&](frames::Clip&& clip) {
        trace::ClipTrace trace = measure_clip(clip, settings.clip);
        decide(trace, tau);
        if (events.on_clip) events.on_clip(std::move(trace));
      },
      events.progress, stop);
  if (events.on_end) events.on_end(report);
  return header;
}

}  // namespace looktwice::engine
