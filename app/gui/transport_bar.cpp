#include "transport_bar.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "fonts.h"
#include "probe.h"
#include "theme.h"
#include "widgets.h"

namespace looktwice::gui {
namespace {

std::string time_text(double seconds) {
  if (!(seconds >= 0)) seconds = 0;
  char text[32];
  const int whole = int(seconds);
  if (whole >= 3600) {
    std::snprintf(text, sizeof text, "%d:%02d:%02d.%02d", whole / 3600, whole / 60 % 60, whole % 60,
                  int((seconds - whole) * 100));
  } else {
    std::snprintf(text, sizeof text, "%d:%02d.%02d", whole / 60, whole % 60,
                  int((seconds - whole) * 100));
  }
  return text;
}

}  // namespace

TransportBar::TransportBar(Workspace& workspace, CommandRegistry& commands, QWidget* parent)
    : ImGuiWidget(parent), workspace_(workspace), commands_(commands) {
  setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Fixed);
  const auto redraw = [this] { refresh(); };
  connect(&workspace, &Workspace::source_changed, this, redraw);
  connect(&workspace, &Workspace::frame_changed, this, redraw);
  connect(&workspace, &Workspace::playback_changed, this, redraw);
  const auto later = [this] { refresh_later(); };
  connect(&workspace, &Workspace::document_changed, this, later);
  connect(&workspace, &Workspace::analysis_changed, this, later);
  connect(&theme_events(), &ThemeEvents::changed, this, [this] {
    updateGeometry();
    setFixedHeight(sizeHint().height());
  });
  setFixedHeight(TransportBar::sizeHint().height());
}

QSize TransportBar::sizeHint() const {
  return {640, int(std::lround(px(94)))};
}

void TransportBar::run(const char* command) {
  // Commands may open dialogs: not from inside a paint.
  QMetaObject::invokeMethod(
      &commands_, [this, command] { commands_.run(command); }, Qt::QueuedConnection);
}

void TransportBar::ui() {
  ImGui::PushStyleVar(ImGuiStyleVar_WindowPadding, ImVec2(float(px(12)), float(px(6))));
  begin_panel("transport", false);
  ImGui::PopStyleVar();
  strip();
  buttons();
  ImGui::End();
}

