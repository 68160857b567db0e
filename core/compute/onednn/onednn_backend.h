#pragma once
// The CPU backend: own kernels for the instruction set at hand, oneDNN where it has what they lack
// (AMX tiles).

#include <memory>
#include <vector>

#include "compute/kernels/kernels.h"
#include "compute/onednn/dnnl_matmul.h"
#include "compute/reference/reference_backend.h"

namespace looktwice::compute {

/// Which code multiplies matrices. `own` kernels work in float32 on weights kept in the backend's
/// dtype; oneDNN is taken for bfloat16 where the CPU has AMX. The environment variable
/// LOOKTWICE_MATMUL (own, onednn) overrides the choice.
class OneDnnBackend final : public ReferenceBackend {
 public:
  explicit OneDnnBackend(DType dtype);
  std::string name() const override { return "onednn"; }
  std::string description() const override;
  DType dtype() const override { return dtype_; }
  LinearPtr prepare(const Tensor& weight, const Tensor& bias) override;
  void linear(const Tensor& y, const Tensor& x, const PreparedLinear& weight,
              const LinearOptions& options) override;
  void attention(const Tensor& y, const Tensor& q, const Tensor& k, const Tensor& v,
                 const AttentionOptions& options) override;
  void layer_norm(const Tensor& y, const Tensor& x, const Tensor& weight, const Tensor& bias,
                  float eps) override;
  void norm_modulate(const Tensor& y, const Tensor& x, float eps, const Tensor& shift,
                     const Tensor& scale, const Tensor& group_of_row) override;
  void rms_norm(const Tensor& y, const Tensor& x, const Tensor& weight, int heads,
                float eps) override;

 private:
  struct Weights;
  /// Gives every worker memory of its own, at least `floats` of it, aligned to 64 bytes. Not inside
  /// a parallel region: it may throw.
  void reserve(int64_t workers, size_t floats);
  float* scratch(int thread) const;
  void run_own(const Weights& w, const GemmTask& whole);
  void run_dnnl(const Weights& w, const GemmTask& whole);

  DType dtype_;
  const Kernels& kernels_;
  bool dnnl_;
  bool amx_attention_;  ///< bfloat16 attention on tiles, found to agree with the other kernels
  std::vector<std::pair<std::shared_ptr<void>, size_t>> scratch_;
};

}  // namespace looktwice::compute
