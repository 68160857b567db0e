#include "imgui_widget.h"

#include <QCoreApplication>
#include <QInputMethodEvent>
#include <QKeyEvent>
#include <QMouseEvent>
#include <QPainter>
#include <QTimer>
#include <QWheelEvent>
#include <algorithm>
#include <cmath>

#include "base/log.h"
#include "probe.h"
#include "theme.h"

namespace looktwice::gui {
namespace {

const QEvent::Type kBuild = QEvent::Type(QEvent::registerEventType());

/// A click takes two changes, and ImGui settles one frame after each.
constexpr int kFramesInARow = 4;

QColor behind() {
  return current_theme().panel;
}

}  // namespace

ImGuiWidget::ImGuiWidget(QWidget* parent)
    : QWidget(parent), platform_(std::make_unique<ImGuiPlatform>(this)) {
  setMouseTracking(true);
  setFocusPolicy(Qt::StrongFocus);
  setAttribute(Qt::WA_OpaquePaintEvent);
  setAttribute(Qt::WA_NoSystemBackground);
  client_ =
      RenderThread::instance().add([this](Rendered picture) { show_picture(std::move(picture)); });
  connect(&theme_events(), &ThemeEvents::changed, this, [this] { refresh(3); });
}

ImGuiWidget::~ImGuiWidget() {
  RenderThread::instance().remove(client_);
  Probes::instance().forget(this);
}

void ImGuiWidget::refresh(int frames) {
  frames_wanted_ = std::max(frames_wanted_, frames);
  schedule();
}

void ImGuiWidget::refresh_later() {
  if (later_) return;
  later_ = true;
  QTimer::singleShot(80, this, [this] {
    later_ = false;
    refresh();
  });
}

bool ImGuiWidget::settled() const {
  return frames_wanted_ == 0 && !platform_->input_pending() && !building_ &&
         answered_ == asked_.number && !unpainted_;
}

void ImGuiWidget::schedule() {
  if (scheduled_ || building_) return;
  scheduled_ = true;
  // After the signals and input that are on their way: one frame answers them all.
  QCoreApplication::postEvent(this, new QEvent(kBuild), Qt::LowEventPriority);
}

void ImGuiWidget::build() {
  // Out of sight (behind another tab, say) nothing is drawn; paintEvent() asks again. A dialog that
  // ui() opened runs events while it is open: not again from within.
  if (building_ || !isVisible() || visibleRegion().isEmpty()) return;
  // What it settles to is drawn, not the way there; but input without end must not keep it from
  // being drawn.
  RenderRequest request;
  for (int i = 0; i < kFramesInARow; ++i) {
    request = frame();
    if (frames_wanted_ == 0 && !platform_->input_pending()) break;
  }
  submit(std::move(request));
  if (frames_wanted_ > 0 || platform_->input_pending()) schedule();
}

RenderRequest ImGuiWidget::frame() {
  building_ = true;
  RenderRequest request;
  const double ratio = devicePixelRatioF();
  request.pixels = QSize(std::max(1, int(std::lround(width() * ratio))),
                         std::max(1, int(std::lround(height() * ratio))));
  request.background = behind().rgb();
  request.first = first_;
  request.under = underlay(request.pixels);
  platform_->begin_frame(ui_scale());
  Probes::instance().begin(this);
  ui();
  // A list that has just opened is laid out over the next frames, before it can be seen.
  const bool popup = ImGui::IsPopupOpen("", ImGuiPopupFlags_AnyPopup);
  if (popup != popup_open_) frames_wanted_ = std::max(frames_wanted_, 4);
  popup_open_ = popup;
  request.interface = platform_->end_frame();

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
  building_ = false;
  return request;
}

void ImGuiWidget::submit(RenderRequest request) {
  const double ratio = devicePixelRatioF();
  const bool same = asked_.number > 0 && request.pixels == asked_.pixels &&
                    request.background == asked_.background && request.under == asked_.under &&
                    *request.interface == *asked_.interface;
  if (same && ratio == ratio_) return;
  ratio_ = ratio;
  request.number = asked_.number + 1;
  asked_ = request;
  request.spare = std::move(spare_);
  RenderThread::instance().submit(client_, std::move(request));
}

void ImGuiWidget::show_picture(Rendered picture) {
  answered_ = picture.number;
  if (picture.error != error_) {
    error_ = picture.error;
    if (!error_.empty()) log(LogLevel::error, error_);
    refresh(2);
  }
  if (!picture.image.isNull()) {
    spare_ = std::exchange(picture_, std::move(picture.image));
    under_ = std::move(picture.under);
    unpainted_ = true;
  }
  update();
}

void ImGuiWidget::paintEvent(QPaintEvent* event) {
  QPainter painter(this);
  const double ratio = devicePixelRatioF();
  if (picture_.isNull()) {
    painter.fillRect(event->rect(), behind());
    if (!error_.empty()) {
      painter.setPen(current_theme().text);
      painter.drawText(rect().marginsRemoved(QMargins(12, 12, 12, 12)),
                       Qt::AlignCenter | Qt::TextWordWrap, QString::fromStdString(error_));
    }
  } else {
    // One pixel of the picture is one of the screen, whatever the ratio.
    painter.scale(1 / ratio, 1 / ratio);
    const QSize all(int(std::ceil(width() * ratio)), int(std::ceil(height() * ratio)));
    const QRegion bare = QRegion(QRect(QPoint(), all)) - QRect(QPoint(), picture_.size());
    for (const QRect& part : bare)
      painter.fillRect(part, behind());
    painter.drawImage(QPoint(), picture_);
  }
  if (std::exchange(unpainted_, false)) {
    ++pictures_;
    // Queued: by then Qt has handed the window's pixels on.
    QMetaObject::invokeMethod(
        this, [this, under = under_] { painted(under); }, Qt::QueuedConnection);
  }
  // Another screen, or here again after having been out of sight.
  if (ratio != ratio_) refresh(2);
  if (frames_wanted_ > 0 || platform_->input_pending()) schedule();
}

void ImGuiWidget::showEvent(QShowEvent*) {
  refresh(3);
}

void ImGuiWidget::resizeEvent(QResizeEvent*) {
  refresh(2);
}

bool ImGuiWidget::event(QEvent* event) {
  if (event->type() == kBuild) {
    scheduled_ = false;
    build();
    return true;
  }
  if (event->type() == QEvent::ShortcutOverride) {
    // A click that is not drawn yet may be about to open a text field: what is typed after it
    // belongs there.
    if (frames_wanted_ > 0 || platform_->input_pending()) build();
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
  return QWidget::event(event);
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
  if (!platform_->key(event, true)) QWidget::keyPressEvent(event);
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
      return QWidget::inputMethodQuery(query);
  }
}

bool ImGuiWidget::focusNextPrevChild(bool next) {
  // Tab moves between fields while one is being edited, between widgets otherwise.
  return platform_->wants_text() ? false : QWidget::focusNextPrevChild(next);
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
