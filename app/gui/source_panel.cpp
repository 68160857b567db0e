#include "source_panel.h"

#include <QComboBox>
#include <QFormLayout>
#include <QLabel>
#include <QListWidget>
#include <QSpinBox>
#include <QToolButton>
#include <QVBoxLayout>

#include "frames/scenes.h"
#include "models_panel.h"
#include "theme.h"

namespace looktwice::gui {
namespace {

QLabel* heading(const QString& text) {
  auto* label = new QLabel(text);
  label->setStyleSheet("font-weight: 600;");
  return label;
}

QSpinBox* number(int low, int high, const QString& suffix, const QString& tip) {
  auto* box = new QSpinBox;
  box->setRange(low, high);
  box->setSuffix(suffix);
  box->setToolTip(tip);
  box->setKeyboardTracking(false);
  box->setButtonSymbols(QAbstractSpinBox::NoButtons);
  return box;
}

}  // namespace

SourcePanel::SourcePanel(Workspace& workspace, QWidget* parent)
    : QScrollArea(parent), workspace_(workspace) {
  setFrameShape(QFrame::NoFrame);
  setWidgetResizable(true);
  setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
  auto* content = new QWidget;
  setWidget(content);
  auto* layout = new QVBoxLayout(content);
  layout->setContentsMargins(int(px(12)), int(px(10)), int(px(12)), int(px(10)));
  layout->setSpacing(int(px(6)));

  name_ = heading({});
  name_->setWordWrap(true);
  facts_ = new QLabel;
  facts_->setProperty("role", "dim");
  facts_->setWordWrap(true);
  facts_->setTextInteractionFlags(Qt::TextSelectableByMouse);
  layout->addWidget(name_);
  layout->addWidget(facts_);
  layout->addSpacing(int(px(8)));

  layout->addWidget(heading("What the model sees"));
  view_ = new QComboBox;
  view_->addItem("224 px crop, every 4th frame");
  view_->addItem("Whole frame, every frame");
  view_->addItem("As set below");
  view_->setToolTip(
      "How the video is cut into clips. The first is what VideoMAE and the RLT paper use.");
  view_->setObjectName("model_view");
  layout->addWidget(view_);
  connect(view_, &QComboBox::activated, this, [this](int index) {
    Document next = workspace_.document();
    set_model_view(next, ModelView(index));
    workspace_.change(std::move(next), "What the model sees");
    update_fields();
  });

  auto* form = new QFormLayout;
  form->setLabelAlignment(Qt::AlignLeft);
  form->setHorizontalSpacing(int(px(12)));
  form->setVerticalSpacing(int(px(5)));
  frames_ = number(2, 512, " frames", "Frames in a clip");
  stride_ = number(1, 64, "", "Every how many frames of the video one is taken");
  size_ = number(0, 4096, " px", "Short side after resizing; 0 keeps the video's own size");
  size_->setSpecialValueText("native");
  tubelet_ = number(1, 16, " frames", "Frames that one token covers");
  patch_ = number(2, 128, " px", "Side of the square that one token covers");
  crop_mode_ = new QComboBox;
  crop_mode_->addItems({"Centre square", "None"});
  resize_ = new QComboBox;
  resize_->addItems({"Antialiased (Pillow)", "Plain bilinear (OpenCV)"});
  form->setFieldGrowthPolicy(QFormLayout::ExpandingFieldsGrow);
  for (QComboBox* box : {view_, crop_mode_, resize_}) {
    box->setSizeAdjustPolicy(QComboBox::AdjustToMinimumContentsLengthWithIcon);
    box->setMinimumContentsLength(8);
    box->setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Fixed);
  }
  for (QWidget* field : {static_cast<QWidget*>(frames_), static_cast<QWidget*>(stride_),
                         static_cast<QWidget*>(size_), static_cast<QWidget*>(tubelet_),
                         static_cast<QWidget*>(patch_)}) {
    field->setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Fixed);
    field->setMinimumWidth(int(px(60)));
  }
  form->addRow("Clip", frames_);
  form->addRow("Stride", stride_);
  form->addRow("Size", size_);
  form->addRow("Crop", crop_mode_);
  form->addRow("Tubelet", tubelet_);
  form->addRow("Patch", patch_);
  form->addRow("Resize", resize_);
  crop_ = new QLabel;
  crop_->setProperty("role", "dim");
  crop_->setWordWrap(true);
  layout->addWidget(crop_);
  auto* more = new QToolButton;
  more->setText("▸  Clip settings");  // a letter grows with the interface, Qt's arrow does not
  more->setCheckable(true);
  more->setToolButtonStyle(Qt::ToolButtonTextOnly);
  more->setAutoRaise(true);
  more->setObjectName("clip_settings");
  auto* fields = new QWidget;
  fields->setLayout(form);
  form->setContentsMargins(0, 0, 0, 0);
  fields->setVisible(false);
  connect(more, &QToolButton::toggled, this, [more, fields](bool on) {
    more->setText(on ? "▾  Clip settings" : "▸  Clip settings");
    fields->setVisible(on);
  });
  layout->addWidget(more);
  layout->addWidget(fields);

  const auto connect_number = [this](QSpinBox* box, int frames::ClipOptions::*member,
                                     const char* what) {
    connect(box, &QSpinBox::valueChanged, this, [this, member, what](int value) {
      edit([&](frames::ClipOptions& clip) { clip.*member = value; }, what);
    });
  };
  connect_number(frames_, &frames::ClipOptions::frames, "Clip length");
  connect_number(stride_, &frames::ClipOptions::stride, "Stride");
  connect_number(size_, &frames::ClipOptions::size, "Size");
  connect_number(tubelet_, &frames::ClipOptions::tubelet, "Tubelet");
  connect_number(patch_, &frames::ClipOptions::patch, "Patch size");
  connect(crop_mode_, &QComboBox::activated, this, [this](int index) {
    edit([&](frames::ClipOptions& clip) { clip.crop = frames::Crop(index); }, "Crop");
  });
  connect(resize_, &QComboBox::activated, this, [this](int index) {
    edit([&](frames::ClipOptions& clip) { clip.resize = frames::Resize(index); }, "Resize");
  });

  layout->addSpacing(int(px(8)));
  layout->addWidget(new ModelsPanel(workspace));

  layout->addSpacing(int(px(8)));
  layout->addWidget(heading("Built-in scenes"));
  scenes_ = new QListWidget;
  scenes_->setObjectName("scenes");
  scenes_->setSpacing(0);
  for (const frames::SceneInfo& scene : frames::scene_list()) {
    auto* item = new QListWidgetItem(QString::fromStdString(scene.title), scenes_);
    item->setToolTip(QString::fromStdString(scene.description));
    item->setData(Qt::UserRole, QString::fromStdString("synth:" + scene.name));
    item->setSizeHint(QSize(0, int(px(28))));
  }
  scenes_->setFixedHeight(int(px(28)) * std::max(1, scenes_->count()) + int(px(8)));
  scenes_->setVerticalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
  connect(scenes_, &QListWidget::itemClicked, this, [this](QListWidgetItem* item) {
    workspace_.open(item->data(Qt::UserRole).toString().toStdString());
  });
  connect(scenes_, &QListWidget::itemActivated, this, [this](QListWidgetItem* item) {
    workspace_.open(item->data(Qt::UserRole).toString().toStdString());
  });
  layout->addWidget(scenes_);
  layout->addStretch();

  connect(&workspace, &Workspace::source_changed, this, &SourcePanel::update_facts);
  connect(&workspace, &Workspace::analysis_changed, this, &SourcePanel::update_facts);
  connect(&workspace, &Workspace::document_changed, this, &SourcePanel::update_fields);
  update_facts();
  update_fields();
}

