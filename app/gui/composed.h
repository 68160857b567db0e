#pragma once
// A compositor's picture under the interface of a widget.

#include <memory>
#include <vector>

#include "compose/compositor.h"
#include "render_thread.h"

namespace looktwice::gui {

class Composed : public Underlay {
 public:
  compose::Scene scene;
  std::vector<compose::PaneInput> inputs;  ///< [pane]
  compose::View view;
  compose::Size size;  ///< physical pixels
  int top = 0;         ///< of them above it are left alone
  double scale = 1;
  std::shared_ptr<compose::Compositor> compositor;  ///< of the render thread

  void draw(const RenderTarget& to) const override {
    compositor->set_panes(inputs);
    compose::Target target;
    target.framebuffer = to.framebuffer;
    target.y = top;
    target.size = size;
    target.framebuffer_height = to.height;
    target.bottom_up = false;
    compositor->draw(scene, target, view, scale);
  }

 protected:
  /// All but the inputs.
  bool same_place(const Composed& other) const {
    return scene == other.scene && view == other.view && size == other.size && top == other.top &&
           scale == other.scale;
  }
};

}  // namespace looktwice::gui
