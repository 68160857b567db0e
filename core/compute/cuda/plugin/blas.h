#pragma once
// cuBLASLt, opened at run time: the library is half a gigabyte, so it is never a dependency.

#include <map>
#include <memory>
#include <string>
#include <tuple>

#include <cuda_runtime_api.h>

#include "compute/cuda/device.h"

namespace looktwice::compute::cuda {

/// Matrix products of one device and stream. The algorithm of a shape is asked for once and then
/// kept, so that equal calls give equal bits: the library's first choice, or with `tune` the
/// fastest of its first few, timed when the shape is first met outside a recording.
class Blas {
 public:
  /// Whether there is a library of the right version, or the reason.
  static bool look(size_t& version, std::string& reason);
  /// Null and a reason when the library or one of its functions is missing or too old.
  static std::unique_ptr<Blas> open(bool tf32, bool tune, std::string& reason);
  ~Blas();
  Blas(const Blas&) = delete;
  Blas& operator=(const Blas&) = delete;

  size_t version() const { return version_; }
  /// `unsupported` when the library has no algorithm for this combination of types and epilogue.
  Status matmul(const MatmulArgs& args, cudaStream_t stream, std::string& error);

 private:
  struct Functions;
  struct Plan;
  using Key = std::tuple<int64_t, int64_t, int64_t, int64_t, int64_t, int64_t, int, int, int, int>;
  Blas() = default;
  Status make_plan(const MatmulArgs& args, Plan& plan, std::string& error) const;
  void tune(const MatmulArgs& args, Plan& plan, cudaStream_t stream) const;
  int start(const MatmulArgs& args, const Plan& plan, size_t algorithm, cudaStream_t stream) const;

  std::unique_ptr<Functions> f_;
  void* handle_ = nullptr;
  size_t version_ = 0;
  bool tf32_ = false, tune_ = false;
  std::map<Key, std::unique_ptr<Plan>> plans_;
};

}  // namespace looktwice::compute::cuda
