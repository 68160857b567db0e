#pragma once
// --print-state: the app's state as one JSON object a line on standard output, whenever it changed.
// For tests and automation; docs/automation.md lists the keys.

#include <QObject>
#include <QTimer>
#include <functional>
#include <string>

#include "base/json.h"

namespace looktwice::gui {

class StateReport : public QObject {
  Q_OBJECT
 public:
  /// `collect` gives the state; called at most 20 times a second.
  StateReport(std::function<Json()> collect, QObject* parent = nullptr);
  void poll();

 private:
  std::function<Json()> collect_;
  QTimer timer_;
  std::string last_;
};

}  // namespace looktwice::gui
