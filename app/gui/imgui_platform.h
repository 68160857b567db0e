#pragma once
// Everything that depends on the version of Dear ImGui and on how Qt delivers input: one ImGui
// context per widget, events from Qt queued and handed on frame by frame. Nothing else in the
// app touches ImGuiIO's input.

#include <QByteArray>
#include <QPointF>
#include <QRectF>
#include <QString>
#include <Qt>
#include <deque>

#include <imgui.h>

class QKeyEvent;
class QMouseEvent;
class QOpenGLWidget;
class QWheelEvent;

namespace looktwice::gui {

/// One ImGui context fed by one QOpenGLWidget. Threads: UI thread only. Make the context current
/// with use() before any ImGui call: several widgets live side by side and ImGui keeps one global
/// context pointer, which destroying a context clears.
class ImGuiPlatform {
 public:
  explicit ImGuiPlatform(QOpenGLWidget* widget);
  ~ImGuiPlatform();
  ImGuiPlatform(const ImGuiPlatform&) = delete;
  ImGuiPlatform& operator=(const ImGuiPlatform&) = delete;

  void use() const { ImGui::SetCurrentContext(context_); }

  /// Renderer objects. Both need the widget's GL context to be current.
  void create_renderer();
  void destroy_renderer();
  bool has_renderer() const { return renderer_; }

  /// Starts a frame: display size, time, fonts for `dpr` x `ui_scale`, and the queued input, of
  /// which at most one change per button or key goes into a frame (a press and its release that
  /// arrive between two paints are both seen). GL context current.
  void begin_frame(double ui_scale);
  /// Renders into the framebuffer that is bound.
  void end_frame();
  /// True while queued input waits for another frame.
  bool input_pending() const { return !queue_.empty(); }

  // Qt events; all positions logical pixels of the widget.
  void mouse_move(const QPointF& at);
  void mouse_button(Qt::MouseButton button, bool down, const QPointF& at,
                    Qt::KeyboardModifiers modifiers);
  void mouse_leave();
  void wheel(const QWheelEvent* event);
  /// Returns true if ImGui wants the key (a text field has the focus, or a panel is navigated).
  bool key(const QKeyEvent* event, bool down);
  void text(const QString& committed);
  void focus(bool gained);

  bool wants_text() const;
  bool wants_mouse() const;
  /// Where the text cursor is, for input methods; logical pixels of the widget.
  QRectF ime_rectangle() const;
  Qt::CursorShape cursor() const;

 private:
  struct Event {
    enum Kind { move, button, wheel, key, mods, text } kind;
    QPointF at;
    int code = 0;
    bool down = false;
    QByteArray utf8;
  };
  void push(Event event) { queue_.push_back(std::move(event)); }
  void push_modifiers(Qt::KeyboardModifiers modifiers);
  void deliver();
  void load_fonts(double pixel_scale, double ui_scale);
  static const char* get_clipboard(void* user);
  static void set_clipboard(void* user, const char* text);

  QOpenGLWidget* widget_;
  ImGuiContext* context_;
  std::deque<Event> queue_;
  QByteArray clipboard_;
  Qt::KeyboardModifiers modifiers_;
  double last_time_ = 0, font_scale_ = 0;
  bool renderer_ = false;
  QRectF ime_;
};

}  // namespace looktwice::gui
