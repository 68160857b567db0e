#include "runs.h"

namespace looktwice::gui {
namespace {

// The axis of the threshold panel.
constexpr double kLow = 0.001, kHigh = 4;
constexpr int kPoints = 96;

}  // namespace

Runs::Runs(Workspace& workspace, QualityMeter& quality, QObject* parent)
    : QObject(parent), workspace_(workspace), quality_(quality) {}

RunSummary Runs::now() const {
  RunSummary run;
  run.source = workspace_.input();
  run.name = workspace_.status().info.name;
  run.document = workspace_.document();
  run.fps = workspace_.status().info.fps;
  run.rows = clip_rows(workspace_.store(), workspace_.tau(), run.fps);
  run.over_time = kept_over_time(workspace_.store(), workspace_.tau());
  run.by_tau = kept_by_tau(workspace_.store(), kLow, kHigh, kPoints);
  run.quality = quality_.mean();
  return run;
}

void Runs::keep() {
  a_ = now();
  emit changed();
}

void Runs::forget() {
  a_.reset();
  emit changed();
}

void Runs::swap() {
  if (!a_) return;
  RunSummary before = now();
  Document document = a_->document;
  a_ = std::move(before);
  workspace_.seal_change();
  workspace_.change(std::move(document), "Swap A and B");
  emit changed();
}

}  // namespace looktwice::gui
