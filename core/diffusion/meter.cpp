#include "diffusion/meter.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <utility>

#include "diffusion/noise.h"

namespace looktwice::diffusion {
namespace {

using compute::Tensor;
using models::Tap;

class Stopwatch {
 public:
  explicit Stopwatch(double& ms) : ms_(ms), start_(std::chrono::steady_clock::now()) {}
  ~Stopwatch() {
    ms_ += std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start_)
               .count();
  }

 private:
  double& ms_;
  std::chrono::steady_clock::time_point start_;
};

double change(const compute::Comparison& c, Norm norm) {
  switch (norm) {
    case Norm::l1:
      return c.l1_difference / c.l1_a;
    case Norm::l2:
      return c.l2_difference / c.l2_a;
    case Norm::cosine:
      return 1.0 - c.dot / (c.l2_a * c.l2_b);
  }
  return 0;
}

}  // namespace

Meter::Meter(compute::Backend& backend, PolicyNeeds needs, int frames, int places)
    : b_(backend),
      needs_(std::move(needs)),
      frames_(frames),
      places_(places),
      all_(needs_.taps),
      old_(needs_.taps.size()) {}

void Meter::sketch(const std::vector<Tap>& taps, int elements, int steps) {
  sketched_ = taps;
  elements_ = elements;
  steps_ = steps;
  kept_.assign(taps.size(), std::vector<std::vector<float>>(static_cast<size_t>(steps)));
  motions_.assign(taps.size(), std::vector<float>(static_cast<size_t>(steps), std::nanf("")));
  for (const Tap& tap : taps)
    if (std::find(all_.begin(), all_.end(), tap) == all_.end()) all_.push_back(tap);
}

void Meter::watch_tokens(const Tap& otherwise) {
  watched_ = needs_.taps.empty() ? otherwise : needs_.taps.front();
  if (std::find(all_.begin(), all_.end(), *watched_) == all_.end()) all_.push_back(*watched_);
}

void Meter::begin_step() {
  ms_ = 0;
  fresh_ = false;
}

std::vector<float> Meter::token_change() const {
  std::vector<float> out;
  if (!fresh_ || !seen_before_ || seen_before_.rows() != seen_.rows()) return out;
  const int64_t rows = frames_ * places_, cols = seen_.cols();
  const std::vector<float> old = b_.download_f32(seen_before_.row_range(0, rows));
  const std::vector<float> now = b_.download_f32(seen_.row_range(0, rows));
  out.reserve(static_cast<size_t>(rows));
  for (int64_t r = 0; r < rows; ++r) {
    double sum = 0;
    for (auto i = static_cast<size_t>(r * cols); i < static_cast<size_t>((r + 1) * cols); ++i)
      sum += std::fabs(now[i] - old[i]);
    out.push_back(static_cast<float>(sum / static_cast<double>(cols)));
  }
  return out;
}

void Meter::observe(int step, const Tap& tap, const Tensor& residual) {
  if (watched_ && *watched_ == tap) {
    seen_before_ = std::exchange(seen_, residual);
    fresh_ = true;
  }
  const Stopwatch watch(ms_);
  for (size_t i = 0; i < sketched_.size(); ++i)
    if (sketched_[i] == tap) draw_sketch(step, i, residual);
  for (size_t i = 0; i < needs_.taps.size(); ++i) {
    if (!(needs_.taps[i] == tap)) continue;
    Tensor& old = old_[i];
    if (old && old.rows() == residual.rows()) {
      measures_.push_back({tap, change(b_.compare(old, residual), needs_.norm),
                           motion(residual, needs_.motion_strides)});
    }
    old = residual;
  }
}

