// The ways in which there can be no CUDA device: each has one clear reason, and nothing breaks.

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <unistd.h>

#include "base/error.h"
#include "compute/backend.h"
#include "compute/cuda/loader.h"

namespace looktwice::compute::cuda {
namespace {
namespace fs = std::filesystem;

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(CudaLoader, NoPluginFile) {
  const Opened o = open_device({}, {"/nowhere/looktwice_cuda.so"});
  EXPECT_NE(o.status, Status::ok);
  EXPECT_FALSE(o.device);
  EXPECT_TRUE(contains(o.reason, "/nowhere/looktwice_cuda.so")) << o.reason;
  EXPECT_FALSE(o.hint.empty());
}

TEST(CudaLoader, NoPlaceAtAll) {
  const Opened o = open_device({}, {});
  EXPECT_FALSE(o.device);
  EXPECT_TRUE(contains(o.reason, "not installed")) << o.reason;
}

TEST(CudaLoader, AFileThatIsNoLibrary) {
  const fs::path file = fs::temp_directory_path() / ("lt_plugin_" + std::to_string(getpid()));
  std::ofstream(file) << "not an object file";
  const Opened o = open_device({}, {file});
  fs::remove(file);
  EXPECT_FALSE(o.device);
  EXPECT_TRUE(contains(o.reason, "does not load")) << o.reason;
  EXPECT_FALSE(contains(o.reason, "\n"));
}

TEST(CudaLoader, ALibraryThatIsNoPlugin) {
  const Opened o = open_device({}, {LT_NOT_A_PLUGIN});
  EXPECT_FALSE(o.device);
  EXPECT_TRUE(contains(o.reason, "no LookTwice CUDA plugin")) << o.reason;
}

TEST(CudaLoader, APluginOfAnotherVersion) {
  const Opened o = open_device({}, {LT_OLD_PLUGIN});
  EXPECT_FALSE(o.device);
  EXPECT_TRUE(contains(o.reason, "another version")) << o.reason;
}

TEST(CudaLoader, ThePluginWithoutADriverSaysSo) {
#ifndef LT_CUDA_PLUGIN
  GTEST_SKIP() << "built without nvcc, so there is no plugin to load";
#else
  const Opened o = open_device({}, {LT_CUDA_PLUGIN});
  if (o.status == Status::ok) {
    EXPECT_TRUE(o.device);
    EXPECT_GT(o.device->facts().memory_total, 0u);
    GTEST_SKIP() << "this machine has a GPU: " << o.device->facts().name;
  }
  EXPECT_FALSE(o.device);
  EXPECT_EQ(o.plugin, LT_CUDA_PLUGIN);
  // Not "does not load": the plugin needs no driver to be loaded.
  EXPECT_TRUE(contains(o.reason, "driver") || contains(o.reason, "GPU") ||
              contains(o.reason, "cuBLASLt"))
      << o.reason;
  EXPECT_TRUE(o.status == Status::no_driver || o.status == Status::old_driver ||
              o.status == Status::no_device || o.status == Status::no_library);
  // Asking again gives the same answer.
  EXPECT_EQ(open_device({}, {LT_CUDA_PLUGIN}).reason, o.reason);
#endif
}

TEST(CudaLoader, TheBackendListHasAReason) {
  bool seen = false;
  for (const BackendInfo& b : list_backends())
    if (b.name == "cuda") {
      seen = true;
      EXPECT_FALSE(b.note.empty());
    }
  EXPECT_TRUE(seen);
}

TEST(CudaLoader, AutoFallsBackAndCudaIsRefusedWithAReason) {
  setenv("LOOKTWICE_CUDA_PLUGIN", "/nowhere/plugin.so", 1);
  BackendOptions options;
  options.name = "auto";
  EXPECT_NE(make_backend(options)->name(), "cuda");
  options.name = "cuda";
  try {
    make_backend(options);
    FAIL() << "a backend without a plugin";
  } catch (const Error& e) {
    EXPECT_EQ(e.exit_code(), 2);
    EXPECT_TRUE(contains(e.what(), "/nowhere/plugin.so")) << e.what();
  }
  for (const char* name : {"cuda:", "cuda:x", "cuda:-1", "cuda:1x", "cuda:99999999999"}) {
    options.name = name;
    try {
      make_backend(options);
      FAIL() << name;
    } catch (const Error& e) {
      EXPECT_TRUE(contains(e.what(), "names no GPU")) << e.what();
    }
  }
  unsetenv("LOOKTWICE_CUDA_PLUGIN");
}

}  // namespace
}  // namespace looktwice::compute::cuda
