// Which frames of a source a clip takes.
#include <algorithm>

#include "base/error.h"
#include "frames/clip.h"

namespace looktwice::frames {
namespace {

[[noreturn]] void too_short(int64_t frame_count, int64_t needed, const std::string& advice) {
  throw bad_input("clip",
                  "the source has " + std::to_string(frame_count) +
                      (frame_count == 1 ? " frame" : " frames") + ", one clip needs " +
                      std::to_string(needed),
                  advice);
}

std::vector<int64_t> dense_clip(const ClipOptions& options, int64_t start) {
  std::vector<int64_t> frames(size_t(options.frames));
  for (size_t k = 0; k < frames.size(); ++k)
    frames[k] = start + int64_t(k) * options.stride;
  return frames;
}

/// ⌊length · (part/parts + k) / T⌋ for each of T segments of [first, first + length).
std::vector<int64_t> uniform_clip(int T, int64_t first, int64_t length, int64_t part,
                                  int64_t parts) {
  std::vector<int64_t> frames(static_cast<size_t>(T));
  for (int64_t k = 0; k < T; ++k)
    frames[size_t(k)] = first + length * (part + k * parts) / (parts * T);
  return frames;
}

}  // namespace

std::vector<std::vector<int64_t>> plan_clips(const ClipOptions& options, int64_t frame_count,
                                             int64_t* dropped_tail) {
  options.check();
  std::vector<std::vector<int64_t>> plan;
  int64_t tail = 0;
  const int64_t available = std::max<int64_t>(0, frame_count - options.start);
  if (options.sampling == Sampling::uniform) {
    const int64_t parts = options.views_time > 1 ? 1 : std::max(1, options.clips);
    if (available / parts < options.frames)
      too_short(frame_count, options.start + parts * options.frames,
                parts > 1 ? "lower --clips, --frames or --start" : "lower --frames or --start");
    if (options.views_time > 1) {
      for (int v = 0; v < options.views_time; ++v)
        plan.push_back(
            uniform_clip(options.frames, options.start, available, v, options.views_time));
    } else {
      for (int64_t i = 0; i < parts; ++i) {
        const int64_t first = available * i / parts, end = available * (i + 1) / parts;
        plan.push_back(uniform_clip(options.frames, options.start + first, end - first, 1, 2));
      }
    }
  } else {
    if (available < options.span())
      too_short(frame_count, options.start + options.span(), "lower --frames, --stride or --start");
    if (options.clips == 0) {
      const int64_t step = int64_t{options.frames} * options.stride;
      int64_t start = options.start;
      for (; start + options.span() <= frame_count; start += step)
        plan.push_back(dense_clip(options, start));
      tail = std::max<int64_t>(0, frame_count - start);
    } else {
      const int64_t count = options.views_time > 1 ? options.views_time : options.clips;
      const int64_t room = available - options.span();
      for (int64_t i = 0; i < count; ++i)
        plan.push_back(
            dense_clip(options, options.start + (count > 1 ? i * room / (count - 1) : 0)));
    }
  }
  if (dropped_tail != nullptr) *dropped_tail = tail;
  return plan;
}

}  // namespace looktwice::frames
