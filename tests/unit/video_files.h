#pragma once
// Small videos made with the ffmpeg program when a test runs, in a folder of its own.

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <unistd.h>

#include "frames/source.h"

namespace looktwice::video {

namespace fs = std::filesystem;

class VideoTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() /
              ("lt_video_" + std::to_string(::getpid()) + "_" +
               ::testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::create_directories(folder_);
  }
  void TearDown() override {
    std::error_code ec;
    fs::remove_all(folder_, ec);
  }

  static bool have_ffmpeg() { return std::system("ffmpeg -version >/dev/null 2>&1") == 0; }
  std::string path(const std::string& name) const { return (folder_ / name).string(); }

  /// Runs ffmpeg in the folder; fails the test if it does.
  bool ffmpeg(const std::string& arguments) const {
    const std::string command = "cd '" + folder_.string() + "' && ffmpeg -v error -nostdin -y " +
                                arguments + " </dev/null >ffmpeg.log 2>&1";
    const bool good = std::system(command.c_str()) == 0;
    EXPECT_TRUE(good) << command;
    return good;
  }

  std::vector<std::string> files() const {
    std::vector<std::string> names;
    for (const auto& e : fs::directory_iterator(folder_))
      names.push_back(e.path().filename().string());
    return names;
  }

  static uint64_t digest(const frames::Frame& f) {
    uint64_t h = 1469598103934665603U;
    const int wide = f.layout == frames::Layout::rgb24 ? 3 : f.depth > 8 ? 2 : 1;
    for (int i = 0; i < f.plane_count(); ++i) {
      const auto& p = f.planes[static_cast<size_t>(i)];
      for (int y = 0; y < p.height; ++y)
        for (int x = 0; x < p.width * wide; ++x)
          h = (h ^ p.data[p.stride * y + x]) * 1099511628211U;
    }
    return h;
  }

 private:
  fs::path folder_;
};

/// 3 s of a moving test picture as an ffmpeg input.
inline const char* const kScene = "-f lavfi -i testsrc2=size=192x112:rate=30:duration=3 ";

#define LT_NEEDS_FFMPEG \
  if (!have_ffmpeg()) GTEST_SKIP() << "the ffmpeg program is not installed"

}  // namespace looktwice::video
