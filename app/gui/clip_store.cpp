#include "clip_store.h"

#include <algorithm>
#include <cmath>

namespace looktwice::gui {
namespace {

// Edges of the summary: 0, then 127 steps from 1e-3 to 10 (a factor of 1.075 each).
constexpr int kBins = 128;
constexpr double kLow = 1e-3, kHigh = 10;
constexpr size_t kClipsWithPixels = 2;

/// Place of τ among the edges: 0 is the first, kBins − 1 the last, fractions lie between two.
double bin_of(float tau) {
  if (!(tau > 0)) return 0;
  const double at = std::log(double(tau) / kLow) / std::log(kHigh / kLow) * (kBins - 2);
  if (at < 0) return std::clamp(double(tau) / kLow, 0.0, 1.0);
  return std::min(at + 1, double(kBins - 1));
}

float edge(int bin) {
  if (bin == 0) return 0;
  return float(kLow * std::pow(kHigh / kLow, double(bin - 1) / (kBins - 2)));
}

}  // namespace

size_t MeasuredClip::bytes() const {
  return trace.difference.size() * sizeof(float) * 2 + (pixels ? pixels->rgb.size() : 0) + 1024;
}

ClipSummary::ClipSummary(const trace::ClipTrace& measured) : tubelets_(measured.t) {
  const size_t area = size_t(measured.h) * size_t(measured.w);
  area_ = area;
  above_.assign(size_t(tubelets_) * kBins, 65535);
  std::vector<float> sorted;
  for (int t = 1; t < tubelets_; ++t) {
    const auto from = measured.difference.begin() + ptrdiff_t(size_t(t) * area);
    sorted.assign(from, from + ptrdiff_t(area));
    std::erase_if(sorted, [](float d) { return std::isnan(d); });
    std::ranges::sort(sorted);
    for (int b = 0; b < kBins; ++b) {
      const auto kept = sorted.end() - std::ranges::upper_bound(sorted, edge(b));
      above_[size_t(t) * kBins + size_t(b)] =
          uint16_t(std::lround(65535.0 * double(kept) / double(std::max<size_t>(area, 1))));
    }
  }
}

float ClipSummary::kept(int tubelet, float tau) const {
  const double at = bin_of(tau);
  const auto low = size_t(at), high = std::min(low + 1, size_t(kBins - 1));
  const uint16_t* row = above_.data() + size_t(tubelet) * kBins;
  const double between = at - double(low);
  return float((double(row[low]) * (1 - between) + double(row[high]) * between) / 65535.0);
}

float ClipSummary::kept(float tau) const {
  float sum = 0;
  for (int t = 0; t < tubelets_; ++t)
    sum += kept(t, tau);
  return tubelets_ > 0 ? sum / float(tubelets_) : 1.0f;
}

void ClipStore::reset(std::vector<std::vector<int64_t>> plan) {
  plan_.clear();
  replan(std::move(plan));
}

void ClipStore::replan(std::vector<std::vector<int64_t>> plan) {
  const auto stays = [&](size_t i) {
    return i < plan.size() && i < plan_.size() && plan[i] == plan_[i];
  };
  std::vector<ClipSummary> summaries(plan.size());
  measured_ = 0;
  for (size_t i = 0; i < summaries.size(); ++i) {
    if (!stays(i)) continue;
    summaries[i] = std::move(summaries_[i]);
    measured_ += summaries[i].tubelets() > 0;
  }
  std::erase_if(recent_, [&](const MeasuredClipPtr& c) { return !stays(size_t(c->number)); });
  summaries_ = std::move(summaries);
  plan_ = std::move(plan);
  trim();
}

int64_t ClipStore::end_of(int clip) const {
  const std::vector<int64_t>& frames = plan_[size_t(clip)];
  const int64_t gap = frames.size() > 1 ? frames.back() - frames[frames.size() - 2] : 1;
  int64_t end = frames.back() + std::max<int64_t>(gap, 1);
  if (size_t(clip) + 1 < plan_.size()) end = std::min(end, plan_[size_t(clip) + 1].front());
  return end;
}

std::optional<int> ClipStore::clip_at(int64_t frame) const {
  const auto after = std::upper_bound(
      plan_.begin(), plan_.end(), frame,
      [](int64_t f, const std::vector<int64_t>& clip) { return f < clip.front(); });
  if (after == plan_.begin()) return std::nullopt;
  const int clip = int(after - plan_.begin()) - 1;
  if (frame >= end_of(clip)) return std::nullopt;
  return clip;
}

void ClipStore::put(MeasuredClipPtr clip) {
  const auto number = size_t(clip->number);
  if (number >= plan_.size()) return;
  if (summaries_[number].tubelets() == 0) ++measured_;
  summaries_[number] = ClipSummary(clip->trace);
  std::erase_if(recent_, [&](const MeasuredClipPtr& c) { return c->number == clip->number; });
  recent_.push_front(std::move(clip));
  trim();
}

MeasuredClipPtr ClipStore::get(int clip) {
  const auto at = std::ranges::find_if(recent_, [&](const auto& c) { return c->number == clip; });
  if (at == recent_.end()) return nullptr;
  recent_.splice(recent_.begin(), recent_, at);
  return recent_.front();
}

std::vector<MeasuredClipPtr> ClipStore::in_memory() const {
  std::vector<MeasuredClipPtr> clips(plan_.size());
  for (const MeasuredClipPtr& clip : recent_)
    clips[size_t(clip->number)] = clip;
  return clips;
}

void ClipStore::trim() {
  size_t with_pixels = 0;
  bytes_ = 0;
  for (auto at = recent_.begin(); at != recent_.end();) {
    if ((*at)->pixels && ++with_pixels > kClipsWithPixels) {
      auto lean = std::make_shared<MeasuredClip>(**at);
      lean->pixels = nullptr;
      *at = std::move(lean);
    }
    if (at != recent_.begin() && bytes_ + (*at)->bytes() > budget_) {
      at = recent_.erase(at);
      continue;
    }
    bytes_ += (*at)->bytes();
    ++at;
  }
}

std::optional<double> ClipStore::kept(float tau) const {
  double sum = 0;
  int n = 0;
  for (const ClipSummary& summary : summaries_) {
    if (summary.tubelets() == 0) continue;
    sum += double(summary.kept(tau));
    ++n;
  }
  if (n == 0) return std::nullopt;
  return sum / n;
}

std::optional<int> ClipStore::wanted(int64_t frame) const {
  if (plan_.empty()) return std::nullopt;
  const auto here = clip_at(frame);
  if (here) {
    const auto at =
        std::ranges::find_if(recent_, [&](const auto& c) { return c->number == *here; });
    if (at == recent_.end() || !(*at)->pixels) return here;
  }
  const int n = count();
  const int from = here.value_or(0);
  for (int i = 0; i < n; ++i) {
    const int clip = (from + i) % n;
    if (!measured(clip)) return clip;
  }
  return std::nullopt;
}

}  // namespace looktwice::gui
