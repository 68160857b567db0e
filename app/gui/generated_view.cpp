#include "generated_view.h"

#include <QMetaObject>
#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "composed.h"
#include "overlay/palette.h"
#include "probe.h"
#include "theme.h"
#include "widgets.h"

namespace looktwice::gui {
namespace {

constexpr double kBar = 62;    ///< two lines: controls, then what they show
constexpr double kLine = 18;   ///< one more, where that is long
constexpr double kWide = 470;  ///< from here on it is not
constexpr double kGain = 4;

/// The change that the brightest colour stands for: all but the few largest.
float most_change(std::vector<float> change) {
  if (change.empty()) return 0;
  const auto at = change.begin() + ptrdiff_t(0.99 * double(change.size() - 1));
  std::nth_element(change.begin(), at, change.end());
  return *at;
}

/// The residual change of every token over the video, in the colours of the heat maps, the last of
/// them for `most`.
frames::RgbVideoPtr with_change(const frames::RgbVideo& video, const std::vector<float>& change,
                                float most, int patch_height, int patch_width) {
  auto out = std::make_shared<frames::RgbVideo>(video);
  const int rows = (video.height + patch_height - 1) / patch_height;
  const int columns = (video.width + patch_width - 1) / patch_width;
  if (change.size() != size_t(video.frames()) * size_t(rows) * size_t(columns)) return out;
  most = std::max(1e-9F, most);
  size_t at = 0;
  for (int f = 0; f < video.frames(); ++f)
    for (int y = 0; y < video.height; ++y)
      for (int x = 0; x < video.width; ++x, at += 3) {
        const size_t token =
            (size_t(f) * size_t(rows) + size_t(y / patch_height)) * size_t(columns) +
            size_t(x / patch_width);
        const auto c = overlay::at(overlay::Palette::cividis, double(change[token] / most));
        const float rgb[3] = {c.r, c.g, c.b};
        for (size_t k = 0; k < 3; ++k)
          out->rgb[at + k] =
              uint8_t(std::lround(0.4F * float(video.rgb[at + k]) + 0.6F * 255 * rgb[k]));
      }
  return out;
}

/// What the colours of with_change() stand for.
void change_legend(float most) {
  constexpr int kParts = 24;
  const float height = ImGui::GetFrameHeight(), bar = float(px(10));
  const auto text = [](const char* words) {
    ImGui::AlignTextToFramePadding();
    dim_text("%s", words);
  };
  text("0");
  ImGui::SameLine(0, float(px(6)));
  const ImVec2 at = ImGui::GetCursorScreenPos();
  const float width = float(px(90)), top = at.y + (height - bar) / 2;
  for (int i = 0; i < kParts; ++i) {
    const auto c = overlay::at(overlay::Palette::cividis, (i + 0.5) / kParts);
    ImGui::GetWindowDrawList()->AddRectFilled(
        ImVec2(at.x + width * float(i) / kParts, top),
        ImVec2(at.x + width * float(i + 1) / kParts, top + bar),
        ImGui::GetColorU32(ImVec4(c.r, c.g, c.b, 1)));
  }
  ImGui::Dummy(ImVec2(width, height));
  ImGui::SameLine(0, float(px(6)));
  text(number_text(double(std::round(most * 1e4F) / 1e4F)).c_str());
}

}  // namespace

/// The panes at one moment, for the render thread.
class GeneratedView::Picture : public Composed {
 public:
  std::vector<std::pair<frames::RgbVideoPtr, int>> shown;  ///< what the inputs are made of

