#pragma once
// The title of a dock: its name, a button that undocks it and one that closes it.

#include <QWidget>

class QDockWidget;
class QLabel;
class QToolButton;

namespace looktwice::gui {

class DockTitle : public QWidget {
  Q_OBJECT
 public:
  explicit DockTitle(QDockWidget* dock);

 private:
  void restyle();
  void name_once();
  QDockWidget* dock_;
  QLabel* label_;
  QToolButton *float_, *close_;
};

}  // namespace looktwice::gui
