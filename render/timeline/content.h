#pragma once
// What the timeline shows, as one value made of cache traces: no model, no tensors. Screen, PNG and
// exported video are drawn from it.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "trace/cache_trace.h"

namespace looktwice::timeline {

using TracePtr = std::shared_ptr<const trace::CacheTrace>;

/// How far a row is unfolded.
enum class Detail { run, blocks, modules };

struct Row {
  TracePtr run;        ///< steps done so far; null: only predicted
  TracePtr predicted;  ///< ghosted over it; null: none
  std::string label;   ///< empty: the policy
  std::string note;    ///< at the right; empty: written from the run (summary)
  Detail detail = Detail::run;
  bool operator==(const Row&) const = default;
};

/// A line of the distance curve: below it a policy chooses `rate` steps until the next compute.
struct Threshold {
  double value = 0;
  int rate = 0;  ///< 0: the policy has no rates (TeaCache)
  bool operator==(const Threshold&) const = default;
};

struct Content {
  std::vector<Row> rows;
  int curve = 0;  ///< the row whose decisions are drawn below; -1: none
  /// Lines on the curve. None: those of the curve's run (thresholds_of).
  std::optional<std::vector<Threshold>> thresholds;
  /// Rows [steps] of latent frame differences to draw where the curve's run measured no motion.
  std::vector<float> motion;
  int chosen = 0;  ///< step under the marker, from 1; 0: none
  bool legend = true;
  bool operator==(const Content&) const = default;
};
using ContentPtr = std::shared_ptr<const Content>;

/// The thresholds in force in a run, ascending; empty where its policy has none.
std::vector<Threshold> thresholds_of(const trace::CacheTrace& run);

/// The decision that counted at a step, null where there was none.
const trace::CacheDecision* decision_of(const trace::CacheStep& step);

/// Most steps of any row, predictions included.
int steps_of(const Content& content);
/// Milliseconds of the denoising loop: the sum over the steps done.
double denoising_ms(const trace::CacheTrace& run);
/// The first finished row that computes everything, which speed-ups are against; -1: there is none.
int reference_row(const Content& content);
/// "9 of 30 computed · 1.31 s · 2.9×" of a row.
std::string summary(const Content& content, int row);

/// How a row names a policy: "uncached", "adacache:fast", "adacache: own codebook".
std::string policy_label(const std::string& policy);

/// "1.31 s", "41 ms", "0.52 ms".
std::string time_text(double ms);

/// One step of a row in words, several lines: what was decided and why, what it cost, what was
/// predicted. `block` and `module` say of one block or module of it (-1: all).
std::string words(const Content& content, int row, int step, int block = -1, int module = -1);

/// "spatial 3" or "temporal 3" of a row of the module table.
std::string block_name(int block);
const char* module_name(int module);

}  // namespace looktwice::timeline
