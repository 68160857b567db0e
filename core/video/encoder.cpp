#include "video/encoder.h"

#include <atomic>
#include <cmath>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <exception>
#include <mutex>
#include <thread>

extern "C" {
#include <libavutil/dict.h>
#include <libavutil/opt.h>
#include <libavutil/pixdesc.h>
}

#include "base/error.h"
#include "base/text.h"
#include "video/codecs.h"
#include "video/encoder_input.h"
#include "video/encoder_output.h"
#include "video/picture.h"

namespace looktwice::video {

struct Encoder::Impl {
  Impl(const std::filesystem::path& path, int w, int h, EncoderOptions o)
      : options(std::move(o)),
        codec(codec_named(options.codec.empty() ? codec_for(path) : options.codec)),
        target(path),
        width(w),
        height(h) {
    quiet_ffmpeg();
    if (const std::string missing = codec_missing(codec.name); !missing.empty())
      throw bad_input("--codec", std::string(codec.name) + " is not available: " + missing,
                      "install a full FFmpeg or choose another codec");
    const AVOutputFormat* container = nullptr;
    if (codec.id == AV_CODEC_ID_PNG) {
      if (path.extension() != ".png")
        throw bad_input(path.string(), "png pictures go into .png files");
    } else {
      container = container_for(path, codec);
      if (path.extension() == ".png")
        throw bad_input(path.string(), std::string("a .png file cannot hold ") + codec.name);
    }
    if (options.fps.num < 0 || options.fps.den <= 0 || options.fps.value() > 1000)
      throw bad_input("--fps", "is not a frame rate", "give frames a second, for example 30");
    if (options.fps.num == 0 && (options.time_base.num <= 0 || options.time_base.den <= 0))
      throw bad_input("time base", "is not positive");
    if (options.fps.num == 0 && path.extension() == ".avi")
      throw bad_input(path.string(), ".avi files cannot keep a variable frame rate",
                      "give --fps, or write .mkv or .mp4");
    const std::string format =
        options.pixel_format.empty() ? codec.pixel_format : options.pixel_format;
    check_settings(codec, options);
    if (!format.empty()) file.pixel_format = pixel_format_named(format, codec);
    check_size(codec, file.pixel_format, width, height, path.string());
    if (file.pixel_format == AV_PIX_FMT_GRAY8) file.range = frames::Range::full;
    global_header = container != nullptr && (container->flags & AVFMT_GLOBALHEADER) != 0;
    in_avi = path.extension() == ".avi";
    if (!format.empty()) open_codec();
    output = container != nullptr ? video_file(path, container, options.metadata)
                                  : png_files(path, options.metadata);
    if (context) output->begin(*context);
    describe();
    thread = std::jthread([this](std::stop_token stop) { run(stop); });
  }

  ~Impl() {
    thread.request_stop();
    changed.notify_all();
    if (thread.joinable()) thread.join();
  }

  /// SVT-AV1 waits for ever when it is closed before it has had a picture and the end of its input,
  /// also when a constructor fails. Stands behind `context`, so it goes first.
  struct Settle {
    explicit Settle(Impl& owner) : d(owner) {}
    ~Settle() {
      if (!d.context || d.codec.id != AV_CODEC_ID_AV1 || d.drained) return;
      if (d.frames_sent == 0) {
        const AvFrame f(av_frame_alloc());
        if (!f) return;
        f->format = d.context->pix_fmt;
        f->width = d.width;
        f->height = d.height;
        f->pts = 0;
        if (av_frame_get_buffer(f.get(), 0) < 0) return;
        avcodec_send_frame(d.context.get(), f.get());
      }
      avcodec_send_frame(d.context.get(), nullptr);
      const AvPacket p(av_packet_alloc());
      while (p && avcodec_receive_packet(d.context.get(), p.get()) >= 0)
        av_packet_unref(p.get());
    }
    Settle(const Settle&) = delete;
    Settle& operator=(const Settle&) = delete;
    Impl& d;
  };

