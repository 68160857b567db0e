// What is written is what is read again: count, times, pixels where the codec is lossless, tags.
#include "video/encoder.h"

#include <cmath>
#include <cstring>

#include "base/error.h"
#include "video/video.h"
#include "video_files.h"

// x265 leaks a little by itself each time it is closed.
extern "C" const char* __lsan_default_suppressions();  // NOLINT: the sanitizer's name
extern "C" const char* __lsan_default_suppressions() {
  return "leak:libx265\n";
}  // NOLINT

namespace looktwice::video {
namespace {

class EncoderTest : public VideoTest {
 protected:
  std::vector<frames::FramePtr> scene(int count, int width = 96, int height = 64) {
    std::vector<frames::FramePtr> out;
    auto source = open_source("lavfi:testsrc2=size=" + std::to_string(width) + "x" +
                              std::to_string(height) + ":rate=25:duration=60");
    while (static_cast<int>(out.size()) < count)
      out.push_back(source->next());
    return out;
  }

  static frames::FramePtr at(const frames::FramePtr& frame, double time) {
    auto copy = std::make_shared<frames::Frame>(*frame);
    copy->time = time;
    return copy;
  }

  void encode(const std::string& name, const std::vector<frames::FramePtr>& frames,
              const EncoderOptions& options = {}) {
    Encoder e(path(name), frames[0]->width, frames[0]->height, options);
    for (const auto& f : frames)
      e.write(f);
    e.finish();
    EXPECT_EQ(e.written(), static_cast<int64_t>(frames.size()));
  }

  template <class F>
  std::string error_of(F&& f, int exit_code = 2) {
    try {
      f();
    } catch (const Error& e) {
      EXPECT_EQ(e.exit_code(), exit_code) << e.what();
      return e.what();
    }
    return "no error";
  }

