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
#include <memory>

#include <imgui.h>

#include "render_thread.h"

class QKeyEvent;
class QMouseEvent;
class QWheelEvent;
class QWidget;

namespace looktwice::gui {

/// One ImGui context fed by one QWidget. Threads: UI thread only. Make the context current
/// with use() before any ImGui call: several widgets live side by side and ImGui keeps one global
/// context pointer, which destroying a context clears.
class ImGuiPlatform {
 public:
  explicit ImGuiPlatform(QWidget* widget);
  ~ImGuiPlatform();
  ImGuiPlatform(const ImGuiPlatform&) = delete;
  ImGuiPlatform& operator=(const ImGuiPlatform&) = delete;

  void use() const { ImGui::SetCurrentContext(context_); }

  /// Starts a frame: display size, time, fonts for the display's ratio x `ui_scale`, and the queued
  /// input, of which at most one change per button or key goes into a frame (a press and its
  /// release that arrive between two frames are both seen).
  void begin_frame(double ui_scale);
  /// Ends it and returns what was drawn, physical pixels of the widget.
  InterfacePtr end_frame();
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
  static const char* get_clipboard(void* user);
  static void set_clipboard(void* user, const char* text);

  QWidget* widget_;
  std::shared_ptr<FontAtlas> fonts_;  ///< outlives the context
  ImGuiContext* context_;
  std::deque<Event> queue_;
  QByteArray clipboard_;
  Qt::KeyboardModifiers modifiers_;
  double last_time_ = 0;
  QRectF ime_;
};

}  // namespace looktwice::gui
