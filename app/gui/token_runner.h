#pragma once
// The model over the video: runs the clip under the playhead through the loaded classifier, then
// the ones to come, on the library's inference thread. The latest wins; what was made with other
// settings stays visible, marked as stale, until there is better.

#include <QElapsedTimer>
#include <QObject>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "clip_reader.h"
#include "engine/classify.h"
#include "trace/token_trace.h"

namespace looktwice::gui {

class Workspace;

/// What the model made of one clip.
struct TokenRun {
  int clip = 0;
  uint64_t settings = 0;  ///< hash of what it was made with
  std::shared_ptr<const trace::ClipTrace> trace;
};
using TokenRunPtr = std::shared_ptr<const TokenRun>;
using DenseRunPtr = std::shared_ptr<const engine::DenseOutcome>;

/// How fast it goes.
struct RunnerStats {
  bool running = false;
  int waiting = 0;          ///< clips wanted behind the running one: 0 or 1, the latest wins
  size_t replaced = 0;      ///< requests that a newer one overtook
  int done = 0, total = 0;  ///< clips run with the present settings, of the source's
  double milliseconds = 0;  ///< a clip, reading included; mean of the last few
  double latency = 0;       ///< from the last request for the clip shown to its answer
  double clips_per_second() const { return milliseconds > 0 ? 1000 / milliseconds : 0; }
};

/// Threads: UI thread only.
class TokenRunner : public QObject {
  Q_OBJECT
 public:
  explicit TokenRunner(Workspace& workspace);
  ~TokenRunner() override;

  /// Null where no classifier is loaded.
  std::shared_ptr<engine::ClassifierRunner> model() const { return model_; }
  /// Settings as the model runs them: with its folder, without RLT for an image model; without a
  /// model where none is loaded.
  engine::Settings effective(engine::Settings settings) const;
  /// Of the clip under the playhead: the newest there is, null if none.
  TokenRunPtr run() const { return shown_; }
  /// run() was made with settings that are no longer those on screen.
  bool stale() const;
  /// All tokens of the clip under the playhead; null until asked for.
  DenseRunPtr dense() const;
  /// The clip as the model saw it; null when let go.
  std::shared_ptr<const frames::Clip> pixels() const;
  const RunnerStats& stats() const { return stats_; }
  /// Why the last run failed; empty if it did not.
  const std::string& error() const { return error_; }

  /// Also runs the clip under the playhead with all its tokens.
  void run_dense();
  bool dense_wanted() const { return dense_request_.has_value(); }
  /// Every k-th clip is run dense as well; 0: only on request.
  void set_dense_every(int k);
  int dense_every() const { return dense_every_; }
  /// Clips that were run both ways, and where the best class is the same.
  std::pair<int, int> agreement() const;
  /// Goes on to the clips that playing has not reached.
  void set_all_clips(bool on);
  bool all_clips() const { return all_clips_; }

  /// The token that is lit: under the pointer, else the pinned one; its number on the grid.
  std::optional<size_t> lit_token() const;
  /// Root of every token's group after the layer of the scene's style, [t,h,w]; empty without run.
  const std::vector<int32_t>& roots() const;
  /// The layer that is shown, from 1; 0 without run.
  int layer() const;

 signals:
  void changed();

 private:
  void model_changed();
  void document_changed();
  void source_changed();
  void frame_changed();
  void next();
  void next_live();
  void post(int clip, bool reduced, bool dense, MeasuredClipPtr live);
  void show();
  void update_key();

  struct Answer {
    TokenRunPtr run;
    DenseRunPtr dense;
    std::shared_ptr<const frames::Clip> pixels;
    std::string error;
    bool cancelled = false;
    double milliseconds = 0;
  };
  void answer(uint64_t source, int clip, Answer answer);

  Workspace& workspace_;
  std::shared_ptr<engine::ClassifierRunner> model_;
  std::string folder_;         ///< of model_
  engine::Settings settings_;  ///< what the next run is a function of
  uint64_t key_ = 0;           ///< its hash
  uint64_t source_ = 0;        ///< counts sources, plans and models
  std::string source_text_;
  std::shared_ptr<ClipReader> reader_;
  std::map<int, TokenRunPtr> runs_;  ///< newest of each clip
  std::map<int, DenseRunPtr> denses_;
  std::deque<std::pair<int, std::shared_ptr<const frames::Clip>>> pixels_;
  TokenRunPtr shown_;
  std::optional<std::pair<int, uint64_t>> pending_;  ///< clip and settings that were posted last
  std::optional<int> dense_request_;
  std::optional<uint64_t> failed_key_;
  int dense_every_ = 0;
  bool all_clips_ = false;
  RunnerStats stats_;
  std::deque<double> times_;
  QElapsedTimer asked_;
  std::string error_;
  std::optional<int> pinned_tubelet_;
  mutable std::shared_ptr<const trace::ClipTrace> roots_of_;
  mutable int roots_layer_ = -1;
  mutable std::vector<int32_t> roots_;
};

}  // namespace looktwice::gui
