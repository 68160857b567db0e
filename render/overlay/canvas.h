#pragma once
// Plates, lines, swatches and text, drawn in one call over the picture.

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "gl/framebuffer.h"
#include "gl/shader.h"
#include "gl/texture.h"
#include "overlay/font.h"
#include "overlay/palette.h"

namespace looktwice::overlay {

/// Output pixels, y down.
struct Box {
  float x = 0, y = 0, width = 0, height = 0;
  bool operator==(const Box&) const = default;
};

/// Collects shapes, then draws them premultiplied over the bound framebuffer, whose row 0 is the
/// picture's top.
class Canvas {
 public:
  void rectangle(const Box& box, const Color& color, float radius = 0);
  void frame(const Box& box, const Color& color, float line, float radius = 0);
  /// Diagonal stripes as on pruned patches; `pixel` is one pixel of 96 dpi.
  void hatch(const Box& box, const Color& color, float pixel);
  /// A straight line of any direction with round ends, `width` pixels thick.
  void line(float x0, float y0, float x1, float y1, float width, const Color& color);
  void disc(float x, float y, float radius, const Color& color);
  /// One line of text, its baseline at y.
  void text(float x, float y, const std::string& text, int size, const Color& color, Font& font);

  /// Draws and empties the canvas, inside `clips` alone. Blending and scissor test must be off
  /// before and are off after. `bottom_up`: row 0 of the framebuffer is the lowest on screen, as in
  /// a window.
  void draw(const gl::Owner& owner, int width, int height, Font& font,
            const std::vector<Box>& clips, bool bottom_up = false);
  /// Forgets or frees what lies on the GPU.
  void release();

 private:
  struct Vertex {
    float x, y;                     ///< output pixels
    float local_x, local_y;         ///< from the middle of the box, or atlas texels
    float half_width, half_height;  ///< of the box
    float kind, parameter;          ///< 0 filled (radius) 1 frame (line) 2 hatch (pixel) 3 glyph
    float radius;
    float r, g, b, a;
  };
  struct Slot {
    int x = -1, y = 0;  ///< in the atlas; x < 0: not there
    Glyph glyph;
  };
  struct Letter {
    float x, y;
    char32_t code;
    int size;
    Color color;
  };
  void quad(const Box& box, float kind, float parameter, float radius, const Color& color,
            float margin);
  void add_letter(const Letter& letter, Font& font);
  Slot& slot_for(char32_t code, int size, Font& font);
  void place(Slot& slot);

  std::vector<Vertex> vertices_;
  std::vector<Letter> letters_;
  std::map<std::pair<char32_t, int>, Slot> slots_;
  gl::Texture atlas_;
  int shelf_x_ = 0, shelf_y_ = 0, shelf_height_ = 0;
  gl::Program program_;
  gl::Name<gl::delete_buffer> buffer_;
  gl::Name<gl::delete_vertex_array> array_;
};

/// GLSL: float hatch(vec2 position, float pixel), coverage of the stripes, shared by the marks on
/// the picture and by their legend.
extern const char* const kHatchGlsl;

}  // namespace looktwice::overlay
