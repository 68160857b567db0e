#pragma once
// Shader programs, and the one way in which this project covers areas of a picture.

#include <map>
#include <string>
#include <vector>

#include "gl/framebuffer.h"
#include "gl/owner.h"
#include "gl/texture.h"

namespace looktwice::gl {

void delete_program(unsigned id);

class Program {
 public:
  Program() = default;
  /// Compiles and links. `defines` go after the version line ("#define NEAREST 1\n"). Throws
  /// Error(run) with `name` and the driver's first line.
  Program(const Owner& owner, const std::string& name, const std::string& vertex,
          const std::string& fragment, const std::string& defines = {});
  void use() const;
  explicit operator bool() const { return static_cast<bool>(name_); }

  /// Uniforms of the program in use; names that the compiler dropped are skipped.
  void set(const char* uniform, int value);
  void set(const char* uniform, int x, int y);
  void set(const char* uniform, float value);
  void set(const char* uniform, float x, float y);
  void set(const char* uniform, float x, float y, float z);
  void set(const char* uniform, float x, float y, float z, float w);
  void set_matrix3(const char* uniform, const float* row_major);
  void set_texture(const char* uniform, int unit, const Texture& texture);
  void set_texture(const char* uniform, int unit, Texture& texture, Filter filter);

 private:
  int location(const char* uniform);
  Name<delete_program> name_;
  std::map<std::string, int> locations_;
};

/// Vertex shader of RectDrawer.
extern const char* const kAreaVertex;

/// Whole pixels of a framebuffer, in its own row order.
struct PixelRect {
  int x = 0, y = 0, width = 0, height = 0;
  bool operator==(const PixelRect&) const = default;
};

/// Covers areas of the bound framebuffer with the program in use, whose vertex shader is
/// kAreaVertex.
class RectDrawer {
 public:
  /// One area; sets the viewport to it.
  void draw(const Owner& owner, const PixelRect& area);
  /// Many areas of a framebuffer of this size in one call; sets the viewport to all of it.
  void draw(const Owner& owner, int width, int height, const std::vector<PixelRect>& areas);
  void release();

 private:
  void draw_corners(const Owner& owner, const std::vector<float>& corners);
  Name<delete_vertex_array> array_;
  Name<delete_buffer> buffer_;
};

}  // namespace looktwice::gl
