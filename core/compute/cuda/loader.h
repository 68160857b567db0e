#pragma once
// Finds, loads and opens the CUDA plugin. A program without plugin, driver or GPU starts and works:
// it learns the reason as a sentence.

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "compute/cuda/device.h"

namespace looktwice::compute::cuda {

/// A device, or why there is none.
struct Opened {
  Status status = Status::failed;
  std::string reason;              ///< empty when ok; one clause, no full stop
  std::string hint;                ///< what to do about it
  std::filesystem::path plugin;    ///< the file that was loaded, if any
  std::shared_ptr<Device> device;  ///< null unless ok
};

/// Where the plugin `looktwice_cuda.so` is looked for, in order: the file that the environment
/// variable LOOKTWICE_CUDA_PLUGIN names (then nowhere else), beside the program, and
/// ../lib/looktwice from there.
std::vector<std::filesystem::path> plugin_places();

/// Loads the plugin (once; it stays loaded) and opens a device. Never throws for what a machine
/// lacks. Thread-safe.
Opened open_device(const OpenOptions& options);
/// The same with the given places, for tests.
Opened open_device(const OpenOptions& options, const std::vector<std::filesystem::path>& places);

}  // namespace looktwice::compute::cuda
