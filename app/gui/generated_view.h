#pragma once
// The generated videos beside each other, in lockstep: A, B and their difference; or, at a chosen
// step, what B was going to be and where it still changed.

#include <QTimer>
#include <memory>

#include "compose/compositor.h"
#include "generate_session.h"
#include "imgui_widget.h"

namespace looktwice::gui {

class GeneratedView : public ImGuiWidget {
  Q_OBJECT
 public:
  GeneratedView(GenerateSession& session, QWidget* parent = nullptr);

 protected:
  UnderlayPtr underlay(QSize pixels) override;
  void ui() override;

 private:
  struct Shown {
    frames::RgbVideoPtr video;
    std::string title;
    std::vector<std::string> captions;
  };
  void rebuild();
  void tick();
  bool speed_below() const;  ///< on a line of its own
  double bar() const;        ///< height above the pictures, unscaled

  GenerateSession& session_;
  class Picture;
  std::shared_ptr<compose::Compositor> compositor_;  ///< of the render thread
  std::shared_ptr<const Picture> picture_;           ///< the last one
  std::vector<Shown> panes_;
  std::string summary_, speed_;  ///< of B beside A
  float change_ = 0;  ///< what the brightest colour of the tokens' change stands for; 0: not shown
  bool difference_ = false, playing_ = true;
  int frame_ = 0, frames_ = 0;
  double fps_ = 8;
  QTimer timer_;
};

}  // namespace looktwice::gui
