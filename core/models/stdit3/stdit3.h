#pragma once
// STDiT3, the video diffusion transformer of Open-Sora 1.2 (hpcaitech/Open-Sora v1.2, model
// "STDiT3"): pairs of a spatial and a temporal block, adaLN-single, rotary embedding over time,
// cross-attention to caption tokens. Tensor names are the published checkpoint's.

#include <filesystem>
#include <functional>
#include <list>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "checkpoint/weight_files.h"
#include "compute/backend.h"
#include "models/stdit3/config.h"
#include "models/step_plan.h"

namespace looktwice::models {

/// Weights of one block, laid out for a backend.
struct Stdit3Block {
  compute::Tensor table;  ///< f32 [1, 6*hidden] scale_shift_table
  compute::LinearPtr qkv, proj;
  compute::Tensor q_norm, k_norm;  ///< f32 [head_dim]; none without qk_norm
  compute::LinearPtr cross_q, cross_kv, cross_proj;
  compute::LinearPtr fc1, fc2;
};

/// A loaded model: immutable, shared by runs on its backend.
struct Stdit3 {
  Stdit3Config config;
  compute::BackendPtr backend;
  std::string name;  ///< folder name
  compute::LinearPtr patch;
  compute::LinearPtr t_fc1, t_fc2, fps_fc1, fps_fc2, t_block;
  compute::LinearPtr y_fc1, y_fc2;
  compute::Tensor null_caption;     ///< host f32 [caption_tokens, caption_channels]
  std::vector<float> rope;          ///< [head_dim/2] angle of one latent frame
  std::vector<Stdit3Block> blocks;  ///< [2*depth], see block_row
  compute::Tensor final_table;      ///< f32 [1, 2*hidden]
  compute::LinearPtr final_linear;
  int64_t parameters = 0;
  int frequencies = 256;  ///< width of the sinusoids of t and fps
};
using Stdit3Ptr = std::shared_ptr<const Stdit3>;

/// Reads config.json and safetensors of a folder. `progress` receives 0..1. Throws Error(input)
/// naming file, tensor or key (missing, extra, misshaped, not finite), Cancelled.
Stdit3Ptr load_stdit3(const std::filesystem::path& folder, const compute::BackendPtr& backend,
                      const std::function<void(double)>& progress = {}, std::stop_token stop = {});

/// What stays the same from step to step. Rows of captions that are masked out take no part; each
/// sample needs at least one.
struct Stdit3Inputs {
  int batch = 1, frames = 1, height = 1, width = 1;  ///< latents [batch, in_channels, T, H, W]
  compute::Tensor caption;  ///< host f32 [batch, n, caption_channels], n ≤ caption_tokens
  std::vector<uint8_t> caption_mask;         ///< [batch, n] 1 = token
  std::vector<float> fps;                    ///< [batch] frames a second
  double pixel_height = 0, pixel_width = 0;  ///< of the video, for the position scale
  std::vector<uint8_t> frame_mask;  ///< [batch, T] 0: frame is given (time 0); empty: none is
};

/// Receives intermediate results ("y_packed", "x_embed_pos", "spatial_0_A", …): for tests.
using Intermediate = std::function<void(const std::string& name, const compute::Tensor& value)>;

/// A stack written down as one piece (recorded_steps.cpp).
struct RecordedStack;

/// One generation: geometry, caption, what has been kept for reuse. Steps are taken as
///   embed → (first_block_input) → stack → finish.
/// Not thread-safe. Activations are float32 rows [samples*T*S, hidden] in (sample, t, s) order;
/// matrix inputs are of the backend's dtype.
class Stdit3Run {
 public:
  /// Throws Error(input) on captions, masks or sizes that do not fit the model.
  Stdit3Run(Stdit3Ptr model, Stdit3Inputs inputs, Intermediate on_intermediate = {});
  Stdit3Run(const Stdit3Run&) = delete;
  Stdit3Run& operator=(const Stdit3Run&) = delete;

  const Stdit3& model() const { return *model_; }
  int spatial_tokens() const { return s_; }  ///< S: tokens of one latent frame
  int64_t rows() const { return static_cast<int64_t>(samples_) * in_.frames * s_; }

  /// Patches, positions, time. `latents` host f32 [samples, in_channels, T, H, W], `t` [samples]
  /// in (0, 1000]. `first_sample`: runs samples first_sample … batch-1 only (T-GATE's null branch).
  void embed(const compute::Tensor& latents, const std::vector<float>& t, int first_sample = 0);

  /// Block 0's self-attention input, LN(x)·(1+scale)+shift: f32 [rows, hidden]. What TeaCache
  /// watches.
  compute::Tensor first_block_input();