  static double psnr(const frames::Frame& a, const frames::Frame& b) {
    std::vector<uint8_t> x(size_t{3} * static_cast<size_t>(a.width * a.height)), y(x.size());
    frames::to_rgb24(a, x.data());
    frames::to_rgb24(b, y.data());
    double sum = 0;
    for (size_t i = 0; i < x.size(); ++i)
      sum += (x[i] - y[i]) * (x[i] - y[i]);
    return 10 * std::log10(255.0 * 255.0 * static_cast<double>(x.size()) / std::max(sum, 1e-9));
  }
};

TEST_F(EncoderTest, EveryCodecKeepsCountRateAndPicture) {
  const auto frames = scene(13);
  const std::vector<std::pair<std::string, std::string>> cases{
      {"a.mp4", "h264"}, {"b.mp4", "hevc"},   {"c.webm", "vp9"}, {"d.mkv", "av1"},
      {"e.mkv", "ffv1"}, {"f.mov", "prores"}, {"g.avi", "ffv1"}, {"h.mov", "h264"}};
  for (const auto& [name, codec] : cases) {
    SCOPED_TRACE(codec + " in " + name);
    if (!codec_missing(codec).empty()) continue;  // said by the encoder's own error
    EncoderOptions o;
    o.codec = codec;
    o.fps = {30000, 1001};
    o.metadata = {{"comment", "looktwice export é"}};
    encode(name, frames, o);
    auto source = open_source(path(name));
    EXPECT_EQ(source->info().frame_count, 13);
    EXPECT_EQ(source->info().rate, (frames::Rational{30000, 1001}));
    for (size_t i = 0; i < frames.size(); ++i) {
      const auto f = source->next();
      ASSERT_TRUE(f);
      EXPECT_NEAR(f->time, static_cast<double>(i) * 1001 / 30000, 0.6e-3);
      EXPECT_GT(psnr(*f, *frames[i]), codec == "ffv1" ? 90 : 24) << "frame " << i;
      if (codec != "ffv1") {
        EXPECT_EQ(f->matrix, frames::Matrix::bt709);
        EXPECT_EQ(f->range, frames::Range::limited);
      }
    }
  }
}

TEST_F(EncoderTest, Ffv1IsLosslessInEveryLayout) {
  LT_NEEDS_FFMPEG;
  for (const std::string format :
       {"yuv420p", "yuv422p", "yuv444p", "yuv420p10le", "yuv444p10le", "bgr0", "gray"}) {
    SCOPED_TRACE(format);
    ASSERT_TRUE(ffmpeg(std::string(kScene) + "-vf scale=101:67 -frames:v 4 -c:v ffv1 -pix_fmt " +
                       format + " in.mkv"));
    std::vector<frames::FramePtr> frames;
    auto source = open_source(path("in.mkv"));
    while (const auto f = source->next())
      frames.push_back(f);
    EncoderOptions o;
    o.codec = "ffv1";
    encode("out.mkv", frames, o);
    auto again = open_source(path("out.mkv"));
    for (const auto& want : frames) {
      const auto got = again->next();
      ASSERT_TRUE(got);
      EXPECT_EQ(digest(*got), digest(*want));
      EXPECT_EQ(got->matrix == want->matrix || format == "gray" || format == "bgr0", true);
      EXPECT_EQ(got->range, want->range);
    }
  }
}

TEST_F(EncoderTest, VariableTimesAreKept) {
  const auto frames = scene(9);
  const std::vector<double> times{10, 10.04, 10.2, 10.24, 10.5, 10.52, 11, 11.96, 12};
  std::vector<frames::FramePtr> timed;
  for (size_t i = 0; i < frames.size(); ++i)
    timed.push_back(at(frames[i], times[i]));
  for (const std::string name : {"v.mp4", "v.mkv", "v.webm"}) {
    EncoderOptions o;
    o.fps = {0, 1};
    encode(name, timed, o);
    auto source = open_source(path(name));
    EXPECT_EQ(source->info().frame_count, 9) << name;
    EXPECT_TRUE(source->info().variable_rate) << name;
    for (double t : times) {
      const auto f = source->next();
      ASSERT_TRUE(f);
      EXPECT_NEAR(f->time, t - 10, name == "v.mp4" ? 1e-6 : 0.6e-3) << name;
    }
  }
  // Times that do not grow.
  const std::vector<frames::FramePtr> back{at(frames[0], 1), at(frames[1], 0.5)};
  EncoderOptions o;
  o.fps = {0, 1};
  EXPECT_NE(error_of([&] { encode("w.mp4", back, o); }, 1).find("not later"), std::string::npos);
  EXPECT_FALSE(fs::exists(path("w.mp4")));
}

TEST_F(EncoderTest, PicturesAndSequences) {
  const auto frames = scene(3);
  EncoderOptions o;
  o.metadata = {{"Comment", "looktwice"}};
  encode("one.png", {frames[0]}, o);
  auto one = open_source(path("one.png"));
  const auto f = one->next();
  EXPECT_GT(psnr(*f, *frames[0]), 90);
  std::ifstream in(path("one.png"), std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(in)), {});
  EXPECT_NE(bytes.find("iTXtComment"), std::string::npos);
  encode("s_%03d.png", frames);
  for (const char* n : {"s_000.png", "s_001.png", "s_002.png"})
    EXPECT_TRUE(fs::exists(path(n)));
  auto sequence = open_source(path("s_%03d.png"));
  EXPECT_EQ(sequence->info().frame_count, 3);
  EXPECT_NE(error_of([&] { encode("two.png", frames); }).find("one picture"), std::string::npos);
  EXPECT_FALSE(fs::exists(path("two.png")));
}

TEST_F(EncoderTest, NothingIsLeftWithoutFinish) {
  const auto frames = scene(5);
  std::ofstream(path("old.mp4")) << "old";
  for (const std::string codec : {"h264", "hevc", "av1", "ffv1"}) {
    if (!codec_missing(codec).empty()) continue;
    EncoderOptions o;
    o.codec = codec;
    const std::string name = codec == "ffv1" ? "new.mkv" : "old.mp4";
    Encoder e(path(name), 96, 64, o);
    for (const auto& f : frames)
      e.write(f);
  }
  EXPECT_EQ(files(), (std::vector<std::string>{"old.mp4"}));
  EXPECT_EQ(fs::file_size(path("old.mp4")), 3U);
}

TEST_F(EncoderTest, MistakesAreNamed) {
  const auto make = [&](const std::string& name, const std::string& codec, int w = 96, int h = 64,
                        const std::string& format = "", const std::string& preset = "",
                        std::optional<double> quality = {}) {
    return error_of([&] {
      EncoderOptions o;
      o.codec = codec;
      o.pixel_format = format;
      o.preset = preset;
      o.quality = quality;
      Encoder e(path(name), w, h, o);
    });
  };
  const auto has = [](const std::string& text, const std::string& part) {
    EXPECT_NE(text.find(part), std::string::npos) << text;
  };
  has(make("a.mp4", "divx"), "h264, hevc, vp9, av1, ffv1, prores, png");
  has(make("a.webm", "h264"), "cannot hold h264");
  has(make("a.mp4", "ffv1"), "cannot hold ffv1");
  has(make("a.png", "h264"), "png");
  has(make("a", ""), "no extension");
  has(make("a.doc", ""), ".doc");
  has(make("a.mp4", "", 97, 64), "97x64 is odd");
  has(make("a.mp4", "", 0, 64), "0x64");
  has(make("a.mp4", "", 96, 64, "rgb"), "yuv444p");
  has(make("a.mp4", "", 96, 64, "yuv9"), "no pixel format");
  has(make("a.mp4", "", 96, 64, "", "quick"), "veryfast");
  has(make("a.mp4", "", 96, 64, "", "", 99), "out of range");
  has(make("a.mkv", "ffv1", 96, 64, "", "", 3), "lossless");
  has(make("no/such/folder/a.mp4", ""), "folder");
  fs::create_directory(path("dir.mp4"));
  has(make("dir.mp4", ""), "directory");
  EXPECT_EQ(make("a.mp4", "", 97, 65, "yuv444p"), "no error");
  EXPECT_EQ(files(), (std::vector<std::string>{"dir.mp4"}));
}

TEST_F(EncoderTest, AFullDiskFailsTheRun) {
  if (!fs::is_character_file("/dev/full")) GTEST_SKIP() << "this system has no /dev/full";
  const auto frames = scene(30);
  for (const std::string name : {"full.mp4", "full.mkv"}) {
    fs::create_symlink("/dev/full", path(name));
    EXPECT_NE(error_of([&] { encode(name, frames); }, 1).find("No space left"), std::string::npos);
  }
}

}  // namespace
}  // namespace looktwice::video
