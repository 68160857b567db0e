#pragma once
// What is open, how the model sees it, and what else could be opened.

#include <QScrollArea>

#include "workspace.h"

class QComboBox;
class QDoubleSpinBox;
class QLabel;
class QListWidget;
class QSpinBox;

namespace looktwice::gui {

class SourcePanel : public QScrollArea {
  Q_OBJECT
 public:
  explicit SourcePanel(Workspace& workspace, QWidget* parent = nullptr);
  QSize sizeHint() const override;

 private:
  void update_facts();
  void update_fields();
  void edit(const std::function<void(frames::ClipOptions&)>& change, const char* what);

  Workspace& workspace_;
  QLabel* name_;
  QLabel* facts_;
  QLabel* crop_;
  QComboBox* view_;
  QSpinBox *frames_, *stride_, *size_, *tubelet_, *patch_;
  QComboBox *crop_mode_, *resize_;
  QListWidget* scenes_;
  bool updating_ = false;
  std::optional<frames::ClipOptions> shown_;  ///< what the fields show
};

}  // namespace looktwice::gui
