#pragma once
// The Backend over a Device: checks, memory, plans and the order of launches. Runs on whatever
// implements compute/cuda/device.h, so all of it is tested without a GPU.

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "compute/backend.h"
#include "compute/cuda/pool.h"
#include "compute/cuda/staging.h"
#include "compute/gl_sharing.h"
#include "compute/recorder.h"
#include "compute/token_ops.h"

namespace looktwice::compute::cuda {

/// What can be done in a plainer way, to find out which part of the fast one is wrong. Read from
/// the environment variable LOOKTWICE_CUDA, words like "attention=plain graphs=off gates=off
/// tokens=off".
struct FastPaths {
  AttentionPath attention = AttentionPath::best;
  bool graphs = true;  ///< recordings
  bool gates = true;   ///< gates as column factors of the matrix library
  bool tokens = true;  ///< decisions about tokens on the device
  bool tune = false;   ///< "tune=on": BackendOptions::tune
};
/// Throws Error(input) naming the word that is not known.
FastPaths fast_paths(const char* words);

struct CudaOptions {
  DType dtype = DType::f32;  ///< f32, bf16 or f16
  PoolOptions pool;
  size_t workspace = size_t{32} << 20;  ///< scratch of the matrix library
  bool tune = false;                    ///< as the device was opened (OpenOptions::tune)
  FastPaths fast;
};

/// Host copies of index tensors, by device address: kernels cannot complain about an index that is
/// out of range, so it is checked here, and scattering is planned from them. Thread-safe.
class IndexMirrors {
 public:
  void add(const void* device, std::vector<int32_t> values);
  void remove(const void* device);
  /// The `count` values at an address inside a mirrored tensor; empty span if there is none.
  std::span<const int32_t> find(const void* device, int64_t count) const;

 private:
  mutable std::mutex mutex_;
  std::map<const char*, std::vector<int32_t>> values_;
};

/// Members of every destination in the order in which they arrive: a stable counting sort.
struct ScatterPlan {
  std::vector<int32_t> offset, member;
};
ScatterPlan scatter_plan(std::span<const int32_t> index, int64_t destinations);

/// Blocks of queries that a launch walks, those with the most keys first.
struct AttentionTiles {
  std::vector<int32_t> segment, first;
  int32_t longest = 0;
};
AttentionTiles attention_tiles(const Segments& q, const Segments& k, int rows);

/// Blocks of sources that look for partners, clip by clip; `first` counts in the list of sources.
inline constexpr int kPartnerTileRows = 32;
struct PartnerTiles {
  std::vector<int32_t> clip, first;
};
PartnerTiles partner_tiles(std::span<const int32_t> a_offset, int rows);

class CudaBackend final : public Backend, public TokenOps, public Recorder, public GlSharing {
 public:
  CudaBackend(std::shared_ptr<Device> device, CudaOptions options);
  ~CudaBackend() override;

  std::string name() const override { return "cuda"; }
  std::string description() const override;
  DType dtype() const override { return options_.dtype; }
  TokenOps* token_ops() override { return options_.fast.tokens ? this : nullptr; }
  Recorder* recorder() override { return options_.fast.graphs ? this : nullptr; }
  GlSharing* gl_sharing() override { return this; }
  std::unique_ptr<Stopwatch> stopwatch() override;

  using Backend::empty;
  using Backend::upload;
  Tensor empty(Shape shape, DType dtype) override;
  Tensor upload(const Tensor& host, DType dtype) override;
  Tensor download(const Tensor& device) override;
  void synchronize() override;
  size_t memory_in_use() const override { return pool_->in_use(); }
  size_t memory_peak() const override { return pool_->peak(); }

  LinearPtr prepare(const Tensor& weight, const Tensor& bias) override;
  void linear(const Tensor& y, const Tensor& x, const PreparedLinear& weight,
              const LinearOptions& options) override;
  void attention(const Tensor& y, const Tensor& q, const Tensor& k, const Tensor& v,
                 const AttentionOptions& options) override;

