#pragma once
// The title of a dock: its name, a button that undocks it and one that closes it. Among tabs it
// takes no room: the name stands on the tab, a double click there undocks, a right click lists the
// panels.

#include <QWidget>

class QDockWidget;
class QLabel;
class QToolButton;

namespace looktwice::gui {

class DockTitle : public QWidget {
  Q_OBJECT
 public:
  explicit DockTitle(QDockWidget* dock);
  QSize sizeHint() const override;
  QSize minimumSizeHint() const override;
  /// Docks came, went or moved.
  void fold_among_tabs();

 private:
  void restyle();
  bool folded_ = false;
  QDockWidget* dock_;
  QLabel* label_;
  QToolButton *float_, *close_;
};

}  // namespace looktwice::gui
