#pragma once
// The model behind every panel: the open source, its playback, the settings, what is known of its
// clips. Panels read it and call it; it knows none of them.

#include <QElapsedTimer>
#include <QObject>
#include <QRect>
#include <QTimer>
#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "async.h"
#include "clip_reader.h"
#include "clip_store.h"
#include "compose/compositor.h"
#include "document.h"
#include "history.h"
#include "model_library.h"
#include "overlay/token_picture.h"
#include "token_runner.h"
#include "video/player.h"

namespace looktwice::gui {

/// A patch of the picture that the inspector shows.
struct Place {
  int row = 0, column = 0;
  bool operator==(const Place&) const = default;
};

/// Threads: UI thread only; decoding and analysis run elsewhere and answer by signals.
class Workspace : public QObject {
  Q_OBJECT
 public:
  explicit Workspace(QObject* parent = nullptr);

  // The source.
  void open(const std::string& input);
  void close_source();
  /// Whether a source starts to play when it is opened (live ones always do).
  void set_autoplay(bool on) { autoplay_ = on; }
  const std::string& input() const { return status_.input; }
  const video::PlayerStatus& status() const { return status_; }
  bool has_source() const { return status_.state == video::PlayerStatus::State::ready; }
  bool opening() const { return opening_; }
  /// The last thing that could not be opened, for the card beside it; empty when dismissed.
  const std::string& open_error() const { return open_error_; }
  void dismiss_error();

  // Playback.
  video::Player& player() { return *player_; }
  const frames::FramePtr& frame() const { return frame_; }
  int64_t position() const;
  /// Frames of the source; of a filter graph whose end nobody has seen, as many as are planned for
  /// so far. 0 for live sources.
  int64_t frame_count() const { return status_.info.frame_count.value_or(horizon_); }
  /// The last of them; 0 where there are none.
  int64_t last_frame() const { return std::max<int64_t>(0, frame_count() - 1); }
  bool length_known() const { return status_.info.frame_count.has_value(); }
  void toggle_play();
  void seek(int64_t frame);
  void step(int64_t frames);
  void set_speed(double speed);
  void set_loop(bool loop);
  void set_range(int64_t in, int64_t out);

  // The document.
  const Document& document() const { return history_.now(); }
  /// The threshold; the last one while RLT is off.
  float tau() const { return document().settings.tokens.rlt.value_or(last_tau_); }
  bool rlt_on() const { return document().settings.tokens.rlt.has_value(); }
  /// `what` names the change for undo; changes of the same name that follow closely are one step.
  void change(Document document, const std::string& what);
  void set_tau(float tau);
  void undo();
  void redo();
  const History<Document>& history() const { return history_; }
  void seal_change() { history_.seal(); }
  void load_document(Document document);

  // Models.
  ModelLibrary& models() { return models_; }
  const ModelLibrary& models() const { return models_; }
  /// What the loaded classifier makes of the video.
  TokenRunner& runner() { return *runner_; }
  const TokenRunner& runner() const { return *runner_; }

  // Analysis.
  /// The clip under the playhead as decided at the present τ; null while nothing is known.
  std::shared_ptr<const trace::ClipTrace> clip() const { return clip_; }
  /// True if clip() was measured with settings that are no longer those on screen.
  bool stale() const { return stale_; }
  MeasuredClipPtr measured() const { return measured_; }
  std::optional<overlay::Moment> moment() const;
  const ClipStore& store() const { return store_; }
  /// 0..1, of the clips measured.
  double progress() const;
  bool analysing() const { return async_.busy("analysis") || async_.busy("live"); }
  /// Why there are no marks ("the video has 40 frames, a clip needs 61"); empty if all is well.
  const std::string& analysis_error() const { return analysis_error_; }
  double kept_ratio() const;
  int64_t dropped_tail() const { return dropped_tail_; }

  // What panes show.
  compose::PaneInput pane_input(int pane) const;

  // The inspected patch.
  std::optional<Place> hovered() const { return hovered_; }
  std::optional<Place> pinned() const { return pinned_; }
  void hover(std::optional<Place> place);
  void pin(std::optional<Place> place);
  /// The region of interest, pixels of the source's frame; quality is measured in it.
  const std::optional<QRect>& region() const { return region_; }
  void set_region(std::optional<QRect> region);

 signals:
  void source_changed();    ///< another source, or its state
  void frame_changed();     ///< another frame is shown
  void playback_changed();  ///< playing, speed, loop, range
  void document_changed();
  void analysis_changed();  ///< clip, measurements, progress
  void place_changed();     ///< hovered, pinned or the region of interest

 private:
  void tick();
  void on_player_change();
  void source_ready();
  void clear_source();
  /// Cuts the source into clips; with `keep` for the same settings as before, so that what is known
  /// of clips stays.
  void plan(bool keep = false);
  int64_t supposed_length() const;
  void analyse();
  void analyse_live();
  void update_clip();
  std::shared_ptr<const trace::ClipTrace> decided(const MeasuredClip& measured) const;
  void update_held();
  void after_document(const Document& before);

  ModelLibrary models_;
  std::unique_ptr<video::Player> player_;
  std::shared_ptr<std::atomic<bool>> change_posted_;
  video::PlayerStatus status_;
  QTimer timer_;
  bool opening_ = false, autoplay_ = true;
  std::string open_error_;
  uint64_t generation_ = 0;
  std::string player_message_;

  History<Document> history_{default_document()};
  frames::FramePtr frame_;
  std::shared_ptr<ClipReader> reader_;
  uint64_t plan_id_ = 0;
  ClipStore store_;
  MeasuredClipPtr measured_;
  std::shared_ptr<const trace::ClipTrace> clip_;
  bool stale_ = false;
  std::string analysis_error_;
  int64_t dropped_tail_ = 0;
  int64_t horizon_ = 0;        ///< frames planned for while the length is not known
  int64_t horizon_limit_ = 0;  ///< and no more than these, where a clip could not be read; 0: none
  QElapsedTimer live_clock_;
  std::map<int64_t, frames::FramePtr> held_;
  std::vector<int64_t> held_wanted_;
  std::optional<Place> hovered_, pinned_;
  std::optional<QRect> region_;
  float last_tau_ = 0.1f;
  std::unique_ptr<TokenRunner>
      runner_;   ///< its jobs end before the player goes, as those of async_
  Async async_;  ///< last: its jobs end before the player that they ask for frames goes
};

}  // namespace looktwice::gui
