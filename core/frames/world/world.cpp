#include "frames/world.h"

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <exception>
#include <thread>

#include "base/error.h"
#include "base/safetensors.h"
#include "frames/world/plan.h"

namespace looktwice::frames::world {

const std::vector<std::string>& class_names() {
  static const std::vector<std::string> names{
      "translate-left", "translate-right", "translate-up",     "translate-down",
      "approach",       "recede",          "rotate-clockwise", "rotate-counterclockwise",
      "bounce",         "collide",         "appear",           "vanish",
      "static",         "texture-slide",   "flicker"};
  return names;
}

std::string split_of(uint64_t seed) {
  for (const Split& split : kSplits)
    if (seed >= split.first && seed - split.first < split.count) return split.name;
  return "none";
}

int label_of(uint64_t seed) {
  return int(seed % kClasses);
}

namespace {

/// Sample::poses and Sample::camera of a plan.
void tell_poses(const Plan& plan, Sample& sample) {
  const size_t acting = plan.motion == Motion::collide ? 2 : 1;
  sample.poses.assign(size_t(sample.T) * 2 * kPoseValues, 0.0f);
  for (size_t t = 0; t < size_t(sample.T); ++t) {
    const scenes::Point camera = plan.camera[t];
    sample.camera.push_back(float(camera.x));
    sample.camera.push_back(float(camera.y));
    for (size_t i = 0; i < acting; ++i) {
      const Thing& thing = plan.things[i];
      const Pose& pose = plan.poses[i][t];
      const double values[kPoseValues] = {pose.x - camera.x,
                                          pose.y - camera.y,
                                          thing.radius * pose.scale,
                                          pose.turn,
                                          pose.opacity * thing.opacity,
                                          pose.slide,
                                          pose.flash ? 1.0 : 0.0};
      for (size_t v = 0; v < kPoseValues; ++v)
        sample.poses[(t * 2 + i) * kPoseValues + v] = float(values[v]);
    }
  }
}

}  // namespace

Sample generate(uint64_t seed, const Options& options) {
  const auto check = [](const char* name, int value, int low, int high) {
    if (value < low || value > high)
      throw bad_input(name, std::to_string(value) + " is out of range",
                      "give " + std::to_string(low) + " to " + std::to_string(high));
  };
  check("width", options.width, 16, 1024);
  check("height", options.height, 16, 1024);
  check("frames", options.frames, 16, 256);
  const Plan plan = make_plan(seed, options);
  Sample sample;
  sample.seed = seed;
  sample.label = int(plan.motion);
  sample.attributes = plan.attributes;
  sample.T = options.frames;
  sample.H = options.height;
  sample.W = options.width;
  sample.rgb = draw(plan);
  tell_poses(plan, sample);
  return sample;
}

Json to_json(const Attributes& a) {
  char color[8];
  std::snprintf(color, sizeof color, "#%06x", unsigned(a.color & 0xffffff));
  const auto frame = [](int index) { return index < 0 ? Json(nullptr) : Json(index); };
  return {{"shape", a.shape},
          {"texture", a.texture},
          {"color", color},
          {"background", a.background},
          {"camera", a.camera},
          {"light", a.light},
          {"noise", a.noise},
          {"speed", a.speed},
          {"faint", a.faint},
          {"slow", a.slow},
          {"drift", a.drift},
          {"cut", frame(a.cut)},
          {"event", frame(a.event)},
          {"uncompared", a.uncompared},
          {"bystanders", a.bystanders}};
}

namespace {

/// Generates `count` clips from `first` on, in order, on several threads.
std::vector<Sample> generate_many(uint64_t first, int64_t count, const WriteOptions& options,
                                  std::stop_token stop) {
  std::vector<Sample> samples(static_cast<size_t>(count));
  std::atomic<int64_t> next{0};
  std::exception_ptr failure;
  std::atomic<bool> failed{false};
  const auto work = [&] {
    try {
      for (int64_t i = next++; i < count && !failed && !stop.stop_requested(); i = next++)
        samples[size_t(i)] = generate(first + uint64_t(i), options.clip);
    } catch (...) {
      if (!failed.exchange(true)) failure = std::current_exception();
    }
  };
  {
    std::vector<std::jthread> threads;
    for (int i = 1; i < options.threads; ++i)
      threads.emplace_back(work);
    work();
  }
  if (failure) std::rethrow_exception(failure);
  if (stop.stop_requested()) throw Cancelled();
  return samples;
}

}  // namespace

void write_world(const std::filesystem::path& folder, const WriteOptions& options,
                 const std::function<void(double)>& progress, std::stop_token stop) {
  if (options.count < 1)
    throw bad_input("--count", std::to_string(options.count) + " clips cannot be written",
                    "give 1 or more");
  if (options.shard < 1 || options.shard > 65536)
    throw bad_input("shard", std::to_string(options.shard) + " is out of range");
  if (options.first_seed > uint64_t{1} << 62 || options.count > int64_t{1} << 40)
    throw bad_input("--seed", "is out of range", "give a seed below 4e18");
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error || !std::filesystem::is_directory(folder))
    throw bad_input(folder.string(), "cannot be made a folder", "give another -o");
  Json index = document("world", 1);
  index["classes"] = class_names();
  index["size"] = {{"frames", options.clip.frames},
                   {"height", options.clip.height},
                   {"width", options.clip.width}};
  index["clips"] = Json::array();
  const size_t clip_bytes =
      size_t(options.clip.frames) * size_t(options.clip.height) * size_t(options.clip.width) * 3;
  for (int64_t done = 0, shard = 0; done < options.count; ++shard) {
    const int64_t n = std::min<int64_t>(options.shard, options.count - done);
    const auto samples = generate_many(options.first_seed + uint64_t(done), n, options, stop);
    char name[40];
    std::snprintf(name, sizeof name, "clips-%05lld.safetensors", static_cast<long long>(shard));
    std::vector<uint8_t> frames(clip_bytes * size_t(n));
    std::vector<int32_t> labels;
    std::vector<int64_t> seeds;
    std::vector<float> poses, camera;
    for (size_t i = 0; i < samples.size(); ++i) {
      const Sample& sample = samples[i];
      std::copy(sample.rgb.begin(), sample.rgb.end(), &frames[clip_bytes * i]);
      labels.push_back(sample.label);
      seeds.push_back(int64_t(sample.seed));
      poses.insert(poses.end(), sample.poses.begin(), sample.poses.end());
      camera.insert(camera.end(), sample.camera.begin(), sample.camera.end());
      index["clips"].push_back({{"file", name},
                                {"index", i},
                                {"seed", sample.seed},
                                {"split", split_of(sample.seed)},
                                {"label", sample.label},
                                {"class", class_names()[size_t(sample.label)]},
                                {"attributes", to_json(sample.attributes)}});
    }
    const Options& clip = options.clip;
    write_safetensors(
        folder / name,
        {{"frames_u8", {DType::u8, {n, clip.frames, clip.height, clip.width, 3}, frames.data()}},
         {"labels", {DType::i32, {n}, labels.data()}},
         {"seeds", {DType::i64, {n}, seeds.data()}},
         {"poses", {DType::f32, {n, clip.frames, 2, kPoseValues}, poses.data()}},
         {"camera", {DType::f32, {n, clip.frames, 2}, camera.data()}}},
        {{"fps", "15"}});
    done += n;
    if (progress) progress(double(done) / double(options.count));
  }
  write_json((folder / "labels.json").string(), index);
}

}  // namespace looktwice::frames::world
