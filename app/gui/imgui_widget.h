#pragma once
// A QOpenGLWidget with an ImGui context of its own: the base of the viewport and of every panel.

#include <QOpenGLWidget>
#include <memory>

#include "imgui_platform.h"

namespace looktwice::gui {

/// Subclasses draw in scene() (plain GL below the interface) and ui() (ImGui). Painting happens on
/// request only: input asks for two frames (ImGui settles one frame after a change), refresh() for
/// one. Threads: UI thread only.
class ImGuiWidget : public QOpenGLWidget {
  Q_OBJECT
 public:
  explicit ImGuiWidget(QWidget* parent = nullptr);
  ~ImGuiWidget() override;

  /// True while a text field of this widget is being edited.
  bool editing() const { return platform_->wants_text(); }
  /// Repaints `frames` times, once per event-loop turn.
  void refresh(int frames = 1);
  /// Repaints within a tenth of a second: for what may wait until the picture has answered.
  void refresh_later();

 protected:
  /// GL objects of the subclass; may run again after the widget changed its top-level window.
  virtual void create_scene() {}
  virtual void destroy_scene() {}
  /// Draws into the bound framebuffer, `pixels` in size, before the interface.
  virtual void scene(QSize /*pixels*/) {}
  virtual void ui() = 0;
  /// Called after every paint, with the time it took from input or request in milliseconds.
  virtual void painted(double /*milliseconds*/) {}

  void initializeGL() override;
  void paintGL() override;
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
  void release_gl();

  std::unique_ptr<ImGuiPlatform> platform_;
  QMetaObject::Connection about_to_be_destroyed_;
  int frames_wanted_ = 0;
  bool popup_open_ = false;
  bool later_ = false;  ///< refresh_later() is on its way
  Qt::CursorShape cursor_ = Qt::ArrowCursor;
};

/// A full-size, undecorated ImGui window to draw a panel's content in. Returns with the window
/// begun; call ImGui::End() whatever it returns.
void begin_panel(const char* name, bool scroll = true);

}  // namespace looktwice::gui
