#include "theme.h"

#include <QApplication>
#include <QDir>
#include <QFile>
#include <QFont>
#include <QImage>
#include <QPainter>
#include <QPalette>
#include <QStandardPaths>
#include <QStyle>
#include <QStyleFactory>
#include <algorithm>
#include <cmath>

#include <imgui.h>

#include "fonts.h"

namespace looktwice::gui {
namespace {

Theme dark_theme() {
  Theme t;
  t.dark = true;
  t.window = QColor(0x0f1114);
  t.panel = QColor(0x181b20);
  t.field = QColor(0x23272e);
  t.field_hover = QColor(0x2d323b);
  t.line = QColor(0x2b3038);
  t.text = QColor(0xdfe3e8);
  t.dim = QColor(0x98a1ad);
  t.faint = QColor(0x626b78);
  t.accent = QColor(0x56b4e9);
  t.on_accent = QColor(0x0b1218);
  t.kept = QColor(0xe69f00);
  t.pruned = QColor(0x6f7b8a);
  t.playhead = QColor(0xf4f6f8);
  t.warning = QColor(0xe6b450);
  t.error = QColor(0xf0716b);
  t.good = QColor(0x3fb68b);
  return t;
}

Theme light_theme() {
  Theme t;
  t.dark = false;
  t.window = QColor(0xd9dce1);
  t.panel = QColor(0xf6f7f9);
  t.field = QColor(0xe7eaee);
  t.field_hover = QColor(0xdde1e7);
  t.line = QColor(0xd5d9df);
  t.text = QColor(0x1b2027);
  t.dim = QColor(0x545d69);
  t.faint = QColor(0x89929e);
  t.accent = QColor(0x0072b2);
  t.on_accent = QColor(0xffffff);
  t.kept = QColor(0xd08700);
  t.pruned = QColor(0x9aa3af);
  t.playhead = QColor(0x14181d);
  t.warning = QColor(0x9a6700);
  t.error = QColor(0xc0332d);
  t.good = QColor(0x1a7f5a);
  return t;
}

struct State {
  QString name = "dark";
  Theme theme = dark_theme();
  double scale = 1.0;
};
State& state() {
  static State s;
  return s;
}

QPalette palette_of(const Theme& t) {
  QPalette p;
  p.setColor(QPalette::Window, t.panel);
  p.setColor(QPalette::WindowText, t.text);
  p.setColor(QPalette::Base, t.field);
  p.setColor(QPalette::AlternateBase, t.panel);
  p.setColor(QPalette::ToolTipBase, t.field);
  p.setColor(QPalette::ToolTipText, t.text);
  p.setColor(QPalette::Text, t.text);
  p.setColor(QPalette::PlaceholderText, t.faint);
  p.setColor(QPalette::Button, t.field);
  p.setColor(QPalette::ButtonText, t.text);
  p.setColor(QPalette::BrightText, t.error);
  p.setColor(QPalette::Highlight, t.accent);
  p.setColor(QPalette::HighlightedText, t.on_accent);
  p.setColor(QPalette::Link, t.accent);
  for (const auto role : {QPalette::WindowText, QPalette::Text, QPalette::ButtonText}) {
    p.setColor(QPalette::Disabled, role, t.faint);
  }
  p.setColor(QPalette::Disabled, QPalette::Highlight, t.line);
  p.setColor(QPalette::Light, t.field_hover);
  p.setColor(QPalette::Midlight, t.field);
  p.setColor(QPalette::Mid, t.line);
  p.setColor(QPalette::Dark, t.line);
  p.setColor(QPalette::Shadow, t.window);
  return p;
}

/// Style sheets take pictures from files only: a small arrow, drawn once per colour.
QString arrow_file(const QColor& color) {
  const QString folder = QStandardPaths::writableLocation(QStandardPaths::CacheLocation);
  const QString file = folder + "/arrow-" + color.name().mid(1) + ".png";
  if (QFile::exists(file)) return file;
  QDir().mkpath(folder);
  QImage image(40, 40, QImage::Format_ARGB32_Premultiplied);
  image.fill(Qt::transparent);
  QPainter painter(&image);
  painter.setRenderHint(QPainter::Antialiasing);
  painter.setPen(QPen(color, 5, Qt::SolidLine, Qt::RoundCap, Qt::RoundJoin));
  painter.drawPolyline(QPolygonF({QPointF(8, 14), QPointF(20, 26), QPointF(32, 14)}));
  painter.end();
  image.save(file, "PNG");
  return file;
}

QString style_sheet(const Theme& t, double s) {
  const auto n = [s](double v) { return QString::number(std::max(1, int(std::lround(v * s)))); };
  QString css = R"(
QMainWindow, QDialog { background: %panel; }
QMainWindow::separator { background: %window; width: 3px; height: 3px; }
QMainWindow::separator:hover { background: %accent; }
QMenuBar { background: %panel; color: %text; padding: %2px %4px; border-bottom: 1px solid %line; }
QMenuBar::item { padding: %4px %8px; border-radius: %4px; background: transparent; }
QMenuBar::item:selected { background: %hover; }
QMenu { background: %panel; border: 1px solid %line; padding: %4px; }
QMenu::item { padding: %5px %24px %5px %24px; border-radius: %4px; }
QMenu::item:selected { background: %hover; color: %text; }
QMenu::item:disabled { color: %faint; }
QMenu::separator { height: 1px; background: %line; margin: %4px %6px; }
QMenu::indicator { width: %12px; height: %12px; left: %6px; }
QDockWidget { color: %dim; }
QDockWidget::title { background: %panel; padding: %7px %10px; text-align: left;
  border-bottom: 1px solid %line; }
QTabBar::tab { background: %panel; color: %dim; padding: %6px %12px; border: none;
  border-top: 2px solid transparent; }
QTabBar::tab:selected { color: %text; border-top: 2px solid %accent; }
QTabBar::tab:hover { color: %text; }
QToolTip { background: %field; color: %text; border: 1px solid %line; padding: %4px; }
QPushButton { background: %field; border: 1px solid %line; border-radius: %4px;
  padding: %5px %14px; color: %text; }
QPushButton:hover { background: %hover; }
QPushButton:default { background: %accent; color: %onaccent; border-color: %accent; }
QPushButton:disabled { color: %faint; background: %panel; }
QPushButton:focus, QComboBox:focus, QSpinBox:focus, QDoubleSpinBox:focus, QLineEdit:focus,
QListView:focus, QPlainTextEdit:focus { border: 1px solid %accent; }
QLineEdit, QSpinBox, QDoubleSpinBox, QComboBox { background: %field; border: 1px solid %line;
  border-radius: %4px; padding: %4px %6px; color: %text; selection-background-color: %accent;
  selection-color: %onaccent; }
QComboBox::drop-down { border: none; width: %18px; }
QComboBox::down-arrow { image: url(%arrow); width: %10px; height: %10px; }
QCheckBox { spacing: %6px; }
QCheckBox::indicator { width: %14px; height: %14px; }
QDialogButtonBox { dialogbuttonbox-buttons-have-icons: 0; }
QDialog#palette { border: 1px solid %line; }
QComboBox QAbstractItemView { background: %panel; border: 1px solid %line; outline: none; }
QListView, QTreeView, QTableView, QPlainTextEdit, QTextBrowser { background: %panel; border: 1px solid %panel;
  color: %text; outline: none; }
QListView::item { padding: %4px %6px; border-radius: %4px; }
QListView::item:hover { background: %field; }
QListView::item:selected { background: %hover; color: %text; }
QToolButton { border: none; border-radius: %4px; padding: %3px; color: %text; }
QToolButton:hover { background: %hover; }
QTableView::item { padding: 0 %8px; }
QTableView::item:hover { background: %field; }
QTableView::item:selected { background: %hover; color: %text; }
QToolButton[role="action"] { background: %field; border: 1px solid %line; padding: %3px %10px;
  margin: %3px 0; }
QToolButton[role="action"]:hover { background: %hover; }
QToolButton[role="action"]:focus { border: 1px solid %accent; }
QToolButton[role="action"]:disabled { color: %faint; background: %panel; }
QHeaderView { background: %panel; }
QHeaderView::up-arrow, QHeaderView::down-arrow { subcontrol-position: center left; left: %6px; }
QHeaderView::section { background: %panel; color: %dim; border: none; padding: %4px %6px; }
QScrollBar:vertical { background: transparent; width: %10px; margin: 0; }
QScrollBar:horizontal { background: transparent; height: %10px; margin: 0; }
QScrollBar::handle { background: %line; border-radius: %4px; min-height: %24px; min-width: %24px;
  margin: %2px; }
QScrollBar::handle:hover { background: %faint; }
QScrollBar::add-line, QScrollBar::sub-line { width: 0; height: 0; }
QScrollBar::add-page, QScrollBar::sub-page { background: none; }
QStatusBar { background: %panel; color: %dim; border-top: 1px solid %line; }
QStatusBar::item { border: none; }
QProgressBar { background: %field; border: none; border-radius: %3px; height: %6px; text-align: center;
  color: transparent; }
QProgressBar::chunk { background: %accent; border-radius: %3px; }
QGroupBox { border: none; margin-top: %18px; font-weight: 600; }
QGroupBox::title { subcontrol-origin: margin; left: 0; color: %dim; }
QLabel[role="dim"] { color: %dim; }
QLabel[role="error"] { color: %error; }
QLabel[role="title"] { font-size: %title; font-weight: 600; }
)";
  // Longest names first, so that %fieldx is never read as %field.
  const std::pair<const char*, QString> names[] = {{"%arrow", arrow_file(t.dim)},
                                                   {"%onaccent", t.on_accent.name()},
                                                   {"%window", t.window.name()},
                                                   {"%accent", t.accent.name()},
                                                   {"%panel", t.panel.name()},
                                                   {"%field", t.field.name()},
                                                   {"%hover", t.field_hover.name()},
                                                   {"%error", t.error.name()},
                                                   {"%faint", t.faint.name()},
                                                   {"%title", n(17) + "px"},
                                                   {"%line", t.line.name()},
                                                   {"%text", t.text.name()},
                                                   {"%dim", t.dim.name()}};
  for (const auto& [name, value] : names)
    css.replace(name, value);
  for (const int v : {24, 18, 14, 12, 10, 8, 7, 6, 5, 4, 3, 2}) {
    css.replace("%" + QString::number(v) + "px", n(v) + "px");
  }
  return css;
}

}  // namespace

