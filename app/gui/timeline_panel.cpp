#include "timeline_panel.h"

#include <QMetaObject>
#include <algorithm>
#include <cmath>
#include <cstdio>

#include "gl/owner.h"
#include "gl/state.h"
#include "overlay/canvas.h"
#include "probe.h"
#include "theme.h"
#include "widgets.h"

namespace looktwice::gui {
namespace {

constexpr double kToolbar = 38;  ///< logical pixels at 100 %

const timeline::Style& ground() {
  return current_theme().dark ? timeline::dark_style() : timeline::light_style();
}

timeline::Detail next_of(timeline::Detail detail) {
  using timeline::Detail;
  return detail == Detail::run      ? Detail::blocks
         : detail == Detail::blocks ? Detail::modules
                                    : Detail::run;
}

}  // namespace

struct TimelinePanel::Tools {
  gl::Owner owner;
  overlay::Font font;
  overlay::Canvas canvas;
};

/// Timeline or matrix, laid out, for the render thread.
class TimelinePanel::Picture : public Underlay {
 public:
  bool whole = true;  ///< the timeline, not the matrix
  timeline::ContentPtr content;
  timeline::Layout layout;
  timeline::Pointer pointer;
  timeline::Matrix matrix;
  timeline::MatrixLayout matrix_layout;
  const timeline::Style* style = nullptr;
  overlay::Box area;
  int text = 13;
  float scroll = 0;
  std::shared_ptr<Tools> tools;

