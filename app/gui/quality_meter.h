#pragma once
// PSNR and SSIM between two panes, frame by frame, of the very pictures that the compositor draws:
// what is measured is what is shown.

#include <QObject>
#include <QRect>
#include <QTimer>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "clip_reader.h"
#include "compose/compositor.h"
#include "statistics.h"

namespace looktwice::gui {

class Workspace;

struct FrameQuality {
  int64_t frame = 0;
  double psnr = 0;  ///< dB over RGB; +inf where equal
  double ssim = 1;  ///< of luma; NaN where the area is smaller than the window of 11 pixels
};

/// Compares the video with what RLT hands on, at the sampled frames of the clip under the playhead:
/// the frames that the model gets. In the region of interest, else in the model's crop, at the
/// video's own resolution. Works while active() only. Threads: made and used on the UI thread; a
/// thread and an OpenGL context of its own do the work, the latest request wins.
class QualityMeter : public QObject {
  Q_OBJECT
 public:
  explicit QualityMeter(Workspace& workspace, QObject* parent = nullptr);
  ~QualityMeter() override;

  /// Measures as long as somebody looks.
  void set_active(bool on);
  bool active() const { return active_; }
  bool busy() const { return busy_; }
  /// Frames measured so far, ascending.
  const std::vector<FrameQuality>& frames() const { return frames_; }
  /// Over all of them; none before all are measured.
  const std::optional<QualityMean>& mean() const { return mean_; }
  const std::string& area() const { return area_; }
  const std::string& error() const { return error_; }
  /// What is measured of a frame, pixels of the source; empty without a clip.
  QRect area_rect() const;

 signals:
  void changed();

 private:
  struct Job {
    uint64_t id = 0;
    std::string input;
    ClipReader::Cached cached;
    std::shared_ptr<const trace::ClipTrace> clip;
    std::vector<int64_t> frames;
    QRect area;
    std::string area_text;
  };
  void want();
  void post();
  void work(const std::stop_token& stop);
  void measure(const Job& job, compose::Compositor& compositor, const std::stop_token& stop);
  bool outdated(uint64_t id) const;
  void answer(uint64_t id, const FrameQuality& quality, double squared_error);
  void finished(uint64_t id, const std::string& error);

  Workspace& workspace_;
  QTimer delay_;
  bool active_ = false, busy_ = false;
  std::shared_ptr<const trace::ClipTrace> asked_clip_;
  QRect asked_area_;
  std::vector<FrameQuality> frames_;
  std::vector<double> squared_errors_;
  std::optional<QualityMean> mean_;
  std::string area_, error_;
  uint64_t id_ = 0;

  mutable std::mutex mutex_;
  std::condition_variable_any wake_;
  std::optional<Job> next_;
  uint64_t latest_ = 0;
  std::jthread thread_;  ///< last: joined before what it uses goes
};

}  // namespace looktwice::gui
