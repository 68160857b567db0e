#pragma once
// Where every frame of a file is: the packets of the stream in file order, the frames in
// presentation order.

#include <cstdint>
#include <set>
#include <stop_token>
#include <utility>
#include <vector>

#include "frames/source.h"
#include "video/stream.h"

namespace looktwice::video {

/// One packet, in the order they come from the demuxer.
struct IndexedPacket {
  int64_t key;  ///< what identifies its frame when it leaves the decoder: pts, or the ordinal
  int64_t pts, dts, pos;
  uint64_t mark;  ///< of its size and bytes, to know it again where times do not tell
  int32_t frame;  ///< presentation index, -1 if it is not shown
  bool random_access;
};

class PacketIndex {
 public:
  /// Reads all packets of a stream that has just been opened (and leaves it at its end).
  static PacketIndex scan(Stream& stream, std::stop_token stop);

  int64_t frame_count() const { return static_cast<int64_t>(shown_.size()); }
  size_t packet_count() const { return packets_.size(); }
  const IndexedPacket& packet(size_t ordinal) const { return packets_[ordinal]; }
  /// Ordinal of the packet that frame `index` comes from.
  size_t ordinal_of(int64_t index) const { return shown_[static_cast<size_t>(index)]; }
  /// Ticks of the stream's time base, from the first frame shown.
  int64_t ticks(int64_t index) const { return ticks_[static_cast<size_t>(index)]; }

  /// Keys are ordinals because timestamps are missing or not unique: packets get their ordinal as
  /// pts on the way into the decoder, and order and count of frames come from settle().
  bool by_ordinal() const { return by_ordinal_; }
  /// Whether the end may be damaged or cut off, so that the last frames have to be tried.
  bool doubtful_end() const { return doubtful_end_; }
  /// Whether the container says that there was more.
  bool cut_off() const { return cut_off_; }

  /// Presentation index for a key that left the decoder; -1 for none.
  int64_t frame_of(int64_t key) const;
  /// Ordinal of a packet just read: `expected` where the one before it is known, else (npos, after
  /// a seek) found by its time or its bytes; npos if it cannot be told.
  static constexpr size_t npos = static_cast<size_t>(-1);
  size_t find(const AVPacket& packet, size_t expected) const;

  /// The packet to start decoding from so that frame `index` comes out right: the last random
  /// access point before it in both orders, `earlier` points further back.
  size_t start_for(int64_t index, int earlier = 0) const;

  /// Replaces the order of frames by the keys that a whole decode gave.
  void settle(const std::vector<int64_t>& keys);
  /// Drops frames that the decoder does not give at the beginning (open group of pictures).
  void drop_before(int64_t key);
  void truncate(int64_t frame_count);
  /// From frame `from` on, keeps only the frames of these keys.
  void keep_only(int64_t from, const std::set<int64_t>& keys);

 private:
  void order_by_pts();
  void number();

  std::vector<IndexedPacket> packets_;
  std::vector<uint32_t> shown_;  ///< ordinals in presentation order
  std::vector<int64_t> ticks_;
  std::vector<uint32_t> by_pts_;                        ///< ordinals by pts
  std::vector<std::pair<uint64_t, uint32_t>> by_mark_;  ///< for keys that are ordinals
  std::vector<uint32_t> starts_;                        ///< ordinals of random access points
  bool by_ordinal_ = false, doubtful_end_ = false, cut_off_ = false;
};

/// Rate of the frames: exact where they are evenly spaced (within a tick), else the average.
struct Rate {
  frames::Rational rate;
  bool variable = false;
};
Rate rate_of(const PacketIndex& index, const AVStream& stream);

}  // namespace looktwice::video
