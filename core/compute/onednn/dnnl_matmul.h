#pragma once
// The only door to oneDNN. Everything that differs between its versions is in dnnl_matmul.cpp.

#include <memory>
#include <string>

#include "compute/tensor.h"

namespace looktwice::compute {

/// A weight matrix in the layout that oneDNN asked for. Threads: multiply() may run on several
/// threads at once, each with its own workspace; every product runs on the calling thread alone.
class DnnlWeights {
 public:
  /// weight [out,in] host; `dtype` f32 or bf16 is what products take. Throws Error(run).
  static std::unique_ptr<DnnlWeights> make(const Tensor& weight, DType dtype);
  virtual ~DnnlWeights() = default;
  /// c [rows,out] f32 (contiguous) = a [rows,in] (contiguous, the weight's dtype) · weightᵀ. Any
  /// number of rows is made of products of 128, 64, …, 1 rows, so no count is ever new.
  virtual void multiply(const void* a, int64_t rows, float* c, void* workspace) const = 0;
  virtual size_t workspace_bytes() const = 0;
};

/// "oneDNN 2.6.3", or why there is none.
std::string dnnl_version();
bool dnnl_present();
/// True if it multiplies this dtype on this CPU (bfloat16 wants AVX-512).
bool dnnl_takes(DType dtype);

}  // namespace looktwice::compute