ThemeEvents& theme_events() {
  static ThemeEvents events;
  return events;
}

const Theme& current_theme() {
  return state().theme;
}
QString theme_name() {
  return state().name;
}
double ui_scale() {
  return state().scale;
}

void set_theme(const QString& name) {
  state().name = name;
  bool dark = name != "light";
  if (name == "system") {
    dark = QApplication::style()->standardPalette().color(QPalette::Window).lightness() < 128;
  }
  state().theme = dark ? dark_theme() : light_theme();
  apply_to_application();
}

void set_ui_scale(double scale) {
  state().scale = std::clamp(scale, 0.75, 3.0);
  apply_to_application();
}

void apply_to_application() {
  if (qApp == nullptr) return;
  QFont font(ui_font_family());
  font.setPixelSize(int(std::lround(px(13))));
  QApplication::setFont(font);
  QApplication::setPalette(palette_of(state().theme));
  qApp->setStyleSheet(style_sheet(state().theme, state().scale));
  emit theme_events().changed();
}

uint32_t imgui_color(const QColor& c, double alpha) {
  const auto a = uint32_t(std::lround(std::clamp(alpha, 0.0, 1.0) * c.alpha()));
  return (a << 24u) | (uint32_t(c.blue()) << 16u) | (uint32_t(c.green()) << 8u) | uint32_t(c.red());
}

