#pragma once
// Device memory: taken from the device in large segments, handed out in blocks, never given back
// while the program may need it again. Blocks are reused in stream order, so no one waits.

#include <atomic>
#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>

#include "compute/cuda/device.h"

namespace looktwice::compute::cuda {

struct PoolOptions {
  size_t budget = 0;                  ///< most bytes to take from the device; 0: no limit of ours
  size_t segment = size_t{64} << 20;  ///< least bytes asked of the device at a time; 0: each block
                                      ///< is an allocation of its own (finds wild writes in tests)
  /// Bytes taken by all pools that share the budget; null: this pool alone.
  std::shared_ptr<std::atomic<size_t>> taken = nullptr;
  bool keep = false;  ///< never gives memory back to the device while it lives: a graph names it
};

/// Thread-safe, because the last handle of a tensor may die anywhere. Lives as long as its blocks.
class DevicePool : public std::enable_shared_from_this<DevicePool> {
 public:
  DevicePool(std::shared_ptr<Device> device, PoolOptions options);
  ~DevicePool();
  DevicePool(const DevicePool&) = delete;
  DevicePool& operator=(const DevicePool&) = delete;

  /// A block of at least `bytes` (256-byte aligned), given back by its last owner. Throws
  /// DeviceError(out_of_memory) saying how much was asked for, in use and allowed.
  std::shared_ptr<void> take(size_t bytes);
  /// Whether an address lies in memory of this pool.
  bool owns(const void* address) const;
  size_t in_use() const;  ///< bytes of blocks that are out
  size_t peak() const;
  size_t held() const;  ///< bytes taken from the device
  /// Gives segments without blocks back to the device.
  void trim();

 private:
  struct Block {
    size_t size;
    bool free;
    char* segment;  ///< start of its segment
  };
  size_t allowed() const;
  void give(char* block);
  void release_unused();
  void insert_free(char* at, size_t size, char* segment);
  [[noreturn]] void fail(size_t bytes, const std::string& device_says) const;

  std::shared_ptr<Device> device_;
  PoolOptions options_;
  mutable std::mutex mutex_;
  std::map<char*, Block> blocks_;            // by address, all of every segment
  std::set<std::pair<size_t, char*>> free_;  // by size
  std::map<char*, size_t> segments_;
  size_t in_use_ = 0, peak_ = 0, held_ = 0;
};

}  // namespace looktwice::compute::cuda
