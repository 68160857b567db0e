#include "compute/cuda/staging.h"

#include <algorithm>
#include <cstring>

#include "compute/device_error.h"

namespace looktwice::compute::cuda {

void check(Device& device, Status status) {
  if (status == Status::ok) return;
  const std::string says = device.error();
  if (status == Status::out_of_memory)
    throw DeviceError(DeviceError::Kind::out_of_memory, "cuda", "out of device memory: " + says,
                      "use fewer clips, a smaller size, or --backend onednn");
  if (status == Status::lost)
    throw DeviceError(DeviceError::Kind::lost, "cuda", "the device is lost: " + says,
                      "run on the CPU with --backend onednn");
  throw run_failed("cuda", says.empty() ? "the device failed" : says, "try --backend onednn");
}

Staging::Staging(std::shared_ptr<Device> device, size_t slot_bytes, int slots)
    : device_(std::move(device)), slot_bytes_(slot_bytes), slots_(size_t(slots)) {}

Staging::~Staging() {
  device_->synchronize();
  for (const Slot& s : slots_)
    if (s.memory) device_->release_pinned(s.memory);
}

void Staging::next_slot() {
  Slot& full = slots_[current_];
  if (full.used) {
    check(*device_, device_->record(int(current_)));
    full.fenced = true;
  }
  current_ = (current_ + 1) % slots_.size();
  Slot& slot = slots_[current_];
  if (slot.fenced) check(*device_, device_->wait(int(current_)));
  slot.fenced = false;
  slot.used = 0;
}

void Staging::upload(void* device, const void* host, size_t rows, size_t row_bytes, size_t stride) {
  if (rows == 0 || row_bytes == 0) return;
  auto* to = static_cast<char*>(device);
  const auto* from = static_cast<const char*>(host);
  if (stride == row_bytes) {
    row_bytes *= rows;
    rows = 1;
  }
  for (size_t r = 0; r < rows; ++r, from += stride)
    for (size_t done = 0; done < row_bytes;) {
      if (slots_[current_].used >= slot_bytes_) next_slot();
      Slot& slot = slots_[current_];
      if (!slot.memory) {
        void* memory = nullptr;
        check(*device_, device_->allocate_pinned(slot_bytes_, &memory));
        slot.memory = static_cast<char*>(memory);
      }
      // Rows of a strided tensor fill a slot before they travel together.
      size_t fill = slot.used, taken = 0;
      char* const sent_to = to;
      while (fill < slot_bytes_) {
        const size_t n = std::min(row_bytes - done, slot_bytes_ - fill);
        std::memcpy(slot.memory + fill, from + done, n);
        fill += n;
        taken += n;
        done += n;
        if (done < row_bytes || r + 1 == rows) break;
        ++r;
        from += stride;
        done = 0;
      }
      check(*device_, device_->to_device(sent_to, slot.memory + slot.used, taken));
      to += taken;
      slot.used = std::min(slot_bytes_, (fill + 63) / 64 * 64);
    }
}

void Staging::download(void* host, const void* device, size_t bytes) {
  auto* to = static_cast<char*>(host);
  const auto* from = static_cast<const char*>(device);
  while (bytes > 0) {
    next_slot();
    Slot& slot = slots_[current_];
    if (!slot.memory) {
      void* memory = nullptr;
      check(*device_, device_->allocate_pinned(slot_bytes_, &memory));
      slot.memory = static_cast<char*>(memory);
    }
    const size_t n = std::min(bytes, slot_bytes_);
    check(*device_, device_->to_host(slot.memory, from, n));
    check(*device_, device_->synchronize());
    std::memcpy(to, slot.memory, n);
    to += n;
    from += n;
    bytes -= n;
  }
}

}  // namespace looktwice::compute::cuda
