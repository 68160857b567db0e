#include "frames/source.h"

#include "base/error.h"
#include "frames/frames_file.h"
#include "frames/scenes.h"

namespace looktwice::frames {

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
