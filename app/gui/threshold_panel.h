#pragma once
// τ on the histogram of the clip's differences, with the kept ratio at every τ.

#include "imgui_widget.h"
#include "workspace.h"

namespace looktwice::gui {

class ThresholdPanel : public ImGuiWidget {
  Q_OBJECT
 public:
  explicit ThresholdPanel(Workspace& workspace, QWidget* parent = nullptr);

 protected:
  void ui() override;
  void mousePressEvent(QMouseEvent* event) override;
  void mouseMoveEvent(QMouseEvent* event) override;

 private:
  void summary();
  void histogram();
  void fields();
  void set_tau(double tau);

  Workspace& workspace_;
  MeasuredClipPtr shown_;  ///< the clip that bins_ and curve_ were made for
  tokens::RltHistogram::Bins bins_;
  std::vector<tokens::RltHistogram::CurvePoint> curve_;
  size_t zeros_ = 0;
};

}  // namespace looktwice::gui