/// |R[i:]-R[:-i]| / (|R[i:]|+|R[:-i]|) over frames, summed over all samples.
std::vector<double> Meter::motion(const Tensor& residual, const std::vector<int>& strides) const {
  std::vector<double> out;
  const int64_t per_sample = frames_ * places_, samples = residual.rows() / per_sample;
  for (const int stride : strides) {
    double difference = 0, size = 0;
    const int64_t count = (frames_ - stride) * places_;
    for (int64_t s = 0; s < samples; ++s) {
      const auto c = b_.compare(residual.row_range(s * per_sample + stride * places_, count),
                                residual.row_range(s * per_sample, count));
      difference += c.l1_difference;
      size += c.l1_a + c.l1_b;
    }
    out.push_back(difference / size);
  }
  return out;
}

double Meter::input_change(const Tensor& input) {
  const Stopwatch watch(ms_);
  double out = std::nan("");
  if (input_ && input_.rows() == input.rows()) out = change(b_.compare(input_, input), Norm::l1);
  input_ = input;
  return out;
}

std::vector<TapMeasure> Meter::take() {
  return std::exchange(measures_, {});
}

void Meter::draw_sketch(int step, size_t tap, const Tensor& residual) {
  if (!picked_) {
    std::vector<int32_t> indices;
    const auto count = static_cast<uint64_t>(residual.elements());
    elements_ = static_cast<int>(std::min<uint64_t>(count, static_cast<uint64_t>(elements_)));
    for (int i = 0; i < elements_; ++i)
      indices.push_back(
          static_cast<int32_t>(splitmix64(0x5ce7c4, static_cast<uint64_t>(i)) % count));
    std::sort(indices.begin(), indices.end());
    picked_ = b_.indices(indices);
  }
  const Tensor values = b_.empty({elements_, 1}, residual.dtype());
  b_.gather_rows(values, residual.reshape({residual.elements(), 1}), picked_);
  kept_[tap][static_cast<size_t>(step) - 1] = b_.download_f32(values);
  if (frames_ > 1)
    motions_[tap][static_cast<size_t>(step) - 1] = static_cast<float>(motion(residual, {1})[0]);
}

std::optional<trace::StepDistances> Meter::distances() const {
  if (sketched_.empty()) return std::nullopt;
  trace::StepDistances out;
  out.steps = steps_;
  out.elements = elements_;
  const size_t n = static_cast<size_t>(steps_);
  for (size_t t = 0; t < sketched_.size(); ++t) {
    for (const auto& step : kept_[t])
      if (step.empty()) return std::nullopt;  // a step was not computed
    trace::StepDistances::Tap tap;
    tap.pair = sketched_[t].pair;
    tap.temporal = sketched_[t].temporal;
    tap.residual = sketched_[t].residual == models::Residual::attention ? "attention" : "cross-mlp";
    tap.motion = motions_[t];
    tap.l1.resize(n * n);
    tap.l2.resize(n * n);
    tap.cosine.resize(n * n);
    std::vector<double> l1(n), l2(n);
    for (size_t i = 0; i < n; ++i) {
      for (const float v : kept_[t][i]) {
        l1[i] += std::fabs(v);
        l2[i] += static_cast<double>(v) * v;
      }
      l2[i] = std::sqrt(l2[i]);
    }
    for (size_t i = 0; i < n; ++i) {
      for (size_t j = i + 1; j < n; ++j) {
        double d1 = 0, d2 = 0, dot = 0;
        for (size_t e = 0; e < kept_[t][i].size(); ++e) {
          const double a = kept_[t][i][e], b = kept_[t][j][e];
          d1 += std::fabs(a - b);
          d2 += (a - b) * (a - b);
          dot += a * b;
        }
        d2 = std::sqrt(d2);
        const float cosine = static_cast<float>(1.0 - dot / (l2[i] * l2[j]));
        tap.l1[i * n + j] = static_cast<float>(d1 / l1[i]);
        tap.l1[j * n + i] = static_cast<float>(d1 / l1[j]);
        tap.l2[i * n + j] = static_cast<float>(d2 / l2[i]);
        tap.l2[j * n + i] = static_cast<float>(d2 / l2[j]);
        tap.cosine[i * n + j] = tap.cosine[j * n + i] = cosine;
      }
    }
    out.taps.push_back(std::move(tap));
  }
  return out;
}

}  // namespace looktwice::diffusion
