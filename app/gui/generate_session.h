#pragma once
// The generating runs of the app: what was run, what runs, what the sketches predict for the policy
// that is being edited. Panels read it and call it; it knows none of them.

#include <QElapsedTimer>
#include <QObject>
#include <QTimer>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "diffusion/predict.h"
#include "engine/generated.h"
#include "model_library.h"
#include "timeline/content.h"
#include "workspace.h"

namespace looktwice::gui {

/// One run, finished or not.
struct GeneratedEntry {
  enum class State { running, done, failed, cancelled };
  int id = 0;
  engine::Settings settings;
  State state = State::running;
  std::string error;             ///< of a failed run
  timeline::TracePtr trace;      ///< grows while the run goes on; null before the first step
  timeline::TracePtr predicted;  ///< what the sketches said before it started; null: nothing
  std::optional<diffusion::Agreement> agreement;  ///< of a finished run with its prediction
  engine::GeneratedRunPtr run;                    ///< finished
  std::optional<engine::Quality> quality;         ///< against the uncached run
  /// Estimates of the finished video after a step, and how much each token's residual changed
  /// there: [T, rows*columns].
  std::map<int, frames::RgbVideoPtr> previews;
  std::map<int, std::vector<float>> changes;
};
using EntryPtr = std::shared_ptr<const GeneratedEntry>;

/// Threads: UI thread only; runs go on the library's worker.
class GenerateSession : public QObject {
  Q_OBJECT
 public:
  GenerateSession(Workspace& workspace, ModelLibrary& library, QObject* parent = nullptr);
  ~GenerateSession() override;

  ModelLibrary& library() { return library_; }
  const engine::GenerateSettings& settings() const {
    return workspace_.document().settings.generate;
  }
  /// Changes them as one undoable step named `what`.
  void change(engine::GenerateSettings settings, const std::string& what);
  /// The policy being edited; none where its text is not valid (policy_error()).
  const std::optional<diffusion::PolicySettings>& policy() const { return policy_; }
  const std::string& policy_error() const { return policy_error_; }
  /// Writes a policy's parameters into the settings.
  void set_policy(const diffusion::PolicySettings& policy, const std::string& what);

  /// Runs the settings, after the same without caching where that was not run yet. A run that is
  /// going on is let finish within the scheduler's grace. `here`: a run that starts from the open
  /// source takes the clip under the playhead; else the one that the last run took, so that runs
  /// can be compared while the video plays.
  void start(bool here = false);
  void cancel();
  bool running() const { return library_.worker().busy("generate"); }
  double progress() const { return progress_; }
  /// Why nothing could be started; empty: nothing is wrong.
  const std::string& error() const { return error_; }

  /// Oldest first.
  const std::vector<EntryPtr>& entries() const { return entries_; }
  EntryPtr find(int id) const;
  /// The two that are looked at: a is the uncached one unless another was chosen, b the newest
  /// finished one.
  EntryPtr a() const;
  EntryPtr b() const;
  void choose_a(int id);
  void choose_b(int id);
  void remove(int id);

  // The schedule that the sketches predict for the policy being edited.
  timeline::TracePtr prediction() const { return prediction_; }
  const std::string& prediction_note() const { return prediction_note_; }  ///< why there is none
  /// Steps on which predictions of this session were right, of all.
  diffusion::Agreement record() const { return record_; }

  // The codebook's thresholds, or TeaCache's δ.
  std::vector<timeline::Threshold> thresholds() const;
  void set_threshold(int index, double value);

  /// A step of b whose estimate is shown in place of its result; 0: the result.
  int chosen() const { return chosen_; }
  void choose(int step);
  bool show_change() const { return show_change_; }
  void set_show_change(bool on);

  /// What the timeline shows now: rows of the runs, the newest with the prediction over it.
  timeline::ContentPtr content() const { return content_; }
  void set_detail(int id, timeline::Detail detail);
  int id_of_row(int row) const;

 signals:
  void changed();          ///< anything above
  void entries_changed();  ///< runs, results, chosen step

 private:
  struct Report;
  void edited();
  void predict();
  void rebuild();
  void on_step(int id, const std::shared_ptr<Report>& report);
  void on_done(int id, const engine::GeneratedRunPtr& run);
  void on_failed(int id, const std::string& error, bool cancelled);
  std::shared_ptr<GeneratedEntry> edit(int id);
  engine::Settings run_settings() const;
  void take_clip();
  EntryPtr reference_for(const engine::Settings& settings) const;
  void add(int id, const engine::Settings& settings);

  Workspace& workspace_;
  ModelLibrary& library_;
  std::optional<diffusion::PolicySettings> policy_;
  std::string policy_error_, error_;
  std::optional<int64_t> clip_start_;            ///< frame of the open file that runs start from
  std::shared_ptr<const frames::Clip> clip_;     ///< of a live source: it cannot be read again
  std::weak_ptr<const engine::Generator> warm_;  ///< has run a step, which prepares kernels
  std::vector<EntryPtr> entries_;
  std::map<int, timeline::Detail> details_;
  std::vector<int> row_ids_;
  int next_id_ = 1, chosen_a_ = 0, chosen_b_ = 0, chosen_ = 0;
  bool show_change_ = true;
  double progress_ = 0;
  QTimer step_timer_;  ///< until steps that were done are drawn
  timeline::TracePtr prediction_;
  std::string prediction_note_;
  diffusion::Agreement record_;
  timeline::ContentPtr content_;
};

}  // namespace looktwice::gui
