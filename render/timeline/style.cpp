#include "timeline/style.h"

namespace looktwice::timeline {

using overlay::rgb;
namespace colors = overlay::colors;

const Style& dark_style() {
  static const Style style = {.background = colors::background,
                              .field = rgb(0x1e2127),
                              .line = rgb(0x3a3f48),
                              .text = colors::text,
                              .dim = rgb(0xa4abb5),
                              .computed = colors::orange,
                              .on_computed = rgb(0x16181c),
                              .reused = rgb(0x2b2f37),
                              .hatch = rgb(0x59616d),
                              .predicted = colors::sky_blue,
                              .curve = rgb(0xf4f5f7),
                              .threshold = rgb(0xe08ab8),
                              .motion = rgb(0x1fb98c),
                              .gradient = colors::yellow,
                              .marker = rgb(0xffffff)};
  return style;
}

const Style& light_style() {
  static const Style style = {.background = rgb(0xf7f8fa),
                              .field = rgb(0xffffff),
                              .line = rgb(0xd0d5dc),
                              .text = rgb(0x1b1e24),
                              .dim = rgb(0x565d68),
                              .computed = rgb(0xe39600),
                              .on_computed = rgb(0x16181c),
                              .reused = rgb(0xe4e7ec),
                              .hatch = rgb(0xb3bac4),
                              .predicted = colors::blue,
                              .curve = rgb(0x1b1e24),
                              .threshold = rgb(0xa8327a),
                              .motion = rgb(0x007a58),
                              .gradient = rgb(0x8a5a00),
                              .marker = rgb(0x000000)};
  return style;
}

}  // namespace looktwice::timeline
