#pragma once
#include <QDialog>

namespace looktwice::gui {

/// Name, versions of the libraries, what draws.
class AboutDialog : public QDialog {
  Q_OBJECT
 public:
  explicit AboutDialog(QWidget* parent);
  /// The same facts as text, for bug reports.
  static QString facts();
};

}  // namespace looktwice::gui
