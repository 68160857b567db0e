#include "video/encoder_output.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <unistd.h>

extern "C" {
#include <libavutil/crc.h>
#include <libavutil/dict.h>
#include <libavutil/intreadwrite.h>
}

#include "base/error.h"
#include "base/text.h"

namespace looktwice::video {
namespace fs = std::filesystem;
namespace {

Error cannot_write(const fs::path& target, int code) {
  if (code == AVERROR(ENOSPC))
    return run_failed(target.string(), "cannot be written: " + av_error_text(code),
                      "free some disk space or choose another place");
  return run_failed(target.string(), "cannot be written: " + av_error_text(code));
}

class VideoFile final : public EncoderOutput {
 public:
  VideoFile(const fs::path& path, const AVOutputFormat* container, Metadata metadata)
      : pending_(path), metadata_(std::move(metadata)) {
    int code = avformat_alloc_output_context2(&format_, container, nullptr,
                                              ("file:" + pending_.path().string()).c_str());
    if (code < 0 || format_ == nullptr)
      throw run_failed(path.string(), "cannot be set up: " + av_error_text(code));
    code = avio_open(&format_->pb, ("file:" + pending_.path().string()).c_str(), AVIO_FLAG_WRITE);
    if (code < 0) {
      avformat_free_context(format_);
      throw bad_input(path.string(), "cannot be created: " + av_error_text(code));
    }
  }

  ~VideoFile() override { close(); }
  VideoFile(const VideoFile&) = delete;
  VideoFile& operator=(const VideoFile&) = delete;

  void begin(const AVCodecContext& codec) override {
    stream_ = avformat_new_stream(format_, nullptr);
    if (stream_ == nullptr) throw std::bad_alloc();
    avcodec_parameters_from_context(stream_->codecpar, &codec);
    const bool mov = std::strcmp(format_->oformat->name, "mp4") == 0 ||
                     std::strcmp(format_->oformat->name, "mov") == 0;
    stream_->codecpar->codec_tag = 0;
    if (mov && codec.codec_id == AV_CODEC_ID_HEVC)
      stream_->codecpar->codec_tag = MKTAG('h', 'v', 'c', '1');  // what Apple's players want
    stream_->time_base = codec.time_base;
    if (av_cmp_q(av_inv_q(codec.framerate), codec.time_base) == 0)
      stream_->avg_frame_rate = codec.framerate;  // one tick a frame: the rate is constant
    stream_->sample_aspect_ratio = codec.sample_aspect_ratio;
    time_base_ = codec.time_base;
    for (const auto& [key, value] : metadata_)
      av_dict_set(&format_->metadata, key.c_str(), value.c_str(), 0);
    AVDictionary* options = nullptr;
    // Any metadata key, and the index in front so that the file starts quickly over a network.
    if (mov)
      av_dict_set(&options, "movflags",
                  pending_.in_place() ? "use_metadata_tags" : "use_metadata_tags+faststart", 0);
    const int code = avformat_write_header(format_, &options);
    av_dict_free(&options);
    if (code < 0) fail(code);
    begun_ = true;
  }

  void write(AVPacket& packet) override {
    packet.stream_index = stream_->index;
    av_packet_rescale_ts(&packet, time_base_, stream_->time_base);
    const int code = av_write_frame(format_, &packet);
    if (code < 0) fail(code);
    if (format_->pb->error < 0) fail(format_->pb->error);
  }

  void finish() override {
    int code = begun_ ? av_write_trailer(format_) : 0;
    begun_ = false;
    if (code >= 0) {
      avio_flush(format_->pb);
      code = format_->pb->error;
    }
    const int closed = avio_closep(&format_->pb);
    if (code < 0 || closed < 0) fail(code < 0 ? code : closed);
    close();
    pending_.commit();
  }

 private:
  [[noreturn]] void fail(int code) {
    // FFmpeg often answers a failed write with "invalid" later; the first cause is in the stream.
    if (format_->pb != nullptr && format_->pb->error < 0) code = format_->pb->error;
    throw cannot_write(pending_.target(), code);
  }

