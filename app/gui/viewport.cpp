#include "viewport.h"

#include <QApplication>
#include <QImage>
#include <QPointer>
#include <cmath>

#include "composed.h"
#include "latency.h"
#include "probe.h"
#include "quality_meter.h"
#include "theme.h"
#include "viewport_overlay.h"
#include "widgets.h"

namespace looktwice::gui {

/// Everything that the panes show, for the render thread.
class Viewport::Picture : public Composed {
 public:
  float tau = 0;

  bool same(const Picture& other) const {
    return same_place(other) && inputs == other.inputs && tau == other.tau;
  }
};

namespace {

/// Draws a small picture with marks and texts: what the driver has to compile for the first real
/// one is then ready, while that is still being read and measured.
void warm_up(compose::Compositor& compositor, compose::Scene scene) {
  constexpr int kSide = 64;
  const std::vector<uint8_t> grey(size_t{3} * kSide * kSide, 128);
  auto clip = std::make_shared<trace::ClipTrace>();
  clip->t = 2;
  clip->h = clip->w = 2;
  clip->has_rlt = true;
  clip->frame_indices = {0, 1, 2, 3};
  clip->frame_times = {0, 1, 2, 3};
  clip->crop_x = clip->crop_y = kSide / 4;
  clip->crop_width = clip->crop_height = kSide / 2;
  clip->keep = {1, 1, 1, 1, 1, 0, 0, 0};
  clip->run_length = trace::run_lengths_of(clip->keep, clip->t, clip->h, clip->w);
  clip->difference.assign(clip->keep.size(), 0.0F);
  scene.panes = {compose::Pane{}};
  scene.layout = compose::Layout::single;
  compositor.set_pane(0, {frames::make_rgb_frame(grey.data(), kSide, kSide, 2, 2.0), clip, {}});
  compose::View small;
  small.zoom = 0.5;
  (void)compositor.picture(scene, {400, 300}, small, 1);
  compositor.clear_panes();
}

}  // namespace

Viewport::Viewport(Workspace& workspace, std::string name, QWidget* parent)
    : ImGuiWidget(parent),
      workspace_(workspace),
      name_(std::move(name)),
      compositor_(made_for_rendering<compose::Compositor>()) {
  setMinimumSize(240, 160);
  set_first(true);
  const auto redraw = [this] { refresh(); };
  connect(&workspace, &Workspace::source_changed, this, [this] { refresh(4); });
  connect(&workspace, &Workspace::frame_changed, this, redraw);
  connect(&workspace, &Workspace::document_changed, this, redraw);
  connect(&workspace, &Workspace::analysis_changed, this, redraw);
  connect(&workspace, &Workspace::place_changed, this, redraw);
  connect(&workspace.runner(), &TokenRunner::changed, this, redraw);
  RenderThread::instance().post([compositor = compositor_, scene = workspace.document().scene] {
    if (!RenderThread::instance().renderer().empty()) warm_up(*compositor, scene);
  });
}

Viewport::~Viewport() = default;

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
  return layout_.arrangement(shown_scene(), size_, view_, output_scale());
}

UnderlayPtr Viewport::underlay(QSize pixels) {
  size_ = {pixels.width(), pixels.height()};
  user_scale_ = ui_scale();
  if (!workspace_.frame()) {
    picture_ = nullptr;
    return nullptr;
  }
  auto now = std::make_shared<Picture>();
  now->scene = shown_scene();
  for (size_t i = 0; i < now->scene.panes.size(); ++i) {
    now->inputs.push_back(workspace_.pane_input(int(i)));
    layout_.set_pane(int(i), now->inputs.back());
  }
  now->view = view_;
  now->size = size_;
  now->scale = output_scale();
  now->tau = workspace_.tau();
  now->compositor = compositor_;
  if (!picture_ || !picture_->same(*now)) picture_ = std::move(now);
  return picture_;
}

void Viewport::painted(const UnderlayPtr& under) {
  if (!under) return;
  first_picture();
  if (std::static_pointer_cast<const Picture>(under)->tau == workspace_.tau())
    tau_latency().answered();
}

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
  if (!workspace_.frame()) return;
  const compose::Arrangement where = arrangement();
  if (where.cells.empty()) return;
  const compose::Cell& cell = where.cells.front();
  const compose::Point middle{cell.rect.x + cell.rect.width / 2,
                              cell.rect.y + cell.rect.height / 2};
  const frames::Frame& frame = *workspace_.frame();
  set_view(compose::zoom_at(view_, {frame.width, frame.height}, cell.rect, middle, factor));
}

double Viewport::zoom() const {
  if (!workspace_.frame() || size_.empty()) return view_.zoom;
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
  if (workspace_.frame()) {
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

void Viewport::screenshot(std::function<void(QImage)> done) {
  if (!workspace_.frame()) return;
  compose::Scene scene = shown_scene();
  std::vector<compose::PaneInput> inputs;
  for (size_t i = 0; i < scene.panes.size(); ++i)
    inputs.push_back(workspace_.pane_input(int(i)));
  RenderThread::instance().post([self = QPointer<Viewport>(this), compositor = compositor_,
                                 scene = std::move(scene), inputs = std::move(inputs),
                                 done = std::move(done)] {
    if (RenderThread::instance().renderer().empty()) return;  // which the widget says
    compositor->set_panes(inputs);
    const compose::Size size = compositor->natural_size(scene);
    const std::vector<uint8_t> rgb = compositor->picture(scene, size);
    QImage image =
        QImage(rgb.data(), size.width, size.height, size.width * 3, QImage::Format_RGB888).copy();
    QMetaObject::invokeMethod(
        qApp,
        [self, done, image = std::move(image)] {
          if (self) done(image);
        },
        Qt::QueuedConnection);
  });
}

void Viewport::set_coach(std::string title, std::string text, std::string footer) {
  coach_title_ = std::move(title);
  coach_text_ = std::move(text);
  coach_footer_ = std::move(footer);
  refresh(3);
}

}  // namespace looktwice::gui