  /// Runs the blocks as planned. `observe` receives the residual of each tap that was computed, in
  /// the order of execution, after its block or after the stack; the tensor is the observer's to
  /// keep. On a device that records (compute/recorder.h), the second stack of a plan is written
  /// down and later ones start as one piece, where the pass is small and modules are not kept or
  /// reused one by one.
  using Observe = std::function<void(const Tap&, compute::Tensor)>;
  void stack(const StepPlan& plan, const std::vector<Tap>& taps = {}, const Observe& observe = {});

  /// Wall clock of every module of the last stack(), [2*depth, 3] milliseconds; 0 where the stack's
  /// residual stood in. Waits for the stack to be done.
  std::vector<float> module_ms() const;

  /// Final layer and unpatchify: host f32 [samples, out_channels, T, H, W]. Frames that are given
  /// (frame_mask 0) are normed and modulated twice, as the published code does; samplers do not
  /// look at them.
  compute::Tensor finish();

  /// embed + stack + finish with everything computed.
  compute::Tensor forward(const compute::Tensor& latents, const std::vector<float>& t);

  /// Floating-point operations (2 per multiply-add) of a step under this plan, embedding and final
  /// layer included.
  double flops(const StepPlan& plan) const;
  /// Drops everything kept for reuse.
  void forget();

 private:
  compute::Tensor empty(int64_t rows, int64_t cols) const;    // activations, f32
  compute::Tensor scratch(int64_t rows, int64_t cols) const;  // matrix inputs
  void check_inputs() const;
  void embed_caption();
  void embed_time(const std::vector<float>& t);
  compute::Tensor sinusoid_mlp(const std::vector<float>& values, const compute::PreparedLinear& fc1,
                               const compute::PreparedLinear& fc2) const;
  compute::Tensor modulation(const compute::Tensor& table) const;
  void run_stack(const StepPlan& plan, const std::vector<Tap>& taps, const Observe& observe);
  bool recorded_stack(const StepPlan& plan, const std::vector<Tap>& taps, const Observe& observe);
  void require_residual(const StepPlan& plan) const;
  void block(int pair, bool temporal, const StepPlan& plan, const std::vector<Tap>& taps,
             const Observe& observe);
  void self_attention(const compute::Tensor& y, const Stdit3Block& w, bool temporal,
                      const compute::Tensor& mod, const compute::Tensor& residual);
  void cross_attention(const compute::Tensor& y, int row, const compute::Tensor& residual);
  void mlp(const compute::Tensor& y, const Stdit3Block& w, const compute::Tensor& mod,
           const compute::Tensor& residual);
  void add_kept(size_t cell);
  void keep(size_t cell, const compute::Tensor& value, const StepPlan& plan);
  void show(const std::string& name, const compute::Tensor& value) const;

  Stdit3Ptr model_;
  compute::Backend& b_;
  Stdit3Inputs in_;
  int gh_ = 0, gw_ = 0, s_ = 0;  // patches of a frame
  int first_ = 0, samples_ = 0;
  compute::Tensor positions_, position_of_row_;  // [S, hidden]; i32 [rows]
  compute::Tensor frame_of_row_, cos_, sin_;
  compute::Segments spatial_, temporal_, cross_q_, cross_k_;
  std::vector<int32_t> caption_lengths_;
  compute::Tensor caption_;                // [packed tokens, hidden]
  std::vector<compute::Tensor> cross_kv_;  // [2*depth] [packed tokens, 2*hidden]
  Intermediate on_intermediate_;
  // Of the current step.
  compute::Tensor x_, t_, t_mlp_, group_of_row_, t_group_of_row_;
  std::vector<std::pair<int, int>> given_;     // (sample, frame) with frame_mask 0
  std::vector<int> given_group_;               // and its group
  compute::Tensor row_zero_;                   // i32 [groups] zeros
  std::shared_ptr<compute::Stopwatch> watch_;  // of the last stack(): two laps a module
  std::vector<size_t> timed_;                  // their cells
  compute::Tensor stack_residual_;
  PairRange stack_range_;
  std::vector<compute::Tensor> kept_;                   // [2*depth*3]
  compute::Tensor recorded_x_, recorded_t_mlp_;         // where recorded stacks find x and time
  std::list<std::shared_ptr<RecordedStack>> recorded_;  // the last used first
};

/// Host pieces, public for tests. Sinusoids [cos | sin] of width n: f_j = exp(-ln 1e4 · j/(n/2)).
void sinusoid(float value, int n, float* to);
/// Position table [gh*gw, hidden]: first half of the channels encodes x, second half y.
std::vector<float> position_table(int gh, int gw, int hidden, double scale);

}  // namespace looktwice::models
