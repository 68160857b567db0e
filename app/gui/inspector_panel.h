#pragma once
// One patch: what became of it and why, its pixels against those it was compared with, its run
// through the clip.

#include "imgui_widget.h"
#include "workspace.h"

namespace looktwice::gui {

class InspectorPanel : public ImGuiWidget {
  Q_OBJECT
 public:
  explicit InspectorPanel(Workspace& workspace, QWidget* parent = nullptr);

 protected:
  void ui() override;

 private:
  void facts(Place place, const overlay::TokenState& token);
  void pixels(Place place, int tubelet);
  void run(Place place, const overlay::TokenState& token);
  void group();  // inspector_group.cpp
  /// Draws a patch of frame `sample` of the clip as the model sees it.
  void patch(Place place, int sample, struct ImVec2 at, float side);

  Workspace& workspace_;
};

}  // namespace looktwice::gui
