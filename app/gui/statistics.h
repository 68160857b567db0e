#pragma once
// Numbers about a run for charts, the table and its export: functions of what the clip store holds
// and τ. Knows neither Qt nor OpenGL.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "clip_store.h"
#include "document.h"

namespace looktwice::gui {

/// One clip at one τ.
struct ClipRow {
  int clip = 0;
  int64_t first_frame = 0, last_frame = 0;  ///< sampled frames of the source, both included
  double start = 0;                         ///< seconds, first_frame at the source's mean rate
  bool measured = false;                    ///< false: everything below is unknown
  /// Counted, not read off the coarse summary of a clip whose differences were let go.
  bool exact = false;
  size_t tokens = 0, kept = 0;
  double kept_ratio = 1;  ///< 0..1
  double low = 1;         ///< 0..1, of the tubelet that keeps least
  /// τ that keeps half of the clip's tokens, normalised units; only where exact.
  std::optional<float> tau_for_half;
  bool operator==(const ClipRow&) const = default;
};

/// All clips of the store, in order. `fps` 0: start stays 0.
std::vector<ClipRow> clip_rows(const ClipStore& store, float tau, double fps);

/// Sums over the measured clips.
struct Totals {
  int clips = 0, measured = 0;
  size_t tokens = 0, kept = 0;
  double kept_ratio() const { return tokens > 0 ? double(kept) / double(tokens) : 1.0; }
  bool exact = true;
  bool operator==(const Totals&) const = default;
};
Totals totals_of(const std::vector<ClipRow>& rows);

/// Kept ratio of one tubelet.
struct TubeletPoint {
  int64_t first_frame = 0, end_frame = 0;  ///< [first, end) of the source
  int clip = 0, tubelet = 0;
  double kept_ratio = 1;
  bool operator==(const TubeletPoint&) const = default;
};
/// Tubelets of all measured clips in the order of their frames.
std::vector<TubeletPoint> kept_over_time(const ClipStore& store, float tau);

/// Kept ratio at one τ, over all measured clips.
struct TauPoint {
  float tau = 0;
  double mean = 1, low = 1, high = 1;  ///< 0..1; the clips that keep least and most
  bool operator==(const TauPoint&) const = default;
};
/// `n` thresholds from `low` to `high`, equally spaced on a logarithmic axis; empty while no clip
/// is measured.
std::vector<TauPoint> kept_by_tau(const ClipStore& store, double low, double high, int n);

/// How close what RLT hands on is to the video, over the sampled frames of a clip.
struct QualityMean {
  double psnr = 0;  ///< dB, of the mean squared error over all frames; +inf where equal
  double ssim = 1;
  int frames = 0;
  std::string area;  ///< "the model's crop", "48 × 32 px at 10, 20"
  bool operator==(const QualityMean&) const = default;
};

/// A run as it stood, for comparing: a value, independent of what is open.
struct RunSummary {
  std::string source;  ///< INPUT as given
  std::string name;    ///< for people
  Document document;
  double fps = 0;
  std::vector<ClipRow> rows;
  std::vector<TubeletPoint> over_time;
  std::vector<TauPoint> by_tau;
  std::optional<QualityMean> quality;
  Totals totals() const { return totals_of(rows); }
  float tau() const { return document.settings.tokens.rlt.value_or(0.0f); }
};

/// One line of "A against B".
struct CompareLine {
  std::string what, a, b;
  std::string delta;    ///< "−12.4 points", "×0.62"; empty where there is none
  std::string comment;  ///< what the line means, for a tooltip
};
std::vector<CompareLine> compare(const RunSummary& a, const RunSummary& b);

/// The table as a file: comma separated with a header line, numbers with a point whatever the
/// locale; and as the document "clip-statistics" with the settings that made it.
std::string to_csv(const std::vector<ClipRow>& rows);
Json to_json(const RunSummary& run);

}  // namespace looktwice::gui
