#include "base/error.h"
#include "video/video.h"

namespace looktwice::video {

frames::SourcePtr open_source(const std::string& input) {
  throw bad_input(input, "cannot be opened yet");
}

}  // namespace looktwice::video
