#include "engine/open.h"

#include "base/error.h"
#ifdef LOOKTWICE_HAS_VIDEO
#include "video/video.h"
#endif

namespace looktwice::engine {

frames::SourcePtr open_source(const std::string& input, int clip) {
  if (auto plain = frames::open_plain_source(input, clip)) return plain;
#ifdef LOOKTWICE_HAS_VIDEO
  return video::open_source(input);
#else
  throw bad_input(input, "cannot be opened by this build, which has no FFmpeg",
                  "give frames as .safetensors or a built-in scene (synth:NAME)");
#endif
}

}  // namespace looktwice::engine