  void layer_norm(const Tensor& y, const Tensor& x, const Tensor& weight, const Tensor& bias,
                  float eps) override;
  void modulate(const Tensor& y, const Tensor& x, const Tensor& shift, const Tensor& scale,
                const Tensor& group_of_row) override;
  void norm_modulate(const Tensor& y, const Tensor& x, float eps, const Tensor& shift,
                     const Tensor& scale, const Tensor& group_of_row) override;
  void rms_norm(const Tensor& y, const Tensor& x, const Tensor& weight, int heads,
                float eps) override;
  void rms_rotary(const Tensor& y, const Tensor& x, const Tensor& weight, int heads, float eps,
                  const Tensor& cos, const Tensor& sin, const Tensor& position_of_row) override;
  void rotary(const Tensor& y, const Tensor& x, const Tensor& cos, const Tensor& sin,
              const Tensor& position_of_row, int heads) override;
  void gated_add(const Tensor& y, const Tensor& x, const Tensor& r, const Tensor& gate,
                 const Tensor& group_of_row) override;
  void combine(const Tensor& y, float alpha, const Tensor& a, float beta, const Tensor& b) override;
  void activate(const Tensor& y, const Tensor& x, Activation activation) override;
  void copy(const Tensor& y, const Tensor& x) override;
  void gather_rows(const Tensor& y, const Tensor& x, const Tensor& index) override;
  void scatter_add_rows(const Tensor& y, const Tensor& x, const Tensor& index) override;
  void add_rows(const Tensor& y, const Tensor& x, const Tensor& table,
                const Tensor& index) override;
  void group_mean(const Tensor& y, const Tensor& x, std::span<const int32_t> offset,
                  std::span<const int32_t> member, const Tensor& weight,
                  const Tensor& divisor) override;
  void head_mean(const Tensor& y, const Tensor& x, int heads) override;
  Comparison compare(const Tensor& a, const Tensor& b) override;
  void patchify(const Tensor& y, const PatchifyOptions& options,
                std::span<const int32_t> tokens) override;

  Tensor upload_frames(const uint8_t* rgb, const RltFrames& frames) override;
  Tensor rlt_differences(const Tensor& frames_u8, const RltFrames& frames) override;
  RltKept rlt_keep(const Tensor& differences, int first, float tau) override;
  Partners best_partners(const Tensor& metric, const PartnerSearch& search) override;

  std::shared_ptr<PlannedMerge> plan_merge(const MergeShape& shape) override;
  void merge(const PlannedMerge& plan, const MergeTensors& tensors) override;

  std::shared_ptr<Recording> record(const std::function<void()>& body) override;
  void replay(const Recording& recording) override;
  std::shared_ptr<PlannedSegments> plan_segments(const Segments& q, const Segments& k,
                                                 int64_t most_rows, int64_t most_segments) override;
  void update(PlannedSegments& planned, const Segments& q, const Segments& k) override;
  void write(const Tensor& device, const Tensor& host) override;

  bool to_gl_buffer(uint32_t buffer, const Tensor& tensor) override;

  /// Bytes taken from the device for tensors, used or not.
  size_t memory_held() const { return *options_.pool.taken; }

 private:
  struct AttentionPlan;
  struct SegmentsOnDevice;
  struct GraphOnDevice;
  struct MergeOnDevice;
  /// Uploads, downloads and waiting are errors while a recording goes on.
  void not_recording(const char* operation) const;
  bool owns(const void* address) const;
  void find_partners(const PartnerArgs& lists, const Tensor& metric, const Tensor& prepared,
                     MetricDistance distance);
  void run(Kernel kernel, const void* args);
  Status try_matmul(const MatmulArgs& args);
  /// Everything an operation touches lies on this device (std::logic_error).
  void on_device(const char* operation, std::initializer_list<const Tensor*> tensors) const;
  Matrix matrix(const Tensor& t) const;
  std::span<const int32_t> checked_index(const char* operation, const Tensor& index, int64_t count,
                                         int64_t below) const;
  void check_table(const char* operation, const Tensor& x, const Tensor& table,
                   const Tensor& group_of_row) const;
  Tensor raw_upload(const void* host, Shape shape, DType dtype, int64_t stride);
  Tensor ints(std::span<const int32_t> values);
  Tensor as(const Tensor& x, DType dtype);
  const AttentionPlan& plan_attention(const Segments& q, const Segments& k);

  std::shared_ptr<Device> device_;
  CudaOptions options_;
  std::shared_ptr<DevicePool> pool_;
  std::shared_ptr<DevicePool> recording_;  // takes the memory of what is being written down
  std::vector<Tensor> kept_;               // what it names of the backend's own
  std::vector<std::weak_ptr<DevicePool>> recorded_;
  std::shared_ptr<int> marks_ = std::make_shared<int>(0);  // numbers that were given out
  std::shared_ptr<IndexMirrors> mirrors_;
  std::unique_ptr<Staging> staging_;
  std::shared_ptr<void> workspace_;
  std::list<AttentionPlan> plans_;
  std::set<std::tuple<int32_t, int32_t, int32_t, Element, bool>> tuned_;
};

}  // namespace looktwice::compute::cuda
