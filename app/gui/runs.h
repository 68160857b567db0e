#pragma once
// Run A (kept) against run B (what is on screen).

#include <QObject>
#include <optional>

#include "quality_meter.h"
#include "statistics.h"
#include "workspace.h"

namespace looktwice::gui {

/// Threads: UI thread only.
class Runs : public QObject {
  Q_OBJECT
 public:
  Runs(Workspace& workspace, QualityMeter& quality, QObject* parent = nullptr);

  /// What is on screen, as a value.
  RunSummary now() const;
  const std::optional<RunSummary>& a() const { return a_; }
  /// What is on screen becomes A.
  void keep();
  void forget();
  /// A's settings come on screen, and what was on screen becomes A. One step to undo.
  void swap();

 signals:
  void changed();

 private:
  Workspace& workspace_;
  QualityMeter& quality_;
  std::optional<RunSummary> a_;
};

}  // namespace looktwice::gui
