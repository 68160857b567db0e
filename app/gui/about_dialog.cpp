#include "about_dialog.h"

#include <QApplication>
#include <QClipboard>
#include <QDialogButtonBox>
#include <QLabel>
#include <QPushButton>
#include <QSysInfo>
#include <QVBoxLayout>
#include <thread>

#include <imgui.h>

#include "render_thread.h"
#include "theme.h"
#include "video/video.h"

namespace looktwice::gui {

QString AboutDialog::facts() {
  const std::string drawn_by = RenderThread::instance().renderer();
  const QString renderer =
      drawn_by.empty() ? QStringLiteral("nothing") : QString::fromStdString(drawn_by);
  return QStringLiteral(
             "LookTwice %1\nDrawn by %2\nFFmpeg: %3\nQt %4, Dear ImGui %5\n%6, %7 CPU threads")
      .arg(QApplication::applicationVersion(), renderer,
           QString::fromStdString(video::library_versions()), qVersion(), IMGUI_VERSION,
           QSysInfo::prettyProductName())
      .arg(std::thread::hardware_concurrency());
}

AboutDialog::AboutDialog(QWidget* parent) : QDialog(parent) {
  setObjectName("about");
  setWindowTitle("About LookTwice");
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(int(px(28)), int(px(24)), int(px(28)), int(px(20)));
  layout->setSpacing(int(px(8)));
  auto* title = new QLabel("LookTwice");
  title->setProperty("role", "title");
  auto* claim = new QLabel(
      "Video transformers skip what they have already seen.\nLookTwice shows you "
      "what they skip.");
  const QString text = facts();
  auto* versions = new QLabel(text);
  versions->setProperty("role", "dim");
  versions->setTextInteractionFlags(Qt::TextSelectableByMouse);
  versions->setWordWrap(true);
  auto* licence = new QLabel(
      "Sources under Apache-2.0. A binary linked with a GPL build of FFmpeg is "
      "distributed under GPL-3.");
  licence->setProperty("role", "dim");
  licence->setWordWrap(true);
  auto* buttons = new QDialogButtonBox(QDialogButtonBox::Close);
  QPushButton* copy = buttons->addButton("Copy", QDialogButtonBox::ActionRole);
  connect(copy, &QPushButton::clicked, this, [text] { QApplication::clipboard()->setText(text); });
  connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
  for (QWidget* widget : {static_cast<QWidget*>(title), static_cast<QWidget*>(claim),
                          static_cast<QWidget*>(versions), static_cast<QWidget*>(licence)}) {
    layout->addWidget(widget);
  }
  layout->addSpacing(int(px(8)));
  layout->addWidget(buttons);
  setMinimumWidth(int(px(440)));
}

}  // namespace looktwice::gui
