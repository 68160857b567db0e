#pragma once
// Measures what policies ask for: change and motion of residuals, change of block 0's input,
// sketches. Lives between the model's hooks and the policy's numbers.

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
  /// Keep |new-old| per token of the first tap.
  void watch_tokens() { watch_tokens_ = true; }

  /// Taps the model must show: those of the policy and of the sketch.
  const std::vector<models::Tap>& taps() const { return all_; }
  /// A new residual of step `step`.
  void observe(int step, const models::Tap& tap, const compute::Tensor& residual);
  /// Mean |new-old| / mean |old| of block 0's input; NaN the first time.
  double input_change(const compute::Tensor& input);

  /// Measures of this step's residuals, in the order of the policy's taps; emptied by the call.
  std::vector<TapMeasure> take();
  const std::vector<float>& token_change() const { return token_change_; }
  double ms() const { return ms_; }
  void reset_ms() { ms_ = 0; }
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
  bool watch_tokens_ = false;
  std::vector<float> token_change_;
  double ms_ = 0;
  // Sketch.
  std::vector<models::Tap> sketched_;
  int elements_ = 0, steps_ = 0;
  compute::Tensor picked_;                             // i32 [elements]
  std::vector<std::vector<std::vector<float>>> kept_;  // [tap][step][element]
  std::vector<std::vector<float>> motions_;            // [tap][step]
};

}  // namespace looktwice::diffusion
