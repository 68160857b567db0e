// Which frames a clip takes, how large it is, and how options read and write.
#include "frames/clip.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace looktwice::frames {
namespace {

using Plan = std::vector<std::vector<int64_t>>;

ClipOptions small(int frames, int stride) {
  ClipOptions o;
  o.frames = frames;
  o.stride = stride;
  return o;
}

std::string error_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& e) {
    EXPECT_EQ(e.exit_code(), 2) << e.what();
    EXPECT_EQ(std::string(e.what()).find('\n'), std::string::npos);
    return e.what();
  }
  ADD_FAILURE() << "nothing was thrown";
  return {};
}

TEST(ClipPlan, DenseTakesStartAndStride) {
  ClipOptions o = small(4, 3);
  o.start = 5;
  EXPECT_EQ(plan_clips(o, 100), (Plan{{5, 8, 11, 14}}));
  // The last sample may be the last frame of the source.
  EXPECT_EQ(plan_clips(o, 15), (Plan{{5, 8, 11, 14}}));
  EXPECT_NE(error_of([&] { plan_clips(o, 14); }).find("needs 15"), std::string::npos);
}

TEST(ClipPlan, SeveralClipsAreSpreadToTheEnd) {
  ClipOptions o = small(2, 2);  // spans 3 frames
  o.clips = 3;
  EXPECT_EQ(plan_clips(o, 10), (Plan{{0, 2}, {3, 5}, {7, 9}}));
  o.start = 1;
  EXPECT_EQ(plan_clips(o, 10), (Plan{{1, 3}, {4, 6}, {7, 9}}));
  // No room to spread: the same clip again.
  o.start = 0;
  EXPECT_EQ(plan_clips(o, 3), (Plan{{0, 2}, {0, 2}, {0, 2}}));
  ClipOptions views = small(2, 2);
  views.views_time = 3;
  EXPECT_EQ(plan_clips(views, 10), (Plan{{0, 2}, {3, 5}, {7, 9}}));
}

TEST(ClipPlan, AllAreBackToBackAndTheTailIsReported) {
  ClipOptions o = small(2, 3);
  o.clips = 0;
  int64_t tail = -1;
  EXPECT_EQ(plan_clips(o, 14, &tail), (Plan{{0, 3}, {6, 9}}));
  EXPECT_EQ(tail, 2);
  EXPECT_EQ(plan_clips(o, 12, &tail), (Plan{{0, 3}, {6, 9}}));
  EXPECT_EQ(tail, 0);
  // The third clip fits as soon as its last sample is there.
  EXPECT_EQ(plan_clips(o, 16, &tail).size(), 3u);
  EXPECT_EQ(tail, 0);
}

TEST(ClipPlan, UniformTakesTheMiddlesOfEqualSegments) {
  ClipOptions o = small(4, 1);
  o.sampling = Sampling::uniform;
  EXPECT_EQ(plan_clips(o, 40), (Plan{{5, 15, 25, 35}}));
  EXPECT_EQ(plan_clips(o, 10), (Plan{{1, 3, 6, 8}}));  // 1.25 + 2.5·k
  EXPECT_EQ(plan_clips(o, 4), (Plan{{0, 1, 2, 3}}));
  o.start = 20;
  EXPECT_EQ(plan_clips(o, 40), (Plan{{22, 27, 32, 37}}));
  o.start = 0;
  o.clips = 2;
  EXPECT_EQ(plan_clips(o, 40), (Plan{{2, 7, 12, 17}, {22, 27, 32, 37}}));
  o.clips = 1;
  o.views_time = 2;  // VideoMAE: multiples of the segment, and half a segment later
  EXPECT_EQ(plan_clips(o, 40), (Plan{{0, 10, 20, 30}, {5, 15, 25, 35}}));
  EXPECT_NE(error_of([&] { plan_clips(o, 3); }).find("3 frames"), std::string::npos);
}

