#pragma once
// Every command of the app, once: menus, shortcuts, tooltips, the shortcut sheet and the command
// palette are all made from this list.

#include <QAction>
#include <QHash>
#include <QKeySequence>
#include <QObject>
#include <QString>
#include <functional>
#include <vector>

class QMenu;
class QWidget;

namespace looktwice::gui {

struct Command {
  QString id;     ///< "play.toggle": stable, for tests and the palette
  QString group;  ///< "Playback": heading in the shortcut sheet
  QString text;   ///< menu text
  QString tip;    ///< one sentence for people who meet it the first time
  QList<QKeySequence> keys;
  std::function<void()> run;
  std::function<bool()> enabled = {};  ///< empty: always
  std::function<bool()> checked = {};  ///< empty: not checkable
};

/// Threads: UI thread only. Actions belong to the registry and are installed on `window`.
class CommandRegistry : public QObject {
  Q_OBJECT
 public:
  explicit CommandRegistry(QWidget* window);

  /// Throws std::logic_error if the id or one of the keys is taken.
  void add(Command command);
  /// Runs a command if it is enabled; false if there is no such command or it is disabled.
  bool run(const QString& id);

  QAction* action(const QString& id) const;
  const Command* find(const QString& id) const;
  const std::vector<Command>& all() const { return commands_; }
  /// Adds actions to a menu; an empty id is a separator.
  void fill(QMenu* menu, const QList<QString>& ids) const;
  /// Re-evaluates enabled and checked of every action.
  void refresh();
  /// "Play or pause (Space)": for tooltips outside Qt.
  QString tooltip(const QString& id) const;

 protected:
  /// Keys that the focused control needs for itself (arrows in a table, Space on a button) are no
  /// shortcuts as long as it has the focus.
  bool eventFilter(QObject* watched, QEvent* event) override;

 private:
  QWidget* window_;
  std::vector<Command> commands_;
  QHash<QString, QAction*> actions_;
  QHash<QString, size_t> index_;
};

}  // namespace looktwice::gui
