#pragma once
// What is known of a source's clips: differences measured once, kept in bounded memory. Moving τ
// asks this and never the pixels. Knows neither Qt nor OpenGL. Not thread-safe (UI thread).

#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <vector>

#include "frames/clip.h"
#include "tokens/rlt_histogram.h"
#include "trace/token_trace.h"

namespace looktwice::gui {

/// One clip as measured: no decision yet.
struct MeasuredClip {
  int number = 0;
  frames::ClipOptions options;                 ///< what it was cut and scaled by
  trace::ClipTrace trace;                      ///< differences; keep and run_length empty
  tokens::RltHistogram histogram;              ///< of the whole clip
  std::shared_ptr<const frames::Clip> pixels;  ///< as the model sees them; null when let go
  size_t bytes() const;
};
using MeasuredClipPtr = std::shared_ptr<const MeasuredClip>;

/// Kept ratio of every tubelet at every τ, coarsely: a few kilobytes a clip, never let go.
class ClipSummary {
 public:
  ClipSummary() = default;
  explicit ClipSummary(const trace::ClipTrace& measured);
  int tubelets() const { return tubelets_; }
  size_t tokens() const { return size_t(tubelets_) * area_; }
  /// 0..1, interpolated between 128 thresholds. The first tubelet is always kept.
  float kept(int tubelet, float tau) const;
  float kept(float tau) const;

 private:
  int tubelets_ = 0;
  size_t area_ = 0;              ///< tokens of a tubelet
  std::vector<uint16_t> above_;  ///< [tubelet][bin] share of differences above the bin's edge
};

class ClipStore {
 public:
  explicit ClipStore(size_t budget_bytes = size_t{192} << 20) : budget_(budget_bytes) {}

  /// Forgets everything; `plan` as frames::plan_clips gives it.
  void reset(std::vector<std::vector<int64_t>> plan);
  /// Another plan for the same source and settings: what is known of the clips that both have, in
  /// the same place, stays.
  void replan(std::vector<std::vector<int64_t>> plan);
  int count() const { return int(plan_.size()); }
  const std::vector<int64_t>& frames_of(int clip) const { return plan_[size_t(clip)]; }
  /// The clip that covers a frame: from its first sample to as far after its last one as samples
  /// are apart. None in a tail that belongs to no clip.
  std::optional<int> clip_at(int64_t frame) const;
  /// First frame that clip_at would give another clip for (or none).
  int64_t end_of(int clip) const;

  void put(MeasuredClipPtr clip);
  /// Null if not measured, or let go since. Marks it as used.
  MeasuredClipPtr get(int clip);
  /// [count] the clips that were not let go, null elsewhere. Marks none as used.
  std::vector<MeasuredClipPtr> in_memory() const;
  bool measured(int clip) const { return summaries_[size_t(clip)].tubelets() > 0; }
  int measured_count() const { return measured_; }
  const ClipSummary& summary(int clip) const { return summaries_[size_t(clip)]; }
  /// Mean kept ratio of all measured clips; none before the first.
  std::optional<double> kept(float tau) const;
  size_t bytes() const { return bytes_; }

  /// The next clip worth measuring, seen from `frame`: the clip there (with its pixels), the ones
  /// after it, then those before. None when all is known.
  std::optional<int> wanted(int64_t frame) const;

 private:
  void trim();
  std::vector<std::vector<int64_t>> plan_;
  std::vector<ClipSummary> summaries_;
  std::list<MeasuredClipPtr> recent_;  ///< most recently used first
  size_t budget_, bytes_ = 0;
  int measured_ = 0;
};

}  // namespace looktwice::gui