TEST(ClipGeometry, ShortSideAndCentreCrop) {
  const ClipOptions o;
  const ClipGeometry wide = clip_geometry(o, 1280, 720);
  EXPECT_EQ(wide.resized_width, 398);  // 398.2 is cut off
  EXPECT_EQ(wide.resized_height, 224);
  EXPECT_EQ(wide.width, 224);
  EXPECT_EQ(wide.left, 87);
  EXPECT_EQ(wide.top, 0);
  EXPECT_NEAR(wide.on_source.x, 87 * 1280.0 / 398, 1e-9);
  EXPECT_NEAR(wide.on_source.height, 720, 1e-9);
  const ClipGeometry tall = clip_geometry(o, 480, 641);
  EXPECT_EQ(tall.resized_height, 299);
  EXPECT_EQ(tall.top, 37);  // (299 - 224) / 2 is 37.5
}

TEST(ClipGeometry, WithoutCropSidesAreFlooredToThePatch) {
  ClipOptions o;
  o.crop = Crop::none;
  const ClipGeometry g = clip_geometry(o, 1280, 720);
  EXPECT_EQ(g.width, 384);
  EXPECT_EQ(g.height, 224);
  EXPECT_EQ(g.left, 0);
  o.size = 0;
  const ClipGeometry native = clip_geometry(o, 1917, 1080);
  EXPECT_EQ(native.resized_width, 1917);
  EXPECT_EQ(native.width, 1904);
  EXPECT_EQ(native.height, 1072);
  o.crop = Crop::center;
  EXPECT_EQ(clip_geometry(o, 1917, 1080).left, 6);
  EXPECT_EQ(clip_geometry(o, 1917, 1080).top, 4);
  EXPECT_EQ(clip_geometry(o, 96, 64).width, 96);
  o.size = 225;
  EXPECT_EQ(clip_geometry(o, 640, 480).width, 224);
}

TEST(ClipGeometry, SpatialViewsLieAlongTheLongSide) {
  ClipOptions o;
  o.views_space = 3;
  EXPECT_EQ(clip_geometry(o, 1280, 720, false, 0).left, 0);
  EXPECT_EQ(clip_geometry(o, 1280, 720, false, 1).left, 87);
  EXPECT_EQ(clip_geometry(o, 1280, 720, false, 2).left, 174);
  EXPECT_EQ(clip_geometry(o, 720, 1280, false, 2).top, 174);
}

TEST(ClipGeometry, TooSmallIsSaid) {
  ClipOptions o;
  o.size = 0;
  EXPECT_NE(error_of([&] { clip_geometry(o, 12, 80); }).find("12x80"), std::string::npos);
  EXPECT_EQ(clip_geometry(o, 12, 80, true).width, 12);  // verbatim stays as it is
  ClipOptions flat;
  flat.crop = Crop::none;
  error_of([&] { clip_geometry(flat, 7000, 1, false, 0); });
}

TEST(ClipOptions, JsonBothWays) {
  ClipOptions o;
  o.frames = 8;
  o.clips = 0;
  o.size = 0;
  o.sampling = Sampling::uniform;
  o.views_space = 1;
  o.crop = Crop::none;
  o.resize = Resize::opencv;
  EXPECT_EQ(clip_options_from_json(to_json(o), "x"), o);
  EXPECT_EQ(clip_options_from_json(Json::object(), "x"), ClipOptions());
  EXPECT_EQ(to_json(o)["clips"], "all");
  EXPECT_EQ(to_json(ClipOptions())["views"], "1x1");
}

