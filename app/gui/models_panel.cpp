#include "models_panel.h"

#include <QContextMenuEvent>
#include <QDir>
#include <QFileDialog>
#include <QHBoxLayout>
#include <QLabel>
#include <QMenu>
#include <QProgressBar>
#include <QPushButton>
#include <QSettings>
#include <QStyle>
#include <QVBoxLayout>

#include "probe.h"
#include "theme.h"

namespace looktwice::gui {
namespace {

QString size_text(uint64_t bytes) {
  const double mb = double(bytes) / 1e6;
  if (mb >= 1000) return QStringLiteral("%1 GB").arg(mb / 1000, 0, 'f', 1);
  return QStringLiteral("%1 MB").arg(mb, 0, 'f', mb < 10 ? 1 : 0);
}

QLabel* small_label(const char* role) {
  auto* label = new QLabel;
  label->setProperty("role", role);
  label->setWordWrap(true);
  label->setVisible(false);
  return label;
}

}  // namespace

ModelRow::ModelRow(std::string folder, QWidget* parent)
    : QFrame(parent), folder_(std::move(folder)) {
  setObjectName("model_row");
  setFocusPolicy(Qt::TabFocus);
  setCursor(Qt::PointingHandCursor);
  setAttribute(Qt::WA_Hover);
  setToolTip(QString::fromStdString(folder_));
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(int(px(8)), int(px(5)), int(px(8)), int(px(6)));
  layout->setSpacing(int(px(2)));
  auto* top = new QHBoxLayout;
  name_ = new QLabel;
  state_ = new QLabel;
  state_->setProperty("role", "dim");
  top->addWidget(name_, 1);
  top->addWidget(state_);
  layout->addLayout(top);
  facts_ = small_label("dim");
  problem_ = small_label("error");
  layout->addWidget(facts_);
  layout->addWidget(problem_);
  auto* loading = new QHBoxLayout;
  progress_ = new QProgressBar;
  progress_->setRange(0, 1000);
  progress_->setTextVisible(false);
  progress_->setVisible(false);
  cancel_ = new QPushButton("Cancel");
  cancel_->setVisible(false);
  cancel_->setCursor(Qt::ArrowCursor);
  loading->addWidget(progress_, 1);
  loading->addWidget(cancel_);
  layout->addLayout(loading);
  connect(cancel_, &QPushButton::clicked, this, &ModelRow::cancelled);
}

void ModelRow::show_entry(const ModelLibrary::Entry& entry, const ModelLibrary::Slot& slot) {
  const engine::ModelInfo& info = entry.info;
  loaded_ = slot.folder == folder_;
  opened_ = entry.opened;
  const bool loading = slot.loading == folder_;
  QFont font = name_->font();
  font.setWeight(loaded_ ? QFont::DemiBold : QFont::Normal);
  name_->setFont(font);
  name_->setText(QString::fromStdString(info.name));
  state_->setText(loaded_ ? "loaded" : loading ? "loading" : "");
  QString facts = engine::kind_text(info.kind);
  if (info.bytes > 0) facts += " · " + size_text(info.bytes);
  if (!info.summary.empty()) facts += "\n" + QString::fromStdString(info.summary);
  facts_->setText(facts);
  facts_->setVisible(true);
  QString problem = QString::fromStdString(info.problem);
  // Long paths have no place to break; the tool tip names the folder.
  problem.replace(QString::fromStdString(folder_) + "/", "");
  problem.replace(QString::fromStdString(folder_), QString::fromStdString(info.name));
  problem_->setText(problem);
  problem_->setVisible(!problem.isEmpty() && !loading);
  progress_->setVisible(loading);
  cancel_->setVisible(loading);
  progress_->setValue(int(slot.progress * 1000));
  const Theme& t = current_theme();
  setStyleSheet(QStringLiteral("QFrame#model_row { border-radius: %1px; border-left: %2px solid "
                               "%3; background: %4; } QFrame#model_row:hover, "
                               "QFrame#model_row:focus { background: %5; }")
                    .arg(int(px(4)))
                    .arg(int(px(3)))
                    .arg(loaded_ ? t.accent.name() : "transparent",
                         loaded_ ? t.field.name() : "transparent", t.field.name()));
}

void ModelRow::mouseReleaseEvent(QMouseEvent* event) {
  if (event->button() == Qt::LeftButton && rect().contains(event->pos())) emit chosen();
}

void ModelRow::keyPressEvent(QKeyEvent* event) {
  if (event->key() == Qt::Key_Return || event->key() == Qt::Key_Enter ||
      event->key() == Qt::Key_Space) {
    emit chosen();
  } else {
    QFrame::keyPressEvent(event);
  }
}

void ModelRow::contextMenuEvent(QContextMenuEvent* event) {
  QMenu menu(this);
  QAction* unload = menu.addAction("Unload");
  unload->setEnabled(loaded_);
  QAction* forget = menu.addAction("Take off the list");
  forget->setEnabled(opened_ && !loaded_);
  const QAction* picked = menu.exec(event->globalPos());
  if (picked == unload) emit unloaded();
  if (picked == forget) emit forgotten();
}

ModelsPanel::ModelsPanel(Workspace& workspace, QWidget* parent)
    : QWidget(parent), workspace_(workspace), library_(workspace.models()) {
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(0, 0, 0, 0);
  layout->setSpacing(int(px(4)));
  auto* title = new QLabel("Models");
  title->setStyleSheet("font-weight: 600;");
  layout->addWidget(title);
  empty_ = new QLabel;
  empty_->setProperty("role", "dim");
  empty_->setWordWrap(true);
  layout->addWidget(empty_);
  list_ = new QVBoxLayout;
  list_->setSpacing(int(px(2)));
  layout->addLayout(list_);
  auto* open = new QPushButton("Open model folder…");
  open->setObjectName("models.open");
  open->setToolTip("A folder with config.json and *.safetensors, or a folder of such folders");
  connect(open, &QPushButton::clicked, this, &ModelsPanel::open_dialog);
  layout->addSpacing(int(px(2)));
  layout->addWidget(open, 0, Qt::AlignLeft);
  connect(&library_, &ModelLibrary::list_changed, this, &ModelsPanel::rebuild);
  connect(&library_, &ModelLibrary::load_changed, this, &ModelsPanel::update_rows);
  connect(&library_, &ModelLibrary::classifier_changed, this, &ModelsPanel::update_rows);
  connect(&library_, &ModelLibrary::generator_changed, this, &ModelsPanel::update_rows);
  connect(&theme_events(), &ThemeEvents::changed, this, &ModelsPanel::update_rows);
  rebuild();
}

void ModelsPanel::rebuild() {
  std::map<std::string, ModelRow*> rows;
  int place = 0;
  for (const ModelLibrary::Entry& entry : library_.entries()) {
    const std::string& folder = entry.info.folder;
    const auto found = rows_.find(folder);
    ModelRow* row = nullptr;
    if (found != rows_.end()) {
      row = found->second;
      rows_.erase(found);
      list_->removeWidget(row);
    } else {
      row = new ModelRow(folder);
      // Later: the row is in the middle of its own event.
      connect(
          row, &ModelRow::chosen, this,
          [this, folder] { library_.load(folder, workspace_.document().settings.run); },
          Qt::QueuedConnection);
      connect(
          row, &ModelRow::cancelled, this,
          [this, folder] { library_.cancel_load(library_.use_of(folder)); }, Qt::QueuedConnection);
      connect(
          row, &ModelRow::unloaded, this,
          [this, folder] { library_.unload(library_.use_of(folder)); }, Qt::QueuedConnection);
      connect(
          row, &ModelRow::forgotten, this, [this, folder] { library_.forget(folder); },
          Qt::QueuedConnection);
    }
    list_->insertWidget(place++, row);
    rows.emplace(folder, row);
  }
  for (auto& [folder, row] : rows_) {
    Probes::instance().forget(row);
    list_->removeWidget(row);
    row->deleteLater();
  }
  rows_ = std::move(rows);
  empty_->setVisible(rows_.empty());
  empty_->setText(library_.scanning()
                      ? "Looking for models…"
                      : "None found. Without a model LookTwice shows what RLT prunes; with one it "
                        "shows what ToMe merges and what the model makes of it.");
  update_rows();
}

void ModelsPanel::update_rows() {
  for (const ModelLibrary::Entry& entry : library_.entries()) {
    const auto row = rows_.find(entry.info.folder);
    if (row == rows_.end()) continue;
    row->second->show_entry(entry, library_.slot(library_.use_of(entry.info.folder)));
  }
}

void ModelsPanel::add_probes() const {
  for (const ModelLibrary::Entry& entry : library_.entries()) {
    const auto row = rows_.find(entry.info.folder);
    if (row != rows_.end()) Probes::instance().add("model." + entry.info.name, row->second);
  }
}

void ModelsPanel::open_dialog() {
  QSettings settings;
  const QString start = settings.value("models/folder", QDir::homePath()).toString();
  const QString folder = QFileDialog::getExistingDirectory(this, "Open model folder", start);
  if (folder.isEmpty()) return;
  settings.setValue("models/folder", folder);
  library_.open_folder(folder.toStdString());
  if (const auto* entry = library_.find(folder.toStdString());
      entry != nullptr && entry->info.problem.empty()) {
    library_.load(entry->info.folder, workspace_.document().settings.run);
  }
}

}  // namespace looktwice::gui
