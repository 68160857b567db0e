#pragma once
// One export in the background: the compositor in a context of its own that shares nothing with the
// screen but the code.

#include <QObject>
#include <string>
#include <thread>

#include "export/comparison.h"

namespace looktwice::gui {

/// Threads: made and used on the UI thread; the work runs on a thread of its own. Destroying it
/// cancels and joins; a cancelled export leaves no file.
class ExportJob : public QObject {
  Q_OBJECT
 public:
  ExportJob(exporting::Request request, QObject* parent = nullptr);
  ~ExportJob() override;
  void start();
  void cancel() { thread_.request_stop(); }

 signals:
  void progress(double done, qlonglong frames);  ///< done is negative where the length is unknown
  void finished(const QString& file, const QString& summary);
  void failed(const QString& message);
  void cancelled();

 private:
  void run(std::stop_token stop);

  exporting::Request request_;
  std::jthread thread_;
};

}  // namespace looktwice::gui
