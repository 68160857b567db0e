#include "frames/source.h"

#include <cmath>
#include <numeric>

#include "base/error.h"
#include "frames/frames_file.h"
#include "frames/scenes.h"

namespace looktwice::frames {

Rational rate_of(double fps) {
  if (!(fps > 0) || fps > 1e6) return {};
  const double whole = std::floor(fps + 0.5), ntsc = std::ceil(fps);
  if (fps != whole && std::abs(fps - ntsc * 1000 / 1001) < 0.0006)
    return {int64_t(ntsc) * 1000, 1001};
  const auto thousandths = int64_t(std::floor(fps * 1000 + 0.5));
  const int64_t common = std::gcd(thousandths, int64_t{1000});
  return {thousandths / common, 1000 / common};
}

void FrameSource::select_clip(int clip) {
  if (clip != 0)
    throw bad_input(info().name, "has one clip, not clip " + std::to_string(clip),
                    "clips count from 0");
  seek(0);
}

SourcePtr open_plain_source(const std::string& input, int clip) {
  if (is_scene(input)) {
    SourcePtr source = open_scene(parse_scene(input));
    if (clip != 0) source->select_clip(clip);
    return source;
  }
  if (is_frames_file(input)) return open_frames_file(input, clip);
  return nullptr;
}

}  // namespace looktwice::frames
