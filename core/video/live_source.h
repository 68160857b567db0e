#pragma once
// Sources without an index: cameras, the screen, filter graphs.

#include <memory>
#include <string>

#include "frames/source.h"
#include "video/picture.h"
#include "video/stream.h"
#include "video/video.h"

namespace looktwice::video {

/// "camera:", "screen:", "lavfi:" and "live:" as what Stream opens. Throws Error(input).
StreamRequest device_request(const std::string& input, const OpenOptions& options);

/// Live (camera, screen): frames as they come, gaps in their times counted as dropped. A graph
/// instead has an end (or not) and can be rewound by running it again from the start.
class LiveSource final : public frames::FrameSource {
 public:
  LiveSource(StreamRequest request, bool live, std::stop_token stop);

  const frames::SourceInfo& info() const override { return info_; }
  frames::FramePtr next(std::stop_token stop) override;
  void seek(int64_t index, std::stop_token stop) override;
  int64_t dropped() const override { return dropped_; }

 private:
  AvFrame decode(std::stop_token stop);
  void describe(const AVFrame& first);

  StreamRequest request_;
  std::unique_ptr<Stream> stream_;
  PictureMaker maker_;
  frames::SourceInfo info_;
  AvPacket packet_;
  AvFrame first_;  ///< decoded by the constructor, not handed out yet
  int64_t count_ = 0, want_ = 0, dropped_ = 0;
  int64_t first_pts_ = AV_NOPTS_VALUE, last_pts_ = AV_NOPTS_VALUE;
  bool ended_ = false;
};

}  // namespace looktwice::video
