// Which clip an exported frame shows, and the command that an export carries.

#include <filesystem>

#include <gtest/gtest.h>
#include <unistd.h>

#include "export/command.h"
#include "export/trace_feed.h"
#include "trace/trace_file.h"

using namespace looktwice;
using namespace looktwice::exporting;

namespace {

trace::ClipTrace clip_of(std::vector<int64_t> frames) {
  trace::ClipTrace clip;
  clip.t = static_cast<int>(frames.size()) / 2;
  clip.h = clip.w = 1;
  clip.frame_times.resize(frames.size());
  clip.frame_indices = std::move(frames);
  clip.crop_width = clip.crop_height = 16;
  return clip;
}

std::unique_ptr<TraceFeed> feed_of(std::vector<trace::ClipTrace> clips) {
  const auto path = std::filesystem::temp_directory_path() /
                    ("looktwice-export-" + std::to_string(getpid()) + ".trace");
  trace::TokenTrace trace;
  trace.clips = std::move(clips);
  trace::save_trace(path, trace);
  auto feed = saved_feed(path.string());
  std::filesystem::remove(path);
  return feed;
}

TEST(SavedFeed, ClipsEndOneStrideAfterTheirLastSample) {
  const auto feed = feed_of({clip_of({0, 4}), clip_of({8, 12})});
  EXPECT_EQ(feed->at(7)->frame_indices.front(), 0);
  EXPECT_EQ(feed->at(8)->frame_indices.front(), 8);
  EXPECT_EQ(feed->at(15)->frame_indices.front(), 8);
  EXPECT_EQ(feed->at(16), nullptr);
}

TEST(SavedFeed, AClipWhoseLastSamplesRepeatAFrameCoversThatFrame) {
  const auto feed = feed_of({clip_of({0, 1, 2, 2})});
  ASSERT_NE(feed->at(2), nullptr);
  EXPECT_EQ(feed->at(3), nullptr);
}

TEST(SavedFeed, OfViewsOfTheSameFramesTheFirstIsShown) {
  auto left = clip_of({0, 4}), right = clip_of({0, 4});
  right.crop_x = 16;
  const auto feed = feed_of({left, right});
  EXPECT_EQ(feed->at(5)->crop_x, 0);
}

Request request() {
  Request r;
  r.input = "my film.mp4";
  r.output = "out.mp4";
  r.scene = compose::comparison_scene(compose::Layout::side_by_side);
  PaneSource pane;
  pane.settings.clip.clips = 0;
  pane.settings.tokens.rlt = 0.25f;
  r.panes.assign(r.scene.panes.size(), pane);
  r.encoder.fps = {0, 1};
  return r;
}

TEST(Command, SaysOnlyWhatIsNotUsual) {
  Request r = request();
  EXPECT_EQ(command(r), "looktwice export 'my film.mp4' -o out.mp4 --rlt 0.25");
  r.scene = compose::comparison_scene(compose::Layout::wipe);
  r.panes[0].settings.clip.stride = r.panes[1].settings.clip.stride = 2;
  r.encoder.codec = "h264";
  r.encoder.quality = 18;
  r.first = 3;
  EXPECT_EQ(command(r),
            "looktwice export 'my film.mp4' -o out.mp4 --layout wipe --stride 2 --rlt 0.25 "
            "--codec h264 --crf 18 --range 3:");
}

TEST(Command, AnUnusualSceneIsGivenInFull) {
  Request r = request();
  r.scene.style.rlt.opacity = 0.5;
  const std::string text = command(r);
  EXPECT_NE(text.find("--scene '{"), std::string::npos) << text;
  EXPECT_NE(text.find(R"("style":{"rlt":{"opacity":0.5}})"), std::string::npos) << text;
}

TEST(Command, PanesThatDifferAreWrittenOneByOne) {
  Request r = request();
  r.panes[1].settings.tokens.rlt = 0.5f;
  r.panes[1].input = "other.mp4";
  EXPECT_NE(command(r).find("--pane '--rlt 0.25' --pane 'other.mp4 --rlt 0.5'"), std::string::npos)
      << command(r);
}

TEST(Describe, TheFileCarriesCommandAndSettings) {
  Request r = request();
  describe(r);
  EXPECT_EQ(r.encoder.metadata.at("comment"), command(r));
  const Json doc = parse_json(r.encoder.metadata.at("looktwice"), "metadata");
  EXPECT_EQ(doc.at("schema"), "looktwice/export");
  EXPECT_EQ(doc.at("panes").size(), 2u);
  describe(r, "as typed");
  EXPECT_EQ(r.encoder.metadata.at("comment"), "as typed");
}

}  // namespace
