#include "compute/cuda/pool.h"

#include <algorithm>
#include <iterator>

#include "compute/device_error.h"

namespace looktwice::compute::cuda {
namespace {

constexpr size_t kGrain = 256;
constexpr size_t kSegmentGrain = size_t{2} << 20;

size_t round_up(size_t n, size_t to) {
  return (n + to - 1) / to * to;
}

std::string mebibytes(size_t bytes) {
  const size_t tenths = bytes / ((size_t{1} << 20) / 10);
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " MiB";
}

}  // namespace

DevicePool::DevicePool(std::shared_ptr<Device> device, PoolOptions options)
    : device_(std::move(device)), options_(std::move(options)) {
  if (!options_.taken) options_.taken = std::make_shared<std::atomic<size_t>>(0);
}

DevicePool::~DevicePool() {
  for (const auto& [at, size] : segments_)
    device_->release(at);
  *options_.taken -= held_;
}

/// Bytes that may still be taken from the device.
size_t DevicePool::allowed() const {
  if (options_.budget == 0) return ~size_t{0};
  const size_t taken = *options_.taken;
  return options_.budget > taken ? options_.budget - taken : 0;
}

void DevicePool::insert_free(char* at, size_t size, char* segment) {
  blocks_[at] = {size, true, segment};
  free_.insert({size, at});
}

std::shared_ptr<void> DevicePool::take(size_t bytes) {
  const std::lock_guard lock(mutex_);
  const bool own_segment = options_.segment == 0;
  const size_t size =
      own_segment ? std::max<size_t>(bytes, 1) : round_up(std::max<size_t>(bytes, 1), kGrain);
  auto found = own_segment ? free_.end() : free_.lower_bound({size, nullptr});
  if (found == free_.end()) {
    size_t ask = own_segment ? size : round_up(std::max(size, options_.segment), kSegmentGrain);
    if (ask > allowed()) release_unused();
    ask = std::max(size, std::min(ask, allowed() / kGrain * kGrain));
    if (ask > allowed()) fail(bytes, "");
    void* memory = nullptr;
    Status status = device_->allocate(ask, &memory);
    if (status == Status::out_of_memory) {
      release_unused();
      ask = size;
      status = device_->allocate(ask, &memory);
    }
    if (status == Status::out_of_memory) fail(bytes, device_->error());
    if (status != Status::ok)
      throw DeviceError(DeviceError::Kind::lost, "cuda", device_->error(),
                        "run on the CPU with --backend onednn");
    auto* at = static_cast<char*>(memory);
    segments_[at] = ask;
    held_ += ask;
    *options_.taken += ask;
    insert_free(at, ask, at);
    found = free_.find({ask, at});
  }
  const auto [whole, at] = *found;
  free_.erase(found);
  Block& block = blocks_[at];
  if (!own_segment && whole - size >= kGrain) {
    block.size = size;
    insert_free(at + size, whole - size, block.segment);
  }
  block.free = false;
  in_use_ += block.size;
  peak_ = std::max(peak_, in_use_);
  return {at, [pool = shared_from_this()](void* p) { pool->give(static_cast<char*>(p)); }};
}

void DevicePool::give(char* at) {
  const std::lock_guard lock(mutex_);
  auto it = blocks_.find(at);
  in_use_ -= it->second.size;
  it->second.free = true;
  // Neighbours of the same segment grow together again.
  if (const auto next = std::next(it);
      next != blocks_.end() && next->second.free && next->second.segment == it->second.segment) {
    free_.erase({next->second.size, next->first});
    it->second.size += next->second.size;
    blocks_.erase(next);
  }
  if (it != blocks_.begin()) {
    const auto before = std::prev(it);
    if (before->second.free && before->second.segment == it->second.segment) {
      free_.erase({before->second.size, before->first});
      before->second.size += it->second.size;
      blocks_.erase(it);
      it = before;
    }
  }
  free_.insert({it->second.size, it->first});
  if (options_.segment == 0) release_unused();
}

void DevicePool::release_unused() {
  if (options_.keep) return;
  for (auto it = segments_.begin(); it != segments_.end();) {
    const auto block = blocks_.find(it->first);
    if (block->second.free && block->second.size == it->second) {
      free_.erase({block->second.size, block->first});
      blocks_.erase(block);
      device_->release(it->first);
      held_ -= it->second;
      *options_.taken -= it->second;
      it = segments_.erase(it);
    } else {
      ++it;
    }
  }
}

void DevicePool::trim() {
  const std::lock_guard lock(mutex_);
  release_unused();
}

bool DevicePool::owns(const void* address) const {
  const std::lock_guard lock(mutex_);
  // The map's keys are compared as addresses only; nothing is written through them.
  auto* at = static_cast<char*>(const_cast<void*>(address));
  auto it = segments_.upper_bound(at);
  if (it == segments_.begin()) return false;
  --it;
  return at < it->first + it->second;
}

size_t DevicePool::in_use() const {
  const std::lock_guard lock(mutex_);
  return in_use_;
}
size_t DevicePool::peak() const {
  const std::lock_guard lock(mutex_);
  return peak_;
}
size_t DevicePool::held() const {
  const std::lock_guard lock(mutex_);
  return held_;
}

void DevicePool::fail(size_t bytes, const std::string& device_says) const {
  std::string what = "out of device memory: " + mebibytes(bytes) + " more are needed, " +
                     mebibytes(in_use_) + " are in use";
  if (options_.budget) what += " of a budget of " + mebibytes(options_.budget);
  if (!device_says.empty()) what += " (" + device_says + ")";
  throw DeviceError(DeviceError::Kind::out_of_memory, "cuda", what,
                    "use fewer clips, a smaller size, --dtype bf16, or --backend onednn");
}

}  // namespace looktwice::compute::cuda
