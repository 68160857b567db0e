#include "video/file_source.h"

#include <algorithm>
#include <set>
#include <utility>

extern "C" {
#include <libavutil/pixdesc.h>
}

#include "base/error.h"
#include "base/log.h"
#include "base/text.h"

namespace looktwice::video {

frames::FramePtr FrameCache::find(int64_t index) const {
  const auto at = frames_.find(index);
  return at != frames_.end() ? at->second : nullptr;
}

void FrameCache::put(frames::FramePtr frame) {
  const int64_t index = frame->index;
  const size_t bytes = frame_bytes(*frame);
  const auto [at, fresh] = frames_.emplace(index, frame);
  if (!fresh) return;
  bytes_ += bytes;
  while (bytes_ > budget_ && frames_.size() > 2) {
    const auto first = frames_.begin(), last = std::prev(frames_.end());
    const auto gone = index - first->first >= last->first - index ? first : last;
    bytes_ -= std::min(bytes_, frame_bytes(*gone->second));
    frames_.erase(gone);
  }
}

void FrameCache::drop_from(int64_t index) {
  for (auto at = frames_.lower_bound(index); at != frames_.end(); at = frames_.erase(at))
    bytes_ -= std::min(bytes_, frame_bytes(*at->second));
}

FileSource::FileSource(const std::string& path, const OpenOptions& options, std::stop_token stop)
    : path_(path),
      request_{path, "file:" + path, {}, {}, options.threads},
      stream_(std::make_unique<Stream>(request_, stop)),
      maker_(path, stream_->stream().codecpar->codec_id),
      cache_(options.cache_bytes),
      packet_(new_packet()) {
  index_ = PacketIndex::scan(*stream_, stop);
  if (index_.packet_count() == 0)
    throw bad_input(path_, "the video stream is empty", "the file may be cut off");
  read_at_ = index_.packet_count();
  look_at_start(stop);
  if (index_.doubtful_end()) try_the_end(stop);
  if (index_.cut_off()) cut_at(index_.frame_count(), "the file is damaged or cut off");
  info_.frame_count = index_.frame_count();
}

double FileSource::time_of(int64_t index) const {
  const int64_t ticks = index_.ticks(index);
  if (ticks < 0)  // none in the file
    return static_cast<double>(index) * static_cast<double>(info_.rate.den) /
           static_cast<double>(info_.rate.num);
  const AVRational base = stream_->stream().time_base;
  return static_cast<double>(ticks) * base.num / base.den;
}

FileSource::Decoded FileSource::decode(std::stop_token stop) {
  for (;;) {
    if (stop.stop_requested()) throw Cancelled();
    if (AvFrame frame = stream_->receive()) {
      const int64_t key = frame->pts != AV_NOPTS_VALUE ? frame->pts : frame->best_effort_timestamp;
      return {std::move(frame), key};
    }
    if (stream_->drained() || sent_end_) return {nullptr, 0};
    if (stream_->read(*packet_, stop) <= 0) {
      read_at_ = index_.packet_count();
      sent_end_ = true;
      stream_->send(nullptr);
      continue;
    }
    const size_t ordinal = index_.find(*packet_, read_at_);
    if (ordinal == PacketIndex::npos) continue;  // a piece of one, after a seek
    read_at_ = ordinal + 1;
    send_packet(ordinal);
  }
}

bool FileSource::skip_to(size_t ordinal, std::stop_token stop) {
  const auto restart = [&] {
    stream_->flush();
    sent_end_ = false;
  };
  while (read_at_ != ordinal) {  // npos right after a seek: unknown
    if (read_at_ != PacketIndex::npos && read_at_ > ordinal) return false;
    if (stream_->read(*packet_, stop) <= 0) return false;
    const size_t found = index_.find(*packet_, read_at_);
    if (found == PacketIndex::npos) continue;
    if (found > ordinal) return false;
    read_at_ = found + 1;
    if (found < ordinal) continue;
    restart();
    send_packet(ordinal);
    return true;
  }
  restart();
  return true;
}

void FileSource::send_packet(size_t ordinal) {
  if (index_.by_ordinal()) {
    packet_->pts = static_cast<int64_t>(ordinal);
    packet_->dts = AV_NOPTS_VALUE;
  }
  stream_->send(packet_.get());
}

bool FileSource::try_seek(size_t ordinal, int64_t target, int flags, std::stop_token stop) {
  if (av_seek_frame(&stream_->container(), stream_->stream().index, target, flags) < 0)
    return false;
  read_at_ = PacketIndex::npos;
  return skip_to(ordinal, stop);
}

void FileSource::reopen(std::stop_token stop) {
  stream_ = std::make_unique<Stream>(request_, stop);
  read_at_ = 0;
  sent_end_ = false;
}

void FileSource::position(size_t ordinal, std::stop_token stop) {
  decoder_at_ = -1;
  last_ = nullptr;
  constexpr size_t kNear = 64;
  if (read_at_ <= ordinal && ordinal - read_at_ < kNear && !sent_end_) {
    if (skip_to(ordinal, stop)) return;
  }
  const IndexedPacket& p = index_.packet(ordinal);
  AVFormatContext& format = stream_->container();
  const bool bytes = (format.iformat->flags & AVFMT_NO_BYTE_SEEK) == 0 && p.pos >= 0 &&
                     (format.iformat->flags & AVFMT_TS_DISCONT) != 0;
  if (bytes && try_seek(ordinal, p.pos, AVSEEK_FLAG_BYTE, stop)) return;
  if (p.pts != AV_NOPTS_VALUE && try_seek(ordinal, p.pts, AVSEEK_FLAG_BACKWARD, stop)) return;
  if (p.dts != AV_NOPTS_VALUE && p.dts != p.pts &&
      try_seek(ordinal, p.dts, AVSEEK_FLAG_BACKWARD, stop))
    return;
  reopen(stop);
  if (!skip_to(ordinal, stop))
    throw run_failed(path_, "cannot be read again from the start", "was the file changed?");
}

frames::FramePtr FileSource::repeat(const frames::Frame& frame, int64_t index) const {
  auto copy = std::make_shared<frames::Frame>(frame);
  copy->index = index;
  copy->time = time_of(index);
  log_once(LogLevel::warning, path_ + " holes",
           path_ + ": frame " + std::to_string(index) +
               " cannot be decoded; its neighbour stands in for it (and for others like it)");
  return copy;
}

frames::FramePtr FileSource::decode_to(int64_t index, std::stop_token stop) {
  constexpr size_t kJump = 16;  // packets: reading on is cheaper than starting again
  int attempt = 0;
  bool onward = decoder_at_ >= 0 && index > decoder_at_ && !sent_end_ &&
                index_.start_for(index) <= read_at_ + kJump;
  onward = onward || (decoder_at_ >= 0 && index > decoder_at_ && sent_end_);
  for (;;) {
    int64_t valid_from = 0;
    bool from_start = false;
    if (!onward) {
      static constexpr int kEarlier[] = {0, 1, 8};
      const size_t start = attempt < 3 ? index_.start_for(index, kEarlier[attempt]) : 0;
      from_start = start == 0;
      position(start, stop);
      valid_from = from_start ? 0 : std::max<int64_t>(index_.packet(start).frame, 0);
    }
    bool lost = false;
    while (!lost) {
      Decoded d = decode(stop);
      if (!d.frame) {
        if (decoder_at_ < 0 && !from_start) {
          lost = true;
          break;
        }
        cut_at(decoder_at_ + 1, "the end cannot be decoded");
        return nullptr;
      }
      const int64_t f = index_.frame_of(d.key);
      if (f < valid_from || f <= decoder_at_) continue;
      if (decoder_at_ < 0 && f > index && !from_start) {
        lost = true;  // this access point does not give the frame: start further back
        break;
      }
      auto picture = maker_.make(std::move(d.frame), f, time_of(f));
      const int64_t hole = decoder_at_ >= 0 ? decoder_at_ + 1 : std::min(index, f);
      for (int64_t h = hole; h < f; ++h)
        cache_.put(repeat(last_ ? *last_ : *picture, h));
      cache_.put(picture);
      decoder_at_ = f;
      last_ = picture;
      if (f == index) return picture;
      if (f > index) return cache_.find(index);
    }
    onward = false;
    ++attempt;
  }
}

frames::FramePtr FileSource::next(std::stop_token stop) {
  if (next_ >= index_.frame_count()) return nullptr;
  frames::FramePtr frame = cache_.find(next_);
  if (!frame) {
    try {
      frame = decode_to(next_, stop);
    } catch (...) {
      // Where the demuxer stopped is not known: the next frame starts at an access point again.
      decoder_at_ = -1;
      read_at_ = PacketIndex::npos;
      throw;
    }
  }
  if (frame) ++next_;
  return frame;
}

void FileSource::seek(int64_t index, std::stop_token) {
  next_ = std::clamp<int64_t>(index, 0, index_.frame_count());
}

void FileSource::cut_at(int64_t frame_count, const std::string& why) {
  log_once(LogLevel::warning, path_ + " cut",
           path_ + ": " + why + "; the " + std::to_string(frame_count) +
               " frames that decode are shown");
  if (frame_count < index_.frame_count()) {
    index_.truncate(frame_count);
    cache_.drop_from(frame_count);
  }
  info_.frame_count = frame_count;
  if (frame_count > 0 && info_.rate.num > 0)
    info_.duration = time_of(frame_count - 1) + 1 / info_.rate.value();
}

void FileSource::decode_whole(std::stop_token stop) {
  position(0, stop);
  std::vector<int64_t> keys;
  for (;;) {
    Decoded d = decode(stop);
    if (!d.frame) break;
    keys.push_back(d.key);
  }
  index_.settle(keys);
}

void FileSource::look_at_start(std::stop_token stop) {
  position(0, stop);
  std::vector<Decoded> first;
  while (first.size() < 4) {
    Decoded d = decode(stop);
    if (!d.frame) break;
    first.push_back(std::move(d));
  }
  if (first.empty())
    throw bad_input(path_, "no frame of the video can be decoded",
                    "the file may be damaged, encrypted or cut off");
  stream_->check_size(first[0].frame->width, first[0].frame->height);
  index_.drop_before(first[0].key);
  bool as_indexed = !index_.by_ordinal();
  for (size_t i = 0; i < first.size() && as_indexed; ++i)
    as_indexed = index_.frame_of(first[i].key) == static_cast<int64_t>(i);
  if (!as_indexed) {
    decode_whole(stop);
    if (index_.frame_count() == 0) throw bad_input(path_, "no frame of the video can be decoded");
  }
  const AVFrame& frame = *first[0].frame;
  describe(frame);
  if (!as_indexed) return;
  for (size_t i = 0; i < first.size(); ++i) {
    const auto n = static_cast<int64_t>(i);
    last_ = maker_.make(std::move(first[i].frame), n, time_of(n));
    cache_.put(last_);
    decoder_at_ = n;
  }
}

void FileSource::try_the_end(std::stop_token stop) {
  const int64_t count = index_.frame_count();
  // One thread: decoders that work on several frames at once lose the note of damage.
  const int threads = std::exchange(request_.threads, 1);
  reopen(stop);
  int64_t valid_from = 0;
  std::set<int64_t> whole;  // keys of the frames that come out undamaged
  for (int earlier = 0; earlier < 4 && whole.empty(); ++earlier) {
    const size_t start = index_.start_for(count - 1, earlier);
    position(start, stop);
    valid_from = std::max<int64_t>(index_.packet(start).frame, 0);
    for (;;) {
      const Decoded d = decode(stop);
      if (!d.frame) break;
      // Half a frame, patched up by the decoder, is no frame.
      const bool damaged =
          d.frame->decode_error_flags != 0 || (d.frame->flags & AV_FRAME_FLAG_CORRUPT) != 0;
      if (!damaged && index_.frame_of(d.key) >= valid_from) whole.insert(d.key);
    }
    if (start == 0) break;
  }
  request_.threads = threads;
  reopen(stop);
  decoder_at_ = -1;
  if (whole.empty() || static_cast<int64_t>(whole.size()) == count - valid_from) return;
  index_.keep_only(valid_from, whole);
  cache_.drop_from(valid_from);
  cut_at(index_.frame_count(), "the file is damaged or cut off");
}

void FileSource::describe(const AVFrame& first) {
  const AVStream& st = stream_->stream();
  const AVCodecParameters& par = *st.codecpar;
  const auto* matrix = reinterpret_cast<const int32_t*>(
      av_stream_get_side_data(&st, AV_PKT_DATA_DISPLAYMATRIX, nullptr));
  if (matrix == nullptr) {
    const AVFrameSideData* side = av_frame_get_side_data(&first, AV_FRAME_DATA_DISPLAYMATRIX);
    if (side != nullptr) matrix = reinterpret_cast<const int32_t*>(side->data);
  }
  const Turn turn = turn_from_display_matrix(matrix);
  maker_.set_turn(turn);
  maker_.set_size(first.width, first.height);
  info_.name = path_.substr(path_.find_last_of('/') + 1);
  info_.width = turn.swaps() ? first.height : first.width;
  info_.height = turn.swaps() ? first.width : first.height;
  const AVRational sar =
      av_guess_sample_aspect_ratio(&stream_->container(), const_cast<AVStream*>(&st), nullptr);
  if (sar.num > 0 && sar.den > 0) {
    info_.pixel_aspect = av_q2d(sar);
    if (turn.swaps()) info_.pixel_aspect = 1 / info_.pixel_aspect;
  }
  const Rate rate = rate_of(index_, st);
  info_.rate = rate.rate;
  info_.variable_rate = rate.variable;
  info_.fps = rate.rate.value();
  const bool timed = index_.frame_count() < 2 || index_.ticks(1) >= 0;
  info_.time_base = timed ? frames::Rational{st.time_base.num, st.time_base.den}
                          : frames::Rational{rate.rate.den, rate.rate.num};
  info_.frame_count = index_.frame_count();
  if (info_.fps > 0) info_.duration = time_of(index_.frame_count() - 1) + 1 / info_.fps;

  std::vector<std::string> words;
  const char* profile = avcodec_profile_name(par.codec_id, par.profile);
  words.push_back(avcodec_get_name(par.codec_id) +
                  (profile != nullptr ? std::string(" (") + profile + ")" : std::string()));
  const auto format = static_cast<AVPixelFormat>(first.format);
  const char* pixel = av_get_pix_fmt_name(format);
  const AVPixelFormat near = nearest_format(format);
  words.push_back(std::string(pixel != nullptr ? pixel : "unknown pixel format") +
                  (near != format ? std::string(" shown as ") + av_get_pix_fmt_name(near) : ""));
  const auto* d = av_pix_fmt_desc_get(format);
  if (d != nullptr && (d->flags & AV_PIX_FMT_FLAG_ALPHA) != 0) words.push_back("alpha ignored");
  words.push_back(colour_of(first, par.codec_id).text);
  if (first.color_trc == AVCOL_TRC_SMPTE2084 || first.color_trc == AVCOL_TRC_ARIB_STD_B67)
    words.push_back("HDR without tone mapping");
  if (info_.fps > 0) {
    char fps[32];
    std::snprintf(fps, sizeof fps, "%.6g fps", info_.fps);
    words.push_back(std::string(fps) + (info_.variable_rate ? " (variable)" : ""));
  }
  const bool fields = first.interlaced_frame != 0 || (par.field_order != AV_FIELD_UNKNOWN &&
                                                      par.field_order != AV_FIELD_PROGRESSIVE);
  if (fields) words.push_back("interlaced");
  if (!turn.none()) words.push_back(turn.text());
  info_.description = join(words, ", ");
}

}  // namespace looktwice::video
