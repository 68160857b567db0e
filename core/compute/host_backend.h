#pragma once
// What the CPU backends share: pooled host memory and argument checks.

#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "compute/backend.h"

namespace looktwice::compute {

/// Blocks of host memory that are kept for the next request of about their size. Thread-safe; lives
/// as long as the last block.
class HostPool : public std::enable_shared_from_this<HostPool> {
 public:
  std::shared_ptr<void> take(size_t bytes);
  size_t in_use() const;
  size_t peak() const;

 private:
  void give(void* block, size_t size);
  mutable std::mutex mutex_;
  std::multimap<size_t, std::shared_ptr<void>> free_;
  std::map<void*, std::shared_ptr<void>> taken_;
  size_t in_use_ = 0, peak_ = 0;
};

class HostBackend : public Backend {
 public:
  HostBackend() : pool_(std::make_shared<HostPool>()) {}
  using Backend::empty;
  using Backend::upload;
  Tensor empty(Shape shape, DType dtype) override;
  Tensor upload(const Tensor& host, DType dtype) override;
  Tensor download(const Tensor& device) override;
  size_t memory_in_use() const override { return pool_->in_use(); }
  size_t memory_peak() const override { return pool_->peak(); }

 private:
  std::shared_ptr<HostPool> pool_;
};

// Checks of the arguments of an operation; throw std::logic_error.
void check_linear(const Tensor& y, const Tensor& x, const PreparedLinear& w,
                  const LinearOptions& options);
void check_attention(const Tensor& y, const Tensor& q, const Tensor& k, const Tensor& v,
                     const AttentionOptions& options);
void check_same(const char* operation, const Tensor& y, const Tensor& x);
/// `table` is f32 [groups, cols]; `group_of_row` i32 [rows] with entries below groups, or absent.
void check_groups(const char* operation, const Tensor& x, const Tensor& table,
                  const Tensor& group_of_row);
void check_rms_norm(const Tensor& y, const Tensor& x, const Tensor& weight, int heads);
void check_index(const char* operation, const Tensor& index, int64_t count, int64_t below);
void check_groups_of_rows(const Tensor& y, const Tensor& x, std::span<const int32_t> offset,
                          std::span<const int32_t> member, const Tensor& weight,
                          const Tensor& divisor);
void check_patchify(const Tensor& y, const PatchifyOptions& options,
                    std::span<const int32_t> tokens);
/// Group of a row (0 where there are none).
inline int64_t group_at(const Tensor& group_of_row, int64_t row) {
  return group_of_row ? static_cast<const int32_t*>(group_of_row.raw())[row] : 0;
}

}  // namespace looktwice::compute
