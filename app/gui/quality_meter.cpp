#include "quality_meter.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <optional>

#include "base/background.h"
#include "base/error.h"
#include "base/log.h"
#include "gl/context.h"
#include "metrics/psnr.h"
#include "metrics/ssim.h"
#include "workspace.h"

namespace looktwice::gui {
namespace {

constexpr int kSsimWindow = 11;

/// One pane alone, without marks, titles and legend.
compose::Scene plain_scene(compose::Content content) {
  compose::Scene scene;
  scene.panes = {compose::Pane{content, false, {}}};
  scene.legend = compose::LegendPlace::none;
  scene.titles = false;
  scene.style.crop.visible = false;
  return scene;
}

std::vector<uint8_t> part(const std::vector<uint8_t>& picture, int width, const QRect& area) {
  std::vector<uint8_t> bytes;
  const size_t row = size_t(area.width()) * 3;
  bytes.reserve(row * size_t(area.height()));
  for (int y = area.top(); y <= area.bottom(); ++y) {
    const auto from =
        picture.begin() + ptrdiff_t((size_t(y) * size_t(width) + size_t(area.left())) * 3);
    bytes.insert(bytes.end(), from, from + ptrdiff_t(row));
  }
  return bytes;
}

double mean_squared_error(const std::vector<uint8_t>& a, const std::vector<uint8_t>& b) {
  uint64_t sum = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const int d = int(a[i]) - int(b[i]);
    sum += uint64_t(d * d);
  }
  return a.empty() ? 0 : double(sum) / double(a.size());
}

}  // namespace

QualityMeter::QualityMeter(Workspace& workspace, QObject* parent)
    : QObject(parent), workspace_(workspace) {
  delay_.setSingleShot(true);
  delay_.setInterval(150);  // a dragged τ is measured where it rests
  connect(&delay_, &QTimer::timeout, this, &QualityMeter::post);
  for (const auto signal :
       {&Workspace::source_changed, &Workspace::analysis_changed, &Workspace::document_changed,
        &Workspace::frame_changed, &Workspace::place_changed}) {
    connect(&workspace, signal, this, &QualityMeter::want);
  }
}

QualityMeter::~QualityMeter() {
  thread_.request_stop();
  wake_.notify_all();
}

void QualityMeter::set_active(bool on) {
  if (active_ == on) return;
  active_ = on;
  if (on) {
    asked_clip_ = nullptr;
    want();
    return;
  }
  const std::lock_guard lock(mutex_);
  next_.reset();
  latest_ = ++id_;  // what runs is not wanted any more
  busy_ = false;
}

QRect QualityMeter::area_rect() const {
  const auto clip = workspace_.clip();
  if (!clip || !workspace_.frame()) return {};
  const QRect frame(0, 0, workspace_.frame()->width, workspace_.frame()->height);
  if (workspace_.region()) return workspace_.region()->intersected(frame);
  const int left = int(std::lround(clip->crop_x)), top = int(std::lround(clip->crop_y));
  return QRect(QPoint(left, top), QPoint(int(std::lround(clip->crop_x + clip->crop_width)) - 1,
                                         int(std::lround(clip->crop_y + clip->crop_height)) - 1))
      .intersected(frame);
}

void QualityMeter::want() {
  if (!active_) return;
  const auto clip = workspace_.clip();
  const QRect area = area_rect();
  if (clip == asked_clip_ && area == asked_area_) return;
  delay_.start();
}

void QualityMeter::post() {
  const auto clip = workspace_.clip();
  asked_clip_ = clip;
  asked_area_ = area_rect();
  frames_.clear();
  squared_errors_.clear();
  mean_.reset();
  error_.clear();
  area_.clear();
  busy_ = false;
  if (active_ && clip && clip->has_rlt && !workspace_.status().info.live &&
      !asked_area_.isEmpty()) {
    Job job;
    job.input = workspace_.input();
    job.cached = [player = &workspace_.player()](int64_t index) { return player->cached(index); };
    job.clip = clip;
    job.frames = clip->frame_indices;
    job.area = asked_area_;
    area_ = workspace_.region() ? QStringLiteral("region of %1 × %2 px at %3, %4")
                                      .arg(asked_area_.width())
                                      .arg(asked_area_.height())
                                      .arg(asked_area_.x())
                                      .arg(asked_area_.y())
                                      .toStdString()
                                : "the model's crop";
    busy_ = true;
    {
      const std::lock_guard lock(mutex_);
      job.id = latest_ = ++id_;
      next_ = std::move(job);
    }
    if (!thread_.joinable()) {
      thread_ = std::jthread([this](const std::stop_token& stop) { work(stop); });
    }
    wake_.notify_all();
  }
  emit changed();
}

