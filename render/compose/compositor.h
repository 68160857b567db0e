#pragma once
// The one compositor. The same code draws the viewport, the screenshot and the exported video.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "compose/scene.h"
#include "frames/clip.h"
#include "frames/frame.h"
#include "timeline/content.h"
#include "trace/token_trace.h"

namespace looktwice::compose {

/// What a pane shows now. All of it is shared and immutable: give a new ClipTrace when τ moves.
struct PaneInput {
  frames::FramePtr frame;                        ///< null: the pane says that there is no picture
  std::shared_ptr<const trace::ClipTrace> clip;  ///< the clip that covers the frame; null: no marks
  /// Frames of run heads (overlay::head_frames), in any order. Frames that were shown before are
  /// remembered while their clip covers the pane, so a reader that goes forward needs to give none.
  std::vector<frames::FramePtr> held;
  /// Said behind the pane's title and different from frame to frame ("PSNR 31.2 dB"); may be empty.
  std::string caption = {};
  /// What a model made of the same clip: its merges are drawn, those of `clip` where this is null.
  /// It may be older than `clip`, then `stale` says so in the legend.
  std::shared_ptr<const trace::ClipTrace> merged = nullptr;
  bool stale = false;
  /// The clip as the model saw it, for the groups' mean colours; null: groups are outlined.
  std::shared_ptr<const frames::Clip> pixels = nullptr;
  bool operator==(const PaneInput&) const = default;
};

/// A framebuffer that belongs to someone else.
struct Target {
  unsigned framebuffer = 0;    ///< its name
  int x = 0, y = 0;            ///< top left corner of the picture in it, physical pixels, y down
  Size size;                   ///< of the picture
  int framebuffer_height = 0;  ///< pixels
  bool bottom_up = true;       ///< row 0 of the framebuffer is the lowest on screen, as in a window
};

/// Needs a current OpenGL 3.3 context whenever a function that says so is called, the same one (or
/// one that shares with it) every time. Not thread-safe. Leaves the context's state as it was.
class Compositor {
 public:
  Compositor();
  /// With the context current; after abandon() without.
  ~Compositor();
  Compositor(const Compositor&) = delete;
  Compositor& operator=(const Compositor&) = delete;

  /// Frees all that lies on the GPU; the next draw makes it anew. With the context current.
  void release();
  /// Forgets all that lies on the GPU, as the context is gone. Without context.
  void abandon();

  /// No context needed: frames are uploaded when drawn.
  void set_pane(int pane, PaneInput input);
  /// Panes 0, 1, … of a scene.
  void set_panes(const std::vector<PaneInput>& inputs);
  void clear_panes();
  /// Cache traces to draw beneath the panes where the scene says so; null: none. Shared and
  /// immutable like everything else: give a new one when it changes.
  void set_timeline(timeline::ContentPtr content);

  /// Sizes of the panes' frames as `arrange` takes them.
  std::vector<Size> frame_sizes(const Scene& scene) const;
  /// Size of an export with every frame 1:1, legend strip included. No context needed.
  Size natural_size(const Scene& scene) const;
  /// The same with frames enlarged by the smallest whole number that makes the picture at least
  /// `least_width` pixels wide: small generated videos stay sharp, their texts readable.
  Size natural_size(const Scene& scene, int least_width) const;
  /// Where the panes lie. `ui_scale` as in draw(). No context needed.
  Arrangement arrangement(const Scene& scene, Size size, const View& view, double ui_scale) const;

  /// Draws the picture with the context current. `ui_scale`: physical pixels for one pixel of
  /// 96 dpi, so device pixel ratio times the user's scale; 0 takes it from the picture's size, as
  /// exports do. Throws Error(run) when a shader or buffer cannot be made.
  void draw(const Scene& scene, const Target& target, const View& view, double ui_scale);

  /// The picture as bytes [height,width,3], with the context current.
  std::vector<uint8_t> picture(const Scene& scene, Size size, const View& view = {},
                               double ui_scale = 0);

  struct Parts;  ///< what draws; for the rooms of render/ alone
  Parts& parts() { return *parts_; }

 private:
  std::unique_ptr<Parts> parts_;
};

}  // namespace looktwice::compose
