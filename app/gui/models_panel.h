#pragma once
// The models part of the source-and-models dock: what was found, what is wrong with it, what is
// loaded or on its way.

#include <QFrame>
#include <map>
#include <string>

#include "model_library.h"
#include "workspace.h"

class QLabel;
class QProgressBar;
class QPushButton;
class QVBoxLayout;

namespace looktwice::gui {

/// One model folder; a click or Enter chooses it.
class ModelRow : public QFrame {
  Q_OBJECT
 public:
  explicit ModelRow(std::string folder, QWidget* parent = nullptr);
  const std::string& folder() const { return folder_; }
  void show_entry(const ModelLibrary::Entry& entry, const ModelLibrary::Slot& slot);

 signals:
  void chosen();
  void cancelled();
  void unloaded();
  void forgotten();

 protected:
  void mouseReleaseEvent(QMouseEvent* event) override;
  void keyPressEvent(QKeyEvent* event) override;
  void contextMenuEvent(QContextMenuEvent* event) override;

 private:
  std::string folder_;
  QLabel *name_, *state_, *facts_, *problem_;
  QProgressBar* progress_;
  QPushButton* cancel_;
  bool loaded_ = false, opened_ = false;
};

class ModelsPanel : public QWidget {
  Q_OBJECT
 public:
  explicit ModelsPanel(Workspace& workspace, QWidget* parent = nullptr);
  /// Says where its rows lie now.
  void add_probes() const;

 private:
  void rebuild();
  void update_rows();
  void open_dialog();

  Workspace& workspace_;
  ModelLibrary& library_;
  QVBoxLayout* list_;
  QLabel* empty_;
  std::map<std::string, ModelRow*> rows_;
};

}  // namespace looktwice::gui
