// The blocks of STDiT3 and its final layer.

#include <cmath>

#include "compute/threads.h"
#include "models/stdit3/stdit3.h"

namespace looktwice::models {

using compute::Activation;
using compute::LinearOptions;
using compute::Tensor;

Tensor Stdit3Run::empty(int64_t n, int64_t cols) const {
  return b_.empty({n, cols}, DType::f32);
}
Tensor Stdit3Run::scratch(int64_t n, int64_t cols) const {
  return b_.empty({n, cols}, b_.dtype());
}
void Stdit3Run::show(const std::string& name, const Tensor& value) const {
  if (on_intermediate_) on_intermediate_(name, value);
}

/// table + time: f32 [groups, 6*hidden], columns shift, scale, gate of attention, then of the MLP.
Tensor Stdit3Run::modulation(const Tensor& table) const {
  const Tensor out = b_.empty(t_mlp_.shape(), DType::f32);
  b_.add_rows(out, t_mlp_, table, row_zero_);
  return out;
}

Tensor Stdit3Run::first_block_input() {
  const int64_t h = model_->config.hidden;
  const Tensor mod = modulation(model_->blocks[0].table);
  const Tensor y = empty(rows(), h);
  b_.norm_modulate(y, x_, static_cast<float>(model_->config.norm_eps), mod.columns(0, h),
                   mod.columns(h, h), group_of_row_);
  return y;
}

/// y = [residual +] gate · Attention(mod(LN(x))).
void Stdit3Run::self_attention(const Tensor& y, const Stdit3Block& w, bool temporal,
                               const Tensor& mod, const Tensor& residual) {
  const Stdit3Config& c = model_->config;
  const int64_t h = c.hidden;
  const float eps = static_cast<float>(c.norm_eps);
  const Tensor z = scratch(rows(), h);
  b_.norm_modulate(z, x_, eps, mod.columns(0, h), mod.columns(h, h), group_of_row_);
  const Tensor qkv = scratch(rows(), 3 * h);
  b_.linear(qkv, z, *w.qkv);
  const Tensor q = qkv.columns(0, h), k = qkv.columns(h, h), v = qkv.columns(2 * h, h);
  const auto rotate = [&] {
    if (!temporal) return;
    b_.rotary(q, q, cos_, sin_, frame_of_row_, c.heads);
    b_.rotary(k, k, cos_, sin_, frame_of_row_, c.heads);
  };
  if (c.qk_norm_legacy || !w.q_norm) rotate();
  if (w.q_norm) {
    const bool turn = temporal && !c.qk_norm_legacy;
    const Tensor cosines = turn ? cos_ : Tensor(), sines = turn ? sin_ : Tensor();
    b_.rms_rotary(q, q, w.q_norm, c.heads, eps, cosines, sines, frame_of_row_);
    b_.rms_rotary(k, k, w.k_norm, c.heads, eps, cosines, sines, frame_of_row_);
  }
  compute::AttentionOptions options;
  options.heads = c.heads;
  options.scale = 1.0f / std::sqrt(static_cast<float>(c.head_dim()));
  options.q_segments = options.k_segments = temporal ? temporal_ : spatial_;
  b_.attention(z, q, k, v, options);
  LinearOptions out;
  out.residual = residual;
  out.gate = mod.columns(2 * h, h);
  out.group_of_row = group_of_row_;
  b_.linear(y, z, *w.proj, out);
}

/// y = [residual +] CrossAttention(x, caption). Keys and values of a caption do not change from
/// step to step, so they are computed once.
void Stdit3Run::cross_attention(const Tensor& y, int row, const Tensor& residual) {
  const Stdit3Config& c = model_->config;
  const Stdit3Block& w = model_->blocks[static_cast<size_t>(row)];
  const int64_t h = c.hidden;
  Tensor& kv = cross_kv_[static_cast<size_t>(row)];
  if (!kv) {
    kv = scratch(caption_.rows(), 2 * h);
    b_.linear(kv, caption_, *w.cross_kv);
  }
  const Tensor q = scratch(rows(), h);
  b_.linear(q, x_, *w.cross_q);
  compute::AttentionOptions options;
  options.heads = c.heads;
  options.scale = 1.0f / std::sqrt(static_cast<float>(c.head_dim()));
  options.q_segments = cross_q_;
  options.k_segments = cross_k_;
  b_.attention(q, q, kv.columns(0, h), kv.columns(h, h), options);
  LinearOptions out;
  out.residual = residual;
  b_.linear(y, q, *w.cross_proj, out);
}

/// y = [residual +] gate · MLP(mod(LN(x))).
void Stdit3Run::mlp(const Tensor& y, const Stdit3Block& w, const Tensor& mod,
                    const Tensor& residual) {
  const Stdit3Config& c = model_->config;
  const int64_t h = c.hidden;
  const Tensor z = scratch(rows(), h);
  b_.norm_modulate(z, x_, static_cast<float>(c.norm_eps), mod.columns(3 * h, h),
                   mod.columns(4 * h, h), group_of_row_);
  const Tensor hidden = scratch(rows(), c.mlp);
  LinearOptions first;
  first.activation = Activation::gelu_tanh;
  b_.linear(hidden, z, *w.fc1, first);
  LinearOptions second;
  second.residual = residual;
  second.gate = mod.columns(5 * h, h);
  second.group_of_row = group_of_row_;
  b_.linear(y, hidden, *w.fc2, second);
}

void Stdit3Run::add_kept(size_t cell) {
  const Tensor& kept = kept_[cell];
  compute::require(bool(kept), "reuse", "the module's output was kept before");
  const int64_t part = kept.rows();
  compute::require(rows() % part == 0, "reuse", "kept outputs fit the batch");
  for (int64_t at = 0; at < rows(); at += part) {
    const Tensor x = x_.row_range(at, part);
    b_.gated_add(x, x, kept, {}, {});
  }
}

void Stdit3Run::keep(size_t cell, const Tensor& value, const StepPlan& plan) {
  if (!plan.keep_mean_of_halves || samples_ % 2 != 0) {
    kept_[cell] = value;
    return;
  }
  const int64_t half = value.rows() / 2;
  kept_[cell] = empty(half, value.cols());
  b_.combine(kept_[cell], 0.5f, value.row_range(0, half), 0.5f, value.row_range(half, half));
}

void Stdit3Run::block(int pair, bool temporal, const StepPlan& plan, const std::vector<Tap>& taps,
                      const Observe& observe) {
  const int row = block_row(pair, temporal);
  const Stdit3Block& w = model_->blocks[static_cast<size_t>(row)];
  const std::string name = (temporal ? "temporal_" : "spatial_") + std::to_string(pair);
  const int64_t h = model_->config.hidden;
  const auto cell = [&](Module m) { return StepPlan::index(pair, temporal, m); };
  const auto wants = [&](Residual r) {
    for (const Tap& tap : taps)
      if (tap == Tap{pair, temporal, r}) return true;
    return false;
  };
  // Runs a module, adds it to x and keeps it where planned. Observed or not, the same sums are
  // made, so that watching a run does not change it.
  const auto run = [&](Module m, const auto& call) {
    watch_->lap();
    timed_.push_back(cell(m));
    if (plan.reuses(pair, temporal, m)) {
      add_kept(cell(m));
    } else if (plan.keeps(pair, temporal, m)) {
      const Tensor out = empty(rows(), h);
      call(out, Tensor());
      b_.gated_add(x_, x_, out, {}, {});
      keep(cell(m), out, plan);
    } else {
      call(x_, x_);
    }
    watch_->lap();
  };
  // A residual is what x gained: its value before, then the difference.
  const auto before = [&](bool wanted) {
    Tensor saved;
    if (wanted) {
      saved = empty(rows(), h);
      b_.copy(saved, x_);
    }
    return saved;
  };
  const auto gained = [&](const Tensor& saved) { b_.combine(saved, 1.0f, x_, -1.0f, saved); };
  const bool show_all = bool(on_intermediate_);

  const Tensor mod = modulation(w.table);
  const bool tap_a =
      wants(Residual::attention) && !plan.reuses(pair, temporal, Module::self_attention);
  const Tensor a = before(tap_a || show_all);
  run(Module::self_attention, [&](const Tensor& y, const Tensor& residual) {
    self_attention(y, w, temporal, mod, residual);
  });
  if (a) gained(a);
  if (show_all) show(name + "_A", a);
  if (tap_a) observe({pair, temporal, Residual::attention}, a);

  const bool tap_m = wants(Residual::cross_mlp) && !plan.reuses(pair, temporal, Module::mlp);
  const Tensor m = before(tap_m || show_all);
  run(Module::cross_attention,
      [&](const Tensor& y, const Tensor& residual) { cross_attention(y, row, residual); });
  run(Module::mlp, [&](const Tensor& y, const Tensor& residual) { mlp(y, w, mod, residual); });
  if (m) gained(m);
  if (show_all) show(name + "_M", m);
  if (tap_m) observe({pair, temporal, Residual::cross_mlp}, m);
  show(name, x_);
}

void Stdit3Run::stack(const StepPlan& plan, const std::vector<Tap>& taps, const Observe& observe) {
  if (!recorded_stack(plan, taps, observe)) run_stack(plan, taps, observe);
}

void Stdit3Run::run_stack(const StepPlan& plan, const std::vector<Tap>& taps,
                          const Observe& observe) {
  Tensor start;
  watch_ = b_.stopwatch();
  timed_.clear();
  for (int pair = 0; pair < model_->config.depth; ++pair) {
    b_.check_stop();
    if (plan.add_residual.contains(pair)) {
      require_residual(plan);
      if (pair == plan.add_residual.first) b_.gated_add(x_, x_, stack_residual_, {}, {});
      continue;
    }
    if (!plan.keep_residual.empty() && pair == plan.keep_residual.first) {
      // The old residual is of no more use: its memory takes the new one.
      start = stack_residual_ && stack_residual_.rows() == rows()
                  ? stack_residual_
                  : empty(rows(), model_->config.hidden);
      stack_residual_ = {};
      b_.copy(start, x_);
    }
    block(pair, false, plan, taps, observe);
    b_.check_stop();
    block(pair, true, plan, taps, observe);
    if (start && pair + 1 == plan.keep_residual.last) {
      b_.combine(start, 1.0f, x_, -1.0f, start);
      stack_residual_ = start;
      stack_range_ = plan.keep_residual;
    }
  }
}

void Stdit3Run::require_residual(const StepPlan& plan) const {
  compute::require(
      plan.add_residual.empty() || (stack_residual_ && stack_range_ == plan.add_residual &&
                                    stack_residual_.rows() == rows()),
      "reuse", "the residual of these pairs was kept before");
}

std::vector<float> Stdit3Run::module_ms() const {
  std::vector<float> ms(kept_.size(), 0.0f);
  if (!watch_) return ms;
  const std::vector<double> laps = watch_->laps();  // in a module, between modules, in a module, …
  for (size_t i = 0; i < timed_.size() && 2 * i < laps.size(); ++i)
    ms[timed_[i]] = static_cast<float>(laps[2 * i]);
  return ms;
}

Tensor Stdit3Run::finish() {
  const Stdit3Config& c = model_->config;
  const int64_t h = c.hidden;
  const float eps = static_cast<float>(c.norm_eps);
  const auto table = [&](int64_t at) {
    const Tensor out = b_.empty(t_.shape(), DType::f32);
    b_.add_rows(out, t_, model_->final_table.columns(at * h, h), row_zero_);
    return out;
  };
  const Tensor shift = table(0), scale = table(1);
  const Tensor z = empty(rows(), h);
  b_.norm_modulate(z, x_, eps, shift, scale, t_group_of_row_);
  for (size_t i = 0; i < given_.size(); ++i) {
    const int64_t at = (int64_t{1} * given_[i].first * in_.frames + given_[i].second) * s_;
    const Tensor frame = z.row_range(at, s_);
    b_.layer_norm(frame, frame, {}, {}, eps);
    b_.modulate(frame, frame, shift.row_range(given_group_[i], 1),
                scale.row_range(given_group_[i], 1), {});
  }
  const int ph = c.patch[1], pw = c.patch[2];
  const int64_t cols = int64_t{1} * ph * pw * c.out_channels;
  const Tensor tokens = empty(rows(), cols);
  b_.linear(tokens, z, *model_->final_linear);
  show("final_tokens", tokens);
  const Tensor host = b_.download(tokens);
  // Columns of a token are (row, column, channel).
  Tensor out({samples_, c.out_channels, in_.frames, in_.height, in_.width}, DType::f32);
  float* to = out.data<float>();
  const int64_t plane = int64_t{1} * in_.height * in_.width;
  const auto unpatch = [&](int64_t r) {
    const float* from = host.data<float>() + r * cols;
    const int64_t place = r % s_, bt = r / s_, b = bt / in_.frames, f = bt % in_.frames;
    const int64_t top = place / gw_ * ph, left = place % gw_ * pw;
    for (int64_t i = 0; i < ph && top + i < in_.height; ++i)
      for (int64_t j = 0; j < pw && left + j < in_.width; ++j)
        for (int64_t ch = 0; ch < c.out_channels; ++ch)
          to[((b * c.out_channels + ch) * in_.frames + f) * plane + (top + i) * in_.width + left +
             j] = from[(i * pw + j) * c.out_channels + ch];
  };
  compute::parallel_items(rows() / s_, [&](int64_t frame, int) {
    for (int64_t r = frame * s_; r < (frame + 1) * s_; ++r)
      unpatch(r);
  });
  return out;
}

Tensor Stdit3Run::forward(const Tensor& latents, const std::vector<float>& t) {
  embed(latents, t);
  stack({});
  return finish();
}

void Stdit3Run::forget() {
  recorded_.clear();
  recorded_x_ = recorded_t_mlp_ = {};
  stack_residual_ = {};
  stack_range_ = {};
  for (Tensor& t : kept_)
    t = {};
}

double Stdit3Run::flops(const StepPlan& plan) const {
  const Stdit3Config& c = model_->config;
  const double h = c.hidden, n = static_cast<double>(rows());
  const double rows_of_captions = [&] {
    double sum = 0;
    for (const int32_t length : cross_k_.length)
      sum += length;
    return sum;
  }();
  const double cross_pairs = rows_of_captions * in_.frames * s_;
  const double patch = 1.0 * c.patch[1] * c.patch[2];
  double total = 2 * n * h * patch * (c.in_channels + c.out_channels);
  const std::vector<uint8_t> computed = computed_modules(plan, c.depth);
  for (int pair = 0; pair < c.depth; ++pair) {
    for (const bool temporal : {false, true}) {
      const auto on = [&](Module m) { return computed[StepPlan::index(pair, temporal, m)] != 0; };
      const double length = temporal ? in_.frames : s_;
      if (on(Module::self_attention)) total += 2 * n * h * 4 * h + 4 * n * length * h;
      if (on(Module::cross_attention)) total += 2 * n * h * 2 * h + 4 * cross_pairs * h;
      if (on(Module::mlp)) total += 4 * n * h * c.mlp;
    }
  }
  return total;
}

}  // namespace looktwice::models
