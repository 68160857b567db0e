#include "compute/cuda/loader.h"

#include <cstdlib>
#include <map>
#include <mutex>
#include <system_error>

#include <dlfcn.h>
#include <unistd.h>

namespace looktwice::compute::cuda {
namespace fs = std::filesystem;

namespace {

constexpr const char* kPluginFile = "looktwice_cuda.so";

struct Plugin {
  OpenFunction* open = nullptr;
  std::string reason, hint;
};

/// What the loader of the system said, on one line and without the path that is named anyway.
std::string loader_message(const fs::path& file) {
  const char* text = dlerror();
  std::string message = text ? text : "unknown reason";
  const std::string prefix = file.string() + ": ";
  if (message.rfind(prefix, 0) == 0) message.erase(0, prefix.size());
  for (char& c : message)
    if (c == '\n') c = ' ';
  return message;
}

/// Loads a plugin file once. It is never unloaded: the CUDA runtime in it registers handlers that
/// run at exit.
const Plugin& load(const fs::path& file) {
  static std::map<std::string, Plugin> loaded;
  const auto [it, fresh] = loaded.try_emplace(file.string());
  Plugin& plugin = it->second;
  if (!fresh && plugin.open) return plugin;
  plugin = {};
  void* handle = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!handle) {
    plugin.reason = "the CUDA plugin " + file.string() + " does not load: " + loader_message(file);
    plugin.hint = "reinstall it with the program it belongs to";
    return plugin;
  }
  auto* abi = reinterpret_cast<AbiFunction*>(dlsym(handle, kAbiSymbol));
  auto* open = reinterpret_cast<OpenFunction*>(dlsym(handle, kOpenSymbol));
  if (!abi || !open) {
    plugin.reason = file.string() + " is no LookTwice CUDA plugin";
    plugin.hint = "point LOOKTWICE_CUDA_PLUGIN to looktwice_cuda.so";
    dlclose(handle);
    return plugin;
  }
  if (abi() != kAbi) {
    plugin.reason = "the CUDA plugin " + file.string() + " is of another version of the program";
    plugin.hint = "install plugin and program together";
    dlclose(handle);
    return plugin;
  }
  plugin.open = open;
  return plugin;
}

std::string hint_for(Status status) {
  switch (status) {
    case Status::no_driver:
      return "install the NVIDIA driver, or use --backend onednn";
    case Status::old_driver:
      return "update the NVIDIA driver, or use --backend onednn";
    case Status::no_library:
      return "install the CUDA libraries, or name the file in LOOKTWICE_CUBLASLT";
    case Status::no_device:
      return "choose another device, or use --backend onednn";
    default:
      return "use --backend onednn";
  }
}

}  // namespace

std::vector<fs::path> plugin_places() {
  if (const char* named = std::getenv("LOOKTWICE_CUDA_PLUGIN"); named && *named) return {named};
  std::error_code none;
  const fs::path program = fs::read_symlink("/proc/self/exe", none);
  if (none) return {};
  const fs::path folder = program.parent_path();
  return {folder / kPluginFile,
          (folder / ".." / "lib" / "looktwice" / kPluginFile).lexically_normal()};
}

Opened open_device(const OpenOptions& options, const std::vector<fs::path>& places) {
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  Opened result;
  for (const fs::path& file : places) {
    std::error_code none;
    if (!fs::exists(file, none)) continue;
    result.plugin = file;
    const Plugin& plugin = load(file);
    if (!plugin.open) {
      result.reason = plugin.reason;
      result.hint = plugin.hint;
      return result;
    }
    Device* device = nullptr;
    char message[512] = "";
    result.status = plugin.open(&options, &device, message, sizeof message);
    if (result.status == Status::ok && !device) result.status = Status::failed;
    if (result.status == Status::ok) {
      result.device.reset(device);
    } else {
      result.reason = *message ? message : "the device does not open";
      result.hint = hint_for(result.status);
    }
    return result;
  }
  result.reason = places.size() == 1
                      ? "there is no CUDA plugin at " + places[0].string()
                      : "the CUDA plugin " + std::string(kPluginFile) + " is not installed";
  result.hint = "install it beside the program, or use --backend onednn";
  return result;
}

Opened open_device(const OpenOptions& options) {
  return open_device(options, plugin_places());
}

}  // namespace looktwice::compute::cuda
