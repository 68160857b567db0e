#pragma once
// τ on the histogram of the clip's differences, with the kept ratio at every τ.

#include "imgui_widget.h"
#include "workspace.h"

namespace looktwice::gui {

class ThresholdPanel : public ImGuiWidget {
  Q_OBJECT
 public:
  explicit ThresholdPanel(Workspace& workspace, QWidget* parent = nullptr);
  /// A point on the axis, 0 the left end and 1 the right one; none before the first paint.
  std::optional<QPointF> on_track(double u) const;

 protected:
  void ui() override;
  void mousePressEvent(QMouseEvent* event) override;
  void mouseMoveEvent(QMouseEvent* event) override;
  void mouseReleaseEvent(QMouseEvent* event) override;

 private:
  /// Where the histogram's axis lies, logical pixels: input is answered by the picture in the same
  /// paint, before this panel has drawn itself.
  struct Track {
    float zero = 0, left = 0, right = 0, top = 0, bottom = 0;
    double tau_at(float x) const;
    bool contains(QPointF at) const;
  };
  void drag_to(QPointF at);
  void summary();
  void histogram();
  void fields();
  void set_tau(double tau);

  Workspace& workspace_;
  MeasuredClipPtr shown_;  ///< the clip that bins_ and curve_ were made for
  tokens::RltHistogram::Bins bins_;
  std::vector<tokens::RltHistogram::CurvePoint> curve_;
  size_t zeros_ = 0;
  Track track_;
  bool dragging_ = false;
};

}  // namespace looktwice::gui
