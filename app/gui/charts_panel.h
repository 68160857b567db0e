#pragma once
// The charts dock: pages of charts, the table of clips, run A against run B.

#include <QWidget>

#include "runs.h"

class QSortFilterProxyModel;
class QStackedWidget;
class QTabBar;
class QTableView;
class QToolButton;

namespace looktwice::gui {

class ChartView;
class ClipTable;
class CommandRegistry;

class ChartsPanel : public QWidget {
  Q_OBJECT
 public:
  enum Page { over_time, by_tau, quality, clips, a_and_b, pages };

  ChartsPanel(Workspace& workspace, QualityMeter& meter, Runs& runs, CommandRegistry& commands,
              QWidget* parent = nullptr);
  void show_page(Page page);
  Page page() const;
  QSize sizeHint() const override;
  /// True if the page on screen shows figures of picture quality.
  bool shows_quality() const;
  /// Adds the table's and the bar's rectangles to the probes.
  void add_probes() const;
  /// Text of a cell as the table shows it (row in the order on screen).
  QString cell(int row, int column) const;

 signals:
  void page_shown();

 protected:
  void showEvent(QShowEvent* event) override;
  void hideEvent(QHideEvent* event) override;

 private:
  void page_changed();
  void update_table();
  void restyle();

  Workspace& workspace_;
  Runs& runs_;
  QTabBar* bar_;
  QStackedWidget* stack_;
  ChartView* view_;
  QTableView* table_;
  ClipTable* model_;
  QSortFilterProxyModel* sorted_;
  QToolButton *keep_, *export_;
};

}  // namespace looktwice::gui
