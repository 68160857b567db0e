// A built-in scene as a source of frames.
#include <algorithm>

#include "base/error.h"
#include "base/text.h"
#include "frames/scenes.h"
#include "frames/scenes/scene.h"

namespace looktwice::frames {
namespace {

std::unique_ptr<scenes::Scene> make_scene(const SceneOptions& options) {
  const scenes::Stage stage(options.width, options.height);
  using Maker = std::unique_ptr<scenes::Scene> (*)(const scenes::Stage&, uint64_t);
  static constexpr std::pair<const char*, Maker> kMakers[] = {
      {"static", scenes::make_valley}, {"drift", scenes::make_aurora},
      {"pan", scenes::make_city},      {"zoom", scenes::make_atlas},
      {"cut", scenes::make_posters},   {"lowlight", scenes::make_lamp},
  };
  for (const auto& [name, make] : kMakers)
    if (options.name == name) return make(stage, options.seed);
  throw bad_input("synth:" + options.name, "there is no such built-in scene");
}

class SceneSource final : public FrameSource {
 public:
  explicit SceneSource(const SceneOptions& options)
      : options_(options), scene_(make_scene(options)), canvas_(options.width, options.height) {
    info_.name = scene_text(options);
    for (const SceneInfo& scene : scene_list())
      if (scene.name == options.name) info_.description = "built-in scene: " + scene.title;
    info_.description += ", RGB, seed " + std::to_string(options.seed);
    info_.width = options.width;
    info_.height = options.height;
    info_.rate = rate_of(options.fps);
    info_.time_base = {info_.rate.den, info_.rate.num};
    info_.fps = info_.rate.value();
    info_.frame_count = options.frames;
    info_.duration = time_of(options.frames);
  }

  const SourceInfo& info() const override { return info_; }

  FramePtr next(std::stop_token stop) override {
    if (stop.stop_requested()) throw Cancelled();
    if (position_ >= options_.frames) return nullptr;
    const double time = time_of(position_);
    scene_->draw(canvas_, time, position_);
    const size_t pixels = size_t(options_.width) * size_t(options_.height);
    auto bytes = std::make_shared_for_overwrite<uint8_t[]>(pixels * 3);
    const uint8_t* from = canvas_.pixels.data();
    uint8_t* to = bytes.get();
    for (size_t i = 0; i < pixels; ++i, from += 4, to += 3) {
      to[0] = from[0];
      to[1] = from[1];
      to[2] = from[2];
    }
    auto frame = std::make_shared<Frame>();
    frame->width = options_.width;
    frame->height = options_.height;
    frame->range = Range::full;
    frame->index = position_++;
    frame->time = time;
    frame->planes[0] = {bytes.get(), ptrdiff_t{3} * options_.width, options_.width,
                        options_.height};
    frame->storage = std::move(bytes);
    return frame;
  }

  void seek(int64_t index, std::stop_token) override {
    position_ = std::clamp<int64_t>(index, 0, options_.frames);
  }

 private:
  double time_of(int64_t index) const {
    return double(index * info_.rate.den) / double(info_.rate.num);
  }

  SceneOptions options_;
  std::unique_ptr<scenes::Scene> scene_;
  scenes::Canvas canvas_;
  SourceInfo info_;
  int64_t position_ = 0;
};

}  // namespace

SourcePtr open_scene(const SceneOptions& options) {
  return std::make_unique<SceneSource>(options);
}

}  // namespace looktwice::frames
