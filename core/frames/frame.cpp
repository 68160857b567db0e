#include "frames/frame.h"

#include <cstring>
#include <vector>

namespace looktwice::frames {

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
