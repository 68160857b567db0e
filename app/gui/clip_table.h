#pragma once
// The statistics table: one line for every clip, at the τ on screen.

#include <QAbstractTableModel>
#include <vector>

#include "statistics.h"

namespace looktwice::gui {

class ClipTable : public QAbstractTableModel {
  Q_OBJECT
 public:
  enum Column { clip, frames, time, tokens, kept, ratio, lowest, half, columns };
  /// Sorting works on this role: numbers, unknown ones last.
  static constexpr int kSortRole = Qt::UserRole;

  using QAbstractTableModel::QAbstractTableModel;
  void set_rows(std::vector<ClipRow> rows);
  const std::vector<ClipRow>& rows() const { return rows_; }

  int rowCount(const QModelIndex& parent = {}) const override;
  int columnCount(const QModelIndex& parent = {}) const override;
  QVariant data(const QModelIndex& index, int role) const override;
  QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

 private:
  std::vector<ClipRow> rows_;
};

}  // namespace looktwice::gui