  void open_codec() {
    const AVCodec* encoder = avcodec_find_encoder_by_name(codec.library);
    context.reset(avcodec_alloc_context3(encoder));
    if (!context) throw std::bad_alloc();
    AVCodecContext& c = *context;
    c.width = width;
    c.height = height;
    c.pix_fmt = file.pixel_format;
    c.sample_aspect_ratio = {1, 1};
    const bool constant = options.fps.num > 0;
    c.time_base =
        constant ? AVRational{static_cast<int>(options.fps.den), static_cast<int>(options.fps.num)}
                 : AVRational{static_cast<int>(options.time_base.num),
                              static_cast<int>(options.time_base.den)};
    c.framerate = constant ? av_inv_q(c.time_base) : AVRational{30, 1};
    c.thread_count = options.threads;
    const auto* d = av_pix_fmt_desc_get(file.pixel_format);
    if ((d->flags & AV_PIX_FMT_FLAG_RGB) != 0) {
      if (codec.id != AV_CODEC_ID_PNG) c.colorspace = AVCOL_SPC_RGB;
      c.color_range = AVCOL_RANGE_JPEG;
    } else {
      using frames::Matrix;
      c.colorspace = file.matrix == Matrix::bt601    ? AVCOL_SPC_SMPTE170M
                     : file.matrix == Matrix::bt2020 ? AVCOL_SPC_BT2020_NCL
                                                     : AVCOL_SPC_BT709;
      if (file.matrix == Matrix::bt709) {
        c.color_primaries = AVCOL_PRI_BT709;
        c.color_trc = AVCOL_TRC_BT709;
      }
      c.color_range = file.range == frames::Range::full ? AVCOL_RANGE_JPEG : AVCOL_RANGE_MPEG;
      if (d->log2_chroma_w > 0) c.chroma_sample_location = AVCHROMA_LOC_LEFT;
    }
    if (global_header) c.flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    if (in_avi) c.max_b_frames = 0;  // AVI has no presentation times
    AVDictionary* settings = encoder_settings(codec, options, c);
    forget_av_message();
    const int code = avcodec_open2(&c, encoder, &settings);
    av_dict_free(&settings);
    if (code < 0) {
      const std::string why = av_message();
      throw bad_input(target.string(),
                      std::string(codec.name) +
                          " cannot be encoded so: " + (why.empty() ? av_error_text(code) : why),
                      "check preset, quality, size and pixel format");
    }
    input = std::make_unique<EncoderInput>(file, width, height);
  }

  void describe() {
    const char* name =
        file.pixel_format != AV_PIX_FMT_NONE ? av_get_pix_fmt_name(file.pixel_format) : "as fed";
    const std::string preset = options.preset.empty() ? codec.preset : options.preset;
    text = std::string(codec.name) + " (" + codec.library;
    if (!preset.empty()) text += ", " + preset;
    if (codec.quality >= 0)
      text += ", quality " + number_text(options.quality.value_or(codec.quality));
    text += std::string("), ") + name + ", " + std::to_string(width) + "x" + std::to_string(height);
  }

  // The encoder thread.

  void run(std::stop_token stop) {
    try {
      for (;;) {
        frames::FramePtr frame;
        {
          std::unique_lock lock(mutex);
          changed.wait(lock, stop, [&] { return !queue.empty() || ending; });
          if (stop.stop_requested()) return;
          if (queue.empty()) break;
          frame = std::move(queue.front());
          queue.pop_front();
          queued_bytes -= frame_bytes(*frame);
        }
        changed.notify_all();
        encode(frame);
      }
      complete(stop);
    } catch (...) {
      std::lock_guard lock(mutex);
      failure = std::current_exception();
      queue.clear();
      queued_bytes = 0;
    }
    {
      std::lock_guard lock(mutex);
      done = true;
    }
    changed.notify_all();
  }

  void encode(const frames::FramePtr& frame) {
    if (!context) {
      file = format_as_fed(*frame);
      open_codec();
      output->begin(*context);
    }
    AvFrame in = input->make(frame);
    in->pts = pts_of(*frame);
    in->colorspace = context->colorspace;
    in->color_range = context->color_range;
    in->pict_type = AV_PICTURE_TYPE_NONE;
    const int code = avcodec_send_frame(context.get(), in.get());
    if (code < 0)
      throw run_failed(target.string(),
                       std::string(codec.name) + " encoder: " + av_error_text(code));
    ++frames_sent;
    drain();
  }