void TransportBar::strip() {
  const float width = ImGui::GetContentRegionAvail().x, height = float(px(42));
  ImGui::InvisibleButton("strip", ImVec2(width, height));
  const ImVec2 min = ImGui::GetItemRectMin(), max = ImGui::GetItemRectMax();
  probe("strip", min, max);
  ImDrawList* draw = ImGui::GetWindowDrawList();
  draw->AddRectFilled(min, max, color_field(), float(px(4)));
  const video::PlayerStatus& status = workspace_.status();
  const int64_t last = workspace_.last_frame();
  if (!workspace_.has_source() || status.info.live || last <= 0) {
    if (status.info.live) {
      const char* text = status.playing ? "Live" : "Live, paused";
      const ImVec2 size = ImGui::CalcTextSize(text);
      draw->AddText(ImVec2((min.x + max.x - size.x) / 2, (min.y + max.y - size.y) / 2), color_dim(),
                    text);
    }
    return;
  }
  const double per_frame = double(max.x - min.x) / double(last + 1);
  const auto x_of = [&](double frame) { return min.x + float(frame * per_frame); };
  const float tau = workspace_.tau();

  // One bar for every tubelet, at most one for every pixel.
  const ClipStore& store = workspace_.store();
  draw->PushClipRect(min, max, true);
  const int columns = std::max(1, int(max.x - min.x));
  const float inner = max.y - min.y - float(px(4));
  const auto column_value = [&](int64_t frame) -> float {
    const auto clip = store.clip_at(frame);
    if (!clip || !store.measured(*clip)) return -1;
    const std::vector<int64_t>& frames = store.frames_of(*clip);
    const auto at = std::upper_bound(frames.begin(), frames.end(), frame) - frames.begin() - 1;
    const ClipSummary& summary = store.summary(*clip);
    const int tubelet = std::clamp(
        int(at / std::max<int64_t>(1, int64_t(frames.size()) / std::max(1, summary.tubelets()))), 0,
        summary.tubelets() - 1);
    return summary.kept(tubelet, tau);
  };
  for (int c = 0; c < columns;) {
    const auto frame = int64_t(double(c) / per_frame);
    const float value = column_value(frame);
    int end = c + 1;
    while (end < columns && int64_t(double(end) / per_frame) == frame)
      ++end;
    if (value >= 0) {
      const float y = max.y - float(px(2)) - value * inner;
      draw->AddRectFilled(ImVec2(min.x + float(c), y), ImVec2(min.x + float(end), max.y),
                          color_kept(0.55));
      draw->AddRectFilled(ImVec2(min.x + float(c), y), ImVec2(min.x + float(end), y + 1.5f),
                          color_kept());
    }
    c = end;
  }
  // Clip borders, where they are not too dense to mean anything.
  if (store.count() > 0 && double(max.x - min.x) / store.count() > px(14)) {
    for (int i = 0; i < store.count(); ++i) {
      const float x = std::floor(x_of(double(store.frames_of(i).front()))) + 0.5f;
      if (i > 0) draw->AddLine(ImVec2(x, min.y), ImVec2(x, max.y), color_text(0.25));
    }
  }
  // In and out points.
  if (status.in > 0)
    draw->AddRectFilled(min, ImVec2(x_of(double(status.in)), max.y), IM_COL32(0, 0, 0, 110));
  if (status.out >= 0 && status.out < last) {
    draw->AddRectFilled(ImVec2(x_of(double(status.out + 1)), min.y), max, IM_COL32(0, 0, 0, 110));
  }
  draw->PopClipRect();

  const ImGuiIO& io = ImGui::GetIO();
  const auto frame_under = [&] {
    return std::clamp<int64_t>(int64_t(std::floor(double(io.MousePos.x - min.x) / per_frame)), 0,
                               last);
  };
  if (ImGui::IsItemActive()) {
    const int64_t frame = frame_under();
    if (frame != workspace_.position()) {
      QMetaObject::invokeMethod(
          &workspace_, [this, frame] { workspace_.seek(frame); }, Qt::QueuedConnection);
    }
  }
  if (ImGui::IsItemHovered()) {
    const int64_t frame = frame_under();
    const float x = x_of(double(frame) + 0.5);
    draw->AddLine(ImVec2(x, min.y), ImVec2(x, max.y), color_text(0.5));
    const float value = column_value(frame);
    char text[128];
    const double fps = status.info.fps > 0 ? status.info.fps : 30;
    if (value >= 0) {
      std::snprintf(text, sizeof text, "Frame %lld  (%s)\n%.0f %% of its tubelet's tokens kept",
                    static_cast<long long>(frame), time_text(double(frame) / fps).c_str(),
                    double(value) * 100);
    } else {
      std::snprintf(text, sizeof text, "Frame %lld  (%s)\n%s", static_cast<long long>(frame),
                    time_text(double(frame) / fps).c_str(),
                    store.clip_at(frame) ? "not measured yet" : "belongs to no clip");
    }
    tooltip(text);
  }
  // Playhead.
  const float x = std::round(x_of(double(workspace_.position()) + 0.5));
  const ImU32 head = imgui_color(current_theme().playhead);
  draw->AddRectFilled(ImVec2(x - 0.75f, min.y - float(px(2))), ImVec2(x + 0.75f, max.y), head);
  const float s = float(px(5));
  draw->AddTriangleFilled(ImVec2(x - s, min.y - float(px(3))), ImVec2(x + s, min.y - float(px(3))),
                          ImVec2(x, min.y + s), head);
  // How far the measuring is.
  if (workspace_.progress() < 1) {
    draw->AddRectFilled(
        ImVec2(min.x, max.y),
        ImVec2(min.x + float(workspace_.progress()) * (max.x - min.x), max.y + float(px(2))),
        color_accent());
  }
}