TEST(ClipOptions, BadValuesAreNamed) {
  const auto json = [](const char* text) {
    return error_of([&] { clip_options_from_json(parse_json(text, "t"), "set.json"); });
  };
  EXPECT_NE(json(R"({"fraems": 8})").find("frames"), std::string::npos);
  EXPECT_NE(json(R"({"frames": "8"})").find("wrong type"), std::string::npos);
  EXPECT_NE(json(R"({"crop": 3})").find("wrong type"), std::string::npos);
  EXPECT_NE(json(R"({"frames": 8.5})").find("set.json: frames"), std::string::npos);
  EXPECT_NE(json(R"({"crop": "centre"})").find("center or none"), std::string::npos);
  EXPECT_NE(json(R"([1])").find("object"), std::string::npos);
  EXPECT_NE(json(R"({"frames": 7})").find("--frames"), std::string::npos);
  EXPECT_NE(json(R"({"stride": 0})").find("stride"), std::string::npos);
  EXPECT_NE(json(R"({"start": -1})").find("start"), std::string::npos);
  EXPECT_NE(json(R"({"frames": 99999999999999999999})").find("frames"), std::string::npos);
  EXPECT_NE(json(R"({"size": "12"})").find("size"), std::string::npos);
  ClipOptions o;
  for (const auto& [name, value] :
       std::vector<std::pair<const char*, const char*>>{{"views", "3"},
                                                        {"views", "0x1"},
                                                        {"clips", "0"},
                                                        {"clips", "some"},
                                                        {"size", "-1"},
                                                        {"patch", "0"},
                                                        {"tubelet", "1e3"},
                                                        {"resize", ""}})
    EXPECT_NE(error_of([&] { set_clip_option(o, name, value); }).find(std::string("--") + name),
              std::string::npos);
  o.views_time = 2;
  o.clips = 3;
  error_of([&] { o.check(); });
}

/// Frames whose bytes say their number; can lie about its length, and counts what is asked of it.
class Numbered final : public FrameSource {
 public:
  Numbered(int64_t frames, std::optional<int64_t> claimed, bool seekable = true) : frames_(frames) {
    info_.name = "numbered";
    info_.width = info_.height = 32;
    info_.frame_count = claimed;
    info_.seekable = seekable;
    info_.live = !seekable;
  }
  const SourceInfo& info() const override { return info_; }
  FramePtr next(std::stop_token) override {
    if (at_ >= frames_) return nullptr;
    ++decoded;
    const std::vector<uint8_t> rgb(32 * 32 * 3, uint8_t(at_));
    FramePtr frame = make_rgb_frame(rgb.data(), 32, 32, at_, double(at_) / 10);
    ++at_;
    return frame;
  }
  void seek(int64_t index, std::stop_token) override {
    if (!info_.seekable) throw bad_input("numbered", "cannot seek");
    at_ = std::min(index, frames_);
  }
  int decoded = 0;

 private:
  int64_t frames_, at_ = 0;
  SourceInfo info_;
};

/// The clips that are read, as the numbers that their bytes say.
Plan read(FrameSource& source, const ClipOptions& options, ReadReport* report = nullptr) {
  Plan plan;
  const ReadReport done = read_clips(source, options, [&](Clip&& clip) {
    std::vector<int64_t> numbers;
    for (int t = 0; t < clip.T; ++t)
      numbers.push_back(clip.rgb[size_t(t) * size_t(clip.H) * size_t(clip.W) * 3]);
    EXPECT_EQ(numbers, clip.indices);
    EXPECT_EQ(clip.times.size(), clip.indices.size());
    plan.push_back(numbers);
  });
  if (report != nullptr) *report = done;
  return plan;
}

ClipOptions native(int frames, int stride) {
  ClipOptions o = small(frames, stride);
  o.size = 0;
  return o;
}

TEST(ReadClips, OverlappingClipsShareDecodedFrames) {
  Numbered source(20, 20);
  ClipOptions o = native(4, 2);
  o.clips = 5;
  EXPECT_EQ(read(source, o), plan_clips(o, 20));
  EXPECT_LE(source.decoded, 20);
}

