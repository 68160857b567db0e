#include "emulation/emulated_device.h"

#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <string>
#include <vector>

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
    if (recording_) return not_now();
    std::memcpy(device, host, bytes);
    return Status::ok;
  }
  Status to_host(void* host, const void* device, size_t bytes) override {
    if (recording_) return not_now();
    std::memcpy(host, device, bytes);
    return Status::ok;
  }
  Status record(int) override { return recording_ ? not_now() : Status::ok; }
  Status wait(int) override { return recording_ ? not_now() : Status::ok; }
  Status synchronize() override { return recording_ ? not_now() : Status::ok; }

  // A graph is a list of calls with copies of their arguments.
  Status begin_recording() override {
    if (recording_) return not_now();
    recording_ = std::make_unique<Graph>();
    return Status::ok;
  }
  Status end_recording(void** graph) override {
    if (!recording_) return not_now();
    if (graph) {
      *graph = recording_.get();
      graphs_[recording_.get()] = std::move(recording_);
      ++counts_.graphs;
    }
    recording_.reset();
    return Status::ok;
  }
  Status replay(void* graph) override {
    if (recording_) return not_now();
    ++counts_.replays;
    for (const auto& call : *graphs_.at(static_cast<Graph*>(graph)))
      if (const Status s = call(); s != Status::ok) return s;
    return Status::ok;
  }
  void release_graph(void* graph) override {
    graphs_.erase(static_cast<Graph*>(graph));
    --counts_.graphs;
  }
  Status mark(int number) override {
    if (recording_) {
      recording_->push_back([this, number] { return mark(number); });
    } else {
      marks_[number] = ++clock_;
    }
    return Status::ok;
  }
  Status elapsed(int from, int to, float* milliseconds) override {
    if (recording_ || !marks_.count(from) || !marks_.count(to)) return not_now();
    *milliseconds = float(marks_[to] - marks_[from]);
    return Status::ok;
  }
  void release_mark(int number) override { marks_.erase(number); }
  Status to_gl_buffer(uint32_t buffer, const void* from, size_t bytes) override {
    if (options_.write_gl_buffer) {
      options_.write_gl_buffer(buffer, from, bytes);
      return Status::ok;
    }
    error_ = "this device shares nothing with OpenGL";
    return Status::unsupported;
  }

  Status run(Kernel kernel, const void* args) override {
    if (recording_) {
      const auto* bytes = static_cast<const char*>(args);
      recording_->push_back(
          [this, kernel, kept = std::vector<char>(bytes, bytes + args_bytes(kernel))] {
            return run(kernel, kept.data());
          });
      return Status::ok;
    }
    if (lost()) return Status::lost;
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
    const bool epilogue = a.bias || a.curve != Curve::none || a.c.data || a.scale;
    if (!options_.library || (epilogue && !options_.library_epilogues) ||
        (a.scale && !options_.library_scales)) {
      error_ = "no algorithm";
      return Status::unsupported;
    }
    if (recording_) {
      recording_->push_back([this, a] { return matmul(a); });
      return Status::ok;
    }
    if (lost()) return Status::lost;
    ++counts_.products;
    for (int64_t r = 0; r < a.d.rows; ++r)
      for (int64_t o = 0; o < a.d.cols; ++o) {
        float sum = 0;
        for (int64_t i = 0; i < a.x.cols; ++i)
          sum += load_one(a.x.data, a.x.element, r * a.x.stride + i) *
                 load_one(a.w, a.w_element, o * a.x.cols + i);
        if (a.scale) sum *= a.scale[o];
        if (a.bias) sum += load_one(a.bias, a.bias_element, o);
        sum = curve_of(sum, a.curve);
        if (a.c.data) sum += load_one(a.c.data, a.c.element, r * a.c.stride + o);
        store_one(a.d.data, a.d.element, r * a.d.stride + o, sum);
      }
    return Status::ok;
  }

 private:
  using Graph = std::vector<std::function<Status()>>;
  Status not_now() {
    error_ = "not while recording";
    return Status::failed;
  }
  bool lost() {
    const bool gone =
        options_.lost_after >= 0 && counts_.kernels + counts_.products >= options_.lost_after;
    if (gone) error_ = "the device fell off";
    return gone;
  }

  std::unique_ptr<Graph> recording_;
  std::map<Graph*, std::unique_ptr<Graph>> graphs_;
  std::map<int, int> marks_;
  int clock_ = 0;
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
