// The plugin's Device: the CUDA runtime, one stream, cuBLASLt.

#include <cstdio>
#include <cstring>
#include <map>
#include <memory>
#include <string>

#include <cuda_runtime_api.h>

#include "compute/cuda/plugin/blas.h"
#include "compute/cuda/plugin/gl_buffers.h"
#include "compute/cuda/plugin/kernels.h"

namespace looktwice::compute::cuda {
namespace {

std::string version_text(int v) {
  return std::to_string(v / 1000) + "." + std::to_string(v % 1000 / 10);
}

Status status_of(cudaError_t e) {
  switch (e) {
    case cudaSuccess:
      return Status::ok;
    case cudaErrorMemoryAllocation:
      return Status::out_of_memory;
    case cudaErrorNoDevice:
    case cudaErrorInvalidDevice:
      return Status::no_device;
    case cudaErrorNoKernelImageForDevice:
    case cudaErrorInvalidDeviceFunction:
      return Status::unsupported;
    // Errors that stay: nothing runs in this process's context any more.
    case cudaErrorIllegalAddress:
    case cudaErrorLaunchFailure:
    case cudaErrorLaunchTimeout:
    case cudaErrorHardwareStackError:
    case cudaErrorIllegalInstruction:
    case cudaErrorMisalignedAddress:
    case cudaErrorInvalidAddressSpace:
    case cudaErrorInvalidPc:
    case cudaErrorECCUncorrectable:
    case cudaErrorDevicesUnavailable:
    case cudaErrorContained:
      return Status::lost;
    default:
      return Status::failed;
  }
}

class CudaDevice final : public Device {
 public:
  static Status open(const OpenOptions& options, std::unique_ptr<CudaDevice>& made,
                     std::string& error);
  ~CudaDevice() override {
    if (stream_) cudaStreamSynchronize(stream_);
    blas_.reset();
    for (const auto* events : {&fences_, &marks_})
      for (const auto& [number, event] : *events)
        cudaEventDestroy(event);
    gl_.clear();
    if (stream_) cudaStreamDestroy(stream_);
  }

  const DeviceFacts& facts() const override { return facts_; }
  const char* error() const override { return error_.c_str(); }

  Status allocate(size_t bytes, void** memory) override {
    enter();
    return check(cudaMalloc(memory, bytes), "allocating device memory");
  }
  void release(void* memory) override {
    enter();
    cudaFree(memory);
  }
  Status allocate_pinned(size_t bytes, void** memory) override {
    enter();
    return check(cudaHostAlloc(memory, bytes, cudaHostAllocDefault), "allocating pinned memory");
  }
  void release_pinned(void* memory) override {
    enter();
    cudaFreeHost(memory);
  }
  Status to_device(void* device, const void* host, size_t bytes) override {
    enter();
    return check(cudaMemcpyAsync(device, host, bytes, cudaMemcpyHostToDevice, stream_),
                 "copying to the device");
  }
  Status to_host(void* host, const void* device, size_t bytes) override {
    enter();
    return check(cudaMemcpyAsync(host, device, bytes, cudaMemcpyDeviceToHost, stream_),
                 "copying from the device");
  }
  Status record(int fence) override {
    enter();
    cudaEvent_t& event = fences_[fence];
    if (!event)
      if (const Status s =
              check(cudaEventCreateWithFlags(&event, cudaEventDisableTiming), "making an event");
          s != Status::ok)
        return s;
    return check(cudaEventRecord(event, stream_), "recording an event");
  }
  Status wait(int fence) override {
    enter();
    const auto it = fences_.find(fence);
    if (it == fences_.end()) return Status::ok;
    return check(cudaEventSynchronize(it->second), "waiting for the device");
  }
  Status synchronize() override {
    enter();
    return check(cudaStreamSynchronize(stream_), "waiting for the device");
  }
  Status run(Kernel kernel, const void* args) override {
    enter();
    cudaError_t e = cudaSuccess;
    if (!run_kernel(kernel, args, stream_, e)) {
      error_ = "kernel " + std::to_string(int(kernel)) + " does not take these arguments";
      return Status::unsupported;
    }
    const Status s = check(e, "starting a kernel");
    if (s != Status::ok) error_ += " (number " + std::to_string(int(kernel)) + ")";
    return s;
  }
  Status matmul(const MatmulArgs& args) override {
    enter();
    return blas_->matmul(args, stream_, error_);
  }

