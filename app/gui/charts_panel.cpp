#include "charts_panel.h"

#include <QHBoxLayout>
#include <QHeaderView>
#include <QSettings>
#include <QSortFilterProxyModel>
#include <QStackedWidget>
#include <QTabBar>
#include <QTableView>
#include <QToolButton>
#include <QVBoxLayout>
#include <algorithm>
#include <utility>

#include "chart_view.h"
#include "clip_table.h"
#include "commands.h"
#include "probe.h"
#include "theme.h"

namespace looktwice::gui {

ChartsPanel::ChartsPanel(Workspace& workspace, QualityMeter& meter, Runs& runs,
                         CommandRegistry& commands, QWidget* parent)
    : QWidget(parent), workspace_(workspace), runs_(runs) {
  bar_ = new QTabBar;
  bar_->setObjectName("charts.bar");
  bar_->setDrawBase(false);
  bar_->setExpanding(false);
  bar_->setUsesScrollButtons(true);
  const std::pair<const char*, const char*> names[pages] = {
      {"Over time", "Share of tokens kept in every tubelet and clip; click to go there"},
      {"Every τ", "What every threshold would keep, over all clips"},
      {"Quality", "PSNR and SSIM of what RLT hands on against the video"},
      {"Clips", "One line for every clip, to sort and to export"},
      {"A and B", "Two runs against one another"}};
  for (const auto& [name, tip] : names)
    bar_->setTabToolTip(bar_->addTab(name), tip);

  keep_ = new QToolButton;
  export_ = new QToolButton;
  keep_->setDefaultAction(commands.action("charts.keep"));
  export_->setDefaultAction(commands.action("charts.export"));
  for (QToolButton* button : {keep_, export_})
    button->setProperty("role", "action");
  auto* head = new QHBoxLayout;
  head->setSpacing(int(px(4)));
  head->addWidget(bar_, 1);
  head->addWidget(keep_);
  head->addWidget(export_);

  view_ = new ChartView(workspace, meter, runs);
  table_ = new QTableView;
  table_->setObjectName("charts.table");
  model_ = new ClipTable(this);
  sorted_ = new QSortFilterProxyModel(this);
  sorted_->setSourceModel(model_);
  sorted_->setSortRole(ClipTable::kSortRole);
  table_->setModel(sorted_);
  table_->setSortingEnabled(true);
  table_->sortByColumn(ClipTable::clip, Qt::AscendingOrder);
  table_->setSelectionBehavior(QAbstractItemView::SelectRows);
  table_->setSelectionMode(QAbstractItemView::SingleSelection);
  table_->setShowGrid(false);
  table_->setFrameShape(QFrame::NoFrame);
  table_->setWordWrap(false);
  table_->verticalHeader()->hide();
  table_->horizontalHeader()->setSectionResizeMode(QHeaderView::Stretch);
  table_->horizontalHeader()->setHighlightSections(false);
  table_->setTabKeyNavigation(false);
  const auto go = [this](const QModelIndex& index) {
    if (!index.isValid()) return;
    const int row = sorted_->mapToSource(index).row();
    workspace_.seek(model_->rows()[size_t(row)].first_frame);
  };
  connect(table_, &QTableView::clicked, this, go);
  connect(table_, &QTableView::activated, this, go);

  stack_ = new QStackedWidget;
  stack_->addWidget(view_);
  stack_->addWidget(table_);
  auto* column = new QVBoxLayout(this);
  column->setContentsMargins(0, 0, 0, 0);
  column->setSpacing(0);
  column->addLayout(head);
  column->addWidget(stack_, 1);

  connect(bar_, &QTabBar::currentChanged, this, &ChartsPanel::page_changed);
  connect(&workspace, &Workspace::analysis_changed, this, &ChartsPanel::update_table);
  connect(&workspace, &Workspace::document_changed, this, &ChartsPanel::update_table);
  connect(&workspace, &Workspace::source_changed, this, &ChartsPanel::update_table);
  connect(&runs, &Runs::changed, this, &ChartsPanel::page_changed);
  connect(&theme_events(), &ThemeEvents::changed, this, &ChartsPanel::restyle);
  restyle();
  bar_->setCurrentIndex(std::clamp(QSettings().value("charts/page", 0).toInt(), 0, int(pages) - 1));
  page_changed();
}

QSize ChartsPanel::sizeHint() const {
  return {int(px(640)), int(px(230))};
}

void ChartsPanel::restyle() {
  layout()->itemAt(0)->layout()->setContentsMargins(int(px(4)), 0, int(px(8)), 0);
  table_->verticalHeader()->setDefaultSectionSize(int(px(24)));
  table_->setMinimumHeight(int(px(60)));
}

void ChartsPanel::show_page(Page page) {
  bar_->setCurrentIndex(int(page));
}

ChartsPanel::Page ChartsPanel::page() const {
  return Page(bar_->currentIndex());
}

void ChartsPanel::page_changed() {
  QSettings().setValue("charts/page", bar_->currentIndex());
  if (page() == clips) {
    stack_->setCurrentWidget(table_);
    update_table();
  } else {
    stack_->setCurrentWidget(view_);
    view_->set_page(page());
  }
  emit page_shown();
}

bool ChartsPanel::shows_quality() const {
  return isVisible() && (page() == quality || page() == a_and_b);
}

void ChartsPanel::update_table() {
  if (page() != clips || !isVisible()) return;
  model_->set_rows(clip_rows(workspace_.store(), workspace_.tau(), workspace_.status().info.fps));
}

void ChartsPanel::showEvent(QShowEvent* event) {
  QWidget::showEvent(event);
  page_changed();
}

void ChartsPanel::hideEvent(QHideEvent* event) {
  QWidget::hideEvent(event);
  emit page_shown();
}

void ChartsPanel::add_probes() const {
  Probes::instance().add("charts.table", table_);
  Probes::instance().add("charts.bar", bar_);
}

QString ChartsPanel::cell(int row, int column) const {
  return sorted_->index(row, column).data().toString();
}

}  // namespace looktwice::gui
