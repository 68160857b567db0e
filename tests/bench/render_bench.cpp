// The compositor in an offscreen context: pictures for an encoder and for a screen, in turn with a
// plain copy of the same frame through the GPU's memory.

#include <cstdio>
#include <memory>
#include <vector>

#include "base/error.h"
#include "bench/interleave.h"
#include "compose/compositor.h"
#include "compose/video_output.h"
#include "gl/context.h"
#include "gl/framebuffer.h"
#include "gl/gl.h"
#include "unit/render_scene.h"

namespace looktwice {
namespace {

using frames::FramePtr;

/// A clip in which every third token is pruned, others each tubelet.
std::shared_ptr<trace::ClipTrace> busy_clip(int width, int height, int stride) {
  auto clip = test::square_clip(width, height, 7, stride, 8, 14);
  for (size_t i = 14 * 14; i < clip->keep.size(); ++i)
    clip->keep[i] = (i * 7 + i / 196 * (i % 11 == 0)) % 3 == 0;
  return clip;
}

/// Feeds frames one after the other, clip after clip.
class Reel {
 public:
  Reel(int width, int height, int stride, test::FrameKind kind = {}) : span_(16 * stride) {
    for (int i = 0; i < 8; ++i)
      frames_.push_back(test::pattern_frame(width, height, i, kind));
    clip_ = busy_clip(width, height, stride);
  }
  void feed(compose::Compositor& compositor, int n) {
    auto frame = std::make_shared<frames::Frame>(*frames_[size_t(n) % frames_.size()]);
    frame->index = n;
    if (n % span_ == 0) {
      clip_ = std::make_shared<trace::ClipTrace>(*clip_);
      for (size_t i = 0; i < clip_->frame_indices.size(); ++i)
        clip_->frame_indices[i] = n + int64_t(i) * span_ / 16;
    }
    for (int pane = 0; pane < 2; ++pane)
      compositor.set_pane(pane, {frame, clip_, {}});
  }

 private:
  std::vector<FramePtr> frames_;
  std::shared_ptr<trace::ClipTrace> clip_;
  int span_;
};

class Video {
 public:
  Video(int stride, test::FrameKind kind) : reel_(1280, 720, stride, kind) {
    reel_.feed(compositor_, 0);
    output_ = std::make_unique<compose::VideoOutput>(compositor_, compositor_.natural_size(scene_),
                                                     frames::Matrix::bt709, frames::Range::limited);
  }
  void run(int n) {
    reel_.feed(compositor_, n);
    output_->push(scene_, n, n / 30.0);
  }

 private:
  compose::Scene scene_ = compose::comparison_scene(compose::Layout::side_by_side);
  compose::Compositor compositor_;
  Reel reel_;
  std::unique_ptr<compose::VideoOutput> output_;
};

int run() {
  const gl::EglContext context;
  std::printf("%s\n\n", gl::renderer_name().c_str());
  const gl::Owner owner;
  gl::Texture copy(owner, gl::Format::rgba8, 640, 1080, gl::Filter::nearest);
  const gl::Framebuffer copied(owner, {&copy});
  std::vector<uint8_t> bytes(size_t{640} * 1080 * 4, 90);
  Video slow(4, {}), fast(1, {}), rgb(4, {frames::Layout::rgb24});

  gl::Texture screen(owner, gl::Format::rgba8, 1600, 900, gl::Filter::nearest);
  const gl::Framebuffer window(owner, {&screen});
  compose::Compositor viewer;
  Reel reel(1920, 1080, 4);
  compose::Target target;
  target.framebuffer = window.id();
  target.size = {1600, 900};
  target.framebuffer_height = 900;

  std::vector<bench::Peer> peers;
  peers.push_back({"2560x720 copied in and out", [&](int) {
                     copy.upload(bytes.data(), 640 * 4, 640, 1080);
                     gl::read_pixels(copied, 640, 1080, 4, bytes.data());
                   }});
  peers.push_back({"side by side, every 4th sampled", [&](int n) { slow.run(n); }});
  peers.push_back({"side by side, every one sampled", [&](int n) { fast.run(n); }});
  peers.push_back({"side by side, RGB frames", [&](int n) { rgb.run(n); }});
  peers.push_back({"1080p on a 1600x900 screen", [&](int n) {
                     reel.feed(viewer, n);
                     viewer.draw(compose::Scene{}, target, {}, 1);
                     glFinish();
                   }});
  bench::interleave(peers, 128, 16);
  bench::print(peers);
  return 0;
}

}  // namespace
}  // namespace looktwice

int main() {
  try {
    return looktwice::run();
  } catch (const looktwice::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return error.exit_code();
  }
}
