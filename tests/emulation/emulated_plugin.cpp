// The emulated device as a plugin: the whole program runs `--backend cuda` without a GPU when
// LOOKTWICE_CUDA_PLUGIN names this file. Slow; for tests.

#include <cstdio>
#include <cstdlib>

#include "emulation/emulated_device.h"

namespace {

using namespace looktwice::compute::cuda;

/// A plugin hands out a plain pointer.
class Owned final : public Device {
 public:
  const DeviceFacts& facts() const override { return d_->facts(); }
  const char* error() const override { return d_->error(); }
  Status allocate(size_t n, void** p) override { return d_->allocate(n, p); }
  void release(void* p) override { d_->release(p); }
  Status allocate_pinned(size_t n, void** p) override { return d_->allocate_pinned(n, p); }
  void release_pinned(void* p) override { d_->release_pinned(p); }
  Status to_device(void* to, const void* from, size_t n) override {
    return d_->to_device(to, from, n);
  }
  Status to_host(void* to, const void* from, size_t n) override { return d_->to_host(to, from, n); }
  Status record(int fence) override { return d_->record(fence); }
  Status wait(int fence) override { return d_->wait(fence); }
  Status synchronize() override { return d_->synchronize(); }
  Status run(Kernel kernel, const void* args) override { return d_->run(kernel, args); }
  Status matmul(const MatmulArgs& args) override { return d_->matmul(args); }
  Status begin_recording() override { return d_->begin_recording(); }
  Status end_recording(void** graph) override { return d_->end_recording(graph); }
  Status replay(void* graph) override { return d_->replay(graph); }
  void release_graph(void* graph) override { d_->release_graph(graph); }
  Status mark(int number) override { return d_->mark(number); }
  Status elapsed(int from, int to, float* ms) override { return d_->elapsed(from, to, ms); }
  void release_mark(int number) override { d_->release_mark(number); }
  Status to_gl_buffer(uint32_t buffer, const void* from, size_t n) override {
    return d_->to_gl_buffer(buffer, from, n);
  }

 private:
  std::shared_ptr<Device> d_ = emulated_device(options());

  /// LOOKTWICE_EMULATED_LOST_AFTER and _MEMORY let a whole program see a device that gives up.
  static EmulatedOptions options() {
    EmulatedOptions o;
    if (const char* n = std::getenv("LOOKTWICE_EMULATED_LOST_AFTER")) o.lost_after = std::atoi(n);
    if (const char* n = std::getenv("LOOKTWICE_EMULATED_MEMORY")) o.memory = size_t(std::atoll(n));
    return o;
  }
};

}  // namespace

#define LT_EXPORT extern "C" __attribute__((visibility("default")))

LT_EXPORT int looktwice_cuda_abi() {
  return kAbi;
}

LT_EXPORT Status looktwice_cuda_open(const OpenOptions* options, Device** device, char* message,
                                     size_t bytes) {
  if (options->device != 0) {
    std::snprintf(message, bytes, "there is no GPU %d, the machine has 1", options->device);
    return Status::no_device;
  }
  *device = new Owned;
  return Status::ok;
}
