#include "base/error.h"
#include "video/video.h"

namespace looktwice::video {

frames::SourcePtr open_source(const std::string& input, const OpenOptions&, std::stop_token) {
  throw bad_input(input, "cannot be opened yet");
}

}  // namespace looktwice::video
