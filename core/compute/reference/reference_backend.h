#pragma once
// The oracle: every operation in plain scalar float32, written to be read.

#include "compute/host_backend.h"

namespace looktwice::compute {

class ReferenceBackend : public HostBackend {
 public:
  std::string name() const override { return "reference"; }
  std::string description() const override;
  DType dtype() const override { return DType::f32; }
  LinearPtr prepare(const Tensor& weight, const Tensor& bias) override;
  void linear(const Tensor& y, const Tensor& x, const PreparedLinear& weight,
              const LinearOptions& options) override;
  void attention(const Tensor& y, const Tensor& q, const Tensor& k, const Tensor& v,
                 const AttentionOptions& options) override;
  void layer_norm(const Tensor& y, const Tensor& x, const Tensor& weight, const Tensor& bias,
                  float eps) override;
  void modulate(const Tensor& y, const Tensor& x, const Tensor& shift, const Tensor& scale,
                const Tensor& group_of_row) override;
  void rms_norm(const Tensor& y, const Tensor& x, const Tensor& weight, int heads,
                float eps) override;
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
};

/// One value through an activation, in float32.
float activated(float x, Activation activation);

}  // namespace looktwice::compute
