// How large the clip of a source is and which part of the frame it shows.
#include <algorithm>

#include "base/error.h"
#include "frames/clip.h"

namespace looktwice::frames {

ClipGeometry clip_geometry(const ClipOptions& options, int source_width, int source_height,
                           bool verbatim, int view) {
  ClipGeometry g;
  const std::string source =
      std::to_string(source_width) + "x" + std::to_string(source_height) + " pixels";
  if (source_width < 1 || source_height < 1) throw bad_input("clip", "the source has " + source);
  if (verbatim) {
    g.resized_width = g.width = source_width;
    g.resized_height = g.height = source_height;
    g.on_source = {0, 0, double(source_width), double(source_height)};
    return g;
  }
  options.check();
  if (view < 0 || view >= options.views_space)
    throw bad_input("--views", "there is no spatial view " + std::to_string(view));
  int64_t w = source_width, h = source_height;
  if (options.size != 0) {
    if (w <= h) {
      h = options.size * h / w;
      w = options.size;
    } else {
      w = options.size * w / h;
      h = options.size;
    }
  }
  const auto floored = [&](int64_t side) { return int(side / options.patch * options.patch); };
  int64_t width = floored(w), height = floored(h);
  const bool square = options.crop == Crop::center && options.size != 0;
  if (square) width = height = floored(options.size);
  if (width < 1 || height < 1)
    throw bad_input("clip",
                    "a source of " + source + " is smaller than one patch of " +
                        std::to_string(options.patch) + " pixels",
                    options.size == 0 ? "give a --size in pixels or a smaller --patch"
                                      : "give a larger --size or a smaller --patch");
  // The long side of a very flat picture grows with the short one; without a crop all of it is
  // kept.
  if (w > (1 << 24) || h > (1 << 24) || width * height > (int64_t{1} << 28))
    throw bad_input("clip",
                    "a source of " + source + " would become " + std::to_string(w) + "x" +
                        std::to_string(h) + " pixels",
                    "give a smaller --size");
  g.resized_width = int(w);
  g.resized_height = int(h);
  g.width = int(width);
  g.height = int(height);
  if (options.crop == Crop::center) {
    g.left = int((w - width) / 2);
    g.top = int((h - height) / 2);
    if (options.views_space > 1) {
      if (w > h) {
        g.left = int((w - width) * view / (options.views_space - 1));
      } else {
        g.top = int((h - height) * view / (options.views_space - 1));
      }
    }
  }
  const double scale_x = double(source_width) / double(w);
  const double scale_y = double(source_height) / double(h);
  g.on_source = {g.left * scale_x, g.top * scale_y, g.width * scale_x, g.height * scale_y};
  return g;
}

}  // namespace looktwice::frames
