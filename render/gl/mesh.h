#pragma once
// Triangles as an immediate-mode interface makes them: tinted, covered by a texture, clipped.

#include <cstdint>
#include <vector>

#include "gl/framebuffer.h"
#include "gl/owner.h"
#include "gl/shader.h"
#include "gl/texture.h"

namespace looktwice::gl {

struct MeshVertex {
  float x = 0, y = 0;  ///< units of the mesh, y down
  float u = 0, v = 0;  ///< of the coverage texture
  uint32_t color = 0;  ///< bytes in memory: red, green, blue, opacity; not premultiplied
  bool operator==(const MeshVertex&) const = default;
};

/// Consecutive indices that share a clip rectangle.
struct MeshPart {
  int first = 0, count = 0;
  PixelRect clip;  ///< framebuffer pixels, row 0 on top
  bool operator==(const MeshPart&) const = default;
};

/// A value: may be made in one thread and drawn in another.
struct Mesh {
  std::vector<MeshVertex> vertices;
  std::vector<uint32_t> indices;  ///< three a triangle
  std::vector<MeshPart> parts;    ///< in drawing order
  float scale = 1;                ///< pixels of a unit
  bool operator==(const Mesh&) const = default;
};

/// With the context current, the same one every time.
class MeshDrawer {
 public:
  /// Draws over the bound framebuffer of width x height pixels, whose row 0 is the top one.
  /// Opacity is the vertices' times the red channel of `coverage`. Scissor test and blending must
  /// be off before and are off after.
  void draw(const Owner& owner, const Mesh& mesh, const Texture& coverage, int width, int height);
  void release();

 private:
  Program program_;
  Name<delete_buffer> vertices_, indices_;
  Name<delete_vertex_array> array_;
};

}  // namespace looktwice::gl
