#pragma once
#include <QDialog>

namespace looktwice::gui {

/// Look, scale and playback habits; every choice acts at once and is remembered.
class PreferencesDialog : public QDialog {
  Q_OBJECT
 public:
  explicit PreferencesDialog(QWidget* parent);

 signals:
  void autoplay_changed(bool on);
};

}  // namespace looktwice::gui
