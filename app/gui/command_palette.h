#pragma once
// Every command by name: type a few letters, Enter runs it.

#include <QDialog>

#include "commands.h"

class QLineEdit;
class QListWidget;

namespace looktwice::gui {

class CommandPalette : public QDialog {
  Q_OBJECT
 public:
  CommandPalette(CommandRegistry& commands, QWidget* parent);

  /// How well `query` fits `text`: letters in order, word starts count more; negative if not at
  /// all.
  static int score(const QString& query, const QString& text);

 protected:
  bool eventFilter(QObject* object, QEvent* event) override;

 private:
  void filter(const QString& query);
  void run_current();

  CommandRegistry& commands_;
  QLineEdit* query_;
  QListWidget* list_;
};

/// All shortcuts, by group.
class ShortcutSheet : public QDialog {
  Q_OBJECT
 public:
  ShortcutSheet(const CommandRegistry& commands, QWidget* parent);
};

}  // namespace looktwice::gui
