#include "export/generating.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "base/error.h"
#include "base/text.h"
#include "diffusion/predict.h"

namespace looktwice::exporting {
namespace {

using engine::GeneratedRunPtr;

/// Models and runs, each made once.
class Runs {
 public:
  Runs(const std::function<void(double, const std::string&)>& progress, std::stop_token stop)
      : progress_(progress), stop_(std::move(stop)) {}

  const GeneratedRunPtr& of(const engine::Settings& settings) {
    for (const GeneratedRunPtr& run : runs_)
      if (run->settings == settings) return run;
    const engine::Generator& generator = model(settings);
    const std::string what = "generating " + timeline::policy_label(settings.generate.cache);
    engine::RunOptions options;
    options.on_step = [&](const diffusion::StepView& v) {
      say(static_cast<double>(v.record.step) / std::max(1, v.steps), what);
    };
    if (!warm_) engine::warm_up(generator, settings, stop_);
    warm_ = true;
    runs_.push_back(engine::run_video(generator, settings, options, stop_));
    return runs_.back();
  }
  const std::vector<GeneratedRunPtr>& all() const { return runs_; }
  /// The uncached run that differs by the policy alone, null if there is none.
  GeneratedRunPtr reference(const GeneratedRunPtr& run) const {
    for (const GeneratedRunPtr& other : runs_)
      if (other->settings.generate.cache == "none" &&
          engine::comparable(other->settings, run->settings))
        return other;
    return nullptr;
  }

 private:
  const engine::Generator& model(const engine::Settings& s) {
    if (s.model.empty())
      throw bad_input("--pane", "a generating pane needs a model",
                      "write it as \"generate --model DIR …\"");
    if (!generator_ || s.model != folder_ || !(s.run == run_settings_)) {
      generator_.reset();
      engine::policy_of(s.generate);  // a mistyped policy is said before the model is loaded
      generator_ = std::make_unique<engine::Generator>(
          s.model, s.run, [&](double f) { say(f, "loading the model"); }, stop_);
      folder_ = s.model;
      run_settings_ = s.run;
      warm_ = false;
      if (!generator_->model().config.pixel_space())
        throw bad_input(
            "--pane", s.model + " makes latents of a VAE that LookTwice does not have",
            "use a model that works on pixels, or show its trace: --pane \"--trace F\"");
    }
    return *generator_;
  }
  void say(double done, const std::string& what) {
    if (progress_) progress_(done, what);
  }

