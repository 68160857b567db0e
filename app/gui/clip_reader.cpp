#include "clip_reader.h"

#include "base/error.h"
#include "engine/inspect.h"
#include "engine/open.h"

namespace looktwice::gui {
namespace {

/// Decoding through a short gap is cheaper than a seek.
constexpr int64_t kReadThrough = 16;

}  // namespace

ClipReader::ClipReader(std::string input, Cached cached)
    : input_(std::move(input)), cached_(std::move(cached)) {}

frames::FramePtr ClipReader::frame(int64_t index, const std::stop_token& stop) {
  if (stop.stop_requested()) throw Cancelled();
  if (cached_) {
    if (frames::FramePtr ready = cached_(index)) return ready;
  }
  if (!source_) {
    source_ = engine::open_source(input_);
    next_ = 0;
  }
  if (index < next_ || index > next_ + kReadThrough) {
    source_->seek(index, stop);
    next_ = index;
  }
  frames::FramePtr got;
  while (next_ <= index) {
    got = source_->next(stop);
    ++next_;
    if (!got) {
      next_ = INT64_MAX;  // whatever comes next needs a seek
      return nullptr;
    }
  }
  return got;
}

MeasuredClipPtr ClipReader::measure(int number, const std::vector<int64_t>& indices,
                                    const frames::ClipOptions& options, bool verbatim,
                                    std::stop_token stop) {
  std::vector<frames::FramePtr> frames;
  frames.reserve(indices.size());
  for (const int64_t index : indices) {
    frames::FramePtr got = frame(index, stop);
    if (!got) {
      throw bad_input(input_, "ends before frame " + std::to_string(index),
                      "the rest of the file is shown without marks");
    }
    frames.push_back(std::move(got));
  }
  return measure_frames(number, frames, options, verbatim, stop);
}

std::vector<frames::FramePtr> ClipReader::read(const std::vector<int64_t>& indices,
                                               std::stop_token stop) {
  std::vector<frames::FramePtr> frames;
  for (const int64_t index : indices) {
    if (frames::FramePtr got = frame(index, stop)) frames.push_back(std::move(got));
  }
  return frames;
}

MeasuredClipPtr measure_frames(int number, const std::vector<frames::FramePtr>& frames,
                               const frames::ClipOptions& options, bool verbatim,
                               std::stop_token stop) {
  const frames::Frame& first = *frames.front();
  const frames::ClipGeometry geometry =
      frames::clip_geometry(options, first.width, first.height, verbatim);
  auto clip = std::make_shared<frames::Clip>();
  clip->T = int(frames.size());
  clip->H = geometry.height;
  clip->W = geometry.width;
  clip->crop = geometry.on_source;
  clip->source_width = first.width;
  clip->source_height = first.height;
  const size_t bytes = size_t(clip->H) * size_t(clip->W) * 3;
  clip->rgb.resize(bytes * frames.size());
  for (size_t i = 0; i < frames.size(); ++i) {
    if (stop.stop_requested()) throw Cancelled();
    frames::preprocess(*frames[i], geometry, options.resize, clip->rgb.data() + i * bytes);
    clip->indices.push_back(frames[i]->index);
    clip->times.push_back(frames[i]->time);
  }
  auto measured = std::make_shared<MeasuredClip>();
  measured->number = number;
  measured->options = options;
  measured->trace = engine::measure_clip(*clip, options);
  const trace::ClipTrace& t = measured->trace;
  measured->histogram =
      tokens::RltHistogram(t.difference, tokens::Grid{t.t, t.h, t.w, t.tubelet, t.patch});
  measured->pixels = std::move(clip);
  return measured;
}

}  // namespace looktwice::gui
