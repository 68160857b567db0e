#pragma once
// The recompute-versus-reuse timeline on screen: hover explains a decision, a click shows the
// estimate of that step, thresholds can be dragged; and the matrix of step distances.

#include <memory>

#include "generate_session.h"
#include "imgui_widget.h"
#include "overlay/font.h"
#include "timeline/draw.h"
#include "timeline/matrix.h"

namespace looktwice::gui {

class TimelinePanel : public ImGuiWidget {
  Q_OBJECT
 public:
  TimelinePanel(GenerateSession& session, QWidget* parent = nullptr);

 protected:
  UnderlayPtr underlay(QSize pixels) override;
  void ui() override;

 private:
  double scale() const;
  overlay::Box picture_area(QSize pixels) const;
  void toolbar();
  void status();
  void interact();
  void interact_matrix();
  void probe_layout();

  GenerateSession& session_;
  struct Tools;
  class Picture;
  overlay::Font font_;                      ///< to lay out with
  std::shared_ptr<Tools> tools_;            ///< of the render thread
  std::shared_ptr<const Picture> picture_;  ///< the last one
  timeline::ContentPtr shown_;
  timeline::Layout layout_;
  timeline::Matrix matrix_;
  timeline::MatrixLayout matrix_layout_;
  timeline::Pointer pointer_;
  int view_ = 0;  ///< 0 timeline, 1 step distances
  float scroll_ = 0, overflow_ = 0;
  bool dragging_ = false;
  float grip_ = 0;  ///< from the line to where it was taken
};

}  // namespace looktwice::gui
