#pragma once
// The seam between the program and its CUDA plugin. The program decides (shapes, plans, memory,
// order of work: host code that any machine can test); a Device allocates, copies and runs. The
// plugin implements it with the CUDA runtime; the tests implement it with an emulator that runs the
// same kernel source on the CPU.
//
// Nothing here throws: calls return a Status and error() says more. One thread at a time.

#include <cstddef>
#include <cstdint>

#include "compute/cuda/args.h"

namespace looktwice::compute::cuda {

/// Changes whenever this file or args.h changes; a plugin of another number is refused.
inline constexpr int kAbi = 2;

enum class Status : int {
  ok,
  no_driver,      ///< no NVIDIA driver is installed
  old_driver,     ///< the driver is older than the plugin's CUDA
  no_device,      ///< a driver, but no usable GPU, or none of that number
  no_library,     ///< cuBLASLt was not found or is too old
  out_of_memory,  ///< device or pinned memory
  lost,           ///< the device fell off, or an earlier failure poisoned its context
  unsupported,    ///< the device cannot do this (dtype, shape)
  failed
};

struct OpenOptions {
  int device = 0;  ///< number of the GPU, from 0
  int tf32 = 0;    ///< 1: float32 products may round their inputs to TF32
  int tune = 0;    ///< 1: time the matrix library's algorithms when a shape is first met. Faster;
                   ///< another process may then choose another one, and get other last bits
  int need_blas = 1;  ///< 0: only look (probe): no stream, cuBLASLt found but not started
};

struct DeviceFacts {
  char name[256] = "";
  char libraries[160] = "";  ///< versions of driver, runtime and cuBLASLt
  int major = 0, minor = 0;  ///< compute capability
  int multiprocessors = 0;
  int shared_memory = 49152;  ///< most a block can ask for, bytes
  size_t memory_total = 0, memory_free = 0;
};

/// One GPU and one stream: work runs in the order in which it was asked for.
class Device {
 public:
  virtual ~Device() = default;
  virtual const DeviceFacts& facts() const = 0;
  /// What went wrong in the last call that did not return ok; one line.
  virtual const char* error() const = 0;

  virtual Status allocate(size_t bytes, void** memory) = 0;
  virtual void release(void* memory) = 0;
  virtual Status allocate_pinned(size_t bytes, void** memory) = 0;
  virtual void release_pinned(void* memory) = 0;

  /// Asynchronous where the host side is pinned.
  virtual Status to_device(void* device, const void* host, size_t bytes) = 0;
  virtual Status to_host(void* host, const void* device, size_t bytes) = 0;
  /// Marks this point of the stream; wait() blocks until it is passed. Fences are small numbers,
  /// made on first use.
  virtual Status record(int fence) = 0;
  virtual Status wait(int fence) = 0;
  virtual Status synchronize() = 0;

  /// Starts a kernel; `args` is the struct that args.h names for it.
  virtual Status run(Kernel kernel, const void* args) = 0;
  virtual Status matmul(const MatmulArgs& args) = 0;

  // Recording. Between begin and end, run(), matmul() and mark() write down instead of running; the
  // memory they name must live as long as the graph. Copies, fences and waiting are errors
  // meanwhile.
  virtual Status begin_recording() = 0;
  /// With a null `graph`, what was written down is thrown away.
  virtual Status end_recording(void** graph) = 0;
  virtual Status replay(void* graph) = 0;
  virtual void release_graph(void* graph) = 0;

  /// Marks a point in time of the stream (numbers of the caller's choice; a mark in a graph is made
  /// anew with every replay). elapsed() waits for `to`.
  virtual Status mark(int number) = 0;
  virtual Status elapsed(int from, int to, float* milliseconds) = 0;
  virtual void release_mark(int number) = 0;

  /// Copies device memory into a buffer object of this thread's current OpenGL context, without the
  /// host. `unsupported` where that context is not on this GPU: copy through the host then.
  virtual Status to_gl_buffer(uint32_t buffer, const void* device, size_t bytes) = 0;
};

// What a plugin exports (C names). `open` fills `*device` (to be deleted through the Device's
// virtual destructor) or `message`.
using AbiFunction = int();
using OpenFunction = Status(const OpenOptions* options, Device** device, char* message,
                            size_t message_bytes);
inline constexpr const char* kAbiSymbol = "looktwice_cuda_abi";
inline constexpr const char* kOpenSymbol = "looktwice_cuda_open";

}  // namespace looktwice::compute::cuda
