#include "emulation/emulated_device.h"

#include <cstdlib>
#include <cstring>
#include <map>
#include <string>

#include "compute/cuda/kernels/attention.h"
#include "compute/cuda/kernels/elements.h"
#include "compute/cuda/kernels/rows.h"
#include "compute/cuda/kernels/tokens.h"

namespace looktwice::compute::cuda {
namespace {

class EmulatedDevice final : public Device {
 public:
  EmulatedDevice(EmulatedOptions options, EmulatedCounts* counts)
      : options_(options), counts_(counts ? *counts : own_) {
    std::strcpy(facts_.name, "emulated");
    std::strcpy(facts_.libraries, "no GPU");
    facts_.multiprocessors = 4;
    facts_.memory_total = facts_.memory_free = options.memory;
  }
  ~EmulatedDevice() override {
    for (const auto& [p, n] : sizes_)
      std::free(p);
  }
  const DeviceFacts& facts() const override { return facts_; }
  const char* error() const override { return error_.c_str(); }

  Status allocate(size_t bytes, void** memory) override {
    if (counts_.allocated + bytes > options_.memory) {
      error_ = "out of memory";
      return Status::out_of_memory;
    }
    *memory = nullptr;
    if (posix_memalign(memory, 256, bytes)) return Status::out_of_memory;
    std::memset(*memory, 0xff, bytes);  // NaN in every float: what nobody wrote shows
    sizes_[*memory] = bytes;
    counts_.allocated += bytes;
    ++counts_.allocations;
    return Status::ok;
  }
  void release(void* memory) override {
    counts_.allocated -= sizes_[memory];
    sizes_.erase(memory);
    std::free(memory);
  }
  Status allocate_pinned(size_t bytes, void** memory) override {
    ++counts_.pinned;
    *memory = std::malloc(bytes);
    return Status::ok;
  }
  void release_pinned(void* memory) override {
    --counts_.pinned;
    std::free(memory);
  }
  Status to_device(void* device, const void* host, size_t bytes) override {
    std::memcpy(device, host, bytes);
    return Status::ok;
  }
  Status to_host(void* host, const void* device, size_t bytes) override {
    std::memcpy(host, device, bytes);
    return Status::ok;
  }
  Status record(int) override { return Status::ok; }
  Status wait(int) override { return Status::ok; }
  Status synchronize() override { return Status::ok; }

  Status run(Kernel kernel, const void* args) override {
    ++counts_.kernels;
    Launcher launcher;
    try {
      if (run_elements(launcher, kernel, args) || run_rows(launcher, kernel, args) ||
          run_tokens(launcher, kernel, args) || run_attention(launcher, kernel, args))
        return Status::ok;
    } catch (const std::exception& e) {
      error_ = e.what();
      return Status::failed;
    }
    error_ = "no kernel takes these arguments";
    return Status::unsupported;
  }

  /// The library's part, by its documented meaning: sums in float32, then bias, tanh GELU, c.
  Status matmul(const MatmulArgs& a) override {
    const bool epilogue = a.bias || a.curve != Curve::none || a.c.data;
    if (!options_.library || (epilogue && !options_.library_epilogues)) {
      error_ = "no algorithm";
      return Status::unsupported;
    }
    ++counts_.products;
    for (int64_t r = 0; r < a.d.rows; ++r)
      for (int64_t o = 0; o < a.d.cols; ++o) {
        float sum = 0;
        for (int64_t i = 0; i < a.x.cols; ++i)
          sum += load_one(a.x.data, a.x.element, r * a.x.stride + i) *
                 load_one(a.w, a.w_element, o * a.x.cols + i);
        if (a.bias) sum += load_one(a.bias, a.bias_element, o);
        sum = curve_of(sum, a.curve);
        if (a.c.data) sum += load_one(a.c.data, a.c.element, r * a.c.stride + o);
        store_one(a.d.data, a.d.element, r * a.d.stride + o, sum);
      }
    return Status::ok;
  }

 private:
  EmulatedOptions options_;
  EmulatedCounts own_;
  EmulatedCounts& counts_;
  DeviceFacts facts_;
  std::string error_;
  std::map<void*, size_t> sizes_;
};

}  // namespace

std::shared_ptr<Device> emulated_device(EmulatedOptions options, EmulatedCounts* counts) {
  return std::make_shared<EmulatedDevice>(options, counts);
}

}  // namespace looktwice::compute::cuda
