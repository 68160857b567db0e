#include "preferences_dialog.h"

#include <QCheckBox>
#include <QComboBox>
#include <QDialogButtonBox>
#include <QFormLayout>
#include <QSettings>
#include <QSpinBox>
#include <QVBoxLayout>

#include "theme.h"

namespace looktwice::gui {

PreferencesDialog::PreferencesDialog(QWidget* parent) : QDialog(parent) {
  setObjectName("preferences");
  setWindowTitle("Preferences");
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(int(px(22)), int(px(18)), int(px(22)), int(px(16)));
  auto* form = new QFormLayout;
  form->setHorizontalSpacing(int(px(20)));
  form->setVerticalSpacing(int(px(10)));

  auto* theme = new QComboBox;
  const QStringList names{"dark", "light", "system"};
  theme->addItems({"Dark", "Light", "As the desktop"});
  theme->setCurrentIndex(std::max(0, int(names.indexOf(theme_name()))));
  connect(theme, &QComboBox::activated, this, [names](int index) {
    set_theme(names[index]);
    QSettings().setValue("window/theme", names[index]);
  });
  form->addRow("Colours", theme);

  auto* scale = new QSpinBox;
  scale->setRange(75, 300);
  scale->setSingleStep(25);
  scale->setSuffix(" %");
  scale->setKeyboardTracking(false);
  scale->setButtonSymbols(QAbstractSpinBox::NoButtons);
  scale->setValue(int(ui_scale() * 100 + 0.5));
  connect(scale, &QSpinBox::valueChanged, this, [](int value) {
    set_ui_scale(value / 100.0);
    QSettings().setValue("window/scale", ui_scale());
  });
  form->addRow("Interface size", scale);

  auto* autoplay = new QCheckBox("Play a video when it is opened");
  autoplay->setChecked(QSettings().value("playback/autoplay", true).toBool());
  connect(autoplay, &QCheckBox::toggled, this, [this](bool on) {
    QSettings().setValue("playback/autoplay", on);
    emit autoplay_changed(on);
  });
  form->addRow("Playback", autoplay);
  layout->addLayout(form);
  layout->addSpacing(int(px(10)));
  auto* buttons = new QDialogButtonBox(QDialogButtonBox::Close);
  connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
  layout->addWidget(buttons);
}

}  // namespace looktwice::gui
