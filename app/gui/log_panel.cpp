#include "log_panel.h"

#include <QDateTime>
#include <QPointer>
#include <cstdio>

#include "theme.h"

namespace looktwice::gui {

LogPanel::LogPanel(QWidget* parent) : QPlainTextEdit(parent) {
  setReadOnly(true);
  setMaximumBlockCount(5000);
  setLineWrapMode(QPlainTextEdit::NoWrap);
  set_log_sink([panel = QPointer<LogPanel>(this)](LogLevel level, const std::string& message) {
    if (level >= LogLevel::warning) std::fprintf(stderr, "%s\n", message.c_str());
    if (panel.isNull()) return;
    QMetaObject::invokeMethod(
        panel.data(),
        [panel, level, text = QString::fromStdString(message)] {
          if (panel) panel->append_message(level, text);
        },
        Qt::QueuedConnection);
  });
}

LogPanel::~LogPanel() {
  set_log_sink([](LogLevel level, const std::string& message) {
    if (level >= LogLevel::warning) std::fprintf(stderr, "%s\n", message.c_str());
  });
}

void LogPanel::append_message(LogLevel level, const QString& message) {
  const Theme& t = current_theme();
  const QColor color = level == LogLevel::error     ? t.error
                       : level == LogLevel::warning ? t.warning
                                                    : t.text;
  appendHtml(QStringLiteral(
                 "<span style=\"color:%1\">%2</span>&nbsp;&nbsp;<span style=\"color:%3\">%4</span>")
                 .arg(t.faint.name(), QDateTime::currentDateTime().toString("HH:mm:ss"),
                      color.name(), message.toHtmlEscaped()));
  ++count_;
  if (level >= LogLevel::warning) emit attention(message);
}

}  // namespace looktwice::gui
