#include "frames/rgb_video.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace looktwice::frames {
namespace {

class VideoSource final : public FrameSource {
 public:
  VideoSource(RgbVideoPtr video, const std::string& name) : video_(std::move(video)) {
    info_.name = name;
    info_.description = "RGB as generated";
    info_.width = video_->width;
    info_.height = video_->height;
    const auto even = even_times(video_->frames(), video_->fps);
    for (size_t i = 0; i < even.size(); ++i)
      info_.variable_rate = info_.variable_rate || std::fabs(even[i] - video_->times[i]) > 1e-4;
    info_.rate = rate_of(video_->fps);
    info_.time_base = {1, 90000};
    info_.fps = video_->fps;
    info_.frame_count = video_->frames();
    info_.duration = video_->duration();
    info_.verbatim = true;
  }
  const SourceInfo& info() const override { return info_; }
  FramePtr next(std::stop_token stop) override {
    if (stop.stop_requested()) throw Cancelled();
    if (position_ >= video_->frames()) return nullptr;
    const int at = static_cast<int>(position_++);
    // The frame borrows the video's bytes and keeps them alive.
    auto frame = std::make_shared<Frame>();
    frame->width = video_->width;
    frame->height = video_->height;
    frame->range = Range::full;
    frame->index = at;
    frame->time = video_->times[static_cast<size_t>(at)];
    frame->planes[0] = {video_->frame(at), ptrdiff_t{3} * video_->width, video_->width,
                        video_->height};
    frame->storage = video_;
    return frame;
  }
  void seek(int64_t index, std::stop_token) override {
    position_ = std::clamp<int64_t>(index, 0, video_->frames());
  }

 private:
  RgbVideoPtr video_;
  SourceInfo info_;
  int64_t position_ = 0;
};

}  // namespace

int frame_at(const RgbVideo& video, double time) {
  int at = 0;
  while (at + 1 < video.frames() && video.times[static_cast<size_t>(at) + 1] <= time + 1e-6)
    ++at;
  return at;
}

std::vector<double> even_times(int frames, double fps) {
  std::vector<double> out;
  for (int i = 0; i < frames; ++i)
    out.push_back(i / fps);
  return out;
}

SourcePtr open_rgb_video(RgbVideoPtr video, const std::string& name) {
  return std::make_unique<VideoSource>(std::move(video), name);
}

}  // namespace looktwice::frames
