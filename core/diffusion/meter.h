#pragma once
// Measures what policies ask for: change and motion of residuals, change of block 0's input,
// sketches. Lives between the model's hooks and the policy's numbers.

#include <optional>
#include <vector>

#include "compute/backend.h"
#include "diffusion/caching/policy.h"

namespace looktwice::diffusion {

class Meter {
 public:
  /// Rows of a residual are (sample, frame, place), `places` a frame.
  Meter(compute::Backend& backend, PolicyNeeds needs, int frames, int places);

  /// Keeps a fixed random subset of `elements` elements of these taps at every step.
  void sketch(const std::vector<models::Tap>& taps, int elements, int steps);
  /// Look at |new-old| per token of the policy's first tap, or of `otherwise` where the policy
  /// watches no residual. Keeps one more residual; nothing is measured before token_change().
  void watch_tokens(const models::Tap& otherwise);

  /// Taps the model must show: those of the policy, of the sketch and of watch_tokens().
  const std::vector<models::Tap>& taps() const { return all_; }
  /// A new residual of step `step`.
  void observe(int step, const models::Tap& tap, const compute::Tensor& residual);
  /// Mean |new-old| / mean |old| of block 0's input; NaN the first time.
  double input_change(const compute::Tensor& input);

  /// Measures of this step's residuals, in the order of the policy's taps; emptied by the call.
  std::vector<TapMeasure> take();
  /// [frames*places] mean over channels of |new-old| of the first sample, against the residual that
  /// was computed last before; empty at steps that did not compute it. Not part of ms().
  std::vector<float> token_change() const;
  double ms() const { return ms_; }
  /// A step begins.
  void begin_step();
  std::optional<trace::StepDistances> distances() const;

 private:
  std::vector<double> motion(const compute::Tensor& residual,
                             const std::vector<int>& strides) const;
  void draw_sketch(int step, size_t tap, const compute::Tensor& residual);

  compute::Backend& b_;
  PolicyNeeds needs_;
  int64_t frames_, places_;
  std::vector<models::Tap> all_;
  std::vector<compute::Tensor> old_;  // per policy tap
  std::vector<TapMeasure> measures_;
  compute::Tensor input_;
  std::optional<models::Tap> watched_;
  compute::Tensor seen_, seen_before_;  // of watched_: the newest, and the one before it
  bool fresh_ = false;                  // seen_ is of this step
  double ms_ = 0;
  // Sketch.
  std::vector<models::Tap> sketched_;
  int elements_ = 0, steps_ = 0;
  compute::Tensor picked_;                             // i32 [elements]
  std::vector<std::vector<std::vector<float>>> kept_;  // [tap][step][element]
  std::vector<std::vector<float>> motions_;            // [tap][step]
};

}  // namespace looktwice::diffusion
