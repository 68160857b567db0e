#include "imgui_widget.h"

#include <QInputMethodEvent>
#include <QKeyEvent>
#include <QMouseEvent>
#include <QOpenGLContext>
#include <QOpenGLFunctions>
#include <QTimer>
#include <QWheelEvent>
#include <algorithm>

#include "probe.h"
#include "theme.h"

namespace looktwice::gui {

ImGuiWidget::ImGuiWidget(QWidget* parent)
    : QOpenGLWidget(parent), platform_(std::make_unique<ImGuiPlatform>(this)) {
  setMouseTracking(true);
  setFocusPolicy(Qt::StrongFocus);
  setUpdateBehavior(QOpenGLWidget::NoPartialUpdate);
  connect(&theme_events(), &ThemeEvents::changed, this, [this] { refresh(3); });
}

ImGuiWidget::~ImGuiWidget() {
  Probes::instance().forget(this);
  QObject::disconnect(about_to_be_destroyed_);
  // Subclasses released their scene in their own destructors; here only ImGui's objects are left.
  if (context() != nullptr && platform_->has_renderer()) {
    makeCurrent();
    platform_->destroy_renderer();
    doneCurrent();
  }
}

void ImGuiWidget::refresh(int frames) {
  if (frames > frames_wanted_) frames_wanted_ = frames;
  update();
}

void ImGuiWidget::refresh_later() {
  if (later_) return;
  later_ = true;
  QTimer::singleShot(80, this, [this] {
    later_ = false;
    refresh();
  });
}

void ImGuiWidget::release_gl() {
  makeCurrent();
  destroy_scene();
  platform_->destroy_renderer();
  doneCurrent();
}

void ImGuiWidget::initializeGL() {
  // Runs again when undocking moves the widget to another top-level window.
  QObject::disconnect(about_to_be_destroyed_);
  about_to_be_destroyed_ =
      connect(context(), &QOpenGLContext::aboutToBeDestroyed, this, [this] { release_gl(); });
  if (platform_->has_renderer()) platform_->destroy_renderer();
  platform_->create_renderer();
  create_scene();
  refresh(3);  // auto-sized windows are invisible on their first frame
}

void ImGuiWidget::paintGL() {
  QOpenGLFunctions* gl = QOpenGLContext::currentContext()->functions();
  // Qt keeps whatever state the last paint left, and QPainter changes more: start from known state.
  gl->glColorMask(GL_TRUE, GL_TRUE, GL_TRUE, GL_TRUE);
  gl->glDisable(GL_DEPTH_TEST);
  gl->glDisable(GL_SCISSOR_TEST);
  gl->glDisable(GL_CULL_FACE);
  gl->glDisable(GL_BLEND);
  gl->glPixelStorei(GL_UNPACK_ALIGNMENT, 4);
  gl->glBindFramebuffer(GL_FRAMEBUFFER, defaultFramebufferObject());
  const double dpr = devicePixelRatioF();
  const QSize pixels(int(width() * dpr + 0.5), int(height() * dpr + 0.5));
  gl->glViewport(0, 0, pixels.width(), pixels.height());
  const QColor back = current_theme().panel;
  gl->glClearColor(float(back.redF()), float(back.greenF()), float(back.blueF()), 1.0f);
  gl->glClear(GL_COLOR_BUFFER_BIT);

  scene(pixels);

  gl->glBindFramebuffer(GL_FRAMEBUFFER, defaultFramebufferObject());
  gl->glColorMask(GL_TRUE, GL_TRUE, GL_TRUE, GL_TRUE);
  gl->glDisable(0x8DB9);  // FRAMEBUFFER_SRGB: ImGui's colours are already encoded
  gl->glViewport(0, 0, pixels.width(), pixels.height());
  platform_->begin_frame(ui_scale());
  Probes::instance().begin(this);
  ui();
  // A list that has just opened is laid out over the next frames, before it can be seen.
  const bool popup = ImGui::IsPopupOpen("", ImGuiPopupFlags_AnyPopup);
  if (popup != popup_open_) frames_wanted_ = std::max(frames_wanted_, 4);
  popup_open_ = popup;
  platform_->end_frame();

  const Qt::CursorShape shape = platform_->cursor();
  if (platform_->wants_mouse() && shape != cursor_) {
    cursor_ = shape;
    setCursor(shape);
  } else if (!platform_->wants_mouse()) {
    cursor_ = Qt::CursorShape(-1);  // the scene sets its own
  }
  const bool text = platform_->wants_text();
  if (testAttribute(Qt::WA_InputMethodEnabled) != text) {
    setAttribute(Qt::WA_InputMethodEnabled, text);
    frames_wanted_ = std::max(frames_wanted_, 3);
  }

  if (frames_wanted_ > 0) --frames_wanted_;
  if (frames_wanted_ > 0 || platform_->input_pending()) {
    QTimer::singleShot(0, this, [this] { update(); });
  }
  painted(0);
}

bool ImGuiWidget::event(QEvent* event) {
  if (event->type() == QEvent::ShortcutOverride) {
    // A click that is not painted yet may be about to open a text field: what is typed after it
    // belongs there.
    for (int i = 0; i < 3 && (frames_wanted_ > 0 || platform_->input_pending()); ++i)
      repaint();
  }
  if (event->type() == QEvent::ShortcutOverride && platform_->wants_text()) {
    // Typing in a field: plain keys and editing chords are not shortcuts.
    const auto* key = static_cast<QKeyEvent*>(event);
    const bool chord = (key->modifiers() & (Qt::ControlModifier | Qt::AltModifier)) != 0;
    const bool editing = key->matches(QKeySequence::Copy) || key->matches(QKeySequence::Paste) ||
                         key->matches(QKeySequence::Cut) || key->matches(QKeySequence::SelectAll) ||
                         key->matches(QKeySequence::Undo) || key->matches(QKeySequence::Redo);
    if (!chord || editing) {
      event->accept();
      return true;
    }
  }
  return QOpenGLWidget::event(event);
}

void ImGuiWidget::mouseMoveEvent(QMouseEvent* event) {
  platform_->mouse_move(event->position());
  refresh(2);
}

void ImGuiWidget::mousePressEvent(QMouseEvent* event) {
  platform_->mouse_button(event->button(), true, event->position(), event->modifiers());
  refresh(3);
}

void ImGuiWidget::mouseReleaseEvent(QMouseEvent* event) {
  platform_->mouse_button(event->button(), false, event->position(), event->modifiers());
  refresh(3);
}

void ImGuiWidget::mouseDoubleClickEvent(QMouseEvent* event) {
  // Qt sends Press, Release, DblClick, Release: the third is the second press.
  platform_->mouse_button(event->button(), true, event->position(), event->modifiers());
  refresh(3);
}

void ImGuiWidget::wheelEvent(QWheelEvent* event) {
  platform_->wheel(event);
  refresh(2);
}

void ImGuiWidget::leaveEvent(QEvent*) {
  platform_->mouse_leave();
  refresh(2);
}

void ImGuiWidget::keyPressEvent(QKeyEvent* event) {
  if (!platform_->key(event, true)) QOpenGLWidget::keyPressEvent(event);
  refresh(4);
}

void ImGuiWidget::keyReleaseEvent(QKeyEvent* event) {
  if (!event->isAutoRepeat()) platform_->key(event, false);
  refresh(2);
}

void ImGuiWidget::focusInEvent(QFocusEvent*) {
  platform_->focus(true);
  refresh(2);
}

void ImGuiWidget::focusOutEvent(QFocusEvent*) {
  platform_->focus(false);
  refresh(2);
}

void ImGuiWidget::inputMethodEvent(QInputMethodEvent* event) {
  platform_->text(event->commitString());
  event->accept();
  refresh(2);
}

QVariant ImGuiWidget::inputMethodQuery(Qt::InputMethodQuery query) const {
  switch (query) {
    case Qt::ImEnabled:
      return platform_->wants_text();
    case Qt::ImCursorRectangle:
      return platform_->ime_rectangle();
    default:
      return QOpenGLWidget::inputMethodQuery(query);
  }
}

bool ImGuiWidget::focusNextPrevChild(bool next) {
  // Tab moves between fields while one is being edited, between widgets otherwise.
  return platform_->wants_text() ? false : QOpenGLWidget::focusNextPrevChild(next);
}

void begin_panel(const char* name, bool scroll) {
  const ImGuiIO& io = ImGui::GetIO();
  ImGui::SetNextWindowPos(ImVec2(0, 0));
  ImGui::SetNextWindowSize(io.DisplaySize);
  ImGuiWindowFlags flags = ImGuiWindowFlags_NoDecoration | ImGuiWindowFlags_NoMove |
                           ImGuiWindowFlags_NoSavedSettings |
                           ImGuiWindowFlags_NoBringToFrontOnFocus;
  if (scroll) {
    flags &= ~ImGuiWindowFlags(ImGuiWindowFlags_NoScrollbar);
  } else {
    flags |= ImGuiWindowFlags_NoScrollWithMouse;
  }
  ImGui::Begin(name, nullptr, flags);
}

}  // namespace looktwice::gui
