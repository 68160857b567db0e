#pragma once
// The model's panel: what enters it, what it merges layer by layer, what that saves and what it
// costs.

#include <array>
#include <string>
#include <vector>

#include "imgui_widget.h"
#include "workspace.h"

namespace looktwice::gui {

class TokensPanel : public ImGuiWidget {
  Q_OBJECT
 public:
  explicit TokensPanel(Workspace& workspace, QWidget* parent = nullptr);

 protected:
  void ui() override;

 private:
  /// What the sections share of one paint.
  struct View {
    const checkpoint::VitConfig* config = nullptr;
    TokenRunPtr run;
    DenseRunPtr dense;
    std::vector<int> schedule;  ///< empty: the text is no schedule for this model
    int layers = 0, kept = 0;   ///< tokens that are never merged
    int patches = 0;            ///< of the whole clip
  };
  View view() const;
  // tokens_panel.cpp
  void head(const View& view);
  void no_model();
  void entering(const View& view, Document& next);
  void merging(const View& view, Document& next);
  void savings(const View& view);
  void predictions(const View& view);
  void worker(const View& view);
  // tokens_chart.cpp
  void chart(const View& view, Document& next);
  // tokens_options.cpp
  void advanced(Document& next);

  Workspace& workspace_;
  std::array<char, 2048> schedule_{};
  bool schedule_edited_ = false;
  std::string schedule_error_;  ///< of what was typed last; empty: it was taken
  bool advanced_open_ = false;
};

}  // namespace looktwice::gui
