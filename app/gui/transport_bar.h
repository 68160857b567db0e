#pragma once
// Under the picture: kept ratio over time with the playhead (click to seek), buttons, frame number,
// speed.

#include "commands.h"
#include "imgui_widget.h"
#include "workspace.h"

namespace looktwice::gui {

class TransportBar : public ImGuiWidget {
  Q_OBJECT
 public:
  TransportBar(Workspace& workspace, CommandRegistry& commands, QWidget* parent = nullptr);
  QSize sizeHint() const override;

 protected:
  void ui() override;

 private:
  void strip();
  void buttons();
  void run(const char* command);

  Workspace& workspace_;
  CommandRegistry& commands_;
};

}  // namespace looktwice::gui
