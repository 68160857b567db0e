#pragma once
// Export of what the screen shows: file, codec, range; progress and cancel.

#include <QDialog>
#include <memory>

#include "export_job.h"
#include "workspace.h"

class QComboBox;
class QLabel;
class QLineEdit;
class QProgressBar;
class QPushButton;

namespace looktwice::gui {

/// The export of what the screen shows: input, scene and settings, to `output`.
exporting::Request screen_request(const Workspace& workspace, const std::string& output);

class ExportDialog : public QDialog {
  Q_OBJECT
 public:
  ExportDialog(Workspace& workspace, QWidget* parent);
  ~ExportDialog() override;
  /// "idle", "running", "done" or "failed", and what the dialog says about it.
  std::string state() const;
  std::string message() const;
  void add_probes() const;

 signals:
  void exported(const QString& file);

 protected:
  void reject() override;

 private:
  exporting::Request request() const;
  void codec_changed();
  void update_summary();
  void choose_file();
  void start();
  void set_running(bool running);
  void done_with(const QString& message, bool failed);

  Workspace& workspace_;
  QLineEdit* file_;
  QComboBox *codec_, *range_, *quality_;
  QLabel *summary_, *message_;
  QProgressBar* progress_;
  QPushButton *start_, *close_, *browse_;
  std::unique_ptr<ExportJob> job_;
  std::string outcome_ = "idle";
};

}  // namespace looktwice::gui
