#include "viewport.h"

#include <QImage>
#include <QOpenGLContext>
#include <cmath>

#include "base/error.h"
#include "base/log.h"
#include "latency.h"
#include "probe.h"
#include "quality_meter.h"
#include "theme.h"
#include "viewport_overlay.h"
#include "widgets.h"

namespace looktwice::gui {

Viewport::Viewport(Workspace& workspace, std::string name, QWidget* parent)
    : ImGuiWidget(parent), workspace_(workspace), name_(std::move(name)) {
  setMinimumSize(240, 160);
  const auto redraw = [this] { refresh(); };
  connect(&workspace, &Workspace::source_changed, this, [this] { refresh(4); });
  connect(&workspace, &Workspace::frame_changed, this, redraw);
  connect(&workspace, &Workspace::document_changed, this, redraw);
  connect(&workspace, &Workspace::analysis_changed, this, redraw);
  connect(&workspace, &Workspace::place_changed, this, redraw);
  connect(&workspace.runner(), &TokenRunner::changed, this, redraw);
  connect(this, &QOpenGLWidget::frameSwapped, this, [this] {
    if (drawn_tau_ == workspace_.tau()) tau_latency().answered();
    if (drawn_tau_ >= 0) first_picture();
  });
}

Viewport::~Viewport() {
  if (compositor_ && context() != nullptr) {
    makeCurrent();
    compositor_.reset();
    doneCurrent();
  } else if (compositor_) {
    compositor_->abandon();
  }
}

void Viewport::create_scene() {
  if (!compositor_) compositor_ = std::make_unique<compose::Compositor>();
}

void Viewport::destroy_scene() {
  if (compositor_) compositor_->release();
}

compose::Scene Viewport::shown_scene() const {
  compose::Scene scene = workspace_.document().scene;
  // Nothing to explain and nothing to compare without a picture.
  if (!workspace_.frame()) {
    scene.legend = compose::LegendPlace::none;
    scene.titles = false;
    scene.layout = compose::Layout::single;
    scene.panes = {compose::Pane{}};
  }
  return scene;
}

compose::Arrangement Viewport::arrangement() const {
  return compositor_->arrangement(shown_scene(), size_, view_, output_scale());
}

void Viewport::scene(QSize pixels) {
  size_ = {pixels.width(), pixels.height()};
  user_scale_ = ui_scale();
  if (!compositor_ || !workspace_.frame()) return;
  const compose::Scene scene = shown_scene();
  for (size_t i = 0; i < scene.panes.size(); ++i) {
    compositor_->set_pane(int(i), workspace_.pane_input(int(i)));
  }
  compose::Target target;
  target.framebuffer = defaultFramebufferObject();
  target.size = size_;
  target.framebuffer_height = pixels.height();
  try {
    compositor_->draw(scene, target, view_, output_scale());
    compositor_error_.clear();
  } catch (const Error& error) {
    if (compositor_error_ != error.what()) log(LogLevel::error, error.what());
    compositor_error_ = error.what();
  }
  drawn_tau_ = workspace_.tau();
}

void Viewport::painted(double) {}

void Viewport::set_view(const compose::View& view) {
  if (view == view_) return;
  view_ = view;
  refresh();
  emit view_changed();
}

void Viewport::one_to_one() {
  set_view(compose::one_to_one(view_));
}

void Viewport::zoom_by(double factor) {
  if (!compositor_ || !workspace_.frame()) return;
  const compose::Arrangement where = arrangement();
  if (where.cells.empty()) return;
  const compose::Cell& cell = where.cells.front();
  const compose::Point middle{cell.rect.x + cell.rect.width / 2,
                              cell.rect.y + cell.rect.height / 2};
  const frames::Frame& frame = *workspace_.frame();
  set_view(compose::zoom_at(view_, {frame.width, frame.height}, cell.rect, middle, factor));
}

double Viewport::zoom() const {
  if (!compositor_ || !workspace_.frame() || size_.empty()) return view_.zoom;
  const compose::Arrangement where = arrangement();
  return where.cells.empty() ? view_.zoom : where.cells.front().mapping.scale;
}

compose::Point Viewport::cursor() const {
  const ImVec2 at = ImGui::GetIO().MousePos;
  return compose::to_physical({double(at.x), double(at.y)}, devicePixelRatioF());
}

void Viewport::ui() {
  ImGui::PushStyleVar(ImGuiStyleVar_WindowPadding, ImVec2(0, 0));
  begin_panel("viewport", false);
  ImGui::PopStyleVar();
  const ImVec2 size = ImGui::GetIO().DisplaySize;
  probe(name_ + ".area", ImVec2(0, 0), size);
  if (workspace_.frame() && compositor_) {
    const compose::Arrangement where = arrangement();
    interact(where);
    draw_pixels(where);
    draw_group(where);
    draw_places(where);
    draw_region(where);
    draw_wipe(where);
  }
  draw_status();
  draw_cards();
  ImGui::End();
}

void Viewport::interact(const compose::Arrangement& where) {
  const ImGuiIO& io = ImGui::GetIO();
  ImGui::SetCursorPos(ImVec2(0, 0));
  ImGui::InvisibleButton("canvas", io.DisplaySize,
                         ImGuiButtonFlags_MouseButtonLeft | ImGuiButtonFlags_MouseButtonMiddle);
  ImGui::SetItemAllowOverlap();
  const bool hovered = ImGui::IsItemHovered();
  const frames::Frame& frame = *workspace_.frame();
  const compose::Size frame_size{frame.width, frame.height};
  const compose::Point at = cursor();
  const std::vector<compose::Size> sizes(workspace_.document().scene.panes.size(), frame_size);
  const std::optional<compose::Hit> hit = compose::hit(where, sizes, at);
  const compose::Cell* cell = nullptr;
  for (const compose::Cell& c : where.cells) {
    if (c.clip.contains(at)) cell = &c;
  }
  if (cell == nullptr && !where.cells.empty()) cell = &where.cells.front();
  if (cell == nullptr) return;

  // Wipe handle first, then pan; a press that does not move is a click.
  const bool wipe =
      workspace_.document().scene.layout == compose::Layout::wipe && where.cells.size() == 2;
  const double line = cell->rect.x + cell->rect.width * workspace_.document().scene.wipe;
  const bool on_line = wipe && std::abs(at.x - line) < 8 * output_scale();
  if (hovered && (on_line || wiping_)) ImGui::SetMouseCursor(ImGuiMouseCursor_ResizeEW);
  if (ImGui::IsItemActivated()) {
    pressed_ = at;
    moved_ = false;
    choosing_ = io.KeyShift && ImGui::IsMouseDown(0);
    wiping_ = !choosing_ && on_line && ImGui::IsMouseDown(0);
    panning_ = !wiping_ && !choosing_;
  }
  if (ImGui::IsItemActive()) {
    const double dx = at.x - pressed_.x, dy = at.y - pressed_.y;
    if (std::abs(dx) + std::abs(dy) > 4 * output_scale()) moved_ = true;
    if (choosing_ && moved_) {
      drag_region(*cell);
    } else if (wiping_) {
      drag_wipe(*cell);
    } else if (panning_ && moved_) {
      set_view(compose::pan_by(view_, frame_size, cell->rect, dx, dy));
      pressed_ = at;
      ImGui::SetMouseCursor(ImGuiMouseCursor_ResizeAll);
    }
  }
  if (ImGui::IsItemDeactivated()) {
    const bool clicked = !moved_ && !wiping_ && !choosing_;
    if (choosing_ && !moved_) workspace_.set_region(std::nullopt);
    wiping_ = panning_ = choosing_ = false;
    workspace_.seal_change();
    if (clicked && hovered) {
      const std::optional<Place> place = hit ? place_at(workspace_, hit->pixel) : std::nullopt;
      workspace_.pin(place == workspace_.pinned() ? std::nullopt : place);
    }
  }
  if (hovered && ImGui::IsMouseDoubleClicked(0)) {
    if (view_.zoom > 0) {
      fit();
    } else {
      set_view(compose::zoom_at(view_, frame_size, cell->rect, at, 4));
    }
  }
  if (hovered && io.MouseWheel != 0) {
    set_view(
        compose::zoom_at(view_, frame_size, cell->rect, at, std::pow(1.2, double(io.MouseWheel))));
  }
  if (hovered && hit && !panning_ && !choosing_) {
    workspace_.hover(place_at(workspace_, hit->pixel));
    hover_tip(*cell, hit->pixel);
  } else if (!hovered || !hit) {
    workspace_.hover(std::nullopt);
  }
}

void Viewport::drag_wipe(const compose::Cell& cell) {
  Document next = workspace_.document();
  next.scene.wipe =
      std::clamp((cursor().x - cell.rect.x) / std::max(1.0, cell.rect.width), 0.0, 1.0);
  workspace_.change(std::move(next), "Wipe position");
}

void Viewport::drag_region(const compose::Cell& cell) {
  const compose::Point a = cell.mapping.to_frame(pressed_), b = cell.mapping.to_frame(cursor());
  const frames::Frame& frame = *workspace_.frame();
  const QRect region(
      QPoint(int(std::floor(std::min(a.x, b.x))), int(std::floor(std::min(a.y, b.y)))),
      QPoint(int(std::ceil(std::max(a.x, b.x))) - 1, int(std::ceil(std::max(a.y, b.y))) - 1));
  workspace_.set_region(region.intersected(QRect(0, 0, frame.width, frame.height)));
}

void Viewport::set_quality(const QualityMeter* meter) {
  quality_ = meter;
  connect(meter, &QualityMeter::changed, this, [this] { refresh(); });
}

QImage Viewport::screenshot() {
  if (!compositor_ || !workspace_.frame()) return {};
  makeCurrent();
  const compose::Scene scene = shown_scene();
  for (size_t i = 0; i < scene.panes.size(); ++i) {
    compositor_->set_pane(int(i), workspace_.pane_input(int(i)));
  }
  const compose::Size size = compositor_->natural_size(scene);
  const std::vector<uint8_t> rgb = compositor_->picture(scene, size);
  doneCurrent();
  return QImage(rgb.data(), size.width, size.height, size.width * 3, QImage::Format_RGB888).copy();
}

void Viewport::set_coach(std::string title, std::string text, std::string footer) {
  coach_title_ = std::move(title);
  coach_text_ = std::move(text);
  coach_footer_ = std::move(footer);
  refresh(3);
}

}  // namespace looktwice::gui
