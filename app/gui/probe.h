#pragma once
// For tests and automation: where named controls lie on the screen. Off unless --print-state asks.

#include <QRect>
#include <map>
#include <string>

struct ImVec2;
class QWidget;

namespace looktwice::gui {

class Probes {
 public:
  static Probes& instance();
  void enable() { enabled_ = true; }
  bool enabled() const { return enabled_; }
  /// The widget that is being painted; positions are relative to it. Forgets what it held.
  void begin(QWidget* widget);
  /// Remembers a rectangle in logical pixels of that widget, as physical screen pixels.
  void add(const std::string& name, const ImVec2& min, const ImVec2& max);
  /// The rectangle of a Qt widget.
  void add(const std::string& name, QWidget* widget);
  void forget(QWidget* widget);
  std::map<std::string, QRect> rectangles() const;

 private:
  std::map<QWidget*, std::map<std::string, QRect>> rects_;
  QWidget* current_ = nullptr;
  bool enabled_ = false;
};

/// Shorthand for Probes::instance().add().
void probe(const std::string& name, const ImVec2& min, const ImVec2& max);
/// The ImGui item drawn last.
void probe_item(const std::string& name);

}  // namespace looktwice::gui
