#pragma once
// What to generate and under which policy: model, prompt, steps, guidance, seed, the open clip to
// start from, every policy with every parameter, and the list of runs.

#include <array>
#include <string>

#include "generate_session.h"
#include "imgui_widget.h"
#include "workspace.h"

namespace looktwice::gui {

class GeneratePanel : public ImGuiWidget {
  Q_OBJECT
 public:
  GeneratePanel(Workspace& workspace, GenerateSession& session, QWidget* parent = nullptr);

 protected:
  void ui() override;

 private:
  void model();
  void prompt();
  /// Words that complete the last one of the prompt.
  void suggestions(const std::string& text, const diffusion::Vocabulary& vocabulary);
  void sampling();
  void clip();
  void policy();
  void runs();
  /// The policy's own parameters; true when one changed.
  bool adacache(diffusion::AdaCache& policy);
  bool parameters(diffusion::PolicySettings& policy);
  void change(const engine::GenerateSettings& settings, const char* what);

  Workspace& workspace_;
  GenerateSession& session_;
  std::array<char, 240> prompt_{}, plan_{};
  bool prompt_edited_ = false, plan_edited_ = false;
};

}  // namespace looktwice::gui
