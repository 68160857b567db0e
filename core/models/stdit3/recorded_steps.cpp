// Stacks of STDiT3 as recordings: hundreds of operations that start as one piece. Pays where a step
// is small; on large ones the device is busy for longer than operations take to start.

#include <algorithm>

#include "compute/device_error.h"
#include "compute/recorder.h"
#include "models/stdit3/stdit3.h"

namespace looktwice::models {

using compute::Tensor;

namespace {

constexpr int64_t kMostRecorded = 8192;  // rows
constexpr size_t kStacks = 4;

}  // namespace

/// What a recording's addresses depend on, and what it left behind.
struct RecordedStack {
  PairRange add, keep;
  std::vector<Tap> taps;
  const void* residual_at = nullptr;

  Tensor residual, zero;  // their memory may not go to others
  std::shared_ptr<compute::Recording> recording;
  std::vector<std::pair<Tap, Tensor>> seen;  // residuals of the taps, in the recording's memory
  std::shared_ptr<compute::Stopwatch> watch;
  std::vector<size_t> timed;
  int uses = 0;

  bool same(const RecordedStack& o) const {
    return add == o.add && keep == o.keep && taps == o.taps && residual_at == o.residual_at;
  }
};

bool Stdit3Run::recorded_stack(const StepPlan& plan, const std::vector<Tap>& taps,
                               const Observe& observe) {
  compute::Recorder* recorder = b_.recorder();
  const int depth = model_->config.depth;
  const bool nothing_computed = plan.add_residual.first <= 0 && plan.add_residual.last >= depth;
  if (!recorder || rows() > kMostRecorded || on_intermediate_ || group_of_row_ ||
      !plan.reuse.empty() || !plan.keep.empty() || nothing_computed)
    return false;
  require_residual(plan);

  const int64_t h = model_->config.hidden;
  RecordedStack wanted;
  try {
    if (!recorded_x_ || recorded_x_.rows() != rows()) recorded_x_ = empty(rows(), h);
    if (!recorded_t_mlp_ || recorded_t_mlp_.shape() != t_mlp_.shape())
      recorded_t_mlp_ = empty(t_mlp_.rows(), t_mlp_.cols());
    // The residual stays where it is from step to step, so that keeping and adding it can be
    // recorded apart.
    if (!plan.keep_residual.empty() && !(stack_residual_ && stack_residual_.rows() == rows()))
      stack_residual_ = empty(rows(), h);
  } catch (const compute::DeviceError& e) {
    if (e.kind() != compute::DeviceError::Kind::out_of_memory) throw;
    recorded_.clear();
    recorded_x_ = recorded_t_mlp_ = {};
    return false;
  }
  wanted.add = plan.add_residual;
  wanted.keep = plan.keep_residual;
  wanted.taps = taps;
  wanted.zero = row_zero_;
  if (!plan.add_residual.empty() || !plan.keep_residual.empty()) {
    wanted.residual = stack_residual_;
    wanted.residual_at = stack_residual_.raw();
  }
  auto found = std::find_if(recorded_.begin(), recorded_.end(),
                            [&](const auto& r) { return r->same(wanted); });
  if (found == recorded_.end()) {
    if (recorded_.size() >= kStacks) recorded_.pop_back();
    recorded_.push_front(std::make_shared<RecordedStack>(std::move(wanted)));
  } else {
    recorded_.splice(recorded_.begin(), recorded_, found);
  }
  RecordedStack& stack = *recorded_.front();

  if (x_.raw() != recorded_x_.raw()) b_.copy(recorded_x_, x_);
  b_.copy(recorded_t_mlp_, t_mlp_);
  x_ = recorded_x_;
  t_mlp_ = recorded_t_mlp_;
  if (stack.uses++ == 0) {
    run_stack(plan, taps, observe);
    return true;
  }
  if (!stack.recording) {
    try {
      stack.recording = recorder->record([&] {
        stack.seen.clear();
        run_stack(plan, taps,
                  [&](const Tap& tap, Tensor value) { stack.seen.emplace_back(tap, value); });
      });
      stack.watch = watch_;
      stack.timed = timed_;
    } catch (const compute::DeviceError& e) {
      // A recording keeps memory of its own; without room for it, the stack runs as the first did.
      if (e.kind() != compute::DeviceError::Kind::out_of_memory) throw;
      stack.seen.clear();
      if (stack.residual) stack_residual_ = stack.residual;
      run_stack(plan, taps, observe);
      return true;
    }
  }
  recorder->replay(*stack.recording);
  watch_ = stack.watch;
  timed_ = stack.timed;
  if (!plan.keep_residual.empty()) {
    stack_residual_ = stack.residual;
    stack_range_ = plan.keep_residual;
  }
  for (const auto& [tap, value] : stack.seen) {
    const Tensor own = empty(value.rows(), value.cols());
    b_.copy(own, value);
    observe(tap, own);
  }
  return true;
}

}  // namespace looktwice::models
