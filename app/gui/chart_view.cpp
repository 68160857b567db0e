#include "chart_view.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "fonts.h"
#include "probe.h"
#include "theme.h"
#include "tokens/rlt.h"
#include "widgets.h"

namespace looktwice::gui {
namespace {

constexpr double kLow = 0.001, kHigh = 4;  // as the threshold panel
constexpr int kPoints = 96;

template <class... Args>
std::string text_of(const char* pattern, Args... args) {
  char text[256];
  std::snprintf(text, sizeof text, pattern, args...);
  return text;
}

Axis percent_axis() {
  Axis axis;
  axis.low = 0;
  axis.high = 100;
  axis.unit = " %";
  return axis;
}

/// Seconds, or frames where the rate is not known.
Axis time_axis(double from, double to, bool seconds) {
  Axis axis;
  axis.low = from;
  axis.high = std::max(to, from + 1e-3);
  if (!seconds) {
    axis.text = [](double v) { return text_of("frame %.0f", v); };
  } else if (to >= 120) {
    axis.text = [](double v) {
      const auto whole = int(std::lround(v));
      return whole >= 3600 ? text_of("%d:%02d:%02d", whole / 3600, whole / 60 % 60, whole % 60)
                           : text_of("%d:%02d", whole / 60, whole % 60);
    };
  } else {
    axis.unit = " s";
  }
  return axis;
}

std::string psnr_text(double psnr) {
  return std::isinf(psnr) ? "identical" : text_of("%.2f dB", psnr);
}

ImU32 color_a() {
  return color_text(0.75);
}

}  // namespace

ChartView::ChartView(Workspace& workspace, QualityMeter& meter, Runs& runs, QWidget* parent)
    : ImGuiWidget(parent), workspace_(workspace), meter_(meter), runs_(runs) {
  setMinimumSize(240, 90);
  playing_.setSingleShot(true);
  playing_.setInterval(100);
  connect(&playing_, &QTimer::timeout, this, [this] { refresh(); });
  const auto redraw = [this] { refresh(); };
  connect(&workspace, &Workspace::source_changed, this, redraw);
  const auto later = [this] { refresh_later(); };
  connect(&workspace, &Workspace::document_changed, this, later);
  connect(&workspace, &Workspace::analysis_changed, this, later);
  connect(&meter, &QualityMeter::changed, this, redraw);
  connect(&runs, &Runs::changed, this, redraw);
  connect(&workspace, &Workspace::frame_changed, this, [this] {
    if (!workspace_.status().playing) {
      refresh();
    } else if (!playing_.isActive()) {
      playing_.start();
    }
  });
}

void ChartView::set_page(ChartsPanel::Page page) {
  page_ = page;
  refresh(2);
}

ImVec2 ChartView::rest() const {
  return ImGui::GetContentRegionAvail();
}

void ChartView::nothing(const char* text) {
  const ImVec2 area = rest(), at = ImGui::GetCursorScreenPos();
  const float wrap = std::min(area.x - float(px(24)), float(px(520)));
  const ImVec2 size = ImGui::CalcTextSize(text, nullptr, false, wrap);
  ImGui::GetWindowDrawList()->AddText(
      body_font(), ImGui::GetFontSize(),
      ImVec2(std::floor(at.x + (area.x - size.x) / 2), std::floor(at.y + (area.y - size.y) / 2)),
      color_dim(), text, nullptr, wrap);
}

bool ChartView::no_clips() {
  if (workspace_.store().measured_count() > 0) return false;
  if (!workspace_.has_source()) {
    nothing("Open a video to see its charts.");
  } else if (workspace_.status().info.live) {
    nothing("A live picture has no timeline. Record it, or open a file, to see charts.");
  } else if (!workspace_.analysis_error().empty()) {
    nothing(workspace_.analysis_error().c_str());
  } else {
    nothing("Measuring the first clip…");
  }
  return true;
}

void ChartView::ui() {
  ImGui::PushStyleVar(ImGuiStyleVar_WindowPadding, ImVec2(float(px(12)), float(px(6))));
  begin_panel("charts", page_ == ChartsPanel::a_and_b);
  ImGui::PopStyleVar();
  switch (page_) {
    case ChartsPanel::by_tau:
      by_tau();
      break;
    case ChartsPanel::quality:
      quality();
      break;
    case ChartsPanel::a_and_b:
      a_and_b();
      break;
    default:
      over_time();
  }
  ImGui::End();
}

void ChartView::seek_by(const Chart& chart, double frames_per_unit) {
  if (!chart.held()) return;
  const auto frame = std::clamp<int64_t>(int64_t(std::floor(chart.pointer() * frames_per_unit)), 0,
                                         workspace_.last_frame());
  if (frame == workspace_.position()) return;
  QMetaObject::invokeMethod(
      &workspace_, [this, frame] { workspace_.seek(frame); }, Qt::QueuedConnection);
}

void ChartView::over_time() {
  if (no_clips()) return;
  const double fps = workspace_.status().info.fps;
  const double rate = fps > 0 ? fps : 1;
  const ClipStore& store = workspace_.store();
  const double end = double(workspace_.frame_count()) / rate;
  const std::vector<TubeletPoint> tubelets = kept_over_time(store, workspace_.tau());
  const std::optional<RunSummary>& a = runs_.a();
  const bool with_a = a && a->source == workspace_.input() && !a->over_time.empty();

  legend_item("kept in each tubelet", color_kept(0.75));
  legend_item("mean of each clip", color_text());
  if (with_a) legend_item(text_of("clips of A, τ %.3g", double(a->tau())).c_str(), color_a(), true);
  small_text("right: tokens of a clip");

  size_t tokens = 0;
  for (int i = 0; i < store.count() && tokens == 0; ++i)
    if (store.measured(i)) tokens = store.summary(i).tokens();
  Axis right;
  right.low = 0;
  right.high = double(tokens);
  Chart chart("chart.time", rest(), time_axis(0, end, fps > 0), percent_axis(), &right);
  chart.grid();

  std::vector<ChartPoint> bars, means;
  const auto append = [&](std::vector<ChartPoint>& to, double from, double until, double value) {
    // A gap where the one before ends earlier than this one starts.
    if (!to.empty() && std::isnan(to.back().y) && to.back().x >= from - 1e-9) to.pop_back();
    to.push_back({from, value});
    to.push_back({until, std::nan("")});
  };
  for (const TubeletPoint& p : tubelets)
    append(bars, double(p.first_frame) / rate, double(p.end_frame) / rate, p.kept_ratio * 100);
  const auto clip_means = [&](const std::vector<TubeletPoint>& points, double frames_a_second) {
    std::vector<ChartPoint> line;
    for (size_t i = 0; i < points.size();) {
      double sum = 0;
      size_t j = i;
      for (; j < points.size() && points[j].clip == points[i].clip; ++j)
        sum += points[j].kept_ratio;
      append(line, double(points[i].first_frame) / frames_a_second,
             double(points[j - 1].end_frame) / frames_a_second, sum / double(j - i) * 100);
      i = j;
    }
    return line;
  };
  means = clip_means(tubelets, rate);
  chart.bars(bars, end, color_kept(0.6));
  if (with_a) chart.steps(clip_means(a->over_time, a->fps > 0 ? a->fps : 1), end, color_a(), true);
  chart.steps(means, end, color_text());
  chart.vertical(double(workspace_.position()) / rate, imgui_color(current_theme().playhead), 1.5f);

  seek_by(chart, rate);
  if (!chart.hovered()) return;
  const double at = chart.pointer();
  chart.vertical(at, color_text(0.4));
  const auto frame = int64_t(at * rate);
  std::string text = fps > 0 ? text_of("%.2f s, frame %lld", at, static_cast<long long>(frame))
                             : text_of("frame %lld", static_cast<long long>(frame));
  const auto under = std::ranges::find_if(tubelets, [&](const TubeletPoint& p) {
    return p.first_frame <= frame && frame < p.end_frame;
  });
  if (under == tubelets.end()) {
    text += store.clip_at(frame) ? "\nnot measured yet" : "\nbelongs to no clip";
  } else {
    const ClipSummary& summary = store.summary(under->clip);
    const auto kept = double(summary.kept(workspace_.tau()));
    text += text_of("\ntubelet %d of clip %d: %.1f %% kept", under->tubelet, under->clip,
                    under->kept_ratio * 100);
    text += text_of("\nwhole clip: %.1f %%, about %.0f of %zu tokens", kept * 100,
                    kept * double(summary.tokens()), summary.tokens());
  }
  text += "\nClick to go there";
  tooltip(text);
}

void ChartView::by_tau() {
  if (no_clips()) return;
  const std::vector<TauPoint> points = kept_by_tau(workspace_.store(), kLow, kHigh, kPoints);
  const MeasuredClipPtr clip = workspace_.measured();
  const std::optional<RunSummary>& a = runs_.a();
  legend_item("all clips, mean", color_kept());
  if (workspace_.store().measured_count() > 1) legend_item("least to most", color_kept(0.3));
  if (clip) legend_item("this clip", color_text());
  if (a && !a->by_tau.empty()) legend_item("A, mean", color_a(), true);
  ImGui::NewLine();

  Axis x;
  x.low = kLow;
  x.high = kHigh;
  x.log = true;
  x.text = [](double v) { return text_of("τ %g", v); };
  double most = 0;
  for (const TauPoint& p : points)
    most = std::max(most, p.high);
  Axis y = percent_axis();
  y.high = most < 0.24 ? 25 : (most < 0.48 ? 50 : 100);
  Chart chart("chart.tau", rest(), x, y);
  chart.grid();
  std::vector<ChartPoint> mean, low, high, own, before;
  for (const TauPoint& p : points) {
    mean.push_back({double(p.tau), p.mean * 100});
    low.push_back({double(p.tau), p.low * 100});
    high.push_back({double(p.tau), p.high * 100});
  }
  chart.band(low, high, color_kept(0.22));
  if (a) {
    for (const TauPoint& p : a->by_tau)
      before.push_back({double(p.tau), p.mean * 100});
    chart.line(before, color_a(), true);
  }
  if (clip) {
    for (const auto& p : clip->histogram.curve(kLow, kHigh, kPoints, true))
      own.push_back({double(p.tau), p.kept_ratio * 100});
    chart.line(own, color_text());
  }
  chart.line(mean, color_kept());
  const double tau = double(workspace_.tau());
  chart.vertical(std::max(tau, kLow), imgui_color(current_theme().playhead), 1.5f);
  if (const auto all = workspace_.store().kept(float(tau)))
    chart.dot(std::max(tau, kLow), *all * 100, color_kept());

  if (chart.hovered() || chart.held()) ImGui::SetMouseCursor(ImGuiMouseCursor_ResizeEW);
  if (chart.held() && float(chart.pointer()) != workspace_.tau()) {
    workspace_.set_tau(float(chart.pointer()));
  }
  if (chart.released()) workspace_.seal_change();
  if (!chart.hovered() || chart.held()) return;
  const double at = chart.pointer();
  chart.vertical(at, color_text(0.4));
  std::string text =
      text_of("τ = %.4g (%.1f grey levels)", at, at / tokens::normalised_per_grey_level());
  if (const auto all = workspace_.store().kept(float(at)))
    text += text_of("\nall clips: %.1f %% kept", *all * 100);
  if (clip)
    text += text_of("\nthis clip: %.1f %% kept", clip->histogram.kept_ratio(float(at)) * 100);
  text += "\nClick or drag to set τ";
  tooltip(text);
}

void ChartView::quality() {
  if (no_clips()) return;
  const std::vector<FrameQuality>& frames = meter_.frames();
  if (frames.empty()) {
    nothing(!meter_.error().empty() ? meter_.error().c_str()
            : meter_.busy()         ? "Comparing what RLT hands on with the video…"
                                    : "Go to a clip to compare what RLT hands on with the video.");
    return;
  }
  legend_item("PSNR, dB", color_accent());
  legend_item("SSIM", color_kept());
  if (const auto& mean = meter_.mean()) {
    small_text("Clip: %s, SSIM %.4f over %d frames; %s", psnr_text(mean->psnr).c_str(), mean->ssim,
               mean->frames, mean->area.c_str());
  } else {
    small_text("%zu frames so far; %s", frames.size(), meter_.area().c_str());
  }
  probe_item("quality.mean");
  const double fps = workspace_.status().info.fps;
  const double rate = fps > 0 ? fps : 1;
  const auto clip = workspace_.clip();
  const double from = double(clip ? clip->frame_indices.front() : frames.front().frame) / rate;
  const double to = double(clip ? clip->frame_indices.back() + 1 : frames.back().frame + 1) / rate;
  double low = 60, high = 20, worst = 1;
  for (const FrameQuality& f : frames) {
    if (std::isfinite(f.psnr)) {
      low = std::min(low, f.psnr);
      high = std::max(high, f.psnr);
    }
    if (std::isfinite(f.ssim)) worst = std::min(worst, f.ssim);
  }
  Axis psnr, ssim;
  psnr.low = std::floor(std::min(low, high) / 5) * 5;
  psnr.high = std::max(psnr.low + 10, std::ceil(high / 5) * 5 + 5);
  ssim.low = std::min(0.95, std::floor(worst * 20) / 20);
  ssim.high = 1;
  ssim.text = [](double v) { return text_of("%.2f", v); };
  Chart chart("chart.quality", rest(), time_axis(from, to, fps > 0), psnr, &ssim);
  chart.grid();
  std::vector<ChartPoint> a, b;
  for (const FrameQuality& f : frames) {
    const double at = (double(f.frame) + 0.5) / rate;
    a.push_back({at, std::isfinite(f.psnr) ? f.psnr : std::nan("")});
    b.push_back({at, f.ssim});
    // Identical frames have no finite PSNR: a mark at the upper edge.
    if (std::isinf(f.psnr)) chart.dot(at, psnr.high, color_accent(0.6));
  }
  chart.line(b, color_kept(), false, true);
  chart.line(a, color_accent());
  chart.vertical((double(workspace_.position()) + 0.5) / rate,
                 imgui_color(current_theme().playhead), 1.5f);
  seek_by(chart, rate);
  if (!chart.hovered()) return;
  const double at = chart.pointer() * rate;
  const auto nearest = std::ranges::min_element(
      frames, {}, [&](const FrameQuality& f) { return std::abs(double(f.frame) + 0.5 - at); });
  chart.vertical((double(nearest->frame) + 0.5) / rate, color_text(0.4));
  tooltip(text_of("Frame %lld (%.2f s)\nPSNR %s\nSSIM %s\nClick to go there",
                  static_cast<long long>(nearest->frame), double(nearest->frame) / rate,
                  psnr_text(nearest->psnr).c_str(),
                  std::isnan(nearest->ssim) ? "needs an area of 11 px and more"
                                            : text_of("%.4f", nearest->ssim).c_str()));
}

void ChartView::a_and_b() {
  if (!workspace_.has_source() && !runs_.a()) {
    nothing("Open a video to compare two runs.");
    return;
  }
  if (!runs_.a()) {
    nothing(
        "Keep this run as A, then change τ, the clips or the video: the differences stand here. "
        "Use the button at the right, or Ctrl+B.");
    return;
  }
  const std::vector<CompareLine> lines = compare(*runs_.a(), runs_.now());
  if (!ImGui::BeginTable("compare", 4,
                         ImGuiTableFlags_SizingStretchProp | ImGuiTableFlags_PadOuterX |
                             ImGuiTableFlags_BordersInnerH))
    return;
  ImGui::TableSetupColumn("", 0, 1.1f);
  ImGui::TableSetupColumn("A, kept", 0, 1.6f);
  ImGui::TableSetupColumn("B, on screen", 0, 1.6f);
  ImGui::TableSetupColumn("B against A", 0, 1.0f);
  ImGui::TableNextRow();
  for (const char* heading : {"", "A (kept)", "B (on screen)", "B against A"}) {
    ImGui::TableNextColumn();
    dim_text("%s", heading);
  }
  for (const CompareLine& line : lines) {
    ImGui::TableNextRow();
    ImGui::TableNextColumn();
    dim_text("%s", line.what.c_str());
    if (ImGui::IsItemHovered()) tooltip(line.comment);
    ImGui::TableNextColumn();
    ImGui::TextWrapped("%s", line.a.c_str());
    ImGui::TableNextColumn();
    ImGui::TextWrapped("%s", line.b.c_str());
    ImGui::TableNextColumn();
    ImGui::PushFont(bold_font());
    ImGui::TextUnformatted(line.delta.c_str());
    ImGui::PopFont();
  }
  ImGui::EndTable();
  probe_item("compare.table");
}

}  // namespace looktwice::gui
