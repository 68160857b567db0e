#pragma once
// Panes that show what a video diffusion transformer makes: runs them and turns runs into frames,
// captions and a timeline, which the comparison video then draws like any other.

#include <functional>
#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "engine/generated.h"
#include "export/comparison.h"

namespace looktwice::exporting {

enum class GeneratedShow {
  video,       ///< what the run made
  difference,  ///< against the same run without caching
};

/// One pane of a request that is to be generated.
struct GeneratedPane {
  size_t pane = 0;  ///< of Request::panes
  engine::Settings settings;
  GeneratedShow show = GeneratedShow::video;
};

struct GeneratingOptions {
  bool timeline = true;  ///< fills Request::timeline
  bool predict = false;  ///< ghosts the schedule predicted from the sketches over every run
  double gain = 4;       ///< of differences
  /// The input is shown beside the videos: they keep the times that their clips have in it.
  bool beside_input = false;
};

/// A run and how it compares with the one without caching, where there is one.
struct GeneratedReport {
  engine::GeneratedRunPtr run, reference;
  std::optional<engine::Quality> quality;
};

/// Runs all panes, each setting once, uncached ones first, and completes `request`: videos, titles
/// (where they are empty), captions with PSNR and SSIM of every frame, timeline. Returns what was
/// run, uncached first. Models that make latents of a VAE cannot be shown: Error(input). Throws
/// Error, Cancelled. `progress` gets 0..1 and what is going on.
std::vector<GeneratedReport> generate_panes(
    Request& request, const std::vector<GeneratedPane>& panes, const GeneratingOptions& options,
    const std::function<void(double, const std::string&)>& progress = {},
    std::stop_token stop = {});

/// The timeline of finished runs: rows in their order, curve and motion of the first policy that
/// measures. `labels` [runs] may hold empty ones.
timeline::ContentPtr timeline_of(const std::vector<engine::GeneratedRunPtr>& runs,
                                 const std::vector<std::string>& labels = {}, bool predict = false);
/// The same of saved traces.
timeline::ContentPtr timeline_of(const std::vector<timeline::TracePtr>& traces,
                                 const std::vector<std::string>& labels = {}, bool predict = false);

/// The schedule that the sketches of `uncached` predict for `run`'s policy; null where they cannot.
timeline::TracePtr predicted(const trace::CacheTrace& run, const trace::CacheTrace& uncached);

/// Numbers of the runs for a JSON report.
Json to_json(const std::vector<GeneratedReport>& reports);

}  // namespace looktwice::exporting
