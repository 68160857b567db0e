#pragma once
// Frames on the GPU: the ones shown now, and the run heads' that stand in for pruned patches.

#include <array>
#include <cstdint>
#include <vector>

#include "frames/frame.h"
#include "gl/owner.h"
#include "gl/shader.h"
#include "gl/texture.h"

namespace looktwice::compose {

/// Uploads each frame once, in the forms that are asked for, and keeps the latest few.
class FrameStore {
 public:
  /// Binds the planes to units `unit`, `unit`+1, … as u_NAME_0, 1, 2 of the program in use;
  /// `filter` is for plane 0.
  void bind(const gl::Owner& owner, gl::Program& program, const std::string& name, int unit,
            const frames::FramePtr& frame, gl::Filter filter);
  /// A YUV 4:2:0 frame with four samples in a texel: rows of luma, then rows that hold U in the
  /// left half and V in the right one; (width + 7) / 8 · 2 texels wide.
  gl::Texture& packed(const gl::Owner& owner, const frames::FramePtr& frame);
  void release() { entries_.clear(); }

 private:
  struct Entry {
    frames::FramePtr frame;
    std::array<gl::Texture, 3> planes;
    gl::Texture packed;
    bool has_planes = false, has_packed = false;
    uint64_t used = 0;
  };
  Entry& entry_for(const frames::FramePtr& frame);
  std::vector<Entry> entries_;
  uint64_t clock_ = 0;
};

/// Writes the planes of a YUV 4:2:0 frame into a packed texture (rgba8, or rgba16 for 10 bits):
/// plane i from texel x[i], row y[i] on. Where a row does not fill its last texel, that is zero.
void upload_packed(gl::Texture& to, const frames::Frame& frame, const std::array<int, 3>& x,
                   const std::array<int, 3>& y);

/// Frames of one size and layout in texture arrays, a layer each.
class HeadStore {
 public:
  /// Makes room for at least `layers` frames like `like` (drops what does not match).
  void prepare(const gl::Owner& owner, const frames::Frame& like, int layers);
  /// The layer that holds `frame`, uploading it where it is not there; -1 if it does not match
  /// or all layers were used since prepare().
  int layer_of(const frames::FramePtr& frame);
  void bind(gl::Program& program, const std::string& name, int unit, gl::Filter filter);
  bool ready() const { return static_cast<bool>(planes_[0]); }
  void release();

 private:
  struct Slot {
    frames::FramePtr frame;
    uint64_t used = 0;
  };
  std::array<gl::Texture, 3> planes_;
  std::vector<Slot> slots_;
  frames::Frame like_;
  uint64_t round_ = 0;
};

/// Whether frames can lie in one HeadStore: size, planes, depth.
bool same_shape(const frames::Frame& a, const frames::Frame& b);

}  // namespace looktwice::compose
