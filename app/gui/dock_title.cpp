#include "dock_title.h"

#include <QDockWidget>
#include <QHBoxLayout>
#include <QLabel>
#include <QMainWindow>
#include <QPainter>
#include <QToolButton>

#include "theme.h"

namespace looktwice::gui {
namespace {

enum class Glyph { undock, close };

QIcon glyph(Glyph kind, const QColor& color, double dpr) {
  const int side = int(px(14));
  QPixmap map(QSize(side, side) * dpr);
  map.setDevicePixelRatio(dpr);
  map.fill(Qt::transparent);
  QPainter painter(&map);
  painter.setRenderHint(QPainter::Antialiasing);
  painter.scale(side / 14.0, side / 14.0);
  painter.setPen(QPen(color, 1.3, Qt::SolidLine, Qt::RoundCap, Qt::RoundJoin));
  if (kind == Glyph::close) {
    painter.drawLine(QPointF(3.5, 3.5), QPointF(10.5, 10.5));
    painter.drawLine(QPointF(10.5, 3.5), QPointF(3.5, 10.5));
  } else {
    painter.drawRoundedRect(QRectF(2.5, 5.5, 6, 6), 1, 1);
    painter.drawPolyline(QPolygonF({QPointF(5.5, 2.5), QPointF(11.5, 2.5), QPointF(11.5, 8.5)}));
  }
  return QIcon(map);
}

}  // namespace

DockTitle::DockTitle(QDockWidget* dock) : QWidget(dock), dock_(dock) {
  auto* row = new QHBoxLayout(this);
  label_ = new QLabel(dock->windowTitle());
  float_ = new QToolButton;
  close_ = new QToolButton;
  float_->setToolTip("Undock, or dock again");
  close_->setToolTip("Close; the Window menu brings it back");
  for (QToolButton* button : {float_, close_}) {
    button->setAutoRaise(true);
    button->setFocusPolicy(Qt::NoFocus);
  }
  row->addWidget(label_);
  row->addStretch();
  row->addWidget(float_);
  row->addWidget(close_);
  connect(float_, &QToolButton::clicked, dock, [dock] { dock->setFloating(!dock->isFloating()); });
  connect(close_, &QToolButton::clicked, dock, &QDockWidget::close);
  connect(&theme_events(), &ThemeEvents::changed, this, &DockTitle::restyle);
  setAutoFillBackground(true);
  restyle();
}

QSize DockTitle::sizeHint() const {
  return folded_ ? QSize(QWidget::sizeHint().width(), 0) : QWidget::sizeHint();
}

QSize DockTitle::minimumSizeHint() const {
  return folded_ ? QSize(0, 0) : QWidget::minimumSizeHint();
}

void DockTitle::fold_among_tabs() {
  const auto* window = qobject_cast<QMainWindow*>(dock_->parentWidget());
  bool tabbed = false;
  if (window != nullptr && !dock_->isFloating()) {
    for (const QDockWidget* other : window->tabifiedDockWidgets(dock_))
      tabbed = tabbed || !other->isHidden();
  }
  if (tabbed == folded_) return;
  folded_ = tabbed;
  for (QWidget* part : {static_cast<QWidget*>(label_), static_cast<QWidget*>(float_),
                        static_cast<QWidget*>(close_)})
    part->setVisible(!folded_);
  restyle();
  updateGeometry();
  dock_->layout()->invalidate();
}

void DockTitle::restyle() {
  const Theme& theme = current_theme();
  if (folded_)
    layout()->setContentsMargins(0, 0, 0, 0);
  else
    layout()->setContentsMargins(int(px(12)), int(px(6)), int(px(6)), int(px(6)));
  layout()->setSpacing(int(px(2)));
  label_->setStyleSheet("font-weight: 600; color: " + theme.dim.name() + ";");
  const QString style = QStringLiteral(
                            "QToolButton { border: none; border-radius: %1px; padding: %2px; "
                            "background: transparent; }"
                            "QToolButton:hover { background: %3; }")
                            .arg(int(px(4)))
                            .arg(int(px(2)))
                            .arg(theme.field_hover.name());
  for (QToolButton* button : {float_, close_}) {
    button->setStyleSheet(style);
    button->setIconSize(QSize(int(px(14)), int(px(14))));
  }
  float_->setIcon(glyph(Glyph::undock, theme.faint, devicePixelRatioF()));
  close_->setIcon(glyph(Glyph::close, theme.faint, devicePixelRatioF()));
}

}  // namespace looktwice::gui
