#include "device_dialog.h"

#include <QDialogButtonBox>
#include <QDir>
#include <QFile>
#include <QGuiApplication>
#include <QLabel>
#include <QListWidget>
#include <QPushButton>
#include <QScreen>
#include <QVBoxLayout>

#include "theme.h"

namespace looktwice::gui {

QList<Device> find_devices() {
  QList<Device> devices;
  const QDir folder("/sys/class/video4linux");
  for (const QString& entry : folder.entryList(QDir::Dirs | QDir::NoDotAndDotDot, QDir::Name)) {
    QFile index(folder.filePath(entry + "/index"));
    // A camera has several nodes; the first one gives pictures, the others facts about them.
    if (index.open(QIODevice::ReadOnly) && index.readAll().trimmed() != "0") continue;
    QFile file(folder.filePath(entry + "/name"));
    const QString name = file.open(QIODevice::ReadOnly)
                             ? QString::fromUtf8(file.readAll()).trimmed()
                             : QStringLiteral("Camera");
    devices.append({name, "/dev/" + entry, "camera:/dev/" + entry});
  }
  const QString display = qEnvironmentVariable("DISPLAY");
  if (!display.isEmpty()) {
    const QScreen* screen = QGuiApplication::primaryScreen();
    const QSize size = screen->size() * screen->devicePixelRatio();
    devices.append({"Screen",
                    QStringLiteral("X11 display %1, %2 × %3")
                        .arg(display)
                        .arg(size.width())
                        .arg(size.height()),
                    "screen:" + display});
  }
  return devices;
}

DeviceDialog::DeviceDialog(QWidget* parent) : QDialog(parent) {
  setObjectName("devices");
  setWindowTitle("Open camera or screen");
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(int(px(18)), int(px(16)), int(px(18)), int(px(14)));
  list_ = new QListWidget;
  list_->setMinimumSize(int(px(380)), int(px(180)));
  layout->addWidget(list_);
  auto* note = new QLabel(
      "Live pictures are measured over the latest clip, ten times a second at most. Frames that "
      "come "
      "faster than they can be shown are dropped and counted.");
  note->setWordWrap(true);
  note->setProperty("role", "dim");
  layout->addWidget(note);
  auto* buttons = new QDialogButtonBox(QDialogButtonBox::Open | QDialogButtonBox::Cancel);
  QPushButton* again = buttons->addButton("Look again", QDialogButtonBox::ActionRole);
  connect(again, &QPushButton::clicked, this, &DeviceDialog::refill);
  connect(buttons, &QDialogButtonBox::accepted, this, &DeviceDialog::accept_current);
  connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
  connect(list_, &QListWidget::itemActivated, this, [this] { accept_current(); });
  layout->addWidget(buttons);
  refill();
}

void DeviceDialog::refill() {
  list_->clear();
  for (const Device& device : find_devices()) {
    auto* item = new QListWidgetItem(device.name + "\n" + device.detail, list_);
    item->setData(Qt::UserRole, device.address);
    item->setSizeHint(QSize(0, int(px(44))));
  }
  if (list_->count() == 0) {
    auto* item = new QListWidgetItem("No camera and no X11 display found", list_);
    item->setFlags(Qt::NoItemFlags);
  } else {
    list_->setCurrentRow(0);
  }
}

void DeviceDialog::accept_current() {
  const QListWidgetItem* item = list_->currentItem();
  if (item == nullptr || item->data(Qt::UserRole).isNull()) return;
  address_ = item->data(Qt::UserRole).toString();
  accept();
}

}  // namespace looktwice::gui
