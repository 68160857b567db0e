#include "clip_table.h"

#include <limits>

namespace looktwice::gui {
namespace {

struct Heading {
  const char *text, *tip;
};
constexpr Heading kHeadings[] = {
    {"Clip", "Number of the clip, from 0"},
    {"Frames", "First and last frame that the model gets of this clip"},
    {"Starts at, s", "Time of its first frame"},
    {"Tokens", "Tokens of the clip before anything is pruned"},
    {"Kept",
     "Tokens that are left at the τ on screen (≈: read off a summary, as the clip's "
     "differences were let go to save memory)"},
    {"Kept, %", "Share of the clip's tokens that are left"},
    {"Lowest, %", "Kept share of the tubelet that keeps least"},
    {"τ for half", "Threshold that keeps at most half of the clip's tokens, normalised units"}};
static_assert(std::size(kHeadings) == ClipTable::columns);

QString number(double value, int digits) {
  return QString::number(value, 'f', digits);
}

}  // namespace

void ClipTable::set_rows(std::vector<ClipRow> rows) {
  if (rows.size() == rows_.size()) {
    // Selection and scroll position stay.
    if (rows == rows_) return;
    rows_ = std::move(rows);
    if (!rows_.empty()) emit dataChanged(index(0, 0), index(int(rows_.size()) - 1, columns - 1));
    return;
  }
  beginResetModel();
  rows_ = std::move(rows);
  endResetModel();
}

int ClipTable::rowCount(const QModelIndex& parent) const {
  return parent.isValid() ? 0 : int(rows_.size());
}

int ClipTable::columnCount(const QModelIndex& parent) const {
  return parent.isValid() ? 0 : int(columns);
}

QVariant ClipTable::data(const QModelIndex& index, int role) const {
  if (!index.isValid() || index.row() >= int(rows_.size())) return {};
  const ClipRow& row = rows_[size_t(index.row())];
  const bool known = row.measured;
  if (role == Qt::TextAlignmentRole) return int(Qt::AlignRight | Qt::AlignVCenter);
  if (role == kSortRole) {
    const double unknown = std::numeric_limits<double>::max();
    switch (index.column()) {
      case tokens:
        return known ? double(row.tokens) : unknown;
      case kept:
        return known ? double(row.kept) : unknown;
      case ratio:
        return known ? row.kept_ratio : unknown;
      case lowest:
        return known ? row.low : unknown;
      case half:
        return row.tau_for_half ? double(*row.tau_for_half) : unknown;
      default:
        return row.clip;
    }
  }
  if (role != Qt::DisplayRole) return {};
  const QString about = row.exact ? "" : "≈ ";
  switch (index.column()) {
    case clip:
      return row.clip;
    case frames:
      return QStringLiteral("%1 – %2").arg(row.first_frame).arg(row.last_frame);
    case time:
      return number(row.start, 2);
    case tokens:
      return known ? QVariant(qulonglong(row.tokens)) : QVariant("…");
    case kept:
      return known ? about + QString::number(row.kept) : QString();
    case ratio:
      return known ? number(row.kept_ratio * 100, 1) : QString();
    case lowest:
      return known ? number(row.low * 100, 1) : QString();
    case half:
      return row.tau_for_half ? number(double(*row.tau_for_half), 4) : QString();
    default:
      return {};
  }
}

QVariant ClipTable::headerData(int section, Qt::Orientation orientation, int role) const {
  if (orientation != Qt::Horizontal || section < 0 || section >= columns) return {};
  if (role == Qt::DisplayRole) return QString::fromUtf8(kHeadings[section].text);
  if (role == Qt::ToolTipRole) return QString::fromUtf8(kHeadings[section].tip);
  if (role == Qt::TextAlignmentRole) return int(Qt::AlignRight | Qt::AlignVCenter);
  return {};
}

}  // namespace looktwice::gui
