#pragma once
// The picture: the compositor's drawing with zoom, pan, hover and pin on top.

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "compose/compositor.h"
#include "imgui_widget.h"
#include "workspace.h"

namespace looktwice::gui {

class QualityMeter;

class Viewport : public ImGuiWidget {
  Q_OBJECT
 public:
  /// `name` tells viewports apart in tests ("view", "view2").
  Viewport(Workspace& workspace, std::string name, QWidget* parent = nullptr);
  ~Viewport() override;

  const compose::View& view() const { return view_; }
  void set_view(const compose::View& view);
  void fit() { set_view({}); }
  void one_to_one();
  void zoom_by(double factor);
  /// Output pixels a frame pixel, as shown now.
  double zoom() const;
  /// What was drawn last, one line for the state report.
  std::string describe() const;
  /// Draws the picture as the screen shows it, without the interface, and hands it over later.
  void screenshot(std::function<void(QImage)> done);
  /// Figures of the frame under the playhead are shown in comparisons. Not owned; may be null.
  void set_quality(const QualityMeter* meter);
  /// A message over the picture: the five-step tour.
  void set_coach(std::string title, std::string text, std::string footer);

 signals:
  void open_requested();
  void view_changed();

 protected:
  UnderlayPtr underlay(QSize pixels) override;
  void ui() override;
  void painted(const UnderlayPtr& under) override;

 private:
  double output_scale() const { return devicePixelRatioF() * user_scale_; }
  compose::Scene shown_scene() const;
  compose::Arrangement arrangement() const;
  compose::Point cursor() const;
  void interact(const compose::Arrangement& arrangement);
  void drag_wipe(const compose::Cell& cell);
  void drag_region(const compose::Cell& cell);
  void draw_region(const compose::Arrangement& arrangement);
  void draw_box(const compose::Cell& cell, const compose::Rect& rect, unsigned color, float width);
  void draw_places(const compose::Arrangement& arrangement);
  void draw_group(const compose::Arrangement& where);  // viewport_groups.cpp
  void draw_place(const compose::Cell& cell, Place place, unsigned color, float width);
  void draw_pixels(const compose::Arrangement& arrangement);
  void draw_wipe(const compose::Arrangement& arrangement);
  void draw_status();
  std::string quality_text() const;
  void draw_cards();
  void hover_tip(const compose::Cell& cell, compose::Point pixel);

  Workspace& workspace_;
  std::string name_;
  class Picture;
  compose::Compositor layout_;                       ///< says where panes lie; never draws
  std::shared_ptr<compose::Compositor> compositor_;  ///< of the render thread
  std::shared_ptr<const Picture> picture_;           ///< the last one
  compose::View view_;
  compose::Size size_;
  double user_scale_ = 1;
  bool panning_ = false, wiping_ = false, moved_ = false, choosing_ = false;
  compose::Point pressed_;
  const QualityMeter* quality_ = nullptr;
  std::string coach_title_, coach_text_, coach_footer_;
};

}  // namespace looktwice::gui