QSize SourcePanel::sizeHint() const {
  return {int(px(250)), int(px(480))};
}

void SourcePanel::edit(const std::function<void(frames::ClipOptions&)>& change, const char* what) {
  if (updating_) return;
  Document next = workspace_.document();
  change(next.settings.clip);
  workspace_.change(std::move(next), what);
}

void SourcePanel::update_facts() {
  const video::PlayerStatus& status = workspace_.status();
  if (!workspace_.has_source()) {
    name_->setText(workspace_.opening() ? "Opening…" : "Nothing open");
    facts_->clear();
    crop_->clear();
    return;
  }
  name_->setText(QString::fromStdString(status.info.name));
  QString facts = QStringLiteral("%1 × %2").arg(status.info.width).arg(status.info.height);
  if (status.info.fps > 0) facts += QStringLiteral(", %1 fps").arg(status.info.fps, 0, 'g', 4);
  if (status.info.frame_count) facts += QStringLiteral(", %1 frames").arg(*status.info.frame_count);
  if (status.info.live) facts += QStringLiteral(", live");
  if (!status.info.description.empty())
    facts += "\n" + QString::fromStdString(status.info.description);
  facts_->setText(facts);
  if (const auto clip = workspace_.clip()) {
    crop_->setText(QStringLiteral("%1 × %2 × %3 = %4 tokens a clip, %5 clips")
                       .arg(clip->t)
                       .arg(clip->h)
                       .arg(clip->w)
                       .arg(clip->tokens())
                       .arg(std::max(1, workspace_.store().count())));
  }
}

void SourcePanel::update_fields() {
  if (shown_ == workspace_.document().settings.clip) return;
  shown_ = workspace_.document().settings.clip;
  updating_ = true;
  const frames::ClipOptions& clip = workspace_.document().settings.clip;
  frames_->setValue(clip.frames);
  stride_->setValue(clip.stride);
  size_->setValue(clip.size);
  tubelet_->setValue(clip.tubelet);
  patch_->setValue(clip.patch);
  crop_mode_->setCurrentIndex(int(clip.crop));
  resize_->setCurrentIndex(int(clip.resize));
  view_->setCurrentIndex(int(model_view(clip)));
  updating_ = false;
}

}  // namespace looktwice::gui
