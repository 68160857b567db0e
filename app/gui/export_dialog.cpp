#include "export_dialog.h"

#include <QComboBox>
#include <QDir>
#include <QFileDialog>
#include <QFileInfo>
#include <QFormLayout>
#include <QHBoxLayout>
#include <QLabel>
#include <QLineEdit>
#include <QProgressBar>
#include <QPushButton>
#include <QRegularExpression>
#include <QSettings>
#include <QStandardItemModel>
#include <QStyle>
#include <QVBoxLayout>

#include "base/error.h"
#include "export/command.h"
#include "probe.h"
#include "theme.h"

namespace looktwice::gui {
namespace {

struct Codec {
  const char *name, *text, *extension;
};
constexpr Codec kCodecs[] = {
    {"h264", "H.264: plays everywhere", "mp4"}, {"hevc", "HEVC: smaller", "mp4"},
    {"vp9", "VP9: for the web", "webm"},        {"av1", "AV1: smallest", "mp4"},
    {"ffv1", "FFV1: lossless", "mkv"},          {"prores", "ProRes: for editing", "mov"},
    {"png", "PNG: one picture a frame", "png"}};

struct Quality {
  const char* text;
  double h26x, vpx, prores;
};
constexpr Quality kQualities[] = {
    {"High", 18, 24, 4}, {"Balanced", 23, 32, 9}, {"Small", 28, 40, 16}};

}  // namespace

ExportDialog::ExportDialog(Workspace& workspace, QWidget* parent)
    : QDialog(parent), workspace_(workspace) {
  setObjectName("export");
  setWindowTitle("Export video");
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(int(px(20)), int(px(18)), int(px(20)), int(px(16)));
  layout->setSpacing(int(px(10)));
  summary_ = new QLabel;
  summary_->setProperty("role", "dim");
  summary_->setWordWrap(true);
  layout->addWidget(summary_);

  auto* form = new QFormLayout;
  form->setHorizontalSpacing(int(px(16)));
  form->setVerticalSpacing(int(px(8)));
  auto* row = new QHBoxLayout;
  file_ = new QLineEdit;
  file_->setObjectName("export.file");
  browse_ = new QPushButton("Choose…");
  row->addWidget(file_, 1);
  row->addWidget(browse_);
  form->addRow("File", row);
  codec_ = new QComboBox;
  for (const Codec& codec : kCodecs) {
    codec_->addItem(codec.text);
    const std::string missing = video::codec_missing(codec.name);
    if (missing.empty()) continue;
    auto* model = qobject_cast<QStandardItemModel*>(codec_->model());
    QStandardItem* item = model->item(codec_->count() - 1);
    item->setEnabled(false);
    item->setToolTip(QString::fromStdString(missing));
  }
  form->addRow("Codec", codec_);
  quality_ = new QComboBox;
  for (const Quality& quality : kQualities)
    quality_->addItem(quality.text);
  quality_->setCurrentIndex(1);
  form->addRow("Quality", quality_);
  range_ = new QComboBox;
  range_->addItems({"Whole video", "In to out point"});
  const video::PlayerStatus& status = workspace.status();
  const bool ranged = status.in > 0 || status.out >= 0;
  range_->setCurrentIndex(ranged ? 1 : 0);
  range_->setEnabled(ranged);
  form->addRow("Range", range_);
  layout->addLayout(form);

  progress_ = new QProgressBar;
  progress_->setRange(0, 1000);
  progress_->setVisible(false);
  message_ = new QLabel;
  message_->setWordWrap(true);
  message_->setTextInteractionFlags(Qt::TextSelectableByMouse);
  layout->addWidget(progress_);
  layout->addWidget(message_);
  layout->addStretch();
  auto* buttons = new QHBoxLayout;
  start_ = new QPushButton("Export");
  start_->setDefault(true);
  start_->setObjectName("export.start");
  close_ = new QPushButton("Close");
  buttons->addStretch();
  buttons->addWidget(close_);
  buttons->addWidget(start_);
  layout->addLayout(buttons);
  setMinimumWidth(int(px(480)));

  const QString folder = QSettings().value("export/folder", QDir::homePath()).toString();
  QString base = QFileInfo(QString::fromStdString(status.info.name)).completeBaseName();
  base.replace(QRegularExpression("[^\\w.-]+"), "-");
  if (base.isEmpty()) base = "video";
  file_->setText(folder + "/" + base + "-looktwice.mp4");
  connect(browse_, &QPushButton::clicked, this, &ExportDialog::choose_file);
  connect(codec_, &QComboBox::activated, this, &ExportDialog::codec_changed);
  connect(start_, &QPushButton::clicked, this, &ExportDialog::start);
  connect(close_, &QPushButton::clicked, this, &ExportDialog::reject);
  connect(&workspace, &Workspace::document_changed, this, &ExportDialog::update_summary);
  update_summary();
}

void ExportDialog::update_summary() {
  const Document& document = workspace_.document();
  summary_->setText(
      QStringLiteral("Exports the picture as it is on screen: %1, τ = %2, with its legend. The "
                     "file carries its settings and the command that makes it again.")
          .arg(QString::fromStdString(compose::layout_name(document.scene.layout)))
          .arg(double(workspace_.tau()), 0, 'g', 4));
}

void ExportDialog::codec_changed() {
  const Codec& codec = kCodecs[codec_->currentIndex()];
  const QFileInfo info(file_->text());
  QString name = info.completeBaseName();
  if (QString(codec.name) == "png" && !name.contains('%')) name += "_%05d";
  if (QString(codec.name) != "png") name.remove("_%05d");
  file_->setText(info.path() + "/" + name + "." + codec.extension);
}

void ExportDialog::choose_file() {
  const QString file = QFileDialog::getSaveFileName(this, "Export video", file_->text());
  if (!file.isEmpty()) file_->setText(file);
}

exporting::Request screen_request(const Workspace& workspace, const std::string& output) {
  const Document& document = workspace.document();
  exporting::Request request;
  request.input = workspace.input();
  request.scene = document.scene;
  request.panes.assign(
      document.scene.panes.size(),
      exporting::PaneSource{"", workspace.runner().effective(document.settings), ""});
  request.output = output;
  request.encoder.fps = {0, 1};
  return request;
}

exporting::Request ExportDialog::request() const {
  const video::PlayerStatus& status = workspace_.status();
  exporting::Request request = screen_request(workspace_, file_->text().toStdString());
  const Codec& codec = kCodecs[codec_->currentIndex()];
  const Quality& quality = kQualities[quality_->currentIndex()];
  request.encoder.codec = codec.name;
  const std::string name = codec.name;
  if (name == "h264" || name == "hevc") request.encoder.quality = quality.h26x;
  if (name == "vp9" || name == "av1") request.encoder.quality = quality.vpx;
  if (name == "prores") request.encoder.quality = quality.prores;
  if (range_->currentIndex() == 1) {
    request.first = status.in;
    if (status.out >= 0) request.last = status.out;
  }
  exporting::describe(request);
  return request;
}

void ExportDialog::start() {
  if (job_) return;
  QSettings().setValue("export/folder", QFileInfo(file_->text()).path());
  workspace_.player().pause();
  job_ = std::make_unique<ExportJob>(request());
  connect(job_.get(), &ExportJob::progress, this, [this](double done, qlonglong frames) {
    const auto count = workspace_.status().info.frame_count;
    const double known = count && *count > 0 ? double(frames) / double(*count) : done;
    progress_->setRange(0, known >= 0 ? 1000 : 0);
    progress_->setValue(int(known * 1000));
    message_->setText(QStringLiteral("%1 frames").arg(frames));
  });
  connect(job_.get(), &ExportJob::finished, this, [this](const QString& file, const QString& text) {
    done_with("Saved " + file + "\n" + text, false);
    emit exported(file);
  });
  connect(job_.get(), &ExportJob::failed, this,
          [this](const QString& text) { done_with(text, true); });
  connect(job_.get(), &ExportJob::cancelled, this, [this] {
    done_with("Cancelled; no file was left.", false);
    outcome_ = "cancelled";
  });
  set_running(true);
  job_->start();
}

void ExportDialog::set_running(bool running) {
  progress_->setVisible(running);
  progress_->setValue(0);
  for (QWidget* widget : {static_cast<QWidget*>(file_), static_cast<QWidget*>(codec_),
                          static_cast<QWidget*>(quality_), static_cast<QWidget*>(browse_),
                          static_cast<QWidget*>(start_)}) {
    widget->setEnabled(!running);
  }
  close_->setText(running ? "Cancel" : "Close");
  message_->setProperty("role", "");
  message_->setText(running ? "Starting…" : "");
}

void ExportDialog::done_with(const QString& message, bool failed) {
  job_->deleteLater();
  (void)job_.release();
  set_running(false);
  outcome_ = failed ? "failed" : "done";
  message_->setProperty("role", failed ? "error" : "");
  message_->style()->unpolish(message_);
  message_->style()->polish(message_);
  message_->setText(message);
}

ExportDialog::~ExportDialog() {
  Probes::instance().forget(file_);
  Probes::instance().forget(start_);
}

std::string ExportDialog::state() const {
  return job_ ? "running" : outcome_;
}

std::string ExportDialog::message() const {
  return message_->text().toStdString();
}

void ExportDialog::add_probes() const {
  Probes::instance().add("export.file", file_);
  Probes::instance().add("export.start", start_);
}

void ExportDialog::reject() {
  if (job_) {
    job_->cancel();
    return;
  }
  QDialog::reject();
}

}  // namespace looktwice::gui
