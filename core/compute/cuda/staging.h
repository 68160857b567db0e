#pragma once
// Pinned memory between host and device: uploads are copied into a ring of slots and travel while
// the host goes on; a slot is used again when the device has passed the fence behind it.

#include <cstddef>
#include <memory>
#include <vector>

#include "compute/cuda/device.h"

namespace looktwice::compute::cuda {

/// Throws DeviceError or Error(run) with the device's own words when `status` is not ok.
void check(Device& device, Status status);

/// One thread at a time. Must not outlive the device.
class Staging {
 public:
  explicit Staging(std::shared_ptr<Device> device, size_t slot_bytes = size_t{4} << 20,
                   int slots = 4);
  ~Staging();
  Staging(const Staging&) = delete;
  Staging& operator=(const Staging&) = delete;

  /// Copies `rows` rows of `row_bytes`, `stride` bytes apart on the host, to contiguous device
  /// memory. The host memory may change as soon as this returns.
  void upload(void* device, const void* host, size_t rows, size_t row_bytes, size_t stride);
  void upload(void* device, const void* host, size_t bytes) {
    upload(device, host, 1, bytes, bytes);
  }
  /// Copies contiguous device memory to the host and waits for it.
  void download(void* host, const void* device, size_t bytes);

 private:
  struct Slot {
    char* memory = nullptr;
    size_t used = 0;
    bool fenced = false;
  };
  void next_slot();
  std::shared_ptr<Device> device_;
  size_t slot_bytes_;
  std::vector<Slot> slots_;
  size_t current_ = 0;
};

}  // namespace looktwice::compute::cuda
