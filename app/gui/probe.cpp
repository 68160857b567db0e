#include "probe.h"

#include <QWidget>

#include <imgui.h>
#include <imgui_internal.h>

namespace looktwice::gui {
namespace {

QRect on_screen(QWidget* widget, QPointF min, QPointF max) {
  const double dpr = widget->devicePixelRatioF();
  const QPointF a = widget->mapToGlobal(min) * dpr, b = widget->mapToGlobal(max) * dpr;
  return QRectF(a, b).toRect();
}

}  // namespace

Probes& Probes::instance() {
  static Probes probes;
  return probes;
}

void Probes::begin(QWidget* widget) {
  if (!enabled_) return;
  current_ = widget;
  rects_[widget].clear();
}

void Probes::add(const std::string& name, const ImVec2& min, const ImVec2& max) {
  if (!enabled_ || current_ == nullptr) return;
  // A window that sizes itself to its content is laid out once before it is shown.
  if (ImGui::GetCurrentWindowRead()->Hidden) return;
  rects_[current_][name] = on_screen(current_, QPointF(double(min.x), double(min.y)),
                                     QPointF(double(max.x), double(max.y)));
}

void Probes::add(const std::string& name, QWidget* widget) {
  if (!enabled_) return;
  rects_[widget][name] =
      on_screen(widget, QPointF(0, 0), QPointF(widget->width(), widget->height()));
}

void Probes::forget(QWidget* widget) {
  rects_.erase(widget);
  if (current_ == widget) current_ = nullptr;
}

std::map<std::string, QRect> Probes::rectangles() const {
  std::map<std::string, QRect> all;
  for (const auto& [widget, rects] : rects_) {
    if (widget->isVisible()) all.insert(rects.begin(), rects.end());
  }
  return all;
}

void probe(const std::string& name, const ImVec2& min, const ImVec2& max) {
  Probes::instance().add(name, min, max);
}

void probe_item(const std::string& name) {
  if (Probes::instance().enabled()) probe(name, ImGui::GetItemRectMin(), ImGui::GetItemRectMax());
}

}  // namespace looktwice::gui