bool QualityMeter::outdated(uint64_t id) const {
  const std::lock_guard lock(mutex_);
  return id != latest_;
}

void QualityMeter::work(const std::stop_token& stop) {
  // The picture on screen comes first.
  work_in_background();
  std::optional<gl::EglContext> context;
  std::unique_ptr<compose::Compositor> compositor;
  while (true) {
    Job job;
    {
      std::unique_lock lock(mutex_);
      if (!wake_.wait(lock, stop, [this] { return next_.has_value(); })) break;
      job = std::move(*next_);
      next_.reset();
    }
    std::string error;
    try {
      if (!context) context.emplace();
      if (!compositor) compositor = std::make_unique<compose::Compositor>();
      measure(job, *compositor, stop);
    } catch (const Cancelled&) {
      continue;
    } catch (const std::exception& failure) {
      error = failure.what();
    }
    QMetaObject::invokeMethod(
        this, [this, id = job.id, error] { finished(id, error); }, Qt::QueuedConnection);
  }
}

void QualityMeter::measure(const Job& job, compose::Compositor& compositor,
                           const std::stop_token& stop) {
  ClipReader reader(job.input, job.cached);
  const compose::Scene original = plain_scene(compose::Content::original),
                       handed_on = plain_scene(compose::Content::handed_on);
  compositor.clear_panes();
  // Run heads are sampled frames of the clip too: each is read once.
  std::map<int64_t, frames::FramePtr> seen;
  for (const int64_t index : job.frames) {
    if (stop.stop_requested() || outdated(job.id)) throw Cancelled();
    const std::vector<int64_t> heads = overlay::head_frames(*job.clip, index);
    std::vector<int64_t> missing = heads;
    missing.push_back(index);
    std::ranges::sort(missing);
    missing.erase(std::unique(missing.begin(), missing.end()), missing.end());
    std::erase_if(missing, [&](int64_t wanted) { return seen.contains(wanted); });
    for (frames::FramePtr& frame : reader.read(missing, stop))
      seen.emplace(frame->index, std::move(frame));
    compose::PaneInput input;
    input.clip = job.clip;
    if (const auto at = seen.find(index); at != seen.end()) input.frame = at->second;
    for (const int64_t head : heads) {
      if (const auto at = seen.find(head); at != seen.end()) input.held.push_back(at->second);
    }
    if (!input.frame) continue;
    const compose::Size size{input.frame->width, input.frame->height};
    compositor.set_pane(0, input);
    const std::vector<uint8_t> a = part(compositor.picture(original, size), size.width, job.area);
    const std::vector<uint8_t> b = part(compositor.picture(handed_on, size), size.width, job.area);
    FrameQuality quality;
    quality.frame = index;
    quality.psnr = metrics::psnr(a.data(), b.data(), a.size());
    const bool fits = job.area.width() >= kSsimWindow && job.area.height() >= kSsimWindow;
    quality.ssim =
        !fits ? std::numeric_limits<double>::quiet_NaN()
              : (std::isinf(quality.psnr)
                     ? 1.0
                     : metrics::ssim_rgb(a.data(), b.data(), job.area.width(), job.area.height()));
    const double error = mean_squared_error(a, b);
    QMetaObject::invokeMethod(
        this, [this, id = job.id, quality, error] { answer(id, quality, error); },
        Qt::QueuedConnection);
  }
}

void QualityMeter::answer(uint64_t id, const FrameQuality& quality, double squared_error) {
  if (id != id_) return;
  frames_.push_back(quality);
  squared_errors_.push_back(squared_error);
  emit changed();
}

void QualityMeter::finished(uint64_t id, const std::string& error) {
  if (id != id_) return;
  busy_ = false;
  error_ = error;
  if (!error.empty()) log_once(LogLevel::warning, "quality", error);
  if (error.empty() && !frames_.empty()) {
    QualityMean mean;
    double squares = 0, ssim = 0;
    for (size_t i = 0; i < frames_.size(); ++i) {
      squares += squared_errors_[i];
      ssim += frames_[i].ssim;
    }
    const auto n = double(frames_.size());
    squares /= n;
    mean.psnr = squares > 0 ? 10 * std::log10(255.0 * 255.0 / squares)
                            : std::numeric_limits<double>::infinity();
    mean.ssim = ssim / n;
    mean.frames = int(frames_.size());
    mean.area = area_;
    mean_ = mean;
  }
  emit changed();
}

}  // namespace looktwice::gui
