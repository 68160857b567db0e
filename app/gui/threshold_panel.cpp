#include "threshold_panel.h"

#include <QMouseEvent>
#include <algorithm>
#include <cfloat>
#include <cmath>
#include <cstdio>

#include "fonts.h"
#include "latency.h"
#include "probe.h"
#include "theme.h"
#include "tokens/rlt.h"
#include "widgets.h"

namespace looktwice::gui {
namespace {

// The axis is logarithmic from a fiftieth of a grey level up; exact repeats (difference 0) have a
// column of their own at the left.
constexpr double kLow = 0.001, kHigh = 4;
constexpr int kBins = 96;
constexpr float kZeroColumn = 14;

}  // namespace

ThresholdPanel::ThresholdPanel(Workspace& workspace, QWidget* parent)
    : ImGuiWidget(parent), workspace_(workspace) {
  setMinimumSize(260, 200);
  const auto redraw = [this] { refresh(); };
  connect(&workspace, &Workspace::source_changed, this, redraw);
  connect(&workspace, &Workspace::document_changed, this, redraw);
  connect(&workspace, &Workspace::analysis_changed, this, redraw);
  connect(&workspace, &Workspace::frame_changed, this, [this] {
    if (workspace_.measured() != shown_) refresh();
  });
}

double ThresholdPanel::Track::tau_at(float x) const {
  if (x < left) return 0.0;
  const double u = std::clamp(double(x - left) / double(right - left), 0.0, 1.0);
  return kLow * std::exp(u * std::log(kHigh / kLow));
}

bool ThresholdPanel::Track::contains(QPointF at) const {
  return at.x() >= double(zero) && at.x() < double(right) && at.y() >= double(top) &&
         at.y() < double(bottom);
}

std::optional<QPointF> ThresholdPanel::on_track(double u) const {
  if (track_.right <= track_.left) return std::nullopt;
  return QPointF(double(track_.left) + u * double(track_.right - track_.left - 1),
                 double(track_.top + track_.bottom) / 2);
}

void ThresholdPanel::drag_to(QPointF at) {
  const auto next = float(track_.tau_at(float(at.x())));
  if (next != workspace_.tau()) set_tau(double(next));
}

void ThresholdPanel::mousePressEvent(QMouseEvent* event) {
  tau_latency().input();
  dragging_ = event->button() == Qt::LeftButton && track_.contains(event->position());
  if (dragging_) drag_to(event->position());
  ImGuiWidget::mousePressEvent(event);
}

void ThresholdPanel::mouseMoveEvent(QMouseEvent* event) {
  tau_latency().input();
  if (dragging_) drag_to(event->position());
  ImGuiWidget::mouseMoveEvent(event);
}

void ThresholdPanel::mouseReleaseEvent(QMouseEvent* event) {
  if (event->button() == Qt::LeftButton) dragging_ = false;
  ImGuiWidget::mouseReleaseEvent(event);
}

void ThresholdPanel::set_tau(double tau) {
  workspace_.set_tau(float(tau));
  tau_latency().owed();
}

void ThresholdPanel::ui() {
  begin_panel("threshold");
  if (workspace_.measured() != shown_) {
    shown_ = workspace_.measured();
    if (shown_) {
      bins_ = shown_->histogram.logarithmic(kLow, kHigh, kBins);
      curve_ = shown_->histogram.curve(kLow, kHigh, 120, true);
      zeros_ = shown_->histogram.zeros();
    }
  }
  summary();
  histogram();
  fields();
  ImGui::End();
}

void ThresholdPanel::summary() {
  const bool known = shown_ != nullptr;
  char text[64];
  if (known) {
    std::snprintf(text, sizeof text, "%.1f %%",
                  shown_->histogram.kept_ratio(workspace_.tau()) * 100);
  } else {
    std::snprintf(text, sizeof text, "–");
  }
  ImGui::PushFont(title_font());
  ImGui::TextUnformatted(text);
  ImGui::PopFont();
  probe_item("kept");
  ImGui::SameLine(0, float(px(10)));
  const ImVec2 at = ImGui::GetCursorScreenPos();
  ImGui::BeginGroup();
  ImGui::PushStyleVar(ImGuiStyleVar_ItemSpacing, ImVec2(0, 0));
  ImGui::SetCursorScreenPos(ImVec2(at.x, at.y - float(px(1))));
  small_text("of this clip's tokens are kept");
  if (known) {
    small_text("%zu of %zu", shown_->histogram.kept(workspace_.tau()), shown_->histogram.tokens());
  } else if (!workspace_.analysis_error().empty()) {
    small_text("no clip");
  } else {
    small_text("%s", workspace_.has_source() ? "measuring…" : "no video open");
  }
  ImGui::PopStyleVar();
  ImGui::EndGroup();
  if (const auto all = workspace_.store().kept(workspace_.tau());
      all && workspace_.store().count() > 1) {
    small_text("%.0f %% over %d of %d clips measured", *all * 100,
               workspace_.store().measured_count(), workspace_.store().count());
  }
}

void ThresholdPanel::histogram() {
  const float width = ImGui::GetContentRegionAvail().x;
  const float height = std::max(float(px(96)), ImGui::GetContentRegionAvail().y - float(px(118)));
  const float axis = float(px(18)), zero = float(px(kZeroColumn)), gap = float(px(3));
  const float plot_height = std::min(height, float(px(260)));
  ImGui::InvisibleButton("histogram", ImVec2(width, plot_height));
  const ImVec2 min = ImGui::GetItemRectMin();
  const ImVec2 max(ImGui::GetItemRectMax().x, ImGui::GetItemRectMax().y - axis);
  const float left = min.x + zero + gap;
  probe("tau.track", ImVec2(left, min.y), max);
  probe("tau.zero", min, ImVec2(min.x + zero, max.y));
  const bool hovered = ImGui::IsItemHovered(), held = ImGui::IsItemActive();
  const double span = std::log(kHigh / kLow);
  const auto x_of = [&](double tau) {
    if (tau < kLow) return tau <= 0 ? min.x + zero : left;
    return left + float(std::clamp(std::log(tau / kLow) / span, 0.0, 1.0)) * (max.x - left);
  };
  track_ = {min.x, left, max.x, min.y, ImGui::GetItemRectMax().y};
  const ImGuiIO& io = ImGui::GetIO();
  if (held) {
    const double next = track_.tau_at(io.MousePos.x);
    if (float(next) != workspace_.tau()) set_tau(next);
  }
  if (ImGui::IsItemDeactivated()) workspace_.seal_change();
  if (hovered || held) ImGui::SetMouseCursor(ImGuiMouseCursor_ResizeEW);
  const double tau = double(workspace_.tau());

  ImDrawList* draw = ImGui::GetWindowDrawList();
  draw->AddRectFilled(ImVec2(left, min.y), max, color_field(), float(px(3)));
  draw->AddRectFilled(min, ImVec2(min.x + zero, max.y), color_field(), float(px(3)));
  const float tau_x = x_of(tau);
  if (shown_) {
    uint32_t top = 1;
    for (const uint32_t count : bins_.counts)
      top = std::max(top, count);
    // Square root: the few large differences matter as much as the many small ones.
    const auto bar = [&](double count) {
      return float(std::sqrt(std::min(1.0, count / double(top)))) * (max.y - min.y - float(px(6)));
    };
    const float step = (max.x - left) / float(kBins);
    for (int i = 0; i < kBins; ++i) {
      const uint32_t count = bins_.counts[size_t(i)];
      if (count == 0) continue;
      const float x0 = left + step * float(i), x1 = x0 + std::max(1.0f, step - 1);
      const float y = max.y - std::max(1.0f, bar(count));
      if (x1 <= tau_x) {
        draw->AddRectFilled(ImVec2(x0, y), ImVec2(x1, max.y), color_pruned(0.85));
      } else if (x0 >= tau_x) {
        draw->AddRectFilled(ImVec2(x0, y), ImVec2(x1, max.y), color_kept(0.85));
      } else {
        draw->AddRectFilled(ImVec2(x0, y), ImVec2(tau_x, max.y), color_pruned(0.85));
        draw->AddRectFilled(ImVec2(tau_x, y), ImVec2(x1, max.y), color_kept(0.85));
      }
    }
    const double below = double(zeros_) + double(std::max<size_t>(bins_.below, zeros_) - zeros_);
    if (below > 0) {
      draw->AddRectFilled(ImVec2(min.x + float(px(2)), max.y - std::max(1.0f, bar(below))),
                          ImVec2(min.x + zero - float(px(2)), max.y), color_pruned(0.85));
    }
    // The kept ratio at every τ.
    std::vector<ImVec2> points;
    points.reserve(curve_.size());
    for (const auto& point : curve_) {
      points.emplace_back(x_of(double(point.tau)),
                          max.y - float(point.kept_ratio) * (max.y - min.y - float(px(6))));
    }
    draw->AddPolyline(points.data(), int(points.size()), color_text(0.9), 0, float(px(1.5)));
    const float y =
        max.y - float(shown_->histogram.kept_ratio(float(tau))) * (max.y - min.y - float(px(6)));
    draw->AddCircleFilled(ImVec2(tau_x, y), float(px(4)), color_text(), 16);
  }
  // The handle.
  const ImU32 line = imgui_color(current_theme().playhead);
  draw->AddRectFilled(ImVec2(tau_x - float(px(1)), min.y), ImVec2(tau_x + float(px(1)), max.y),
                      line);
  const float grip = float(px(5));
  draw->AddRectFilled(ImVec2(tau_x - grip, max.y - float(px(4))),
                      ImVec2(tau_x + grip, max.y + float(px(6))), held ? color_accent() : line,
                      float(px(3)));
  probe("tau.handle", ImVec2(tau_x - grip, max.y - float(px(10))), ImVec2(tau_x + grip, max.y));

  // Axis.
  ImFont* font = small_font();
  const float size = font->FontSize * io.FontGlobalScale;
  draw->AddText(font, size, ImVec2(min.x + float(px(3)), max.y + float(px(7))), color_dim(), "0");
  for (const double tick : {0.01, 0.1, 1.0}) {
    const float x = std::floor(x_of(tick)) + 0.5f;
    draw->AddLine(ImVec2(x, min.y), ImVec2(x, max.y), color_text(0.08));
    char text[16];
    std::snprintf(text, sizeof text, "%g", tick);
    const float half = font->CalcTextSizeA(size, FLT_MAX, 0, text).x / 2;
    draw->AddText(font, size, ImVec2(x - half, max.y + float(px(7))), color_dim(), text);
  }
  if (hovered && !held && shown_) {
    const double at = track_.tau_at(io.MousePos.x);
    char text[200];
    std::snprintf(text, sizeof text,
                  "At τ = %.3f (%.1f grey levels)\n%.1f %% of the clip's tokens are kept", at,
                  at / tokens::normalised_per_grey_level(),
                  shown_->histogram.kept_ratio(float(at)) * 100);
    tooltip(text);
  }
}

void ThresholdPanel::fields() {
  const double grey = tokens::normalised_per_grey_level();
  const float width = (ImGui::GetContentRegionAvail().x - float(px(16))) / 3;
  const float top = ImGui::GetCursorPosY();
  const auto label = [&](const char* text, const char* help) {
    ImGui::SetCursorPosY(top);
    ImGui::BeginGroup();
    // Drawn, not written: text beside framed items would be moved to their baseline.
    ImFont* font = small_font();
    const float size = font->FontSize * ImGui::GetIO().FontGlobalScale;
    ImGui::GetWindowDrawList()->AddText(font, size, ImGui::GetCursorScreenPos(), color_dim(), text);
    ImGui::Dummy(ImVec2(width, size));
    if (ImGui::IsItemHovered()) tooltip(help);
  };
  double tau = double(workspace_.tau());
  ImGui::PushStyleVar(ImGuiStyleVar_ItemSpacing, ImVec2(float(px(8)), float(px(3))));
  label("Threshold τ",
        "In ImageNet-normalised units, as the paper and the command line count. A patch "
        "whose mean difference is at most τ is pruned.");
  if (value_field("tau.field", &tau, 0, 20, "%.4g", width)) set_tau(tau);
  ImGui::EndGroup();
  ImGui::SameLine();
  double levels = tau / grey;
  label("Grey levels", "The same threshold in steps of 0 to 255.");
  if (value_field("tau.grey", &levels, 0, 20 / grey, "%.3g", width)) set_tau(levels * grey);
  ImGui::EndGroup();
  ImGui::SameLine();
  double kept = shown_ ? shown_->histogram.kept_ratio(workspace_.tau()) * 100 : 100;
  label("Kept %", "Type what this clip shall keep: the smallest τ that keeps no more is set.");
  if (value_field("tau.kept", &kept, 0, 100, "%.1f", width) && shown_) {
    set_tau(double(shown_->histogram.tau_for_ratio(kept / 100)));
  }
  ImGui::EndGroup();
  ImGui::PopStyleVar();
  if (!workspace_.analysis_error().empty()) {
    ImGui::PushTextWrapPos(0);
    ImGui::PushStyleColor(ImGuiCol_Text, imgui_color(current_theme().error));
    ImGui::TextUnformatted(workspace_.analysis_error().c_str());
    ImGui::PopStyleColor();
    ImGui::PopTextWrapPos();
    probe_item("analysis.error");
  } else if (workspace_.dropped_tail() > 0) {
    small_text("The last %lld frames are too few for a clip.",
               static_cast<long long>(workspace_.dropped_tail()));
  }
}

}  // namespace looktwice::gui
