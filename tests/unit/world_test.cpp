// The labelled world: the same bytes everywhere, labels that are true, splits that share nothing.
#include "frames/world.h"

#include <cstdlib>
#include <set>
#include <thread>

#include <gtest/gtest.h>
#include <unistd.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/safetensors.h"
#include "frames/world/plan.h"

namespace looktwice::frames::world {
namespace {

uint64_t hash_of(uint64_t first, int count, const Options& options) {
  uint64_t hash = kHashSeed;
  for (int i = 0; i < count; ++i) {
    const Sample sample = generate(first + uint64_t(i), options);
    hash = hash_bytes(sample.rgb.data(), sample.rgb.size(), hash);
    hash = hash_text(to_json(sample.attributes).dump(), hash);
  }
  return hash;
}

TEST(World, HasTheSameBytesOnEveryMachine) {
  // Written down from the first machine. Models are trained on these bytes: do not change them.
  EXPECT_EQ(hex(hash_of(0, 30, {})), "b8b1dfb61f44ace3");
  EXPECT_EQ(hex(hash_of(kSplits[2].first + 77, 15, {96, 64, 18})), "9736270659bcd12f");
}

TEST(World, DoesNotDependOnThreads) {
  const uint64_t alone = hash_of(40, 8, {});
  std::vector<uint64_t> hashes(3);
  std::vector<std::thread> threads;
  for (uint64_t& hash : hashes)
    threads.emplace_back([&] { hash = hash_of(40, 8, {}); });
  for (std::thread& thread : threads)
    thread.join();
  for (const uint64_t hash : hashes)
    EXPECT_EQ(hash, alone);
}

TEST(World, SplitsShareNoSeed) {
  for (const Split& a : kSplits)
    for (const Split& b : kSplits)
      EXPECT_TRUE(&a == &b || a.first + a.count <= b.first || b.first + b.count <= a.first);
  EXPECT_EQ(split_of(0), "train");
  EXPECT_EQ(split_of(999'999'999), "train");
  EXPECT_EQ(split_of(1'000'000'000), "none");
  EXPECT_EQ(split_of(2'000'999'999), "validation");
  EXPECT_EQ(split_of(3'000'000'000), "test");
  ASSERT_EQ(class_names().size(), size_t(kClasses));
  EXPECT_EQ(class_names()[size_t(Motion::still)], "static");
  EXPECT_EQ(class_names()[size_t(Motion::flicker)], "flicker");
}

/// +1 if every step grows, −1 if every step shrinks, 0 if none changes, 2 otherwise.
template <typename F>
int trend(const std::vector<Pose>& poses, F value) {
  int up = 0, down = 0;
  for (size_t t = 1; t < poses.size(); ++t) {
    const double step = value(poses[t]) - value(poses[t - 1]);
    up += step > 0;
    down += step < 0;
  }
  const int steps = int(poses.size()) - 1;
  return up == steps ? 1 : down == steps ? -1 : up + down == 0 ? 0 : 2;
}

TEST(World, LabelsAreTrueByConstruction) {
  for (uint64_t seed = 5000; seed < 5000 + 40 * kClasses; ++seed) {
    SCOPED_TRACE(seed);
    const Plan plan = make_plan(seed, {});
    const auto& poses = plan.poses[0];
    EXPECT_EQ(int(plan.motion), label_of(seed));
    const int x = trend(poses, [](const Pose& p) { return p.x; });
    const int y = trend(poses, [](const Pose& p) { return p.y; });
    const int scale = trend(poses, [](const Pose& p) { return p.scale; });
    const int turn = trend(poses, [](const Pose& p) { return p.turn; });
    const int slide = trend(poses, [](const Pose& p) { return p.slide; });
    int flashes = 0;
    double first_opacity = poses.front().opacity, last_opacity = poses.back().opacity;
    for (const Pose& p : poses)
      flashes += p.flash;
    const auto is = [&](Motion m) { return plan.motion == m; };
    if (!is(Motion::bounce) && !is(Motion::collide)) {
      EXPECT_EQ(x, is(Motion::left) ? -1 : is(Motion::right) ? 1 : 0);
      EXPECT_EQ(y, is(Motion::up) ? -1 : is(Motion::down) ? 1 : 0);
    }
    EXPECT_EQ(scale, is(Motion::approach) ? 1 : is(Motion::recede) ? -1 : 0);
    EXPECT_EQ(turn, is(Motion::clockwise) ? 1 : is(Motion::counterclockwise) ? -1 : 0);
    EXPECT_EQ(slide != 0, is(Motion::slide));
    EXPECT_EQ(flashes > 0, is(Motion::flicker));
    EXPECT_EQ(first_opacity, is(Motion::appear) ? 0 : 1);
    EXPECT_EQ(last_opacity, is(Motion::vanish) ? 0 : 1);
    EXPECT_TRUE(!is(Motion::bounce) || x == 2 || y == 2) << "one direction turns back";
    if (is(Motion::collide)) {
      // Nearest at the hit, touching, apart before and after; one of the two goes another way.
      const auto& other = plan.poses[1];
      const auto gap = [&](size_t t) {
        const double dx = poses[t].x - other[t].x, dy = poses[t].y - other[t].y;
        return dx * dx + dy * dy;
      };
      const auto hit = size_t(plan.attributes.event);
      const double touch = plan.things[0].radius + plan.things[1].radius;
      EXPECT_LT(gap(hit), gap(0));
      EXPECT_LT(gap(hit), gap(15));
      for (size_t t = 0; t < 16; ++t)
        EXPECT_GE(gap(t), touch * touch * 0.999);
    }
    // What does not act stands still.
    const size_t actors = is(Motion::collide) ? 2 : 1;
    for (size_t i = actors; i < plan.poses.size(); ++i)
      for (const Pose& p : plan.poses[i])
        EXPECT_EQ(p.x, plan.poses[i][0].x);
    // The actor is in the picture for most of the clip, and a turning thing shows that it turns.
    int inside = 0;
    for (const Pose& p : poses)
      inside += p.x > 0 && p.x < 1 && p.y > 0 && p.y < 1;
    EXPECT_GE(inside, 10);
    const Thing& thing = plan.things[0];
    const bool round = thing.shape == 0 || thing.shape == 6;
    EXPECT_TRUE(turn == 0 || !round || (thing.texture != 0 && thing.texture != 3));
    EXPECT_TRUE(!is(Motion::slide) || (thing.texture >= 1 && thing.texture <= 3));
  }
}

TEST(World, PosesTellWhatMovesWhere) {
  for (uint64_t seed = 300; seed < 300 + 2 * kClasses; ++seed) {
    SCOPED_TRACE(seed);
    const Plan plan = make_plan(seed, {});
    const Sample sample = generate(seed);
    ASSERT_EQ(sample.poses.size(), size_t(16 * 2 * kPoseValues));
    ASSERT_EQ(sample.camera.size(), size_t(16 * 2));
    for (size_t t = 0; t < 16; ++t) {
      const float* one = &sample.poses[t * 2 * kPoseValues];
      const Pose& pose = plan.poses[0][t];
      // In the picture plus where the picture looks is in the world.
      EXPECT_NEAR(one[0] + sample.camera[2 * t], pose.x, 1e-6);
      EXPECT_NEAR(one[1] + sample.camera[2 * t + 1], pose.y, 1e-6);
      EXPECT_NEAR(one[2], plan.things[0].radius * pose.scale, 1e-6);
      EXPECT_NEAR(one[3], pose.turn, 1e-6);
      EXPECT_NEAR(one[4], plan.things[0].opacity * pose.opacity, 1e-6);
      EXPECT_NEAR(one[5], pose.slide, 1e-6);
      EXPECT_EQ(one[6], pose.flash ? 1 : 0);
      EXPECT_EQ(one[kPoseValues + 2] > 0, plan.motion == Motion::collide) << "a partner";
    }
  }
}

TEST(World, SomeEventsAreOnlyInFramesThatRltDoesNotCompare) {
  // Tubelets of two: frame 2k is compared with frame 2k + 3.
  std::set<int> compared;
  for (int k = 0; 2 * k + 3 < 16; ++k) {
    compared.insert(2 * k);
    compared.insert(2 * k + 3);
  }
  int found = 0;
  for (uint64_t seed = 14; found < 5; seed += kClasses) {
    Plan plan = make_plan(seed, {});
    if (!plan.attributes.uncompared) continue;
    ++found;
    EXPECT_EQ(compared.count(plan.attributes.event), 0u);
    const auto with = draw(plan);
    for (Pose& pose : plan.poses[0])
      pose.flash = false;
    const auto without = draw(plan);
    const size_t frame = with.size() / 16;
    for (size_t t = 0; t < 16; ++t)
      EXPECT_EQ(std::equal(&with[t * frame], &with[t * frame] + frame, &without[t * frame]),
                int(t) != plan.attributes.event);
  }
}

TEST(World, StillClipsRepeatAndFaintOnesStayBelowTheThreshold) {
  int still = 0, faint = 0, below = 0, patches = 0;
  for (uint64_t seed = 0; still < 3 || faint < 12; ++seed) {
    Plan plan = make_plan(seed, {});
    const Attributes& a = plan.attributes;
    const bool quiet = a.noise == 0 && a.drift == 0 && a.cut < 0 && a.camera == "static";
    if (plan.motion != Motion::still && !(a.faint && quiet)) continue;
    if (!quiet) continue;
    const auto rgb = draw(plan);
    const size_t frame = rgb.size() / 16, row = 112 * 3;
    if (plan.motion == Motion::still) {
      for (size_t t = 1; t < 16; ++t)
        EXPECT_TRUE(std::equal(rgb.begin(), rgb.begin() + ptrdiff_t(frame), &rgb[t * frame]));
      ++still;
      continue;
    }
    ++faint;
    for (size_t t = 0; t + 3 < 16; t += 2)
      for (size_t py = 0; py < 7; ++py)
        for (size_t px = 0; px < 7; ++px) {
          int sum = 0;
          for (size_t y = 0; y < 16; ++y)
            for (size_t i = 0; i < 48; ++i) {
              const size_t at = t * frame + (py * 16 + y) * row + px * 48 + i;
              sum += std::abs(rgb[at] - rgb[at + 3 * frame]);
            }
          below += sum / 768.0 < 5.7;  // τ = 0.1
          ++patches;
        }
  }
  EXPECT_GT(below, patches * 97 / 100);
}

class Writing : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "lt_world_XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::filesystem::path folder_;
};

TEST_F(Writing, ShardsAndLabelsAgreeForAnyNumberOfThreads) {
  WriteOptions options;
  options.clip = {32, 32, 16};
  options.first_seed = kSplits[2].first;
  options.count = 10;
  options.shard = 4;
  write_world(folder_ / "one", options);
  options.threads = 3;
  double progress = 0;
  write_world(folder_ / "three", options, [&](double done) { progress = done; });
  EXPECT_EQ(progress, 1);
  const Json labels = read_json(folder_ / "one/labels.json");
  EXPECT_EQ(labels, read_json(folder_ / "three/labels.json"));
  EXPECT_EQ(labels["schema"], "looktwice/world");
  ASSERT_EQ(labels["clips"].size(), 10u);
  for (const Json& clip : labels["clips"]) {
    const SafetensorsReader file(folder_ / "one" / clip["file"].get<std::string>());
    const SafetensorsReader other(folder_ / "three" / clip["file"].get<std::string>());
    const auto frames = file.read<uint8_t>("frames_u8");
    EXPECT_EQ(frames, other.read<uint8_t>("frames_u8"));
    const auto i = clip["index"].get<size_t>();
    const Sample sample = generate(clip["seed"].get<uint64_t>(), options.clip);
    EXPECT_TRUE(std::equal(sample.rgb.begin(), sample.rgb.end(), &frames[i * sample.rgb.size()]));
    const auto poses = file.read<float>("poses"), camera = file.read<float>("camera");
    EXPECT_EQ(poses, other.read<float>("poses"));
    EXPECT_TRUE(std::equal(sample.poses.begin(), sample.poses.end(), &poses[i * 16 * 2 * 7]));
    EXPECT_TRUE(std::equal(sample.camera.begin(), sample.camera.end(), &camera[i * 16 * 2]));
    EXPECT_EQ(file.read<int32_t>("labels")[i], sample.label);
    EXPECT_EQ(clip["label"], sample.label);
    EXPECT_EQ(clip["class"], class_names()[size_t(sample.label)]);
    EXPECT_EQ(clip["split"], "test");
    EXPECT_EQ(clip["attributes"], to_json(sample.attributes));
  }
}

TEST_F(Writing, BadInputIsSaid) {
  WriteOptions options;
  options.count = 0;
  EXPECT_THROW(write_world(folder_, options), Error);
  options.count = 1;
  options.clip.width = 4;
  EXPECT_THROW(write_world(folder_, options), Error);
  options.clip.width = 32;
  {
    std::FILE* file = std::fopen((folder_ / "plain").c_str(), "w");
    std::fclose(file);
  }
  EXPECT_THROW(write_world(folder_ / "plain", options), Error);
  std::stop_source stop;
  stop.request_stop();
  EXPECT_THROW(write_world(folder_ / "stopped", options, {}, stop.get_token()), Cancelled);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "stopped/labels.json"));
}

}  // namespace
}  // namespace looktwice::frames::world