  int64_t pts_of(const frames::Frame& frame) {
    if (options.fps.num > 0) return frames_sent;
    const double tick = options.time_base.value();
    if (frames_sent == 0) first_time = frame.time;
    const auto pts = static_cast<int64_t>(std::llround((frame.time - first_time) / tick));
    if (frames_sent > 0 && pts <= last_pts)
      throw run_failed(
          target.string(),
          "frame " + std::to_string(frames_sent) + " is not later than the one before it",
          "use a constant --fps");
    last_delta = pts - last_pts;
    return last_pts = pts;
  }

  void drain() {
    const AvPacket packet = new_packet();
    for (;;) {
      const int code = avcodec_receive_packet(context.get(), packet.get());
      if (code == AVERROR(EAGAIN)) return;
      if (code == AVERROR_EOF) {
        drained = true;
        return;
      }
      if (code < 0)
        throw run_failed(target.string(),
                         std::string(codec.name) + " encoder: " + av_error_text(code));
      // Of all durations only the last frame's counts: as long as the one before it.
      if (packet->duration == 0) packet->duration = options.fps.num > 0 ? 1 : last_delta;
      output->write(*packet);
      av_packet_unref(packet.get());
      written.fetch_add(1, std::memory_order_relaxed);
    }
  }

  void complete(const std::stop_token& stop) {
    if (frames_sent == 0) throw run_failed(target.string(), "there was no frame to write");
    avcodec_send_frame(context.get(), nullptr);
    while (!drained) {
      if (stop.stop_requested()) return;
      drain();
    }
    output->finish();
    complete_ = true;
  }

  EncoderOptions options;
  const Codec& codec;
  std::filesystem::path target;
  int width, height;
  FileFormat file;
  bool global_header = false, in_avi = false;
  std::string text;
  std::unique_ptr<EncoderOutput> output;
  int64_t frames_sent = 0, last_pts = 0, last_delta = 0;
  double first_time = 0;
  bool drained = false, complete_ = false;
  AvCodec context;
  Settle settle{*this};
  std::unique_ptr<EncoderInput> input;
  std::atomic<int64_t> written{0};

  std::mutex mutex;
  std::condition_variable_any changed;
  std::deque<frames::FramePtr> queue;
  size_t queued_bytes = 0;
  bool ending = false, done = false;
  std::exception_ptr failure;
  std::jthread thread;  // last: it uses all of the above
};

Encoder::Encoder(const std::filesystem::path& path, int width, int height, EncoderOptions options)
    : impl_(std::make_unique<Impl>(path, width, height, std::move(options))) {}

Encoder::~Encoder() = default;

void Encoder::write(frames::FramePtr frame, std::stop_token stop) {
  Impl& d = *impl_;
  const size_t bytes = frame_bytes(*frame);
  {
    std::unique_lock lock(d.mutex);
    d.changed.wait(lock, stop, [&] {
      return d.failure || d.done || d.queue.empty() ||
             d.queued_bytes + bytes <= d.options.queue_bytes;
    });
    if (d.failure) std::rethrow_exception(d.failure);
    if (stop.stop_requested()) throw Cancelled();
    if (d.ending || d.done) throw run_failed(d.target.string(), "was finished already");
    d.queue.push_back(std::move(frame));
    d.queued_bytes += bytes;
  }
  d.changed.notify_all();
}

void Encoder::finish(std::stop_token stop) {
  Impl& d = *impl_;
  {
    std::lock_guard lock(d.mutex);
    d.ending = true;
  }
  d.changed.notify_all();
  std::unique_lock lock(d.mutex);
  d.changed.wait(lock, stop, [&] { return d.done; });
  if (d.failure) std::rethrow_exception(d.failure);
  if (!d.done || !d.complete_) throw Cancelled();
}

int64_t Encoder::written() const {
  return impl_->written.load(std::memory_order_relaxed);
}
const std::string& Encoder::description() const {
  return impl_->text;
}

}  // namespace looktwice::video
