#include "compose/frame_store.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "base/error.h"

namespace looktwice::compose {
namespace {

constexpr size_t kKeep = 6;
constexpr size_t kHeadBytes = size_t{768} << 20;

gl::Format plane_format(const frames::Frame& frame) {
  if (frame.layout == frames::Layout::rgb24) return gl::Format::rgb8;
  return frame.depth > 8 ? gl::Format::r16 : gl::Format::r8;
}

int plane_width(const frames::Frame& f, int plane) {
  return f.layout == frames::Layout::rgb24 ? f.width : f.planes[plane].width;
}

void fit(const gl::Owner& owner, gl::Texture& texture, gl::Format format, int width, int height,
         gl::Filter filter) {
  if (texture && texture.format() == format && texture.width() == width &&
      texture.height() == height) {
    return;
  }
  texture = gl::Texture(owner, format, width, height, filter);
}

/// Four samples a texel; where a row does not fill its last texel, from a padded copy.
void upload_plane(gl::Texture& texture, const frames::Plane& plane, int bytes, int x, int y) {
  const int texels = (plane.width + 3) / 4;
  if (plane.width % 4 == 0) {
    texture.upload(plane.data, plane.stride, texels, plane.height, x, y);
    return;
  }
  const size_t row = size_t(texels) * 4 * bytes;
  std::vector<uint8_t> padded(row * plane.height);
  for (int i = 0; i < plane.height; ++i) {
    std::memcpy(padded.data() + row * i, plane.data + plane.stride * i,
                size_t(plane.width) * bytes);
  }
  texture.upload(padded.data(), static_cast<ptrdiff_t>(row), texels, plane.height, x, y);
}

}  // namespace

FrameStore::Entry& FrameStore::entry_for(const frames::FramePtr& frame) {
  ++clock_;
  for (Entry& entry : entries_) {
    if (entry.frame == frame) {
      entry.used = clock_;
      return entry;
    }
  }
  Entry* oldest = nullptr;
  if (entries_.size() < kKeep) {
    oldest = &entries_.emplace_back();
  } else {
    oldest = &*std::min_element(entries_.begin(), entries_.end(),
                                [](const Entry& a, const Entry& b) { return a.used < b.used; });
  }
  oldest->frame = frame;
  oldest->has_planes = oldest->has_packed = false;
  oldest->used = clock_;
  return *oldest;
}

void FrameStore::bind(const gl::Owner& owner, gl::Program& program, const std::string& name,
                      int unit, const frames::FramePtr& frame, gl::Filter filter) {
  Entry& entry = entry_for(frame);
  if (!entry.has_planes) {
    for (int i = 0; i < frame->plane_count(); ++i) {
      const frames::Plane& plane = frame->planes[i];
      const int width = plane_width(*frame, i);
      fit(owner, entry.planes[i], plane_format(*frame), width, plane.height, gl::Filter::linear);
      entry.planes[i].upload(plane.data, plane.stride, width, plane.height);
    }
    entry.has_planes = true;
  }
  for (int i = 0; i < frame->plane_count(); ++i) {
    program.set_texture(("u_" + name + "_" + std::to_string(i)).c_str(), unit + i, entry.planes[i],
                        i == 0 ? filter : gl::Filter::linear);
  }
}

gl::Texture& FrameStore::packed(const gl::Owner& owner, const frames::FramePtr& frame) {
  Entry& entry = entry_for(frame);
  if (entry.has_packed) return entry.packed;
  const int half = (frame->width + 7) / 8, width = 2 * half;
  const int bytes = frame->depth > 8 ? 2 : 1;
  fit(owner, entry.packed, bytes == 2 ? gl::Format::rgba16 : gl::Format::rgba8, width,
      frame->height + frame->planes[1].height, gl::Filter::nearest);
  upload_packed(entry.packed, *frame, {0, 0, half}, {0, frame->height, frame->height});
  entry.has_packed = true;
  return entry.packed;
}

void upload_packed(gl::Texture& to, const frames::Frame& frame, const std::array<int, 3>& x,
                   const std::array<int, 3>& y) {
  for (int i = 0; i < 3; ++i)
    upload_plane(to, frame.planes[i], frame.depth > 8 ? 2 : 1, x[i], y[i]);
}

bool same_shape(const frames::Frame& a, const frames::Frame& b) {
  return a.width == b.width && a.height == b.height && a.layout == b.layout && a.depth == b.depth;
}

void HeadStore::prepare(const gl::Owner& owner, const frames::Frame& like, int layers) {
  ++round_;
  size_t bytes = 0;
  for (int i = 0; i < like.plane_count(); ++i) {
    bytes += size_t(plane_width(like, i)) * like.planes[i].height *
             gl::bytes_per_texel(plane_format(like));
  }
  const auto most =
      static_cast<int>(std::clamp<size_t>(kHeadBytes / std::max<size_t>(bytes, 1), 4, 256));
  layers = std::clamp(layers, 1, most);
  if (ready() && same_shape(like, like_) && static_cast<int>(slots_.size()) >= layers) return;
  release();
  like_ = like;
  like_.storage = nullptr;
  for (int i = 0; i < like.plane_count(); ++i) {
    planes_[i] = gl::Texture(owner, plane_format(like), plane_width(like, i), like.planes[i].height,
                             gl::Filter::linear, layers);
  }
  slots_.resize(layers);
}

int HeadStore::layer_of(const frames::FramePtr& frame) {
  if (!ready() || !frame || !same_shape(*frame, like_)) return -1;
  Slot* oldest = nullptr;
  for (Slot& slot : slots_) {
    if (slot.frame == frame) {
      slot.used = round_;
      return static_cast<int>(&slot - slots_.data());
    }
    if (!oldest || slot.used < oldest->used) oldest = &slot;
  }
  if (oldest->used == round_) return -1;
  const int layer = static_cast<int>(oldest - slots_.data());
  *oldest = {frame, round_};
  for (int i = 0; i < frame->plane_count(); ++i) {
    planes_[i].upload(frame->planes[i].data, frame->planes[i].stride, plane_width(*frame, i),
                      frame->planes[i].height, 0, 0, layer);
  }
  return layer;
}

void HeadStore::bind(gl::Program& program, const std::string& name, int unit, gl::Filter filter) {
  for (int i = 0; i < like_.plane_count(); ++i) {
    program.set_texture(("u_" + name + "_" + std::to_string(i)).c_str(), unit + i, planes_[i],
                        i == 0 ? filter : gl::Filter::linear);
  }
}

void HeadStore::release() {
  for (auto& plane : planes_)
    plane = {};
  slots_.clear();
}

}  // namespace looktwice::compose
