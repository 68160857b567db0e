// Sources: every kind of file decodes the same frame whether it is reached in order or by a seek.
#include "video/video.h"

#include <cmath>
#include <cstring>
#include <random>
#include <set>
#include <sstream>

#include "base/error.h"
#include "base/log.h"
#include "video_files.h"

namespace looktwice::video {
namespace {

struct Sequence {
  std::vector<uint64_t> digests;
  std::vector<double> times;
};

class SourceTest : public VideoTest {
 protected:
  Sequence read_all(frames::FrameSource& source) {
    Sequence s;
    while (const auto f = source.next()) {
      EXPECT_EQ(f->index, static_cast<int64_t>(s.digests.size()));
      EXPECT_EQ(f->width, source.info().width);
      EXPECT_EQ(f->height, source.info().height);
      s.digests.push_back(digest(*f));
      s.times.push_back(f->time);
    }
    return s;
  }

  /// Sequential decode, then seeks all over the file in another source with no cache to speak of,
  /// then steps backwards. `frames` -1: whatever it holds.
  frames::SourceInfo check_exact(const std::string& name, int64_t frames) {
    SCOPED_TRACE(name);
    auto source = open_source(path(name));
    const Sequence all = read_all(*source);
    const int64_t n = static_cast<int64_t>(all.digests.size());
    if (frames >= 0) {
      EXPECT_EQ(n, frames);
    }
    EXPECT_EQ(source->info().frame_count, n);
    EXPECT_EQ(std::set<uint64_t>(all.digests.begin(), all.digests.end()).size(), all.digests.size())
        << "the test picture never repeats";
    EXPECT_EQ(all.times.empty() ? -1 : all.times[0], 0);
    for (size_t i = 1; i < all.times.size(); ++i)
      EXPECT_GT(all.times[i], all.times[i - 1]);

    OpenOptions small;
    small.cache_bytes = 1;
    auto other = open_source(path(name), small);
    std::mt19937 rng(7);
    const auto expect = [&](frames::FrameSource& s, int64_t index) {
      s.seek(index);
      const auto f = s.next();
      ASSERT_TRUE(f) << "frame " << index;
      EXPECT_EQ(f->index, index);
      EXPECT_EQ(f->time, all.times[static_cast<size_t>(index)]);
      EXPECT_EQ(digest(*f), all.digests[static_cast<size_t>(index)]) << "frame " << index;
    };
    for (int k = 0; k < 25 && n > 0; ++k)
      expect(*other, static_cast<int64_t>(rng() % static_cast<uint64_t>(n)));
    for (int64_t edge : {n - 1, int64_t{0}, n - 2, int64_t{1}})
      if (edge >= 0 && edge < n) expect(*other, edge);
    for (int64_t index = n - 1; index >= 0; --index)
      expect(*source, index);
    other->seek(n);
    EXPECT_FALSE(other->next()) << "past the end there is nothing";
    return source->info();
  }

  std::string error_of(const std::string& input) {
    try {
      open_source(input);
    } catch (const Error& e) {
      EXPECT_EQ(e.exit_code(), 2) << e.what();
      const std::string text = e.what();
      EXPECT_EQ(text.find('\n'), std::string::npos) << text;
      return text;
    }
    return "no error";
  }