void TransportBar::buttons() {
  const video::PlayerStatus& status = workspace_.status();
  const bool ready = workspace_.has_source();
  const bool seekable = ready && !status.info.live;
  const auto tip = [&](const char* id) { return commands_.tooltip(id).toStdString(); };
  ImGui::PushStyleVar(ImGuiStyleVar_ItemSpacing, ImVec2(float(px(4)), float(px(4))));
  const float row = float(px(30));
  const float buttons_top = ImGui::GetCursorPosY();
  const auto button = [&](const char* id, Icon icon, bool active, bool enabled) {
    if (icon_button(id, icon, tip(id), active, enabled, row)) run(id);
    ImGui::SameLine();
  };
  button("play.start", Icon::to_start, false, seekable);
  button("play.back", Icon::step_back, false, seekable);
  button("play.toggle", status.playing ? Icon::pause : Icon::play, true, ready);
  button("play.forward", Icon::step_forward, false, seekable);
  button("play.end", Icon::to_end, false, seekable);
  ImGui::SameLine(0, float(px(12)));
  button("play.loop", Icon::loop, status.loop, seekable);
  button("play.in", Icon::in_point, status.in > 0, seekable);
  button("play.out", Icon::out_point, status.out >= 0, seekable);
  ImGui::SameLine(0, float(px(16)));

  const auto centered_text = [&](const std::string& text, ImU32 color) {
    const ImVec2 at = ImGui::GetCursorScreenPos();
    ImGui::GetWindowDrawList()->AddText(
        ImVec2(at.x, std::floor(at.y + (row - ImGui::GetFontSize()) / 2)), color, text.c_str());
    ImGui::Dummy(ImVec2(ImGui::CalcTextSize(text.c_str()).x, row));
    ImGui::SameLine();
  };
  const double now = workspace_.frame() ? workspace_.frame()->time : 0;
  if (ready) {
    const ImVec2 at = ImGui::GetCursorPos();
    centered_text(time_text(now), color_text());
    if (seekable) {
      centered_text("/ " + time_text(status.info.duration), color_dim());
      ImGui::SetCursorPos(ImVec2(std::max(at.x + float(px(140)), ImGui::GetCursorPosX()),
                                 at.y + (row - ImGui::GetFrameHeight()) / 2));
      ImGui::AlignTextToFramePadding();
      dim_text("Frame");
      ImGui::SameLine();
      auto frame = double(workspace_.position());
      if (value_field("frame.field", &frame, 0, double(workspace_.last_frame()), "%.0f",
                      float(px(60)))) {
        QMetaObject::invokeMethod(
            &workspace_, [this, frame] { workspace_.seek(int64_t(frame)); }, Qt::QueuedConnection);
      }
      ImGui::SameLine();
      dim_text(workspace_.length_known() ? "of %lld" : "of %lld or more",
               static_cast<long long>(workspace_.last_frame()) + 1);
    }
  }

  // Speed at the right.
  const float right = ImGui::GetWindowContentRegionMax().x;
  ImGui::SameLine(right - float(px(92)));
  ImGui::SetCursorPosY(buttons_top + (row - ImGui::GetFrameHeight()) / 2);
  if (seekable) {
    static constexpr double kSpeeds[] = {0.1, 0.25, 0.5, 1, 1.5, 2, 4};
    char current[32];
    std::snprintf(current, sizeof current, "%.3g× speed", status.speed);
    ImGui::SetNextItemWidth(float(px(92)));
    if (ImGui::BeginCombo("##speed", current, ImGuiComboFlags_NoArrowButton)) {
      for (const double speed : kSpeeds) {
        char name[32];
        std::snprintf(name, sizeof name, "%.3g×", speed);
        if (ImGui::Selectable(name, std::abs(speed - status.speed) < 1e-6)) {
          QMetaObject::invokeMethod(
              &workspace_, [this, speed] { workspace_.set_speed(speed); }, Qt::QueuedConnection);
        }
      }
      ImGui::EndCombo();
    }
    probe_item("speed");
    if (ImGui::IsItemHovered()) tooltip(tip("play.faster"));
  }
  ImGui::PopStyleVar();
}

}  // namespace looktwice::gui