  /// The layout follows from the rest.
  bool same(const Picture& other) const {
    return whole == other.whole && content == other.content && style == other.style &&
           area == other.area && text == other.text &&
           (whole ? scroll == other.scroll && pointer.hovered_step == other.pointer.hovered_step &&
                        pointer.threshold == other.pointer.threshold &&
                        pointer.dragging == other.pointer.dragging
                  : matrix == other.matrix);
  }
  void draw(const RenderTarget& to) const override {
    const gl::StateGuard guard;
    if (whole) {
      timeline::draw(tools->canvas, *content, layout, *style, tools->font, pointer);
    } else {
      timeline::draw(tools->canvas, matrix, matrix_layout, *style, tools->font);
    }
    tools->canvas.draw(tools->owner, to.width, to.height, tools->font, {area});
  }
};

TimelinePanel::TimelinePanel(GenerateSession& session, QWidget* parent)
    : ImGuiWidget(parent), session_(session), tools_(made_for_rendering<Tools>()) {
  setMinimumSize(320, 140);
  connect(&session, &GenerateSession::changed, this, [this] { refresh(2); });
}

double TimelinePanel::scale() const {
  return devicePixelRatioF() * ui_scale();
}

overlay::Box TimelinePanel::picture_area(QSize pixels) const {
  const auto top = static_cast<float>(std::round(kToolbar * scale()));
  return {0, top, float(pixels.width()), std::max(1.0F, float(pixels.height()) - top)};
}

UnderlayPtr TimelinePanel::underlay(QSize pixels) {
  const overlay::Box area = picture_area(pixels);
  const int text = std::max(8, int(std::lround(13 * scale())));
  shown_ = session_.content();
  if (!shown_ || shown_->rows.empty()) return picture_ = nullptr;
  auto now = std::make_shared<Picture>();
  now->whole = view_ == 0;
  if (view_ == 0) {
    layout_ =
        timeline::lay_out(*shown_, area.x, area.y - scroll_, area.width, text, font_, area.height);
    overflow_ = std::max(0.0F, layout_.height() - area.height);
    if (scroll_ > overflow_) {
      scroll_ = overflow_;
      layout_ = timeline::lay_out(*shown_, area.x, area.y - scroll_, area.width, text, font_,
                                  area.height);
    }
  } else {
    matrix_.distances = nullptr;
    matrix_.schedule = nullptr;
    for (const timeline::Row& row : shown_->rows)
      if (row.run && row.run->distances && !matrix_.distances)
        matrix_.distances =
            std::shared_ptr<const trace::StepDistances>(row.run, &*row.run->distances);
    if (shown_->curve >= 0) matrix_.schedule = shown_->rows[size_t(shown_->curve)].run;
    if (!matrix_.distances || matrix_.distances->taps.empty()) return picture_ = nullptr;
    matrix_.tap = std::clamp(matrix_.tap, 0, int(matrix_.distances->taps.size()) - 1);
    matrix_layout_ =
        timeline::lay_out(matrix_, area.x, area.y, area.width, area.height, text, font_);
    now->matrix = matrix_;
    now->matrix_layout = matrix_layout_;
  }
  now->content = shown_;
  now->layout = layout_;
  now->pointer = pointer_;
  now->style = &ground();
  now->area = area;
  now->text = text;
  now->scroll = scroll_;
  now->tools = tools_;
  if (!picture_ || !picture_->same(*now)) picture_ = std::move(now);
  return picture_;
}

void TimelinePanel::toolbar() {
  static const char* const kViews[] = {"Timeline", "Step distances"};
  static const char* const kTips[] = {
      "What every step computed and reused, and why",
      "How much the video changes from any step to any later one, without caching"};
  ImGui::PushStyleVar(ImGuiStyleVar_WindowPadding, ImVec2(0, 0));
  ImGui::BeginChild("views", ImVec2(float(px(230)), ImGui::GetFrameHeight()), false,
                    ImGuiWindowFlags_NoScrollbar | ImGuiWindowFlags_NoScrollWithMouse);
  if (segments("timeline.view", &view_, kViews, 2, kTips)) refresh(3);
  ImGui::EndChild();
  probe_item("timeline.view");
  ImGui::PopStyleVar();
  ImGui::SameLine(0, float(px(12)));
  if (view_ == 1 && matrix_.distances && matrix_.distances->taps.size() > 1) {
    const auto name_of = [](const trace::StepDistances::Tap& tap) {
      return timeline::block_name(trace::block_row(tap.pair, tap.temporal)) + " · " + tap.residual;
    };
    const auto& taps = matrix_.distances->taps;
    ImGui::SetNextItemWidth(float(px(190)));
    if (ImGui::BeginCombo("##tap", name_of(taps[size_t(matrix_.tap)]).c_str())) {
      for (int i = 0; i < int(taps.size()); ++i)
        if (ImGui::Selectable(name_of(taps[size_t(i)]).c_str(), i == matrix_.tap)) matrix_.tap = i;
      ImGui::EndCombo();
    }
    ImGui::SameLine(0, float(px(8)));
    static const char* const kNorms[] = {"L1", "L2", "Cosine"};
    int norm = int(matrix_.norm);
    ImGui::PushStyleVar(ImGuiStyleVar_WindowPadding, ImVec2(0, 0));
    ImGui::BeginChild("norms", ImVec2(float(px(150)), ImGui::GetFrameHeight()), false,
                      ImGuiWindowFlags_NoScrollbar);
    if (segments("timeline.norm", &norm, kNorms, 3)) matrix_.norm = timeline::MatrixNorm(norm);
    ImGui::EndChild();
    ImGui::PopStyleVar();
    ImGui::SameLine(0, float(px(12)));
  }
  status();
}

void TimelinePanel::status() {
  ImGui::AlignTextToFramePadding();
  if (session_.running()) {
    ImGui::SetNextItemWidth(float(px(140)));
    ImGui::ProgressBar(float(session_.progress()), ImVec2(float(px(140)), 0));
    ImGui::SameLine(0, float(px(8)));
    if (ImGui::Button("Cancel")) session_.cancel();
    probe_item("timeline.cancel");
    return;
  }
  if (!session_.error().empty()) {
    ImGui::PushStyleColor(ImGuiCol_Text, imgui_color(current_theme().error));
    ImGui::TextUnformatted(session_.error().c_str());
    ImGui::PopStyleColor();
    probe_item("timeline.error");
    return;
  }
  const EntryPtr b = session_.b();
  std::string text;
  if (b && b->agreement)
    text = "Predicted " + std::to_string(b->agreement->same) + " of " +
           std::to_string(b->agreement->steps) + " steps rightly";
  if (const auto all = session_.record();
      b && all.steps > 0 && b->agreement && all.steps > b->agreement->steps)
    text += " · " + std::to_string(100 * all.same / all.steps) + " % of all so far";
  if (b && b->quality) text += (text.empty() ? "" : " · ") + engine::quality_text(*b->quality);
  if (text.empty() && !session_.entries().empty()) text = session_.prediction_note();
  if (text.empty()) return;
  // What does not fit is cut, and said in full where the mouse is.
  const std::string whole = text;
  text = fitted(text, ImGui::GetContentRegionAvail().x);
  dim_text("%s", text.c_str());
  std::string tip = text != whole ? whole : "";
  if (b && b->agreement)
    tip += std::string(tip.empty() ? "" : "\n") +
           "How often the schedule predicted from the sketches of the uncached run was the one "
           "that ran";
  if (!tip.empty() && ImGui::IsItemHovered()) tooltip(tip);
}

void TimelinePanel::probe_layout() {
  if (!Probes::instance().enabled()) return;
  const auto ratio = float(devicePixelRatioF());
  const auto box = [&](const std::string& name, const overlay::Box& b) {
    probe(name, ImVec2(b.x / ratio, b.y / ratio),
          ImVec2((b.x + b.width) / ratio, (b.y + b.height) / ratio));
  };
  for (size_t i = 0; i < layout_.lines.size() && i < 8; ++i) {
    box("timeline.row." + std::to_string(i), layout_.lines[i].cells);
    const overlay::Box& b = layout_.lines[i].cells;
    box("timeline.label." + std::to_string(i),
        {layout_.area.x, b.y, b.x - layout_.area.x, b.height});
  }
  if (!layout_.curve) return;
  box("timeline.curve", layout_.curve->box);
  for (size_t i = 0; i < layout_.thresholds.size(); ++i) {
    const auto y = float(layout_.curve->y(layout_.thresholds[i].value));
    const overlay::Box& b = layout_.curve->box;
    box("timeline.threshold." + std::to_string(i), {b.x, y - 2, b.width, 4});
  }
}

void TimelinePanel::interact() {
  const ImGuiIO& io = ImGui::GetIO();
  const auto ratio = float(devicePixelRatioF());
  const float x = io.MousePos.x * ratio, y = io.MousePos.y * ratio;
  const bool hovered = ImGui::IsItemHovered();
  timeline::Hit hit;
  if (hovered || dragging_) hit = timeline::hit(layout_, x, y, 6 * layout_.pixel);
  const int before = pointer_.hovered_step, line_before = pointer_.threshold;
  if (!dragging_) {
    pointer_.hovered_step = hit.step;
    pointer_.threshold = hit.threshold;
  }
  if (hovered && io.MouseWheel != 0 && overflow_ > 0) {
    scroll_ = std::clamp(scroll_ - io.MouseWheel * 40 * float(scale()), 0.0F, overflow_);
    refresh(2);
  }
  if (ImGui::IsItemActivated() && hit.kind == timeline::Hit::Kind::threshold) {
    dragging_ = pointer_.dragging = true;
    pointer_.threshold = hit.threshold;
    const auto line = float(layout_.curve->y(layout_.thresholds[size_t(hit.threshold)].value));
    grip_ = std::fabs(y - line) < 12 * layout_.pixel ? y - line : 0;
  }
  if (dragging_ || hit.kind == timeline::Hit::Kind::threshold)
    ImGui::SetMouseCursor(ImGuiMouseCursor_ResizeNS);
  if (dragging_ && ImGui::IsItemActive() && (io.MouseDelta.x != 0 || io.MouseDelta.y != 0)) {
    const double value = timeline::dragged(layout_, pointer_.threshold, double(y - grip_));
    QMetaObject::invokeMethod(
        &session_, [this, i = pointer_.threshold, value] { session_.set_threshold(i, value); },
        Qt::QueuedConnection);
  }
  if (ImGui::IsItemDeactivated()) {
    if (dragging_) {
      dragging_ = pointer_.dragging = false;
      // The worker confirms what the sketches predict.
      QMetaObject::invokeMethod(
          &session_, [this] { session_.start(); }, Qt::QueuedConnection);
    } else if (hit.kind == timeline::Hit::Kind::label && hit.line >= 0) {
      const int row = layout_.lines[size_t(hit.line)].row, id = session_.id_of_row(row);
      const timeline::Detail detail = next_of(shown_->rows[size_t(row)].detail);
      QMetaObject::invokeMethod(
          &session_, [this, id, detail] { session_.set_detail(id, detail); }, Qt::QueuedConnection);
    } else if (hit.step > 0) {
      QMetaObject::invokeMethod(
          &session_, [this, step = hit.step] { session_.choose(step); }, Qt::QueuedConnection);
    }
  }
  if (hovered && !dragging_) {
    using Kind = timeline::Hit::Kind;
    std::string text;
    if (hit.kind == Kind::cell) {
      const timeline::Line& line = layout_.lines[size_t(hit.line)];
      text = timeline::words(*shown_, line.row, hit.step, line.block, line.module);
    } else if (hit.kind == Kind::curve || hit.kind == Kind::motion) {
      text = timeline::words(*shown_, shown_->curve, hit.step);
    } else if (hit.kind == Kind::label) {
      text = "Click: blocks, modules, or the run alone";
    } else if (hit.kind == Kind::threshold) {
      const timeline::Threshold& t = layout_.thresholds[size_t(hit.threshold)];
      char line[160];
      if (t.rate > 0)
        std::snprintf(line, sizeof line,
                      "Below %.4g: %d steps until the next compute.\nDrag to change it; the "
                      "schedule that the sketches predict is outlined at once.",
                      t.value, t.rate);
      else
        std::snprintf(line, sizeof line, "The stack is computed once the sum reaches %.4g",
                      t.value);
      text = line;
    }
    if (!text.empty()) tooltip(text);
  }
  if (before != pointer_.hovered_step || line_before != pointer_.threshold) refresh(2);
}

void TimelinePanel::interact_matrix() {
  if (!ImGui::IsItemHovered() || !matrix_.distances) return;
  const ImGuiIO& io = ImGui::GetIO();
  const auto ratio = float(devicePixelRatioF());
  const auto hit = timeline::hit(matrix_layout_, io.MousePos.x * ratio, io.MousePos.y * ratio);
  const std::string text = timeline::words(matrix_, hit);
  if (!text.empty()) tooltip(text);
}

void TimelinePanel::ui() {
  ImGui::PushStyleVar(ImGuiStyleVar_WindowPadding, ImVec2(float(px(8)), float(px(6))));
  ImGui::PushStyleColor(ImGuiCol_WindowBg, ImVec4(0, 0, 0, 0));
  begin_panel("timeline", false);
  ImGui::PopStyleColor();
  ImGui::PopStyleVar();
  toolbar();
  const auto top = float(px(kToolbar));
  const ImVec2 size = ImGui::GetIO().DisplaySize;
  const bool empty = !shown_ || shown_->rows.empty();
  const bool no_matrix = view_ == 1 && (!matrix_.distances || matrix_.distances->taps.empty());
  ImGui::SetCursorPos(ImVec2(0, top));
  if (size.y > top + 1 && size.x > 1) {
    ImGui::InvisibleButton("picture", ImVec2(size.x, size.y - top));
    probe_item("timeline.area");
    if (empty || no_matrix) {
      const char* const text =
          empty
              ? "No run yet. Load a generating model under Models, choose a policy under Generate "
                "and press Run."
              : "Run once without caching to see how far its steps are apart.";
      ImGui::SetCursorPos(ImVec2(float(px(16)), top + float(px(20))));
      ImGui::PushTextWrapPos(size.x - float(px(16)));
      dim_text("%s", text);
      ImGui::PopTextWrapPos();
    } else if (view_ == 0) {
      probe_layout();
      interact();
    } else {
      interact_matrix();
    }
  }
  ImGui::End();
}

}  // namespace looktwice::gui
