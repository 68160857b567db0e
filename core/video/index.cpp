#include "video/index.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

extern "C" {
#include <libavutil/dict.h>
#include <libavutil/mathematics.h>
#include <libavutil/parseutils.h>
}

#include "base/error.h"

namespace looktwice::video {
namespace {

/// VP8 keeps its alternate reference frames in packets of their own, which show nothing
/// (RFC 6386 9.1: the show_frame bit).
bool hidden(const AVPacket& packet, AVCodecID codec) {
  return codec == AV_CODEC_ID_VP8 && (packet.data[0] & 0x10) == 0;
}

/// A hash (FNV-1a) of the size and the first and last bytes.
uint64_t mark_of(const AVPacket& packet) {
  uint64_t h = 14695981039346656037U ^ static_cast<uint64_t>(packet.size);
  const int edge = std::min(packet.size, 96);
  for (int i = 0; i < edge; ++i)
    h = (h ^ packet.data[i]) * 1099511628211U;
  for (int i = packet.size - edge; i < packet.size; ++i)
    h = (h ^ packet.data[i]) * 1099511628211U;
  return h;
}

bool is_format(const AVFormatContext& format, const char* name) {
  return std::strstr(format.iformat->name, name) != nullptr;
}

/// Where the stream should end by what its container says, in its ticks; AV_NOPTS_VALUE if it does
/// not say.
int64_t promised_end(Stream& stream) {
  AVFormatContext& format = stream.container();
  const AVStream& st = stream.stream();
  const int64_t start = st.start_time != AV_NOPTS_VALUE ? st.start_time : 0;
  if (is_format(format, "mov") || is_format(format, "avi"))
    return st.duration > 0 && st.nb_frames > 0 ? start + st.duration : AV_NOPTS_VALUE;
  if (!is_format(format, "matroska")) return AV_NOPTS_VALUE;
  const AVDictionaryEntry* tag = av_dict_get(st.metadata, "DURATION", nullptr, 0);
  int64_t micros = 0;
  if (tag != nullptr && av_parse_time(&micros, tag->value, 1) >= 0 && micros > 0)
    return av_rescale_q(micros, AV_TIME_BASE_Q, st.time_base);
  return format.nb_streams == 1 && format.duration > 0
             ? av_rescale_q(format.duration, AV_TIME_BASE_Q, st.time_base)
             : AV_NOPTS_VALUE;
}

}  // namespace

PacketIndex PacketIndex::scan(Stream& stream, std::stop_token stop) {
  PacketIndex index;
  AvPacket packet = new_packet();
  const AVCodecID codec = stream.stream().codecpar->codec_id;
  bool corrupt = false, missing = false;
  int64_t last_end = AV_NOPTS_VALUE;
  int code = 0;
  while ((code = stream.read(*packet, stop)) > 0) {
    if (index.packets_.size() >= (size_t{1} << 30U))
      throw bad_input(stream.where(), "holds more than 2^30 frames");
    IndexedPacket p{packet->pts,
                    packet->pts,
                    packet->dts,
                    packet->pos,
                    mark_of(*packet),
                    0,
                    (packet->flags & AV_PKT_FLAG_KEY) != 0};
    if ((packet->flags & AV_PKT_FLAG_DISCARD) != 0 || hidden(*packet, codec)) p.frame = -1;
    corrupt |= (packet->flags & AV_PKT_FLAG_CORRUPT) != 0;
    missing |= packet->pts == AV_NOPTS_VALUE;
    if (packet->pts != AV_NOPTS_VALUE)
      last_end = std::max(last_end, packet->pts + std::max<int64_t>(packet->duration, 0));
    index.packets_.push_back(p);
  }
  const size_t n = index.packets_.size();
  index.by_pts_.resize(n);
  std::iota(index.by_pts_.begin(), index.by_pts_.end(), 0U);
  bool unique = !missing;
  if (unique) {
    index.order_by_pts();
    for (size_t i = 1; i < n && unique; ++i)
      unique = index.packets_[index.by_pts_[i]].pts != index.packets_[index.by_pts_[i - 1]].pts;
  }
  index.by_ordinal_ = !unique;
  if (!unique)
    for (size_t i = 0; i < n; ++i)
      index.packets_[i].key = static_cast<int64_t>(i);
  for (size_t i = 0; i < n; ++i)
    if (index.packets_[i].random_access) index.starts_.push_back(static_cast<uint32_t>(i));
  index.number();

  // Whether the container proves that nothing is missing at the end, or that something is.
  const int64_t promised = promised_end(stream);
  bool proved = false;
  if (promised != AV_NOPTS_VALUE && last_end != AV_NOPTS_VALUE && n > 1) {
    const int64_t tick = last_end / static_cast<int64_t>(n) + 1;
    proved = last_end + tick * 3 / 2 >= promised;
    index.cut_off_ = last_end + 2 * tick < promised;
  }
  index.cut_off_ = index.cut_off_ || code < 0 || corrupt;
  index.doubtful_end_ = code < 0 || corrupt || !proved;
  return index;
}

void PacketIndex::order_by_pts() {
  std::sort(by_pts_.begin(), by_pts_.end(),
            [&](uint32_t a, uint32_t b) { return packets_[a].pts < packets_[b].pts; });
}

void PacketIndex::number() {
  shown_.clear();
  for (uint32_t o : by_pts_)
    if (packets_[o].frame >= 0) shown_.push_back(o);
  ticks_.resize(shown_.size());
  for (size_t i = 0; i < shown_.size(); ++i) {
    IndexedPacket& p = packets_[shown_[i]];
    p.frame = static_cast<int32_t>(i);
    ticks_[i] = by_ordinal_ ? static_cast<int64_t>(i) : p.pts - packets_[shown_[0]].pts;
  }
}

void PacketIndex::settle(const std::vector<int64_t>& keys) {
  for (IndexedPacket& p : packets_)
    p.frame = -1;
  shown_.clear();
  for (int64_t key : keys) {
    size_t o = npos;
    if (by_ordinal_) {
      if (key >= 0 && static_cast<size_t>(key) < packets_.size()) o = static_cast<size_t>(key);
    } else {
      const auto at = std::lower_bound(by_pts_.begin(), by_pts_.end(), key,
                                       [&](uint32_t a, int64_t k) { return packets_[a].pts < k; });
      if (at != by_pts_.end() && packets_[*at].pts == key) o = *at;
    }
    if (o == npos || packets_[o].frame >= 0) continue;
    packets_[o].frame = static_cast<int32_t>(shown_.size());
    shown_.push_back(static_cast<uint32_t>(o));
  }
  ticks_.resize(shown_.size());
  if (by_ordinal_) {
    // Times in presentation order: decoding times (or presentation times) sorted.
    std::vector<int64_t> times;
    for (uint32_t o : shown_) {
      const IndexedPacket& p = packets_[o];
      const int64_t t = p.dts != AV_NOPTS_VALUE ? p.dts : p.pts;
      if (t != AV_NOPTS_VALUE) times.push_back(t);
    }
    std::sort(times.begin(), times.end());
    bool good = times.size() == shown_.size();
    for (size_t i = 1; i < times.size() && good; ++i)
      good = times[i] > times[i - 1];
    for (size_t i = 0; i < shown_.size(); ++i)
      ticks_[i] = good ? times[i] - times[0] : -1;  // -1: no times; see rate_of
  } else {
    for (size_t i = 0; i < shown_.size(); ++i)
      ticks_[i] = packets_[shown_[i]].pts - packets_[shown_[0]].pts;
  }
}

void PacketIndex::drop_before(int64_t key) {
  if (by_ordinal_) return;
  for (uint32_t o : by_pts_)
    if (packets_[o].pts < key) packets_[o].frame = -1;
  number();
}

void PacketIndex::truncate(int64_t frame_count) {
  for (size_t i = static_cast<size_t>(frame_count); i < shown_.size(); ++i)
    packets_[shown_[i]].frame = -1;
  shown_.resize(static_cast<size_t>(frame_count));
  ticks_.resize(static_cast<size_t>(frame_count));
}

void PacketIndex::keep_only(int64_t from, const std::set<int64_t>& keys) {
  const auto first = static_cast<size_t>(from);
  std::vector<uint32_t> kept(shown_.begin(), shown_.begin() + from);
  std::vector<int64_t> ticks(ticks_.begin(), ticks_.begin() + from);
  for (size_t i = first; i < shown_.size(); ++i) {
    IndexedPacket& p = packets_[shown_[i]];
    if (keys.count(p.key) == 0) {
      p.frame = -1;
      continue;
    }
    p.frame = static_cast<int32_t>(kept.size());
    kept.push_back(shown_[i]);
    ticks.push_back(ticks_[i]);
  }
  shown_ = std::move(kept);
  ticks_ = std::move(ticks);
}

int64_t PacketIndex::frame_of(int64_t key) const {
  if (by_ordinal_)
    return key >= 0 && static_cast<size_t>(key) < packets_.size()
               ? packets_[static_cast<size_t>(key)].frame
               : -1;
  const auto at = std::lower_bound(by_pts_.begin(), by_pts_.end(), key,
                                   [&](uint32_t a, int64_t k) { return packets_[a].pts < k; });
  return at != by_pts_.end() && packets_[*at].pts == key ? packets_[*at].frame : -1;
}

size_t PacketIndex::find(const AVPacket& packet, size_t expected) const {
  if (by_ordinal_) {
    if (expected != npos) return expected < packets_.size() ? expected : npos;
    const std::pair<uint64_t, uint32_t> wanted{mark_of(packet), 0};
    const auto at = std::lower_bound(by_mark_.begin(), by_mark_.end(), wanted);
    if (at == by_mark_.end() || at->first != wanted.first) return npos;
    const auto after = std::next(at);
    return after != by_mark_.end() && after->first == at->first ? npos : at->second;
  }
  if (expected < packets_.size() && packets_[expected].pts == packet.pts) return expected;
  const auto at = std::lower_bound(by_pts_.begin(), by_pts_.end(), packet.pts,
                                   [&](uint32_t a, int64_t k) { return packets_[a].pts < k; });
  return at != by_pts_.end() && packets_[*at].pts == packet.pts ? *at : npos;
}

size_t PacketIndex::start_for(int64_t index, int earlier) const {
  const size_t ordinal = ordinal_of(index);
  const auto shown_before = [&](const IndexedPacket& p) {
    return by_ordinal_ ? p.frame >= 0 && p.frame <= index : p.pts <= packets_[ordinal].pts;
  };
  auto at = std::upper_bound(starts_.begin(), starts_.end(), ordinal);
  while (at != starts_.begin()) {
    --at;
    if (!shown_before(packets_[*at])) continue;
    if (earlier-- > 0) continue;
    return *at;
  }
  return 0;
}

namespace {

/// Whether frame i is within a tick or a millisecond of i / rate, for every i.
bool even(const PacketIndex& index, const AVRational& base, frames::Rational rate) {
  if (rate.num <= 0 || rate.den <= 0 || base.num <= 0) return false;
  const double step = static_cast<double>(rate.den) / static_cast<double>(rate.num) *
                      (static_cast<double>(base.den) / base.num);
  if (step < 1) return false;
  // Times that were once rounded to milliseconds (Matroska) count as even.
  const double slack = std::max(1.01, 0.00101 * base.den / base.num);
  // The end of a file that was cut off lacks frames that were still to come.
  const int64_t count = std::max<int64_t>(index.frame_count() - (index.cut_off() ? 16 : 0), 2);
  for (int64_t i = 0; i < std::min(count, index.frame_count()); ++i)
    if (std::abs(static_cast<double>(index.ticks(i)) - static_cast<double>(i) * step) > slack)
      return false;
  return true;
}

frames::Rational reduced(int64_t num, int64_t den) {
  const int64_t g = std::gcd(num, den);
  return g > 0 ? frames::Rational{num / g, den / g} : frames::Rational{};
}

}  // namespace

Rate rate_of(const PacketIndex& index, const AVStream& stream) {
  const auto as = [](AVRational r) { return reduced(r.num, r.den); };
  const int64_t n = index.frame_count();
  const auto fallback = [&]() -> frames::Rational {
    if (stream.avg_frame_rate.num > 0 && stream.avg_frame_rate.den > 0)
      return as(stream.avg_frame_rate);
    if (stream.r_frame_rate.num > 0 && stream.r_frame_rate.den > 0) return as(stream.r_frame_rate);
    return {25, 1};
  };
  if (n < 2 || index.ticks(1) < 0) return {fallback(), false};
  const AVRational base = stream.time_base;
  const int64_t span = index.ticks(n - 1);
  const double average = static_cast<double>(n - 1) / (static_cast<double>(span) * av_q2d(base));
  const auto whole = static_cast<int64_t>(std::llround(average));
  const auto ntsc = static_cast<int64_t>(std::llround(average * 1.001));
  for (frames::Rational r :
       {as(stream.avg_frame_rate), as(stream.r_frame_rate), frames::Rational{whole, 1},
        reduced(ntsc * 1000, 1001), reduced((n - 1) * base.den, span * base.num)})
    if (even(index, base, r)) return {r, false};
  return {reduced((n - 1) * base.den, span * base.num), true};
}

}  // namespace looktwice::video
