// Resizing against what Pillow and OpenCV made of the same pictures; frames from tensor files.
#include <cstdlib>
#include <filesystem>

#include <gtest/gtest.h>
#include <unistd.h>

#include "base/error.h"
#include "base/safetensors.h"
#include "frames/clip.h"
#include "frames/frames_file.h"
#include "frames/resize.h"

namespace looktwice::frames {
namespace {

TEST(Resize, MatchesPillowAndOpenCV) {
  const SafetensorsReader golden(std::string(LT_TEST_DATA) +
                                 "/golden/preprocess/resize.safetensors");
  int cases = 0;
  for (const auto& [name, entry] : golden.tensors()) {
    if (!name.ends_with("/input")) continue;
    const std::string base = name.substr(0, name.find('/'));
    SCOPED_TRACE(base);
    const auto input = golden.read<uint8_t>(name);
    const int h = int(entry.shape[0]), w = int(entry.shape[1]);
    const auto& to = golden.entry(base + "/pillow").shape;
    const int th = int(to[0]), tw = int(to[1]);
    const auto pillow = golden.read<uint8_t>(base + "/pillow");
    const auto opencv = golden.read<uint8_t>(base + "/opencv");
    std::vector<uint8_t> got(pillow.size());
    resize_rgb(input.data(), w, h, ptrdiff_t{3} * w, tw, th, {0, 0, tw, th}, Resize::pillow,
               got.data());
    EXPECT_EQ(got, pillow);
    // A window holds the bytes of the whole.
    const Window window{tw / 3, th / 4, tw - tw / 3, th - th / 4};
    std::vector<uint8_t> part(size_t(3) * size_t(window.width) * size_t(window.height));
    resize_rgb(input.data(), w, h, ptrdiff_t{3} * w, tw, th, window, Resize::pillow, part.data());
    for (int y = 0; y < window.height; ++y)
      EXPECT_TRUE(
          std::equal(part.begin() + ptrdiff_t{3} * window.width * y,
                     part.begin() + ptrdiff_t{3} * window.width * (y + 1),
                     pillow.begin() + 3 * ((window.top + y) * ptrdiff_t{tw} + window.left)));
    resize_rgb(input.data(), w, h, ptrdiff_t{3} * w, tw, th, {0, 0, tw, th}, Resize::opencv,
               got.data());
    for (size_t i = 0; i < got.size(); ++i)
      ASSERT_NEAR(got[i], opencv[i], 1) << i;
    ++cases;
  }
  EXPECT_EQ(cases, 13);
}

class FramesFile : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "lt_frames_XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path write(const std::string& name, DType dtype, std::vector<int64_t> shape) {
    int64_t n = 1;
    for (int64_t side : shape)
      n *= side;
    std::vector<uint8_t> bytes(size_t(n) * dtype_bytes(dtype));
    for (size_t i = 0; i < bytes.size(); ++i)
      bytes[i] = uint8_t(i * 7);
    const auto path = folder_ / "frames.safetensors";
    write_safetensors(path, {{name, {dtype, std::move(shape), bytes.data()}}}, {{"fps", "25"}});
    return path;
  }

  std::string error_for(const std::string& name, DType dtype, std::vector<int64_t> shape) {
    try {
      open_frames_file(write(name, dtype, std::move(shape)));
    } catch (const Error& e) {
      EXPECT_EQ(e.exit_code(), 2);
      return e.what();
    }
    return "nothing was thrown";
  }

  std::filesystem::path folder_;
};

TEST_F(FramesFile, ClipsComeVerbatim) {
  const auto path = write("frames_u8", DType::u8, {2, 3, 5, 7, 3});
  EXPECT_EQ(frames_file_info(path).clips, 2);
  const SourcePtr source = open_plain_source(path.string());
  ASSERT_TRUE(source);
  EXPECT_TRUE(source->info().verbatim);
  EXPECT_EQ(source->info().fps, 25);
  std::vector<uint8_t> all;
  read_clips(*source, ClipOptions(), [&](Clip&& clip) {
    EXPECT_EQ(clip.T, 3);
    EXPECT_EQ(clip.H, 5);
    EXPECT_EQ(clip.W, 7);
    all.insert(all.end(), clip.rgb.begin(), clip.rgb.end());
  });
  EXPECT_EQ(all, SafetensorsReader(path).read<uint8_t>("frames_u8"));
  EXPECT_THROW(open_plain_source(path.string(), 2), Error);
  EXPECT_EQ(open_plain_source(path.string(), 1)->next()->planes[0].data[0], all[all.size() / 2]);
}

TEST_F(FramesFile, ImagesAreClipsOfOneFrame) {
  const auto path = write("images_u8", DType::u8, {4, 5, 7, 3});
  const SourcePtr source = open_frames_file(path);
  int clips = 0;
  read_clips(*source, ClipOptions(), [&](Clip&& clip) {
    EXPECT_EQ(clip.T, 1);
    EXPECT_EQ(clip.clip, clips++);
  });
  EXPECT_EQ(clips, 4);
}

TEST_F(FramesFile, AnythingElseIsNamed) {
  EXPECT_NE(error_for("frames_u8", DType::f32, {2, 3, 5, 3}).find("F32"), std::string::npos);
  EXPECT_NE(error_for("frames_u8", DType::u8, {2, 3, 5, 4}).find("[2,3,5,4]"), std::string::npos);
  EXPECT_NE(error_for("frames_u8", DType::u8, {3, 5, 3}).find("[3,5,3]"), std::string::npos);
  EXPECT_NE(error_for("images_u8", DType::u8, {1, 2, 3, 5, 3}).find("shape"), std::string::npos);
  EXPECT_NE(error_for("frames_u8", DType::u8, {0, 5, 5, 3}).find("empty"), std::string::npos);
  EXPECT_NE(error_for("video", DType::u8, {2, 5, 5, 3}).find("frames_u8"), std::string::npos);
  EXPECT_THROW(open_plain_source((folder_ / "missing.safetensors").string()), Error);
  EXPECT_EQ(open_plain_source("clip.mp4"), nullptr);
}

}  // namespace
}  // namespace looktwice::frames
