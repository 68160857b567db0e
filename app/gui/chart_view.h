#pragma once
// The charts themselves; charts_panel.h has the frame around them.

#include <QTimer>

#include "chart.h"
#include "charts_panel.h"
#include "imgui_widget.h"

namespace looktwice::gui {

class ChartView : public ImGuiWidget {
  Q_OBJECT
 public:
  ChartView(Workspace& workspace, QualityMeter& meter, Runs& runs, QWidget* parent = nullptr);
  void set_page(ChartsPanel::Page page);

 protected:
  void ui() override;

 private:
  void over_time();
  void by_tau();
  void quality();
  void a_and_b();
  /// Says in the middle why there is nothing to draw.
  void nothing(const char* text);
  bool no_clips();
  ImVec2 rest() const;
  void seek_by(const Chart& chart, double frames_per_unit);

  Workspace& workspace_;
  QualityMeter& meter_;
  Runs& runs_;
  ChartsPanel::Page page_ = ChartsPanel::over_time;
  QTimer playing_;  ///< while playing, the playhead moves ten times a second
};

}  // namespace looktwice::gui
