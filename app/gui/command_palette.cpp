#include "command_palette.h"

#include <QGridLayout>
#include <QHBoxLayout>
#include <QKeyEvent>
#include <QLabel>
#include <QLineEdit>
#include <QListWidget>
#include <QPainter>
#include <QScrollArea>
#include <QStyledItemDelegate>
#include <QVBoxLayout>
#include <algorithm>
#include <utility>
#include <vector>

#include "theme.h"

namespace looktwice::gui {

namespace {

constexpr int kKeysRole = Qt::UserRole + 1;

/// A command's name at the left, its group and key dimly at the right.
class CommandLine : public QStyledItemDelegate {
 public:
  using QStyledItemDelegate::QStyledItemDelegate;
  void paint(QPainter* painter, const QStyleOptionViewItem& option,
             const QModelIndex& index) const override {
    QStyleOptionViewItem plain = option;
    initStyleOption(&plain, index);
    const QString name = plain.text;
    plain.text.clear();
    plain.widget->style()->drawControl(QStyle::CE_ItemViewItem, &plain, painter, plain.widget);
    const QRect area = option.rect.adjusted(int(px(10)), 0, -int(px(10)), 0);
    const Theme& theme = current_theme();
    const bool enabled = (option.state & QStyle::State_Enabled) != 0;
    painter->setPen(enabled ? theme.text : theme.faint);
    painter->drawText(area, Qt::AlignLeft | Qt::AlignVCenter, name);
    painter->setPen(enabled ? theme.dim : theme.faint);
    painter->drawText(area, Qt::AlignRight | Qt::AlignVCenter, index.data(kKeysRole).toString());
  }
};

}  // namespace

CommandPalette::CommandPalette(CommandRegistry& commands, QWidget* parent)
    : QDialog(parent, Qt::Dialog | Qt::FramelessWindowHint), commands_(commands) {
  setObjectName("palette");
  setWindowTitle("Commands");
  setModal(true);
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(int(px(10)), int(px(10)), int(px(10)), int(px(10)));
  query_ = new QLineEdit;
  query_->setPlaceholderText("Type a command");
  query_->setClearButtonEnabled(true);
  list_ = new QListWidget;
  list_->setUniformItemSizes(true);
  list_->setItemDelegate(new CommandLine(list_));
  list_->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
  layout->addWidget(query_);
  layout->addWidget(list_);
  resize(int(px(520)), int(px(380)));
  move(parent->mapToGlobal(QPoint((parent->width() - width()) / 2, int(px(90)))));
  query_->installEventFilter(this);
  connect(query_, &QLineEdit::textChanged, this, &CommandPalette::filter);
  connect(list_, &QListWidget::itemActivated, this, [this] { run_current(); });
  connect(list_, &QListWidget::itemClicked, this, [this] { run_current(); });
  filter({});
  query_->setFocus();
}

int CommandPalette::score(const QString& query, const QString& text) {
  const QString q = query.simplified().toLower(), t = text.toLower();
  int score = 0;
  qsizetype at = 0;
  qsizetype last = -2;
  for (const QChar c : q) {
    if (c == ' ') continue;
    const qsizetype found = t.indexOf(c, at);
    if (found < 0) return -1;
    if (found == last + 1) score += 4;
    if (found == 0 || !t[found - 1].isLetterOrNumber()) score += 3;
    last = found;
    at = found + 1;
  }
  if (!q.isEmpty() && t.contains(q)) score += 20;
  return score;
}

void CommandPalette::filter(const QString& query) {
  list_->clear();
  struct Hit {
    int score;
    const Command* command;
  };
  std::vector<Hit> hits;
  for (const Command& command : commands_.all()) {
    if (command.id == "help.palette") continue;
    const int fit = score(query, command.group + ": " + QString(command.text).remove('&'));
    if (fit >= 0) hits.push_back({fit, &command});
  }
  std::ranges::stable_sort(hits, [](const Hit& a, const Hit& b) { return a.score > b.score; });
  for (const Hit& hit : hits) {
    const Command& command = *hit.command;
    QString text = command.text;
    text.remove('&');
    auto* item = new QListWidgetItem(list_);
    item->setData(Qt::UserRole, command.id);
    item->setToolTip(command.tip);
    const bool enabled = !command.enabled || command.enabled();
    if (!enabled) item->setFlags(item->flags() & ~Qt::ItemIsEnabled);
    item->setText(text);
    item->setData(kKeysRole, command.keys.isEmpty()
                                 ? command.group
                                 : command.group + "   " +
                                       command.keys.first().toString(QKeySequence::NativeText));
    item->setSizeHint(QSize(0, int(px(30))));
  }
  for (int i = 0; i < list_->count(); ++i) {
    if (list_->item(i)->flags() & Qt::ItemIsEnabled) {
      list_->setCurrentRow(i);
      break;
    }
  }
}

void CommandPalette::run_current() {
  QListWidgetItem* item = list_->currentItem();
  if (item == nullptr || !(item->flags() & Qt::ItemIsEnabled)) return;
  const QString id = item->data(Qt::UserRole).toString();
  accept();
  // The palette is gone by the time the command runs.
  QMetaObject::invokeMethod(
      &commands_, [registry = &commands_, id] { registry->run(id); }, Qt::QueuedConnection);
}

bool CommandPalette::eventFilter(QObject* object, QEvent* event) {
  if (object == query_ && event->type() == QEvent::KeyPress) {
    const auto* key = static_cast<QKeyEvent*>(event);
    const int step = key->key() == Qt::Key_Down       ? 1
                     : key->key() == Qt::Key_Up       ? -1
                     : key->key() == Qt::Key_PageDown ? 8
                     : key->key() == Qt::Key_PageUp   ? -8
                                                      : 0;
    if (step != 0) {
      list_->setCurrentRow(std::clamp(list_->currentRow() + step, 0, list_->count() - 1));
      return true;
    }
    if (key->key() == Qt::Key_Return || key->key() == Qt::Key_Enter) {
      run_current();
      return true;
    }
  }
  return QDialog::eventFilter(object, event);
}

ShortcutSheet::ShortcutSheet(const CommandRegistry& commands, QWidget* parent) : QDialog(parent) {
  setObjectName("shortcuts");
  setWindowTitle("Keyboard shortcuts");
  auto* outer = new QVBoxLayout(this);
  auto* columns = new QHBoxLayout;
  columns->setSpacing(int(px(36)));
  outer->setContentsMargins(int(px(24)), int(px(20)), int(px(24)), int(px(20)));
  outer->addLayout(columns);
  std::vector<std::pair<QString, std::vector<const Command*>>> groups;
  for (const Command& command : commands.all()) {
    if (command.keys.isEmpty()) continue;
    auto at = std::ranges::find(groups, command.group, [](const auto& g) { return g.first; });
    if (at == groups.end()) at = groups.insert(at, {command.group, {}});
    at->second.push_back(&command);
  }
  // A group stays in one column; columns are about as long as the window is high.
  constexpr size_t kRows = 34, kHeading = 2;
  QVBoxLayout* column = nullptr;
  size_t rows = 0;
  for (const auto& [group, members] : groups) {
    const size_t length = kHeading + members.size();
    if (column == nullptr || rows + length > kRows) {
      if (column != nullptr) column->addStretch();
      column = new QVBoxLayout;
      column->setSpacing(int(px(6)));
      columns->addLayout(column);
      rows = 0;
    }
    auto* heading = new QLabel(group);
    heading->setStyleSheet("font-weight: 600;");
    heading->setSizePolicy(QSizePolicy::Preferred, QSizePolicy::Fixed);
    column->addWidget(heading);
    auto* grid = new QGridLayout;
    grid->setHorizontalSpacing(int(px(24)));
    grid->setVerticalSpacing(int(px(5)));
    grid->setColumnStretch(0, 1);
    int row = 0;
    for (const Command* command : members) {
      QString text = command->text;
      text.remove('&').remove("…");
      QStringList keys;
      for (const QKeySequence& key : command->keys)
        keys << key.toString(QKeySequence::NativeText);
      auto* name = new QLabel(text);
      auto* shortcut = new QLabel(keys.join(" or "));
      shortcut->setProperty("role", "dim");
      grid->addWidget(name, row, 0);
      grid->addWidget(shortcut, row++, 1, Qt::AlignRight);
    }
    column->addLayout(grid);
    column->addSpacing(int(px(12)));
    rows += length;
  }
  if (column != nullptr) column->addStretch();
  auto* note = new QLabel(
      "On the picture: wheel zooms, drag pans, double click zooms in or fits, click "
      "pins the patch.");
  note->setProperty("role", "dim");
  outer->addWidget(note);
}

}  // namespace looktwice::gui
