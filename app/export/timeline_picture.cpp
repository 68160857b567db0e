#include "export/timeline_picture.h"

#include <algorithm>
#include <cmath>

#include "gl/framebuffer.h"
#include "gl/state.h"
#include "gl/texture.h"

namespace looktwice::exporting {
namespace {

int text_size(double scale) {
  return std::clamp(static_cast<int>(std::lround(13 * scale)), 9, 200);
}

RgbPicture drawn(overlay::Canvas& canvas, overlay::Font& font, compose::Size size) {
  const gl::StateGuard guard;
  const gl::Owner owner;
  RgbPicture out{size, std::vector<uint8_t>(size_t{3} * static_cast<size_t>(size.width) *
                                            static_cast<size_t>(size.height))};
  const gl::Texture texture(owner, gl::Format::rgba8, size.width, size.height, gl::Filter::nearest);
  const gl::Framebuffer framebuffer(owner, {&texture});
  framebuffer.bind();
  canvas.draw(owner, size.width, size.height, font,
              {{0, 0, static_cast<float>(size.width), static_cast<float>(size.height)}});
  gl::read_pixels(framebuffer, size.width, size.height, 3, out.rgb.data());
  canvas.release();
  return out;
}

}  // namespace

RgbPicture draw_timeline(const timeline::Content& content, int width, double scale,
                         const timeline::Style& style) {
  overlay::Font font;
  overlay::Canvas canvas;
  const auto layout =
      timeline::lay_out(content, 0, 0, static_cast<float>(width), text_size(scale), font);
  timeline::draw(canvas, content, layout, style, font);
  return drawn(canvas, font, {width, static_cast<int>(std::ceil(layout.height()))});
}

RgbPicture draw_matrix(const timeline::Matrix& matrix, compose::Size size, double scale,
                       const timeline::Style& style) {
  overlay::Font font;
  overlay::Canvas canvas;
  const auto layout = timeline::lay_out(matrix, 0, 0, static_cast<float>(size.width),
                                        static_cast<float>(size.height), text_size(scale), font);
  timeline::draw(canvas, matrix, layout, style, font);
  return drawn(canvas, font, size);
}

}  // namespace looktwice::exporting
