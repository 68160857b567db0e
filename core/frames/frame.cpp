#include "frames/frame.h"

#include <cstring>
#include <vector>

namespace looktwice::frames {

ChromaOffset chroma_offset(ChromaSite site) {
  switch (site) {
    case ChromaSite::left:
      return {0, 0.5f};
    case ChromaSite::center:
      return {0.5f, 0.5f};
    case ChromaSite::top_left:
      return {0, 0};
    case ChromaSite::top:
      return {0.5f, 0};
    case ChromaSite::right:
      return {1, 0.5f};
    case ChromaSite::bottom:
      return {0.5f, 1};
    case ChromaSite::top_right:
      return {1, 0};
    case ChromaSite::bottom_left:
      return {0, 1};
    case ChromaSite::bottom_right:
      return {1, 1};
  }
  return {};
}

FramePtr make_rgb_frame(const uint8_t* rgb, int width, int height, int64_t index, double time) {
  auto bytes = std::make_shared<std::vector<uint8_t>>(rgb, rgb + size_t{3} * width * height);
  auto frame = std::make_shared<Frame>();
  frame->width = width;
  frame->height = height;
  frame->range = Range::full;
  frame->index = index;
  frame->time = time;
  frame->planes[0] = {bytes->data(), ptrdiff_t{3} * width, width, height};
  frame->storage = bytes;
  return frame;
}

}  // namespace looktwice::frames