  void close() {
    if (format_ == nullptr) return;
    avio_closep(&format_->pb);
    avformat_free_context(format_);
    format_ = nullptr;
  }

  PendingFile pending_;
  Metadata metadata_;
  AVFormatContext* format_ = nullptr;
  AVStream* stream_ = nullptr;
  AVRational time_base_{};
  bool begun_ = false;
};

/// One PNG chunk: length, type, data, CRC (PNG specification, 5.3).
std::string png_chunk(const std::string& type, const std::string& data) {
  std::string out(4, '\0');
  AV_WB32(out.data(), static_cast<uint32_t>(data.size()));
  out += type + data;
  const uint32_t crc = ~av_crc(av_crc_get_table(AV_CRC_32_IEEE_LE), ~0U,
                               reinterpret_cast<const uint8_t*>(out.data()) + 4, out.size() - 4);
  std::string tail(4, '\0');
  AV_WB32(tail.data(), crc);
  return out + tail;
}

class PngFiles final : public EncoderOutput {
 public:
  PngFiles(fs::path path, const Metadata& metadata)
      : path_(std::move(path)), sequence_(has_number(path_)) {
    // International text: keyword, compression flag and method, language, translation (11.3.4.5).
    for (const auto& [key, value] : metadata)
      text_ += png_chunk("iTXt", key.substr(0, 79) + std::string(5, '\0') + value);
    const PendingFile probe(numbered(path_, 0));  // says now if the folder cannot be written
  }

  void begin(const AVCodecContext&) override {}

  void write(AVPacket& packet) override {
    if (!sequence_ && count_ > 0)
      throw bad_input(path_.string(), "is one picture, but there are more frames",
                      "number them: " + path_.stem().string() + "_%05d.png");
    files_.push_back(std::make_unique<AtomicFile>(numbered(path_, count_++)));
    // The text goes behind the signature and the header chunk.
    constexpr size_t kHeader = 8 + 25;
    const size_t head = std::min<size_t>(kHeader, static_cast<size_t>(packet.size));
    AtomicFile& f = *files_.back();
    f.write(packet.data, head);
    f.write(text_);
    f.write(packet.data + head, static_cast<size_t>(packet.size) - head);
    if (files_.size() >= 256) commit();  // not more open files than that
  }

  void finish() override {
    if (count_ == 0) throw run_failed(path_.string(), "there was no frame to write");
    commit();
  }

 private:
  void commit() {
    for (auto& f : files_)
      f->commit();
    files_.clear();
  }

  fs::path path_;
  bool sequence_;
  std::string text_;
  int64_t count_ = 0;
  std::vector<std::unique_ptr<AtomicFile>> files_;
};

/// Position and length of the %d pattern in a file name; npos if there is none.
std::pair<size_t, size_t> pattern(const std::string& name) {
  const size_t at = name.find('%');
  if (at == std::string::npos) return {at, 0};
  size_t end = at + 1;
  while (end < name.size() && name[end] >= '0' && name[end] <= '9')
    ++end;
  if (end >= name.size() || name[end] != 'd' || end - at > 4) return {std::string::npos, 0};
  return {at, end + 1 - at};
}

}  // namespace

bool has_number(const fs::path& path) {
  return pattern(path.filename().string()).first != std::string::npos;
}

fs::path numbered(const fs::path& path, int64_t number) {
  std::string name = path.filename().string();
  const auto [at, length] = pattern(name);
  if (at == std::string::npos) return path;
  const std::string width = name.substr(at + 1, length - 2);
  std::string digits = std::to_string(number);
  const size_t want = width.empty() ? 0 : std::min<size_t>(std::stoul(width), 20);
  if (digits.size() < want) digits.insert(0, want - digits.size(), '0');
  return path.parent_path() / name.replace(at, length, digits);
}

std::unique_ptr<EncoderOutput> video_file(const fs::path& path, const AVOutputFormat* container,
                                          Metadata metadata) {
  return std::make_unique<VideoFile>(path, container, std::move(metadata));
}

std::unique_ptr<EncoderOutput> png_files(const fs::path& path, Metadata metadata) {
  return std::make_unique<PngFiles>(path, metadata);
}

}  // namespace looktwice::video
