#include "commands.h"

#include <QAbstractButton>
#include <QAbstractItemView>
#include <QApplication>
#include <QComboBox>
#include <QKeyEvent>
#include <QMenu>
#include <QTabBar>
#include <QWidget>
#include <stdexcept>

namespace looktwice::gui {

namespace {

bool needs(const QWidget* control, int key) {
  const bool vertical = key == Qt::Key_Up || key == Qt::Key_Down || key == Qt::Key_PageUp ||
                        key == Qt::Key_PageDown || key == Qt::Key_Home || key == Qt::Key_End;
  const bool horizontal = key == Qt::Key_Left || key == Qt::Key_Right;
  if (qobject_cast<const QAbstractItemView*>(control) != nullptr) return vertical || horizontal;
  if (qobject_cast<const QTabBar*>(control) != nullptr) return horizontal;
  if (qobject_cast<const QComboBox*>(control) != nullptr) return vertical || key == Qt::Key_Space;
  if (qobject_cast<const QAbstractButton*>(control) != nullptr) return key == Qt::Key_Space;
  return qobject_cast<const QAbstractScrollArea*>(control) != nullptr && vertical;
}

}  // namespace

CommandRegistry::CommandRegistry(QWidget* window) : QObject(window), window_(window) {
  qApp->installEventFilter(this);
}

bool CommandRegistry::eventFilter(QObject* watched, QEvent* event) {
  if (event->type() != QEvent::ShortcutOverride) return false;
  const auto* key = static_cast<QKeyEvent*>(event);
  if ((key->modifiers() & ~Qt::KeypadModifier) != Qt::NoModifier) return false;
  if (!needs(qobject_cast<QWidget*>(watched), key->key())) return false;
  event->accept();
  return true;
}

void CommandRegistry::add(Command command) {
  if (index_.contains(command.id)) {
    throw std::logic_error("command added twice: " + command.id.toStdString());
  }
  for (const Command& other : commands_) {
    for (const QKeySequence& key : command.keys) {
      if (other.keys.contains(key)) {
        throw std::logic_error(key.toString().toStdString() + " is taken by " +
                               other.id.toStdString());
      }
    }
  }
  auto* action = new QAction(command.text, this);
  action->setObjectName(command.id);
  action->setShortcuts(command.keys);
  action->setShortcutContext(Qt::WindowShortcut);
  action->setToolTip(command.tip);
  action->setStatusTip(command.tip);
  action->setCheckable(bool(command.checked));
  const QString id = command.id;
  connect(action, &QAction::triggered, this, [this, id] {
    const Command* found = find(id);
    if (found != nullptr && (!found->enabled || found->enabled())) found->run();
    refresh();
  });
  window_->addAction(action);
  actions_.insert(id, action);
  index_.insert(id, commands_.size());
  commands_.push_back(std::move(command));
}

bool CommandRegistry::run(const QString& id) {
  const Command* command = find(id);
  if (command == nullptr || (command->enabled && !command->enabled())) return false;
  command->run();
  refresh();
  return true;
}

QAction* CommandRegistry::action(const QString& id) const {
  return actions_.value(id);
}

const Command* CommandRegistry::find(const QString& id) const {
  const auto at = index_.constFind(id);
  return at == index_.constEnd() ? nullptr : &commands_[*at];
}

void CommandRegistry::fill(QMenu* menu, const QList<QString>& ids) const {
  for (const QString& id : ids) {
    if (id.isEmpty()) {
      menu->addSeparator();
    } else if (QAction* a = action(id)) {
      menu->addAction(a);
    }
  }
}

void CommandRegistry::refresh() {
  for (const Command& command : commands_) {
    QAction* a = actions_.value(command.id);
    a->setEnabled(!command.enabled || command.enabled());
    if (command.checked) a->setChecked(command.checked());
  }
}

QString CommandRegistry::tooltip(const QString& id) const {
  const Command* command = find(id);
  if (command == nullptr) return {};
  if (command->keys.isEmpty()) return command->tip;
  return command->tip + " (" + command->keys.first().toString(QKeySequence::NativeText) + ")";
}

}  // namespace looktwice::gui