  void truncate(const std::string& from, const std::string& to, double part) {
    fs::copy_file(path(from), path(to));
    fs::resize_file(path(to),
                    static_cast<uintmax_t>(static_cast<double>(fs::file_size(path(from))) * part));
  }
};

TEST_F(SourceTest, SeeksAreExactWithBFrames) {
  LT_NEEDS_FFMPEG;
  ASSERT_TRUE(ffmpeg(std::string(kScene) + "-c:v libx264 -preset veryfast -bf 3 -g 25 a.mp4"));
  const auto info = check_exact("a.mp4", 90);
  EXPECT_EQ(info.rate, (frames::Rational{30, 1}));
  EXPECT_FALSE(info.variable_rate);
  EXPECT_NEAR(info.duration, 3, 1e-9);
  // The same packets elsewhere: timestamps offset, missing, in milliseconds, wrapping round.
  ASSERT_TRUE(ffmpeg("-i a.mp4 -c copy b.ts"));
  check_exact("b.ts", 90);
  ASSERT_TRUE(ffmpeg("-i a.mp4 -c copy -output_ts_offset 95442 wrap.ts"));
  check_exact("wrap.ts", 90);
  ASSERT_TRUE(ffmpeg("-i a.mp4 -c copy c.avi"));
  check_exact("c.avi", 90);
  ASSERT_TRUE(ffmpeg("-i a.mp4 -c copy -bsf:v h264_mp4toannexb d.h264"));
  check_exact("d.h264", 90);
  ASSERT_TRUE(ffmpeg("-i a.mp4 -c copy e.mkv"));
  EXPECT_EQ(check_exact("e.mkv", 90).rate, (frames::Rational{30, 1}));
}

TEST_F(SourceTest, SeeksAreExactBehindEditListsAndOpenGroups) {
  LT_NEEDS_FFMPEG;
  ASSERT_TRUE(ffmpeg(std::string(kScene) + "-c:v libx264 -preset veryfast -bf 3 -g 25 a.mp4"));
  ASSERT_TRUE(ffmpeg("-ss 0.7 -i a.mp4 -c copy cut.mp4"));
  check_exact("cut.mp4", 69);
  ASSERT_TRUE(ffmpeg(std::string(kScene) +
                     "-c:v libx264 -preset veryfast -x264-params open-gop=1:keyint=20 open.mkv"));
  check_exact("open.mkv", 90);
  ASSERT_TRUE(ffmpeg("-ss 0.5 -i open.mkv -c copy cut.ts"));
  check_exact("cut.ts", -1);
  ASSERT_TRUE(ffmpeg(std::string(kScene) + "-c:v mpeg2video -bf 2 -g 12 m.mpg"));
  check_exact("m.mpg", 90);
}

TEST_F(SourceTest, VariableRateKeepsItsTimes) {
  LT_NEEDS_FFMPEG;
  ASSERT_TRUE(ffmpeg(std::string(kScene) +
                     "-vf \"select='not(mod(n,3))+lt(n,30)'\" -vsync vfr -c:v libx264 -preset "
                     "veryfast v.mkv"));
  const auto info = check_exact("v.mkv", 50);
  EXPECT_TRUE(info.variable_rate);
  auto source = open_source(path("v.mkv"));
  source->seek(31);
  EXPECT_NEAR(source->next()->time, 33 / 30.0, 1e-3);
}

TEST_F(SourceTest, OtherCodecsAndDepths) {
  LT_NEEDS_FFMPEG;
  ASSERT_TRUE(ffmpeg(std::string(kScene) +
                     "-c:v libx265 -preset ultrafast -pix_fmt yuv420p10le -x265-params "
                     "log-level=none:keyint=20 h.mp4"));
  check_exact("h.mp4", 90);
  auto h = open_source(path("h.mp4"));
  EXPECT_EQ(h->next()->depth, 10);
  ASSERT_TRUE(ffmpeg(std::string(kScene) + "-c:v libvpx -auto-alt-ref 1 -lag-in-frames 16 v.webm"));
  check_exact("v.webm", 90);
  ASSERT_TRUE(ffmpeg(std::string(kScene) + "-c:v mpeg4 -bf 2 x.avi"));
  check_exact("x.avi", 90);
  ASSERT_TRUE(ffmpeg(std::string(kScene) + "-frames:v 20 -c:v ffv1 -pix_fmt yuv444p12le d.mkv"));
  check_exact("d.mkv", 20);
  auto deep = open_source(path("d.mkv"));
  const auto f = deep->next();
  EXPECT_EQ(f->layout, frames::Layout::yuv444);
  EXPECT_EQ(f->depth, 10);
}

TEST_F(SourceTest, InterlacedIsFlaggedAndOddSizesAreWhole) {
  LT_NEEDS_FFMPEG;
  ASSERT_TRUE(
      ffmpeg(std::string(kScene) + "-c:v libx264 -preset veryfast -flags +ildct+ilme i.mp4"));
  EXPECT_NE(check_exact("i.mp4", 90).description.find("interlaced"), std::string::npos);
  EXPECT_TRUE(open_source(path("i.mp4"))->next()->interlaced);
  ASSERT_TRUE(ffmpeg(std::string(kScene) + "-vf scale=187:109 -frames:v 20 -c:v ffv1 o.mkv"));
  const auto info = check_exact("o.mkv", 20);
  EXPECT_EQ(info.width, 187);
  EXPECT_EQ(info.height, 109);
  const auto f = open_source(path("o.mkv"))->next();
  EXPECT_FALSE(f->interlaced);
  EXPECT_EQ(f->planes[1].width, 94);
  EXPECT_EQ(f->planes[1].height, 55);
}

TEST_F(SourceTest, RotatedFilesAreUpright) {
  LT_NEEDS_FFMPEG;
  ASSERT_TRUE(ffmpeg(std::string(kScene) + "-frames:v 12 -c:v libx264 -preset veryfast a.mp4"));
  for (const std::string angle : {"90", "180", "270"}) {
    ASSERT_TRUE(ffmpeg("-i a.mp4 -c copy -metadata:s:v rotate=" + angle + " r.mp4"));
    ASSERT_TRUE(ffmpeg("-i r.mp4 -c:v ffv1 upright.mkv"));  // ffmpeg turns it by itself
    const auto info = check_exact("r.mp4", 12);
    EXPECT_EQ(info.width, angle == "180" ? 192 : 112);
    auto turned = open_source(path("r.mp4")), upright = open_source(path("upright.mkv"));
    while (const auto want = upright->next()) {
      const auto got = turned->next();
      ASSERT_TRUE(got);
      EXPECT_EQ(digest(*got), digest(*want)) << angle << " frame " << want->index;
    }
  }
}

TEST_F(SourceTest, ColourTagsAndFallbacks) {
  LT_NEEDS_FFMPEG;
  const auto first = [&](const std::string& name) { return open_source(path(name))->next(); };
  ASSERT_TRUE(ffmpeg(std::string(kScene) +
                     "-frames:v 2 -c:v libx264 -colorspace bt709 -color_range pc tagged.mp4"));
  EXPECT_EQ(first("tagged.mp4")->matrix, frames::Matrix::bt709);
  EXPECT_EQ(first("tagged.mp4")->range, frames::Range::full);
  ASSERT_TRUE(ffmpeg(std::string(kScene) + "-frames:v 2 -c:v libx264 small.mp4"));
  EXPECT_EQ(first("small.mp4")->matrix, frames::Matrix::bt601);
  EXPECT_EQ(first("small.mp4")->range, frames::Range::limited);
  ASSERT_TRUE(ffmpeg("-f lavfi -i testsrc2=size=1280x720:duration=0.1 -c:v libx264 large.mp4"));
  EXPECT_EQ(first("large.mp4")->matrix, frames::Matrix::bt709);
  EXPECT_NE(open_source(path("large.mp4"))->info().description.find("not tagged"),
            std::string::npos);
}

TEST_F(SourceTest, LosslessRgbIsBitExact) {
  LT_NEEDS_FFMPEG;
  constexpr int kWidth = 33, kHeight = 21, kFrames = 3;
  std::mt19937 rng(5);
  std::vector<uint8_t> rgb(size_t{3} * kWidth * kHeight * kFrames);
  for (uint8_t& v : rgb)
    v = static_cast<uint8_t>(rng());
  std::ofstream(path("x.rgb"), std::ios::binary)
      .write(reinterpret_cast<const char*>(rgb.data()), static_cast<std::streamsize>(rgb.size()));
  const std::string raw = "-f rawvideo -pix_fmt rgb24 -s 33x21 -i x.rgb ";
  const std::vector<std::string> files{
      "-c:v ffv1 -pix_fmt bgr0 a.mkv",        "-c:v ffv1 a.avi",
      "-c:v rawvideo -pix_fmt rgb24 raw.nut", "-c:v libx264rgb -crf 0 -pix_fmt rgb24 r.mkv",
      "-c:v png -pix_fmt rgb24 p.mkv",        "-c:v utvideo -pix_fmt gbrp u.mkv"};
  for (const std::string& f : files) {
    ASSERT_TRUE(ffmpeg(raw + f));
    auto source = open_source(path(f.substr(f.rfind(' ') + 1)));
    std::vector<uint8_t> got(size_t{3} * kWidth * kHeight);
    for (int i = 0; i < kFrames; ++i) {
      const auto frame = source->next();
      ASSERT_TRUE(frame) << f;
      frames::to_rgb24(*frame, got.data());
      EXPECT_EQ(
          std::memcmp(got.data(), rgb.data() + got.size() * static_cast<size_t>(i), got.size()), 0)
          << f << " frame " << i;
    }
  }
}

TEST_F(SourceTest, TruncatedFilesPlayWhatTheyHold) {
  LT_NEEDS_FFMPEG;
  ASSERT_TRUE(ffmpeg(std::string(kScene) +
                     "-c:v libx264 -preset veryfast -g 25 -movflags +faststart a.mp4"));
  ASSERT_TRUE(ffmpeg("-i a.mp4 -c copy a.mkv"));
  ASSERT_TRUE(ffmpeg("-i a.mp4 -c copy a.ts"));
  ASSERT_TRUE(ffmpeg("-i a.mp4 -c copy -bsf:v h264_mp4toannexb a.h264"));
  ASSERT_TRUE(ffmpeg(std::string(kScene) + "-c:v mpeg4 -bf 2 a.avi"));
  for (const std::string ext : {"mp4", "mkv", "avi", "ts", "h264"}) {
    int warnings = 0;
    set_log_sink(
        [&](LogLevel level, const std::string&) { warnings += level >= LogLevel::warning; });
    truncate("a." + ext, "cut." + ext, 0.6);
    const auto info = check_exact("cut." + ext, -1);
    set_log_sink({});
    EXPECT_GT(*info.frame_count, 30) << ext;
    EXPECT_LT(*info.frame_count, 75) << ext;
    // A stream without an index may end anywhere; the others promised more.
    if (ext != "ts" && ext != "h264") {
      EXPECT_EQ(warnings, 1) << ext << ": said once";
    }
    EXPECT_LE(warnings, 1) << ext;
  }
  ASSERT_TRUE(ffmpeg(std::string(kScene) + "-c:v libx264 -preset veryfast end.mp4"));
  truncate("end.mp4", "headless.mp4", 0.6);
  EXPECT_NE(error_of(path("headless.mp4")).find("not a video"), std::string::npos);
}

TEST_F(SourceTest, DamagedFramesKeepTheNumbers) {
  LT_NEEDS_FFMPEG;
  ASSERT_TRUE(ffmpeg(std::string(kScene) + "-c:v ffv1 -level 3 -slicecrc 1 -g 1 a.mkv"));
  ASSERT_TRUE(ffmpeg("-i a.mkv -c copy -bsf:v noise=amount=400 bad.mkv"));
  set_log_sink({});
  auto source = open_source(path("bad.mkv"));
  int64_t n = 0;
  double time = -1;
  while (const auto f = source->next()) {
    EXPECT_EQ(f->index, n++);
    EXPECT_GT(f->time, time);
    time = f->time;
  }
  EXPECT_EQ(source->info().frame_count, n);
}

TEST_F(SourceTest, BadInputIsOneClearLine) {
  EXPECT_NE(error_of(path("none.mp4")).find("no such file"), std::string::npos);
  EXPECT_NE(error_of(path("")).find("is a directory"), std::string::npos);
  std::ofstream(path("text.mp4")) << "This is a text, not a video.\nReally.\n";
  EXPECT_NE(error_of(path("text.mp4")).find("not a video"), std::string::npos);
  std::ofstream(path("text.txt")) << "This is a text, not a video.\nReally.\n";
  EXPECT_NE(error_of(path("text.txt")).find("not a video"), std::string::npos);
  std::ofstream(path("empty.mp4")).flush();
  EXPECT_NE(error_of(path("empty.mp4")).find("empty"), std::string::npos);
  EXPECT_NE(error_of("camera:/dev/video99").find("no camera"), std::string::npos);
  EXPECT_NE(error_of("camera:?zoom=1").find("zoom"), std::string::npos);
  EXPECT_NE(error_of("lavfi:").find("empty"), std::string::npos);
  EXPECT_NE(error_of("lavfi:nosuchfilter").find("nosuchfilter"), std::string::npos);
  EXPECT_NE(error_of("lavfi:sine=duration=1").find("audio only"), std::string::npos);
  EXPECT_NE(error_of("https://example.org/a.mp4").find("no such file"), std::string::npos);
  // A raw AVI header that claims a huge picture.
  std::ofstream(path("huge.y4m")) << "YUV4MPEG2 W400000 H400000 F25:1 C420\nFRAME\n";
  EXPECT_NE(error_of(path("huge.y4m")), "no error");
}

TEST_F(SourceTest, AudioAndUnknownCodecsAreNamed) {
  LT_NEEDS_FFMPEG;
  ASSERT_TRUE(ffmpeg("-f lavfi -i sine=duration=1 a.mp4"));
  EXPECT_NE(error_of(path("a.mp4")).find("audio only"), std::string::npos);
  ASSERT_TRUE(ffmpeg(std::string(kScene) + "-frames:v 1 cover.png"));
  ASSERT_TRUE(
      ffmpeg("-i a.mp4 -i cover.png -map 0 -map 1 -c:a copy -c:v png -disposition:v "
             "attached_pic cover.m4a"));
  EXPECT_NE(error_of(path("cover.m4a")).find("audio only"), std::string::npos);
  ASSERT_TRUE(ffmpeg(std::string(kScene) + "-frames:v 3 -c:v rawvideo -pix_fmt yuv420p u.avi"));
  std::fstream f(path("u.avi"), std::ios::in | std::ios::out | std::ios::binary);
  std::stringstream bytes;
  bytes << f.rdbuf();
  std::string text = bytes.str();
  for (size_t at = text.find("I420"); at != std::string::npos; at = text.find("I420", at + 1))
    text.replace(at, 4, "Zz9q");
  std::ofstream(path("unknown.avi"), std::ios::binary) << text;
  EXPECT_NE(error_of(path("unknown.avi")).find("Zz9q"), std::string::npos);
}

TEST_F(SourceTest, GraphsEndAndRewind) {
  auto source = open_source("lavfi:testsrc2=size=64x48:rate=25:duration=1");
  EXPECT_FALSE(source->info().live);
  const Sequence all = read_all(*source);
  EXPECT_EQ(all.digests.size(), 25U);
  EXPECT_EQ(source->info().frame_count, 25);
  EXPECT_NEAR(all.times[24], 24 / 25.0, 1e-9);
  source->seek(10);
  EXPECT_EQ(digest(*source->next()), all.digests[10]);
  source->seek(3);
  EXPECT_EQ(digest(*source->next()), all.digests[3]);
  EXPECT_EQ(digest(*source->next()), all.digests[4]);
}

TEST_F(SourceTest, AGraphCanStandInForACamera) {
  auto source = open_source("live:testsrc2=size=64x48:rate=25:duration=0.2");
  EXPECT_TRUE(source->info().live);
  EXPECT_FALSE(source->info().seekable);
  EXPECT_FALSE(source->info().frame_count);
  EXPECT_THROW(source->seek(3), Error);
  for (int i = 0; i < 5; ++i)
    EXPECT_EQ(source->next()->index, i);
  try {
    source->next();
    FAIL() << "a camera that gives nothing is gone";
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find("gone"), std::string::npos);
  }
  EXPECT_NE(error_of("live:").find("empty"), std::string::npos);
}

TEST_F(SourceTest, StopEndsASeekAndLeavesTheSourceUsable) {
  LT_NEEDS_FFMPEG;
  ASSERT_TRUE(ffmpeg(std::string(kScene) + "-c:v libx264 -preset veryfast -g 100 a.mp4"));
  auto source = open_source(path("a.mp4"));
  const Sequence all = read_all(*source);
  OpenOptions small;
  small.cache_bytes = 1;
  auto other = open_source(path("a.mp4"), small);
  std::stop_source stop;
  stop.request_stop();
  other->seek(60);
  EXPECT_THROW(other->next(stop.get_token()), Cancelled);
  EXPECT_THROW(open_source(path("a.mp4"), {}, stop.get_token()), Cancelled);
  const auto f = other->next();
  ASSERT_TRUE(f);
  EXPECT_EQ(f->index, 60);
  EXPECT_EQ(digest(*f), all.digests[60]);
}

}  // namespace
}  // namespace looktwice::video