TEST(ReadClips, UnknownLength) {
  ReadReport report;
  ClipOptions o = native(4, 1);
  o.clips = 0;
  Numbered live(10, std::nullopt, false);
  EXPECT_EQ(read(live, o, &report), (Plan{{0, 1, 2, 3}, {4, 5, 6, 7}}));
  EXPECT_EQ(report.dropped_tail, 2);
  EXPECT_EQ(report.source_frames, 10);
  o.clips = 2;
  Numbered file(11, std::nullopt);
  EXPECT_EQ(read(file, o), (Plan{{0, 1, 2, 3}, {7, 8, 9, 10}}));
  Numbered unknown(11, std::nullopt, false);
  EXPECT_NE(error_of([&] { read(unknown, o); }).find("--clips"), std::string::npos);
}

/// A camera that is unplugged after some frames.
class Unplugged final : public FrameSource {
 public:
  explicit Unplugged(int64_t frames) : inner_(frames, std::nullopt, false), info_(inner_.info()) {
    info_.live = true;
    left_ = frames;
  }
  const SourceInfo& info() const override { return info_; }
  FramePtr next(std::stop_token stop) override {
    if (left_-- == 0) throw run_failed("camera", "is gone");
    return inner_.next(stop);
  }
  void seek(int64_t, std::stop_token) override { throw bad_input("camera", "cannot seek"); }

 private:
  Numbered inner_;
  SourceInfo info_;
  int64_t left_;
};

TEST(ReadClips, ALiveSourceEndsWhereItIsLostOrStopped) {
  ReadReport report;
  ClipOptions o = native(4, 1);
  o.clips = 0;
  Unplugged camera(10);
  EXPECT_EQ(read(camera, o, &report), (Plan{{0, 1, 2, 3}, {4, 5, 6, 7}}));
  EXPECT_EQ(report.dropped_tail, 2);
  Unplugged at_once(3);
  EXPECT_THROW(read(at_once, o), Error) << "before the first clip";
  Unplugged stopped(100);
  std::stop_source stop;
  int clips = 0;
  report = read_clips(
      stopped, o,
      [&](Clip&&) {
        if (++clips == 3) stop.request_stop();
      },
      {}, stop.get_token());
  EXPECT_EQ(report.clips, 3);
}

TEST(ReadClips, ASourceThatEndsTooEarlyIsPlannedAgain) {
  ReadReport report;
  ClipOptions o = native(4, 1);
  o.sampling = Sampling::uniform;
  Numbered source(20, 1000);
  EXPECT_EQ(read(source, o, &report), plan_clips(o, 20));
  EXPECT_EQ(report.source_frames, 20);
  o.sampling = Sampling::dense;
  o.clips = 0;
  Numbered other(10, 1000);
  EXPECT_EQ(read(other, o, &report).size(), 2u);
  EXPECT_EQ(report.dropped_tail, 2);
  Numbered tiny(3, 1000);
  EXPECT_NE(error_of([&] { read(tiny, o); }).find("3 frames"), std::string::npos);
}

TEST(ReadClips, SpatialViewsFollowEachOther) {
  Numbered source(8, 8);
  ClipOptions o = small(4, 1);
  o.size = 16;
  o.views_time = 2;
  o.views_space = 3;
  std::vector<std::pair<int, int>> views;
  read_clips(source, o, [&](Clip&& clip) {
    EXPECT_EQ(clip.W, 16);
    views.emplace_back(clip.view_time, clip.view_space);
  });
  EXPECT_EQ(views,
            (std::vector<std::pair<int, int>>{{0, 0}, {0, 1}, {0, 2}, {1, 0}, {1, 1}, {1, 2}}));
}

TEST(ReadClips, StopsWhenAsked) {
  Numbered source(100, 100);
  std::stop_source stop;
  stop.request_stop();
  EXPECT_THROW(read_clips(
                   source, native(4, 1), [](Clip&&) {}, {}, stop.get_token()),
               Cancelled);
}

}  // namespace
}  // namespace looktwice::frames
