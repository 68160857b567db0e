#pragma once
// What is drawn on the picture: layout, layers, legend.

#include "imgui_widget.h"
#include "workspace.h"

namespace looktwice::gui {

class LayersPanel : public ImGuiWidget {
  Q_OBJECT
 public:
  explicit LayersPanel(Workspace& workspace, QWidget* parent = nullptr);

 protected:
  void ui() override;

 private:
  void layout(Document& next);
  void rlt(overlay::RltStyle& style);
  void merges(overlay::Style& style);
  void others(Document& next);

  Workspace& workspace_;
  compose::Scene drawn_;  ///< what the controls showed last
};

}  // namespace looktwice::gui
