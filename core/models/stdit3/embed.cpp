// What comes before the blocks of STDiT3: patches, positions, time and caption.

#include <algorithm>
#include <cmath>
#include <map>

#include "base/error.h"
#include "compute/threads.h"
#include "models/stdit3/stdit3.h"

namespace looktwice::models {

using compute::Activation;
using compute::Segments;
using compute::Tensor;

void sinusoid(float value, int n, float* to) {
  const int half = n / 2;
  for (int j = 0; j < half; ++j) {
    // Rounded to float32 where the published code has float32 values, so that large t agree.
    const float frequency = static_cast<float>(std::exp(-std::log(10000.0) * j / half));
    const float angle = value * frequency;
    to[j] = static_cast<float>(std::cos(static_cast<double>(angle)));
    to[half + j] = static_cast<float>(std::sin(static_cast<double>(angle)));
  }
}

std::vector<float> position_table(int gh, int gw, int hidden, double scale) {
  const double base = std::round(std::sqrt(static_cast<double>(gh) * gw));
  const int half = hidden / 2, quarter = hidden / 4;
  std::vector<float> out(static_cast<size_t>(gh) * static_cast<size_t>(gw) *
                         static_cast<size_t>(hidden));
  for (int y = 0; y < gh; ++y) {
    for (int x = 0; x < gw; ++x) {
      float* row =
          out.data() + (static_cast<size_t>(y) * static_cast<size_t>(gw) + static_cast<size_t>(x)) *
                           static_cast<size_t>(hidden);
      for (int side = 0; side < 2; ++side) {
        const double position = side == 0 ? x / scale * (base / gw) : y / scale * (base / gh);
        for (int j = 0; j < quarter; ++j) {
          const double angle = position * std::pow(10000.0, -2.0 * j / half);
          row[side * half + j] = static_cast<float>(std::sin(angle));
          row[side * half + quarter + j] = static_cast<float>(std::cos(angle));
        }
      }
    }
  }
  return out;
}

Stdit3Run::Stdit3Run(Stdit3Ptr model, Stdit3Inputs inputs, Intermediate on_intermediate)
    : model_(std::move(model)),
      b_(*model_->backend),
      in_(std::move(inputs)),
      on_intermediate_(std::move(on_intermediate)) {
  check_inputs();
  const Stdit3Config& c = model_->config;
  gh_ = (in_.height + c.patch[1] - 1) / c.patch[1];
  gw_ = (in_.width + c.patch[2] - 1) / c.patch[2];
  s_ = gh_ * gw_;
  if (static_cast<int64_t>(in_.batch) * in_.frames * gh_ * gw_ > (int64_t{1} << 26))
    throw bad_input("noise", "has too many tokens for one batch", "use a smaller video");
  const double scale = std::sqrt(in_.pixel_height * in_.pixel_width) / c.input_sq_size;
  positions_ = b_.upload(Tensor::of(position_table(gh_, gw_, c.hidden, scale), {s_, c.hidden}));
  const int half = c.head_dim() / 2;
  std::vector<float> cosines, sines;
  for (int t = 0; t < in_.frames; ++t) {
    for (int j = 0; j < half; ++j) {
      const float angle = static_cast<float>(t) * model_->rope[static_cast<size_t>(j)];
      cosines.push_back(static_cast<float>(std::cos(static_cast<double>(angle))));
      sines.push_back(static_cast<float>(std::sin(static_cast<double>(angle))));
    }
  }
  cos_ = b_.upload(Tensor::of(cosines, {in_.frames, half}));
  sin_ = b_.upload(Tensor::of(sines, {in_.frames, half}));
  kept_.resize(static_cast<size_t>(c.depth) * 2 * kModules);
  embed_caption();
}

void Stdit3Run::check_inputs() const {
  const Stdit3Config& c = model_->config;
  if (in_.batch < 1 || in_.frames < 1 || in_.height < 1 || in_.width < 1)
    throw bad_input("noise", "has an empty axis", "its shape is [1, C, T, H, W]");
  if (!(in_.pixel_height > 0) || !(in_.pixel_width > 0) || !std::isfinite(in_.pixel_height) ||
      !std::isfinite(in_.pixel_width))
    throw bad_input("height, width", "the video's size in pixels is not positive");
  const auto& shape = in_.caption.shape();
  if (shape.size() != 3 || shape[0] != in_.batch)
    throw bad_input("caption", "has shape " + compute::shape_text(shape),
                    "it must be [1, n, " + std::to_string(c.caption_channels) + "]");
  if (shape[2] != c.caption_channels)
    throw bad_input("caption", "has " + std::to_string(shape[2]) + " channels",
                    "the model takes " + std::to_string(c.caption_channels));
  if (shape[1] > c.caption_tokens)
    throw bad_input("caption", "has " + std::to_string(shape[1]) + " tokens, too long",
                    "the model takes at most " + std::to_string(c.caption_tokens));
  if (in_.caption_mask.size() != static_cast<size_t>(shape[0] * shape[1]))
    throw bad_input("caption_mask", "does not fit the caption", "it must be [1, n]");
  if (in_.fps.size() != static_cast<size_t>(in_.batch))
    throw bad_input("fps", "has " + std::to_string(in_.fps.size()) + " values for " +
                               std::to_string(in_.batch) + " samples");
  for (const float f : in_.fps)
    if (!(f > 0) || !std::isfinite(f)) throw bad_input("fps", "is not a positive number");
  if (!in_.frame_mask.empty() &&
      in_.frame_mask.size() != static_cast<size_t>(in_.batch) * static_cast<size_t>(in_.frames))
    throw bad_input("frame_mask", "does not fit the latents", "it must be [1, T]");
}

void Stdit3Run::embed_caption() {
  const int64_t n = in_.caption.dim(1), width = in_.caption.dim(2);
  const float* rows = in_.caption.data<float>();
  std::vector<float> packed;
  for (int b = 0; b < in_.batch; ++b) {
    int32_t length = 0;
    for (int64_t i = 0; i < n; ++i) {
      const int64_t at = b * n + i;
      if (!in_.caption_mask[static_cast<size_t>(at)]) continue;
      packed.insert(packed.end(), rows + at * width, rows + (at + 1) * width);
      ++length;
    }
    if (length == 0) throw bad_input("caption_mask", "masks every token out", "leave at least one");
    caption_lengths_.push_back(length);
  }
  const int64_t count = static_cast<int64_t>(packed.size()) / width;
  const Tensor host = Tensor::of(packed, {count, width});
  const Tensor hidden = scratch(count, model_->config.hidden);
  b_.linear(hidden, b_.upload(host, b_.dtype()), *model_->y_fc1,
            {.activation = Activation::gelu_tanh, .residual = {}, .gate = {}, .group_of_row = {}});
  caption_ = scratch(count, model_->config.hidden);
  b_.linear(caption_, hidden, *model_->y_fc2);
  show("y_packed", caption_);
  cross_kv_.assign(static_cast<size_t>(model_->config.depth) * 2, {});
}

Tensor Stdit3Run::sinusoid_mlp(const std::vector<float>& values, const compute::PreparedLinear& fc1,
                               const compute::PreparedLinear& fc2) const {
  const int n = model_->frequencies;
  const auto count = static_cast<int64_t>(values.size());
  std::vector<float> rows(values.size() * static_cast<size_t>(n));
  for (size_t i = 0; i < values.size(); ++i)
    sinusoid(values[i], n, rows.data() + i * static_cast<size_t>(n));
  const Tensor hidden = empty(count, model_->config.hidden);
  b_.linear(hidden, b_.upload(Tensor::of(rows, {count, n})), fc1,
            {.activation = Activation::silu, .residual = {}, .gate = {}, .group_of_row = {}});
  const Tensor out = empty(count, model_->config.hidden);
  b_.linear(out, hidden, fc2);
  return out;
}

/// Rows share modulation where sample time and fps are the same: in sampling there is one group, or
/// two with given frames.
void Stdit3Run::embed_time(const std::vector<float>& t) {
  std::map<std::pair<float, float>, int> groups;  // (t, fps) -> group
  std::vector<float> times, rates;
  const auto group = [&](float time, float rate) {
    const auto [it, fresh] = groups.try_emplace({time, rate}, static_cast<int>(groups.size()));
    if (fresh) {
      times.push_back(time);
      rates.push_back(rate);
    }
    return it->second;
  };
  std::vector<int32_t> own, all;
  given_.clear();
  given_group_.clear();
  for (int b = 0; b < samples_; ++b) {
    const float rate = in_.fps[static_cast<size_t>(first_ + b)];
    const int g = group(t[static_cast<size_t>(b)], rate);
    for (int f = 0; f < in_.frames; ++f) {
      const size_t cell = static_cast<size_t>(first_ + b) * static_cast<size_t>(in_.frames) +
                          static_cast<size_t>(f);
      const bool is_given = !in_.frame_mask.empty() && in_.frame_mask[cell] == 0;
      const int at = is_given ? group(0.0f, rate) : g;
      if (is_given) {
        given_.emplace_back(b, f);
        given_group_.push_back(at);
      }
      own.insert(own.end(), static_cast<size_t>(s_), g);
      all.insert(all.end(), static_cast<size_t>(s_), at);
    }
  }
  const bool one = groups.size() == 1;
  group_of_row_ = one ? Tensor() : b_.indices(all);
  t_group_of_row_ = one ? Tensor() : b_.indices(own);
  const Tensor te = sinusoid_mlp(times, *model_->t_fc1, *model_->t_fc2);
  const Tensor fe = sinusoid_mlp(rates, *model_->fps_fc1, *model_->fps_fc2);
  const auto count = static_cast<int64_t>(times.size());
  if (!row_zero_ || row_zero_.elements() != count)
    row_zero_ = b_.indices(std::vector<int32_t>(times.size(), 0));
  t_ = empty(count, model_->config.hidden);
  b_.combine(t_, 1.0f, te, 1.0f, fe);
  const Tensor active = empty(count, model_->config.hidden);
  b_.activate(active, t_, Activation::silu);
  t_mlp_ = empty(count, int64_t{6} * model_->config.hidden);
  b_.linear(t_mlp_, active, *model_->t_block);
  show("t_embed", te);
  show("fps_embed", fe);
  show("t_final", t_);
  show("t_mlp", t_mlp_);
}

void Stdit3Run::embed(const Tensor& latents, const std::vector<float>& t, int first_sample) {
  const Stdit3Config& c = model_->config;
  const compute::Shape expected = {in_.batch - first_sample, c.in_channels, in_.frames, in_.height,
                                   in_.width};
  compute::require(latents.shape() == expected && latents.dtype() == DType::f32, "embed",
                   "latents are f32 [samples, in_channels, T, H, W]");
  compute::require(t.size() == static_cast<size_t>(expected[0]), "embed", "t has one per sample");
  const bool regroup = samples_ != expected[0] || first_ != first_sample;
  first_ = first_sample;
  samples_ = static_cast<int>(expected[0]);
  if (regroup) {
    recorded_.clear();  // they name the places of the rows before
    std::vector<int32_t> place, frame;
    for (int64_t r = 0; r < rows(); ++r) {
      place.push_back(static_cast<int32_t>(r % s_));
      frame.push_back(static_cast<int32_t>(r / s_ % in_.frames));
    }
    position_of_row_ = b_.indices(place);
    frame_of_row_ = b_.indices(frame);
    spatial_ = Segments::uniform(samples_ * in_.frames, s_);
    temporal_ = Segments::over_time(samples_, in_.frames, s_);
    cross_q_ = Segments::uniform(samples_, in_.frames * s_);
    cross_k_ = {};
    int32_t start = 0;
    for (int b = 0; b < in_.batch; ++b) {
      if (b >= first_) {
        cross_k_.start.push_back(start);
        cross_k_.length.push_back(caption_lengths_[static_cast<size_t>(b)]);
      }
      start += caption_lengths_[static_cast<size_t>(b)];
    }
  }
  // Columns of a patch row are (channel, row, column), as in the convolution's weight; what lies
  // beyond the right and bottom edge is zero.
  const int ph = c.patch[1], pw = c.patch[2];
  const int64_t cols = int64_t{1} * c.in_channels * ph * pw;
  Tensor patches = Tensor::zeros({rows(), cols});
  const float* from = latents.data<float>();
  const int64_t plane = int64_t{1} * in_.height * in_.width;
  const auto patch = [&](int64_t r) {
    float* to = patches.data<float>() + r * cols;
    const int64_t place = r % s_, bt = r / s_, b = bt / in_.frames, f = bt % in_.frames;
    const int64_t top = place / gw_ * ph, left = place % gw_ * pw;
    for (int64_t ch = 0; ch < c.in_channels; ++ch) {
      const float* src = from + ((b * c.in_channels + ch) * in_.frames + f) * plane;
      for (int64_t i = 0; i < ph && top + i < in_.height; ++i)
        for (int64_t j = 0; j < pw && left + j < in_.width; ++j)
          to[(ch * ph + i) * pw + j] = src[(top + i) * in_.width + left + j];
    }
  };
  compute::parallel_items(rows() / s_, [&](int64_t frame, int) {
    for (int64_t r = frame * s_; r < (frame + 1) * s_; ++r)
      patch(r);
  });
  x_ = recorded_x_ && recorded_x_.rows() == rows() ? recorded_x_ : empty(rows(), c.hidden);
  b_.linear(x_, b_.upload(patches), *model_->patch);
  b_.add_rows(x_, x_, positions_, position_of_row_);
  show("x_embed_pos", x_);
  embed_time(t);
}

}  // namespace looktwice::models