  const std::function<void(double, const std::string&)>& progress_;
  std::stop_token stop_;
  std::unique_ptr<engine::Generator> generator_;
  std::string folder_;
  engine::RunSettings run_settings_;
  bool warm_ = false;
  std::vector<GeneratedRunPtr> runs_;
};

/// The timeline of runs, with what they gained from end to end.
timeline::ContentPtr with_totals(const timeline::ContentPtr& content, const Runs& runs) {
  auto out = std::make_shared<timeline::Content>(*content);
  for (size_t i = 0; i < out->rows.size() && i < runs.all().size(); ++i) {
    const GeneratedRunPtr &run = runs.all()[i], reference = runs.reference(run);
    if (!reference || reference == run || !(run->total_ms > 0)) continue;
    char text[64];
    std::snprintf(text, sizeof text, " (end to end %.2f×)", reference->total_ms / run->total_ms);
    out->rows[i].note = timeline::summary(*content, static_cast<int>(i)) + text;
  }
  return out;
}

std::vector<std::string> captions_of(const engine::Quality& quality) {
  std::vector<std::string> out;
  for (size_t f = 0; f < quality.psnr.size(); ++f)
    out.push_back(engine::quality_text(quality, static_cast<int>(f)));
  return out;
}

/// The video with its first frame at time 0.
frames::RgbVideoPtr from_zero(const frames::RgbVideoPtr& video) {
  if (!video || video->times.empty() || video->times.front() == 0) return video;
  auto out = std::make_shared<frames::RgbVideo>(*video);
  for (double& t : out->times)
    t -= video->times.front();
  return out;
}

}  // namespace

timeline::TracePtr predicted(const trace::CacheTrace& run, const trace::CacheTrace& uncached) {
  if (!uncached.distances || !run.policy_settings.is_object()) return nullptr;
  diffusion::RunShape shape;
  shape.steps = run.steps;
  shape.depth = run.depth;
  shape.frames = 1 << 20;  // the run has shown that its motion strides fit
  shape.metric_block = uncached.distances->taps.empty() ? 0 : uncached.distances->taps[0].pair;
  for (const trace::CacheStep& s : uncached.run)
    shape.timesteps.push_back(s.t);
  try {
    auto settings = diffusion::policy_from_json(run.policy_settings, "policy_settings");
    settings.text = run.policy;
    return std::make_shared<const trace::CacheTrace>(
        diffusion::predict(settings, shape, *uncached.distances));
  } catch (const Error&) {
    return nullptr;  // a policy that sketches cannot replay
  }
}

timeline::ContentPtr timeline_of(const std::vector<timeline::TracePtr>& traces,
                                 const std::vector<std::string>& labels, bool predict) {
  auto out = std::make_shared<timeline::Content>();
  const trace::CacheTrace* uncached = nullptr;
  for (const timeline::TracePtr& trace : traces)
    if (trace && trace->distances && uncached == nullptr) uncached = trace.get();
  out->curve = -1;
  for (size_t i = 0; i < traces.size(); ++i) {
    timeline::Row row;
    row.run = traces[i];
    if (i < labels.size()) row.label = labels[i];
    const bool decides = row.run && std::any_of(row.run->run.begin(), row.run->run.end(),
                                                [](const auto& s) { return !s.decisions.empty(); });
    if (decides && out->curve < 0) out->curve = static_cast<int>(i);
    if (predict && uncached != nullptr && row.run && row.run.get() != uncached &&
        row.run->steps == uncached->steps)
      row.predicted = predicted(*row.run, *uncached);
    out->rows.push_back(std::move(row));
  }
  if (uncached != nullptr && !uncached->distances->taps.empty())
    out->motion = uncached->distances->taps.front().motion;
  return out;
}

timeline::ContentPtr timeline_of(const std::vector<GeneratedRunPtr>& runs,
                                 const std::vector<std::string>& labels, bool predict) {
  std::vector<timeline::TracePtr> traces;
  for (const GeneratedRunPtr& run : runs)
    traces.push_back(run->trace);
  return timeline_of(traces, labels, predict);
}

std::vector<GeneratedReport> generate_panes(
    Request& request, const std::vector<GeneratedPane>& panes, const GeneratingOptions& options,
    const std::function<void(double, const std::string&)>& progress, std::stop_token stop) {
  Runs runs(progress, std::move(stop));
  // Uncached runs come first: their sketches serve the others, and differences are against them.
  for (const GeneratedPane& pane : panes)
    if (pane.show == GeneratedShow::difference || pane.settings.generate.cache == "none")
      runs.of(engine::uncached(pane.settings));
  std::vector<std::string> labels;
  for (const GeneratedPane& pane : panes) {
    PaneSource& source = request.panes.at(pane.pane);
    std::string& title = request.scene.panes.at(pane.pane).title;
    const GeneratedRunPtr run = runs.of(pane.settings), reference = runs.reference(run);
    labels.resize(runs.all().size());
    const auto at = std::find(runs.all().begin(), runs.all().end(), run) - runs.all().begin();
    if (pane.show == GeneratedShow::difference) {
      source.video = engine::difference_video(*reference->video, *run->video, options.gain);
      if (title.empty()) title = "|difference| × " + number_text(options.gain);
    } else {
      source.video = run->video;
      if (!title.empty())
        labels[static_cast<size_t>(at)] = title;
      else
        title = timeline::policy_label(run->settings.generate.cache);
    }
    if (reference && reference != run && pane.show == GeneratedShow::video)
      source.captions = captions_of(engine::compare(*reference->video, *run->video));
    if (!options.beside_input) source.video = from_zero(source.video);
  }
  // Panes of one run share its frames.
  for (const GeneratedPane& a : panes)
    for (const GeneratedPane& b : panes)
      if (a.pane < b.pane && a.show == b.show && a.settings == b.settings)
        request.panes[b.pane].video = request.panes[a.pane].video;
  if (options.timeline)
    request.timeline = with_totals(timeline_of(runs.all(), labels, options.predict), runs);

  std::vector<GeneratedReport> reports;
  for (const GeneratedRunPtr& run : runs.all()) {
    GeneratedReport report{run, runs.reference(run), {}};
    if (report.reference == run) report.reference = nullptr;
    if (report.reference) report.quality = engine::compare(*report.reference->video, *run->video);
    reports.push_back(std::move(report));
  }
  return reports;
}

Json to_json(const std::vector<GeneratedReport>& reports) {
  Json out = Json::array();
  for (const GeneratedReport& r : reports) {
    const engine::GeneratedRun& run = *r.run;
    Json one = {{"policy", run.trace->policy},
                {"steps", run.trace->steps},
                {"computed_steps", run.trace->computed_steps()},
                {"computed_share", finite(run.trace->computed_share())},
                {"denoiser_ms", finite(run.denoise_ms)},
                {"end_to_end_ms", finite(run.total_ms)}};
    if (r.reference) {
      one["denoiser_speedup"] = finite(r.reference->denoise_ms / run.denoise_ms);
      one["end_to_end_speedup"] = finite(r.reference->total_ms / run.total_ms);
    }
    if (r.quality) {
      Json psnr = Json::array(), ssim = Json::array();
      for (const double v : r.quality->psnr)
        psnr.push_back(finite(v));
      for (const double v : r.quality->ssim)
        ssim.push_back(finite(v));
      one["equal"] = std::isinf(r.quality->psnr_all);
      one["psnr"] = finite(r.quality->psnr_all);
      one["ssim"] = finite(r.quality->ssim_mean);
      one["psnr_per_frame"] = psnr;
      one["ssim_per_frame"] = ssim;
    }
    out.push_back(std::move(one));
  }
  return out;
}

}  // namespace looktwice::exporting
