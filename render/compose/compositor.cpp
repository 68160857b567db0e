#include "compose/compositor.h"

#include <algorithm>

#include "compose/parts.h"
#include "gl/framebuffer.h"
#include "gl/gl.h"
#include "gl/state.h"

namespace looktwice::compose {

Compositor::Compositor() : parts_(std::make_unique<Parts>()) {}
Compositor::~Compositor() = default;

void Compositor::release() {
  for (StaticLayer& layer : parts_->layers)
    layer.release();
  for (StaticLayer& content : parts_->contents)
    content.release();
  parts_->painter.release();
}

void Compositor::abandon() {
  parts_->painter.owner.abandon();
  release();
}

void Compositor::set_pane(int pane, PaneInput input) {
  PaneState& state = parts_->panes[pane];
  const bool same_clip = input.clip && state.input.clip &&
                         input.clip->frame_indices == state.input.clip->frame_indices;
  if (!same_clip) state.remembered.clear();
  state.input = std::move(input);
  const frames::FramePtr& frame = state.input.frame;
  if (!frame || !state.input.clip) return;
  const auto& sampled = state.input.clip->frame_indices;
  if (!std::binary_search(sampled.begin(), sampled.end(), frame->index)) return;
  auto& kept = state.remembered;
  const auto same = std::find_if(kept.begin(), kept.end(), [&](const frames::FramePtr& f) {
    return f->index == frame->index;
  });
  if (same == kept.end()) {
    kept.push_back(frame);
  } else {
    *same = frame;  // decoded again after a seek: the same picture, let the older buffer go
  }
}

void Compositor::set_panes(const std::vector<PaneInput>& inputs) {
  for (size_t i = 0; i < inputs.size(); ++i)
    set_pane(static_cast<int>(i), inputs[i]);
}

void Compositor::clear_panes() {
  parts_->panes.clear();
}

void Compositor::set_timeline(timeline::ContentPtr content) {
  parts_->timeline = std::move(content);
}

std::vector<Size> Compositor::frame_sizes(const Scene& scene) const {
  return parts_->sizes(scene);
}
Size Compositor::natural_size(const Scene& scene) const {
  return parts_->natural(scene, 0);
}
Size Compositor::natural_size(const Scene& scene, int least_width) const {
  return parts_->natural(scene, least_width);
}
Arrangement Compositor::arrangement(const Scene& scene, Size size, const View& view,
                                    double ui_scale) const {
  return parts_->look(scene, size, view, ui_scale).arrangement;
}

void Compositor::draw(const Scene& scene, const Target& target, const View& view, double ui_scale) {
  if (target.size.empty() || scene.panes.empty()) return;
  const gl::StateGuard guard;
  const Parts::Look look = parts_->look(scene, target.size, view, ui_scale);
  parts_->update_layers(scene, look);
  parts_->blend(
      scene, look,
      {target.framebuffer, target.x, target.y, target.framebuffer_height, target.bottom_up});
}

std::vector<uint8_t> Compositor::picture(const Scene& scene, Size size, const View& view,
                                         double ui_scale) {
  std::vector<uint8_t> bytes(size_t{3} * std::max(size.width, 0) * std::max(size.height, 0));
  if (bytes.empty() || scene.panes.empty()) return bytes;
  const gl::StateGuard guard;
  const gl::Texture texture(parts_->painter.owner, gl::Format::rgba8, size.width, size.height,
                            gl::Filter::nearest);
  const gl::Framebuffer framebuffer(parts_->painter.owner, {&texture});
  const Parts::Look look = parts_->look(scene, size, view, ui_scale);
  parts_->update_layers(scene, look);
  parts_->blend(scene, look, {framebuffer.id(), 0, 0, size.height, false});
  gl::read_pixels(framebuffer, size.width, size.height, 3, bytes.data());
  return bytes;
}

}  // namespace looktwice::compose