  Status begin_recording() override {
    enter();
    recording_ = true;
    // Relaxed: memory may be taken from the device while a recording goes on.
    return check(cudaStreamBeginCapture(stream_, cudaStreamCaptureModeRelaxed), "recording");
  }
  Status end_recording(void** graph) override {
    enter();
    recording_ = false;
    cudaGraph_t written = nullptr;
    Status s = check(cudaStreamEndCapture(stream_, &written), "ending a recording");
    if (s == Status::ok && graph) {
      cudaGraphExec_t made = nullptr;
      s = check(cudaGraphInstantiate(&made, written, 0), "making a graph");
      *graph = made;
    }
    if (written) cudaGraphDestroy(written);
    return s;
  }
  Status replay(void* graph) override {
    enter();
    return check(cudaGraphLaunch(static_cast<cudaGraphExec_t>(graph), stream_), "starting a graph");
  }
  void release_graph(void* graph) override {
    enter();
    cudaStreamSynchronize(stream_);
    cudaGraphExecDestroy(static_cast<cudaGraphExec_t>(graph));
  }
  Status mark(int number) override {
    enter();
    cudaEvent_t& event = marks_[number];
    if (!event)
      if (const Status s = check(cudaEventCreate(&event), "making an event"); s != Status::ok)
        return s;
    return check(cudaEventRecordWithFlags(
                     event, stream_, recording_ ? cudaEventRecordExternal : cudaEventRecordDefault),
                 "marking a time");
  }
  Status elapsed(int from, int to, float* milliseconds) override {
    enter();
    const auto a = marks_.find(from), b = marks_.find(to);
    if (a == marks_.end() || b == marks_.end()) {
      error_ = "a time was not marked";
      return Status::failed;
    }
    if (const Status s = check(cudaEventSynchronize(b->second), "waiting for the device");
        s != Status::ok)
      return s;
    return check(cudaEventElapsedTime(milliseconds, a->second, b->second), "reading a time");
  }
  void release_mark(int number) override {
    enter();
    if (const auto it = marks_.find(number); it != marks_.end()) {
      cudaEventDestroy(it->second);
      marks_.erase(it);
    }
  }
  Status to_gl_buffer(uint32_t buffer, const void* device, size_t bytes) override {
    enter();
    return gl_.copy(number_, stream_, buffer, device, bytes, error_);
  }

 private:
  /// Every call may come from another thread than the last.
  void enter() { cudaSetDevice(number_); }
  Status check(cudaError_t e, const char* doing) {
    if (e == cudaSuccess) return Status::ok;
    error_ = std::string(doing) + ": " + cudaGetErrorString(e);
    cudaGetLastError();
    return status_of(e);
  }

