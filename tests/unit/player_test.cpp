// The player: what poll() shows for a clock that the test moves, and what it never does.
#include "video/player.h"

#include <atomic>
#include <chrono>
#include <thread>

#include "video/window.h"
#include "video_files.h"

namespace looktwice::video {
namespace {

using namespace std::chrono_literals;

class PlayerTest : public VideoTest {
 protected:
  /// Waits (long: these tests assert no times) until `ready` holds.
  template <class F>
  bool eventually(F&& ready) {
    for (int i = 0; i < 3000; ++i) {
      if (ready()) return true;
      std::this_thread::sleep_for(10ms);
    }
    return false;
  }
  bool opened(Player& p) {
    return eventually(
        [&] { return p.status().state == PlayerStatus::State::ready && p.poll() != nullptr; });
  }
};

constexpr const char* kGraph = "lavfi:testsrc2=size=64x48:rate=25:duration=4";

TEST_F(PlayerTest, PlaysByTheClockAndLoops) {
  Player p;
  p.open(kGraph);
  ASSERT_TRUE(opened(p));
  p.set_range(5, 14);
  p.seek(5);
  ASSERT_TRUE(eventually([&] { return p.poll()->index == 5; }));
  p.play();
  ASSERT_TRUE(eventually([&] { return p.cached(14) != nullptr; }));
  const auto start = Player::Clock::now();
  EXPECT_EQ(p.poll(start)->index, 5);
  EXPECT_EQ(p.poll(start + 39ms)->index, 5);
  EXPECT_EQ(p.poll(start + 41ms)->index, 6);
  EXPECT_EQ(p.poll(start + 201ms)->index, 10);
  EXPECT_EQ(p.poll(start + 399ms)->index, 14);
  EXPECT_EQ(p.poll(start + 401ms)->index, 5) << "round the loop";
  EXPECT_EQ(p.poll(start + 801ms)->index, 5) << "and again";
  p.set_speed(4);
  p.poll(start + 900ms);
  const int64_t a = p.status().shown;
  EXPECT_EQ(p.poll(start + 911ms)->index, a + 1) << "four times as fast";
  p.set_speed(99);
  EXPECT_EQ(p.status().speed, 4);
  p.set_speed(0);
  EXPECT_EQ(p.status().speed, 0.1);
}

TEST_F(PlayerTest, StopsAtTheEndWithoutLooping) {
  Player p;
  p.set_loop(false);
  p.open("lavfi:testsrc2=size=64x48:rate=25:duration=0.4");
  ASSERT_TRUE(opened(p));
  p.play();
  auto now = Player::Clock::now();
  ASSERT_TRUE(eventually([&] {
    p.poll(now += 10ms);
    return p.status().at_end;
  }));
  EXPECT_EQ(p.status().shown, 9);
  EXPECT_FALSE(p.status().playing);
  p.play();
  ASSERT_TRUE(eventually([&] { return p.poll(now)->index < 9; })) << "starts over";
}

TEST_F(PlayerTest, StepsAndSeeksLatestWins) {
  LT_NEEDS_FFMPEG;
  ASSERT_TRUE(ffmpeg(std::string(kScene) + "-c:v libx264 -preset veryfast -bf 3 -g 40 a.mp4"));
  Player p;
  p.open(path("a.mp4"));
  ASSERT_TRUE(opened(p));
  for (int64_t i : {80, 3, 41, 77, 10, 60})
    p.seek(i);
  ASSERT_TRUE(eventually([&] { return p.poll()->index == 60; }));
  for (int i = 0; i < 25; ++i)
    p.step(-1);
  EXPECT_EQ(p.status().target, 35);
  ASSERT_TRUE(eventually([&] { return p.poll()->index == 35; }));
  p.step(2);
  ASSERT_TRUE(eventually([&] { return p.poll()->index == 37; }));
  p.step(1000);
  ASSERT_TRUE(eventually([&] { return p.poll()->index == 89; }));
  p.step(-1000);
  ASSERT_TRUE(eventually([&] { return p.poll()->index == 0; }));
}

TEST_F(PlayerTest, WindowStaysWithinItsBudgetOverLoopsAndLiveInput) {
  PlayerOptions options;
  options.window_bytes = 40 * 64 * 48 * 3 / 2;
  options.open.cache_bytes = options.window_bytes;
  Player p(options);
  p.open(kGraph);
  ASSERT_TRUE(opened(p));
  p.set_speed(4);
  p.play();
  auto now = Player::Clock::now();
  int rounds = 0;
  int64_t before = 0;
  ASSERT_TRUE(eventually([&] {
    for (int i = 0; i < 20; ++i) {
      const auto f = p.poll(now += 10ms);
      rounds += f->index < before;
      before = f->index;
      const auto s = p.status();
      EXPECT_LE(s.window_bytes, options.window_bytes);
      EXPECT_LE(s.window_frames, 40U);
    }
    return rounds >= 3;
  }));
  p.open("live:testsrc2=size=64x48:rate=25");
  ASSERT_TRUE(eventually([&] { return p.status().generation == 2; }));
  ASSERT_TRUE(eventually([&] {
    const auto s = p.status();
    EXPECT_LE(s.window_bytes, options.window_bytes);
    EXPECT_LE(s.window_frames, 40U);
    const auto recent = p.recent(4, 2);
    for (size_t i = 1; i < recent.size(); ++i)
      EXPECT_EQ(recent[i]->index - recent[i - 1]->index, 2);
    const auto f = p.poll();
    return f && f->index > 2000;
  }));
  EXPECT_TRUE(p.status().info.live);
  EXPECT_GT(p.status().dropped, 0) << "faster than anybody looked";
}

TEST_F(PlayerTest, AFailedOpenKeepsWhatIsShown) {
  Player p;
  p.open(kGraph);
  ASSERT_TRUE(opened(p));
  const auto shown = p.poll();
  p.open(path("none.mp4"));
  ASSERT_TRUE(eventually([&] { return !p.status().message.empty(); }));
  EXPECT_EQ(p.status().state, PlayerStatus::State::ready);
  EXPECT_EQ(p.status().input, kGraph);
  EXPECT_NE(p.status().message.find("no such file"), std::string::npos);
  EXPECT_EQ(p.poll(), shown);
  EXPECT_EQ(p.status().generation, 1U);
  p.step(1);
  EXPECT_TRUE(eventually([&] { return p.poll()->index == 1; }));
}

TEST_F(PlayerTest, CommandsBeforeAndWithoutASourceAreHarmless) {
  Player p;
  EXPECT_EQ(p.poll(), nullptr);
  p.play();
  p.seek(7);
  p.step(-1);
  p.set_range(3, 1);
  p.close();
  EXPECT_EQ(p.poll(), nullptr);
  p.open(path("none.mp4"));
  ASSERT_TRUE(eventually([&] { return p.status().state == PlayerStatus::State::failed; }));
}

TEST_F(PlayerTest, IsDestroyedInTheMiddleOfWork) {
  for (int i = 0; i < 20; ++i) {
    Player p;
    // Ten hours of a graph: opening and a far seek would take long.
    p.open("lavfi:testsrc2=size=640x360:rate=60:duration=36000");
    if (i % 2 == 0) {
      ASSERT_TRUE(opened(p));
    }
    p.seek(1000000 + i);
  }
}

TEST(PlayerWindow, AsksForThePlayheadThenAheadThenBehind) {
  Window w(1U << 20U, 12);
  Playhead head;
  head.at = 50;
  head.last = 99;
  std::vector<frames::FramePtr> gone;
  std::vector<int64_t> order;
  const std::vector<uint8_t> pixels(12);
  while (const auto index = w.wanted(head)) {
    ASSERT_LT(order.size(), 100U) << "asks for ever";
    order.push_back(*index);
    w.put(frames::make_rgb_frame(pixels.data(), 2, 2, *index, 0), head, gone);
  }
  EXPECT_EQ(order.front(), 50);
  EXPECT_EQ(order[1], 51);
  EXPECT_EQ(order.back(), 45);
  EXPECT_LE(w.frames().size(), 12U);
  // A tiny budget must come to rest too.
  for (bool playing : {false, true}) {
    Window tiny(1, 240);
    head.playing = playing;
    int asked = 0;
    while (const auto index = tiny.wanted(head)) {
      ASSERT_LT(++asked, 100) << "asks for ever";
      tiny.put(frames::make_rgb_frame(pixels.data(), 2, 2, *index, 0), head, gone);
    }
    EXPECT_LE(tiny.frames().size(), 4U);
  }
}

TEST(PlayerWindow, GoesRoundTheLoop) {
  Playhead head;
  head.at = 8;
  head.in = 4;
  head.last = 9;
  head.playing = true;
  EXPECT_EQ(head.ahead(1), 9);
  EXPECT_EQ(head.ahead(2), 4);
  EXPECT_EQ(head.ahead(8), 4);
  head.loop = false;
  EXPECT_EQ(head.ahead(2), std::nullopt);
}

}  // namespace
}  // namespace looktwice::video