void apply_imgui_style(const Theme& t, double scale) {
  ImGuiStyle& style = ImGui::GetStyle();
  style = ImGuiStyle();
  style.WindowPadding = ImVec2(12, 10);
  style.FramePadding = ImVec2(8, 4);
  style.ItemSpacing = ImVec2(8, 7);
  style.ItemInnerSpacing = ImVec2(6, 4);
  style.WindowBorderSize = 0;
  style.PopupBorderSize = 1;
  style.FrameRounding = 4;
  style.GrabRounding = 4;
  style.PopupRounding = 6;
  style.ScrollbarRounding = 4;
  style.ScrollbarSize = 10;
  style.GrabMinSize = 10;
  style.ScaleAllSizes(float(scale));
  style.AntiAliasedLinesUseTex = true;

  const auto set = [&style](ImGuiCol index, const QColor& c, double alpha = 1.0) {
    style.Colors[index] =
        ImVec4(float(c.redF()), float(c.greenF()), float(c.blueF()), float(alpha));
  };
  for (int i = 0; i < ImGuiCol_COUNT; ++i)
    set(i, t.field);
  set(ImGuiCol_Text, t.text);
  set(ImGuiCol_TextDisabled, t.faint);
  set(ImGuiCol_WindowBg, t.panel, 0);
  set(ImGuiCol_ChildBg, t.panel, 0);
  set(ImGuiCol_PopupBg, t.panel, 0.97);
  set(ImGuiCol_Border, t.line);
  set(ImGuiCol_BorderShadow, t.line, 0);
  set(ImGuiCol_FrameBg, t.field);
  set(ImGuiCol_FrameBgHovered, t.field_hover);
  set(ImGuiCol_FrameBgActive, t.field_hover);
  set(ImGuiCol_ScrollbarBg, t.panel, 0);
  set(ImGuiCol_ScrollbarGrab, t.line);
  set(ImGuiCol_ScrollbarGrabHovered, t.faint);
  set(ImGuiCol_ScrollbarGrabActive, t.faint);
  set(ImGuiCol_CheckMark, t.accent);
  set(ImGuiCol_SliderGrab, t.accent);
  set(ImGuiCol_SliderGrabActive, t.accent);
  set(ImGuiCol_Button, t.field);
  set(ImGuiCol_ButtonHovered, t.field_hover);
  set(ImGuiCol_ButtonActive, t.line);
  set(ImGuiCol_Header, t.field);
  set(ImGuiCol_HeaderHovered, t.field_hover);
  set(ImGuiCol_HeaderActive, t.field_hover);
  set(ImGuiCol_Separator, t.line);
  set(ImGuiCol_SeparatorHovered, t.accent);
  set(ImGuiCol_SeparatorActive, t.accent);
  set(ImGuiCol_TextSelectedBg, t.accent, 0.35);
  set(ImGuiCol_NavHighlight, t.accent);
  set(ImGuiCol_DragDropTarget, t.accent);
}

}  // namespace looktwice::gui