  DeviceFacts facts_;
  std::string error_;
  std::unique_ptr<Blas> blas_;
  std::map<int, cudaEvent_t> fences_, marks_;
  GlBuffers gl_;
  bool recording_ = false;
  cudaStream_t stream_ = nullptr;
  int number_ = 0;
};

Status CudaDevice::open(const OpenOptions& options, std::unique_ptr<CudaDevice>& made,
                        std::string& error) {
  int driver = 0, runtime = 0, count = 0;
  cudaDriverGetVersion(&driver);
  cudaRuntimeGetVersion(&runtime);
  const cudaError_t counted = cudaGetDeviceCount(&count);
  cudaGetLastError();
  if (driver == 0) {
    error = "no NVIDIA driver is installed (" + std::string(cudaGetErrorString(counted)) + ")";
    return Status::no_driver;
  }
  if (counted == cudaErrorInsufficientDriver) {
    error = "the NVIDIA driver supports CUDA " + version_text(driver) + ", the plugin needs " +
            version_text(runtime);
    return Status::old_driver;
  }
  if (counted != cudaSuccess || count == 0) {
    error = "the NVIDIA driver shows no GPU (" +
            std::string(counted == cudaSuccess ? "count is 0" : cudaGetErrorString(counted)) + ")";
    return Status::no_device;
  }
  if (options.device < 0 || options.device >= count) {
    error = "there is no GPU " + std::to_string(options.device) + ", the machine has " +
            std::to_string(count);
    return Status::no_device;
  }
  made = std::make_unique<CudaDevice>();
  CudaDevice& d = *made;
  d.number_ = options.device;
  cudaDeviceProp properties{};
  cudaError_t e = cudaGetDeviceProperties(&properties, options.device);
  if (e == cudaSuccess) e = cudaSetDevice(options.device);
  if (e != cudaSuccess) {
    error = "GPU " + std::to_string(options.device) + " does not answer (" + cudaGetErrorString(e) +
            ")";
    return Status::no_device;
  }
  std::snprintf(d.facts_.name, sizeof d.facts_.name, "%s", properties.name);
  d.facts_.major = properties.major;
  d.facts_.minor = properties.minor;
  d.facts_.multiprocessors = properties.multiProcessorCount;
  d.facts_.shared_memory = int(properties.sharedMemPerBlockOptin);
  d.facts_.memory_total = properties.totalGlobalMem;
  if (properties.major < 8) {
    error = std::string(properties.name) + " has compute capability " +
            std::to_string(properties.major) + "." + std::to_string(properties.minor) +
            ", the plugin needs 8.0";
    return Status::no_device;
  }
  std::string libraries =
      "driver CUDA " + version_text(driver) + ", runtime " + version_text(runtime);
  if (!options.need_blas) {
    size_t version = 0;
    if (!Blas::look(version, error)) return Status::no_library;
    libraries += ", cuBLASLt " + std::to_string(version);
  } else {
    d.blas_ = Blas::open(options.tf32 != 0, options.tune != 0, error);
    if (!d.blas_) return Status::no_library;
    libraries += ", cuBLASLt " + std::to_string(d.blas_->version());
    e = cudaStreamCreateWithFlags(&d.stream_, cudaStreamNonBlocking);
    if (e == cudaSuccess) e = cudaMemGetInfo(&d.facts_.memory_free, &d.facts_.memory_total);
    if (e != cudaSuccess) {
      error = std::string(properties.name) + " does not start (" + cudaGetErrorString(e) + ")";
      return e == cudaErrorMemoryAllocation ? Status::out_of_memory : Status::failed;
    }
  }
  std::snprintf(d.facts_.libraries, sizeof d.facts_.libraries, "%s", libraries.c_str());
  return Status::ok;
}

}  // namespace
}  // namespace looktwice::compute::cuda

#define LT_EXPORT extern "C" __attribute__((visibility("default")))

LT_EXPORT int looktwice_cuda_abi() {
  return looktwice::compute::cuda::kAbi;
}

LT_EXPORT looktwice::compute::cuda::Status looktwice_cuda_open(
    const looktwice::compute::cuda::OpenOptions* options, looktwice::compute::cuda::Device** device,
    char* message, size_t message_bytes) {
  using namespace looktwice::compute::cuda;
  std::string error;
  Status status = Status::failed;
  try {
    std::unique_ptr<CudaDevice> made;
    status = CudaDevice::open(*options, made, error);
    if (status == Status::ok) *device = made.release();
  } catch (const std::exception& e) {
    error = e.what();
  }
  std::snprintf(message, message_bytes, "%s", error.c_str());
  return status;
}
