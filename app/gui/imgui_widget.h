#pragma once
// A widget with an ImGui context of its own: the base of the viewport and of every panel.

#include <QElapsedTimer>
#include <QImage>
#include <QWidget>
#include <memory>

#include "imgui_platform.h"
#include "render_thread.h"

namespace looktwice::gui {

/// Subclasses say what to draw in underlay() (below the interface) and ui() (ImGui). Both run on
/// the UI thread between events, on request only: input asks for two frames (ImGui settles one
/// frame after a change), refresh() for one. The last of them goes to the render thread, unless it
/// is what was drawn before, and is painted when it comes back; until then the old picture stays.
/// Threads: UI thread only.
class ImGuiWidget : public QWidget {
  Q_OBJECT
 public:
  explicit ImGuiWidget(QWidget* parent = nullptr);
  ~ImGuiWidget() override;

  /// True while a text field of this widget is being edited.
  bool editing() const { return platform_->wants_text(); }
  /// Draws `frames` more frames, before the event loop rests.
  void refresh(int frames = 1);
  /// Draws within a tenth of a second: for what may wait until the picture has answered.
  void refresh_later();
  /// True when all that was asked for is on the screen.
  bool settled() const;
  /// Why the last picture could not be drawn, or not all of it; empty if all is well.
  const std::string& drawing_error() const { return error_; }
  /// Pictures painted so far.
  int64_t pictures() const { return pictures_; }

 protected:
  /// What lies below the interface of `pixels`; called before ui(). Give the same object while it
  /// looks the same.
  virtual UnderlayPtr underlay(QSize /*pixels*/) { return nullptr; }
  virtual void ui() = 0;
  /// A new picture, with this underlay, has been given to the window system.
  virtual void painted(const UnderlayPtr& /*under*/) {}
  /// Drawn before others that wait.
  void set_first(bool first) { first_ = first; }

  void paintEvent(QPaintEvent* event) override;
  void showEvent(QShowEvent* event) override;
  void resizeEvent(QResizeEvent* event) override;
  bool event(QEvent* event) override;
  void mouseMoveEvent(QMouseEvent* event) override;
  void mousePressEvent(QMouseEvent* event) override;
  void mouseReleaseEvent(QMouseEvent* event) override;
  void mouseDoubleClickEvent(QMouseEvent* event) override;
  void wheelEvent(QWheelEvent* event) override;
  void leaveEvent(QEvent* event) override;
  void keyPressEvent(QKeyEvent* event) override;
  void keyReleaseEvent(QKeyEvent* event) override;
  void focusInEvent(QFocusEvent* event) override;
  void focusOutEvent(QFocusEvent* event) override;
  void inputMethodEvent(QInputMethodEvent* event) override;
  QVariant inputMethodQuery(Qt::InputMethodQuery query) const override;
  bool focusNextPrevChild(bool next) override;

  ImGuiPlatform& platform() { return *platform_; }

 private:
  void schedule();
  void build();
  RenderRequest frame();
  void submit(RenderRequest request);
  void show_picture(Rendered picture);

  std::unique_ptr<ImGuiPlatform> platform_;
  uint64_t client_ = 0;    ///< of the render thread
  int frames_wanted_ = 3;  ///< auto-sized windows are invisible on their first frame
  bool scheduled_ = false, building_ = false, first_ = false;
  bool popup_open_ = false;
  bool later_ = false;  ///< refresh_later() is on its way
  Qt::CursorShape cursor_ = Qt::ArrowCursor;
  RenderRequest asked_;    ///< the last one
  uint64_t answered_ = 0;  ///< number of the last picture
  QImage picture_, spare_;
  double ratio_ = 1;   ///< physical pixels of picture_ for a logical one
  UnderlayPtr under_;  ///< of picture_
  bool unpainted_ = false;
  int64_t pictures_ = 0;
  std::string error_;
};

/// A full-size, undecorated ImGui window to draw a panel's content in. Returns with the window
/// begun; call ImGui::End() whatever it returns.
void begin_panel(const char* name, bool scroll = true);

}  // namespace looktwice::gui
