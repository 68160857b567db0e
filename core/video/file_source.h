#pragma once
// A FrameSource over an indexed file: exact seeks, a cache of decoded frames around the playhead.

#include <map>
#include <memory>
#include <string>

#include "frames/source.h"
#include "video/index.h"
#include "video/picture.h"
#include "video/stream.h"
#include "video/video.h"

namespace looktwice::video {

/// Decoded frames by index within a byte budget. Those farthest from the last one put in go first.
class FrameCache {
 public:
  explicit FrameCache(size_t budget) : budget_(budget) {}
  frames::FramePtr find(int64_t index) const;
  void put(frames::FramePtr frame);
  void drop_from(int64_t index);

 private:
  size_t budget_, bytes_ = 0;
  std::map<int64_t, frames::FramePtr> frames_;
};

class FileSource final : public frames::FrameSource {
 public:
  FileSource(const std::string& path, const OpenOptions& options, std::stop_token stop);

  const frames::SourceInfo& info() const override { return info_; }
  frames::FramePtr next(std::stop_token stop) override;
  void seek(int64_t index, std::stop_token stop) override;

 private:
  struct Decoded {
    AvFrame frame;
    int64_t key;
  };
  Decoded decode(std::stop_token stop);
  void position(size_t ordinal, std::stop_token stop);
  bool try_seek(size_t ordinal, int64_t timestamp, int flags, std::stop_token stop);
  /// Reads on to a packet and restarts the decoder with it; false if it is not ahead.
  bool skip_to(size_t ordinal, std::stop_token stop);
  void send_packet(size_t ordinal);
  void reopen(std::stop_token stop);

  frames::FramePtr decode_to(int64_t index, std::stop_token stop);
  frames::FramePtr repeat(const frames::Frame& frame, int64_t index) const;
  double time_of(int64_t index) const;
  void look_at_start(std::stop_token stop);
  void decode_whole(std::stop_token stop);
  void try_the_end(std::stop_token stop);
  void describe(const AVFrame& first);
  void cut_at(int64_t frame_count, const std::string& why);

  std::string path_;
  StreamRequest request_;
  std::unique_ptr<Stream> stream_;
  PacketIndex index_;
  PictureMaker maker_;
  FrameCache cache_;
  frames::SourceInfo info_;
  AvPacket packet_;

  size_t read_at_ = 0;       ///< ordinal of the packet that the demuxer gives next
  bool sent_end_ = false;    ///< the decoder is being drained
  int64_t decoder_at_ = -1;  ///< frames up to this one have left the decoder since the last seek
  frames::FramePtr last_;    ///< the frame that left the decoder last
  int64_t next_ = 0;         ///< what next() returns
};

}  // namespace looktwice::video
