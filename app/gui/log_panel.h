#pragma once
// The app's messages, newest last.

#include <QPlainTextEdit>

#include "base/log.h"

namespace looktwice::gui {

/// Takes over the process's log while it lives. Messages may come from any thread.
class LogPanel : public QPlainTextEdit {
  Q_OBJECT
 public:
  explicit LogPanel(QWidget* parent = nullptr);
  ~LogPanel() override;
  int count() const { return count_; }

 signals:
  /// A warning or an error came.
  void attention(const QString& message);

 private:
  void append_message(LogLevel level, const QString& message);
  int count_ = 0;
};

}  // namespace looktwice::gui
