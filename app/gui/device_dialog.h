#pragma once
// Cameras and screens of this machine, to pick one.

#include <QDialog>
#include <QString>

class QListWidget;

namespace looktwice::gui {

struct Device {
  QString name, detail, address;  ///< "HD Webcam", "/dev/video0", "camera:/dev/video0"
};
/// What can be opened now: V4L2 devices that capture, the X11 display.
QList<Device> find_devices();

class DeviceDialog : public QDialog {
  Q_OBJECT
 public:
  explicit DeviceDialog(QWidget* parent);
  QString address() const { return address_; }

 private:
  void refill();
  void accept_current();
  QListWidget* list_;
  QString address_;
};

}  // namespace looktwice::gui
