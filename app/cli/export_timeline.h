#pragma once
// `looktwice export` without an input: cache traces as a picture.

#include <string>
#include <vector>

#include "cli/options.h"

namespace looktwice::cli {

struct TimelinePicture {
  std::vector<std::string> traces;  ///< files, one row each
  std::vector<std::string> labels;  ///< empty ones are written from the trace
  std::string output;               ///< .png
  std::string size;                 ///< WxH; of a timeline the width counts; empty: 1280 wide
  std::string detail;               ///< run, blocks or modules
  bool light = false, predict = false, matrix = false;
};
/// Throws Error(input).
void write_timeline_picture(const TimelinePicture& picture);

}  // namespace looktwice::cli