  bool same(const Picture& other) const {
    const auto captions = [](const compose::PaneInput& a, const compose::PaneInput& b) {
      return a.caption == b.caption;
    };
    return same_place(other) && shown == other.shown &&
           std::ranges::equal(inputs, other.inputs, captions);
  }
};

GeneratedView::GeneratedView(GenerateSession& session, QWidget* parent)
    : ImGuiWidget(parent),
      session_(session),
      compositor_(made_for_rendering<compose::Compositor>()) {
  setMinimumSize(280, 160);
  connect(&session, &GenerateSession::entries_changed, this, &GeneratedView::rebuild);
  connect(&timer_, &QTimer::timeout, this, &GeneratedView::tick);
  rebuild();
}

void GeneratedView::rebuild() {
  panes_.clear();
  summary_.clear();
  speed_.clear();
  change_ = 0;
  const EntryPtr a = session_.a(), b = session_.b();
  const auto label = [](const EntryPtr& e) {
    return timeline::policy_label(e->settings.generate.cache);
  };
  if (b && b->run->video) {
    const bool two =
        a && a != b && a->run->video && a->run->video->rgb.size() == b->run->video->rgb.size();
    if (two) panes_.push_back({a->run->video, "A " + label(a), {}});
    Shown shown{b->run->video, (two ? "B " : "") + label(b), {}};
    const int step = session_.chosen();
    const auto preview = b->previews.find(step);
    if (step > 0 && preview != b->previews.end()) {
      shown.video = preview->second;
      shown.title = "estimate after step " + std::to_string(step);
      const auto change = b->changes.find(step);
      const auto generator = session_.library().generator();
      if (session_.show_change() && change != b->changes.end() && generator) {
        const auto& patch = generator->model().config.patch;
        change_ = most_change(change->second);
        shown.video = with_change(*shown.video, change->second, change_, patch[1], patch[2]);
        shown.title += " · change of each token";
      }
      panes_.push_back(shown);
    } else {
      if (two) {
        const engine::Quality quality = engine::compare(*a->run->video, *b->run->video);
        for (int f = 0; f < b->run->video->frames(); ++f)
          shown.captions.push_back(engine::quality_text(quality, f));
        summary_ = engine::quality_text(quality);
        speed_ = engine::speed_text(*a->run, *b->run);
      }
      panes_.push_back(shown);
      if (two && difference_)
        panes_.push_back({engine::difference_video(*a->run->video, *b->run->video, kGain),
                          "|A − B| × " + number_text(kGain),
                          {}});
    }
    frames_ = shown.video->frames();
    fps_ = std::clamp(shown.video->fps, 1.0, 60.0);
    frame_ = std::min(frame_, std::max(0, frames_ - 1));
  }
  const bool moves = playing_ && frames_ > 1 && !panes_.empty();
  if (moves)
    timer_.start(int(std::lround(1000 / fps_)));
  else
    timer_.stop();
  refresh(2);
}

void GeneratedView::tick() {
  if (!isVisible() || frames_ < 1) return;
  frame_ = (frame_ + 1) % frames_;
  refresh();
}

bool GeneratedView::speed_below() const {
  return !speed_.empty() && width() < px(kWide);
}

double GeneratedView::bar() const {
  return kBar + (speed_below() ? kLine : 0);
}

UnderlayPtr GeneratedView::underlay(QSize pixels) {
  const double scale = devicePixelRatioF() * ui_scale();
  const int top = int(std::round(bar() * scale));
  if (panes_.empty() || pixels.height() <= top + 8) {
    picture_ = nullptr;
    return nullptr;
  }
  auto now = std::make_shared<Picture>();
  compose::Scene& scene = now->scene;
  // Whatever makes the pictures larger.
  const auto count = double(panes_.size()), columns = std::ceil(std::sqrt(count));
  const auto size_in = [&](double across, double down) {
    const frames::RgbVideo& video = *panes_.front().video;
    return std::min(pixels.width() / across / video.width,
                    (pixels.height() - top) / down / video.height);
  };
  scene.layout = size_in(count, 1) >= size_in(columns, std::ceil(count / columns))
                     ? compose::Layout::side_by_side
                     : compose::Layout::grid;
  scene.legend = compose::LegendPlace::none;
  scene.timeline = false;
  scene.panes.clear();
  for (const Shown& one : panes_) {
    compose::Pane pane;
    pane.marks = false;
    pane.title = one.title;
    scene.panes.push_back(pane);
    const frames::RgbVideo& video = *one.video;
    const int at = std::min(frame_, video.frames() - 1);
    compose::PaneInput input;
    auto frame = std::make_shared<frames::Frame>();
    frame->width = video.width;
    frame->height = video.height;
    frame->range = frames::Range::full;
    frame->index = at;
    frame->planes[0] = {video.frame(at), ptrdiff_t{3} * video.width, video.width, video.height};
    frame->storage = one.video;
    input.frame = std::move(frame);
    if (size_t(at) < one.captions.size()) input.caption = one.captions[size_t(at)];
    now->inputs.push_back(std::move(input));
    now->shown.emplace_back(one.video, at);
  }
  now->top = top;
  now->size = {pixels.width(), pixels.height() - top};
  now->scale = scale;
  now->compositor = compositor_;
  if (!picture_ || !picture_->same(*now)) picture_ = std::move(now);
  return picture_;
}

void GeneratedView::ui() {
  ImGui::PushStyleVar(ImGuiStyleVar_WindowPadding, ImVec2(float(px(8)), float(px(6))));
  ImGui::PushStyleColor(ImGuiCol_WindowBg, ImVec4(0, 0, 0, 0));
  begin_panel("generated", false);
  ImGui::PopStyleColor();
  ImGui::PopStyleVar();
  if (panes_.empty()) {
    const EntryPtr b = session_.b();
    ImGui::PushTextWrapPos(0);
    dim_text("%s", b ? "This model makes latents of a VAE that LookTwice does not have: its "
                       "timeline can be looked at, its video not."
                     : "What is generated appears here, beside the same video without caching.");
    ImGui::PopTextWrapPos();
  } else {
    if (icon_button("generated.play", playing_ ? Icon::pause : Icon::play,
                    playing_ ? "Pause" : "Play", playing_)) {
      playing_ = !playing_;
      rebuild();
    }
    ImGui::SameLine(0, float(px(8)));
    ImGui::SetNextItemWidth(float(px(120)));
    if (frames_ > 1 && ImGui::SliderInt("##frame", &frame_, 0, frames_ - 1, "frame %d")) {
      playing_ = false;
      rebuild();
    }
    probe_item("generated.frame");
    ImGui::SameLine(0, float(px(12)));
    if (session_.chosen() > 0) {
      bool on = session_.show_change();
      const bool clicked = ImGui::Checkbox("change of each token", &on);
      probe_item("generated.change");
      if (ImGui::IsItemHovered()) tooltip("How much the residual of each token moved at this step");
      if (clicked)
        QMetaObject::invokeMethod(
            &session_, [this, on] { session_.set_show_change(on); }, Qt::QueuedConnection);
      if (change_ > 0) {
        change_legend(change_);
        ImGui::SameLine(0, float(px(12)));
      }
      if (ImGui::Button("Back to the result"))
        QMetaObject::invokeMethod(
            &session_, [this] { session_.choose(session_.chosen()); }, Qt::QueuedConnection);
    } else if (panes_.size() > 1) {
      bool on = difference_;
      const bool clicked = ImGui::Checkbox("difference", &on);
      probe_item("generated.difference");
      if (clicked) {
        difference_ = on;
        rebuild();
      }
      ImGui::TextUnformatted((summary_ + (speed_below() ? "" : " · " + speed_)).c_str());
      probe_item("generated.summary");
      if (speed_below()) {
        ImGui::SetCursorPosY(ImGui::GetCursorPosY() - ImGui::GetStyle().ItemSpacing.y);
        ImGui::TextUnformatted(speed_.c_str());
      }
    }
  }
  const ImVec2 size = ImGui::GetIO().DisplaySize;
  probe("generated.area", ImVec2(0, float(px(bar()))), size);
  ImGui::End();
}

}  // namespace looktwice::gui
