#include "compose/video_output.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "base/error.h"
#include "compose/colour.h"
#include "compose/frame_glsl.h"
#include "compose/parts.h"
#include "gl/context.h"
#include "gl/gl.h"
#include "gl/state.h"

// The planes lie in one rgba8 texture, four samples a texel: rows of luma, then rows with U in the
// left half and V in the right one. Where panes show their frames 1:1, samples go straight from the
// frame's planes to the output's, and the layer's planes are blended over them where it shows;
// otherwise the picture is drawn as RGB first, as on screen, and converted.

namespace looktwice::compose {
namespace {

// `vec4 source(vec2 p)` is the picture, premultiplied, at p; it comes before.
const char* const kPicture = R"(
uniform sampler2D u_picture;
uniform vec2 u_picture_texel;
vec4 source(vec2 p) { return texture(u_picture, p * u_picture_texel); }
)";
const char* const kFrame = R"(
vec4 source(vec2 p) { return vec4(live_color(p), 1.0); }
)";
const char* const kConvert = R"(
uniform vec4 u_weights;      // of R, G, B and alpha in the plane
uniform vec2 u_from;         // first texel of the plane
layout(location = 0) out vec4 o_plane;
layout(location = 1) out vec4 o_through;
vec4 sample_at(vec2 at) {
#ifdef CHROMA
  // Left-sited: between two rows, and (1 2 1)/4 around an even column.
  vec2 p = vec2(at.x * 2.0, at.y * 2.0 + 1.0);
  return 0.5 * (source(p) + source(p + vec2(1.0, 0.0)));
#else
  return source(at + 0.5);
#endif
}
void main() {
  vec2 texel = floor(gl_FragCoord.xy - u_from);
  vec4 a = sample_at(vec2(texel.x * 4.0, texel.y));
  vec4 b = sample_at(vec2(texel.x * 4.0 + 1.0, texel.y));
  vec4 c = sample_at(vec2(texel.x * 4.0 + 2.0, texel.y));
  vec4 d = sample_at(vec2(texel.x * 4.0 + 3.0, texel.y));
  o_plane = vec4(dot(u_weights, a), dot(u_weights, b), dot(u_weights, c), dot(u_weights, d));
  o_through = 1.0 - vec4(a.a, b.a, c.a, d.a);
}
)";

// Textures are read by coordinate, not by texel: software renderers have a fast path for that.
// Ten bits to eight.
const char* const kNarrow = R"(
uniform sampler2D u_frame;
uniform vec2 u_texel;        // one over its size
uniform float u_gain;
out vec4 o_color;
void main() { o_color = texture(u_frame, gl_FragCoord.xy * u_texel) * u_gain; }
)";

// frame · through + plane, blended over the frame's samples that are there already.
const char* const kMix = R"(
uniform sampler2D u_plane, u_through;
uniform vec2 u_texel;
layout(location = 0, index = 0) out vec4 o_plane;
layout(location = 0, index = 1) out vec4 o_through;
void main() {
  vec2 at = gl_FragCoord.xy * u_texel;
  o_plane = texture(u_plane, at);
  o_through = texture(u_through, at);
}
)";

const char* const kConstant = R"(
uniform float u_value;
out vec4 o_color;
void main() { o_color = vec4(u_value); }
)";

const char* const kCopyPlanes = R"(
uniform sampler2D u_plane;
uniform vec2 u_texel;
out vec4 o_color;
void main() { o_color = texture(u_plane, gl_FragCoord.xy * u_texel); }
)";

/// Memory of frames that went out and came back.
class Pool : public std::enable_shared_from_this<Pool> {
 public:
  explicit Pool(size_t bytes) : bytes_(bytes) {}
  std::shared_ptr<uint8_t> take() {
    std::unique_ptr<uint8_t[]> memory;
    {
      const std::lock_guard lock(mutex_);
      if (!free_.empty()) {
        memory = std::move(free_.back());
        free_.pop_back();
      }
    }
    if (!memory) memory = std::make_unique_for_overwrite<uint8_t[]>(bytes_);
    return {memory.release(), [pool = weak_from_this()](uint8_t* bytes) {
              std::unique_ptr<uint8_t[]> back(bytes);
              if (const auto alive = pool.lock()) alive->give(std::move(back));
            }};
  }

 private:
  static constexpr size_t kKeep = 8;
  void give(std::unique_ptr<uint8_t[]> memory) {
    const std::lock_guard lock(mutex_);
    if (free_.size() < kKeep) free_.push_back(std::move(memory));
  }
  size_t bytes_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<uint8_t[]>> free_;
};

/// One plane of a packed texture: where it starts, in texels and rows, and how much a texel and a
/// row stand for, in pixels.
struct PlaneArea {
  int x, y;
  int columns, rows;
};

/// Packed planes of a picture with this many texels in a row of luma.
std::array<PlaneArea, 3> plane_areas(int texels, int height) {
  return {PlaneArea{0, 0, 4, 1}, PlaneArea{0, height, 8, 2}, PlaneArea{texels / 2, height, 8, 2}};
}

struct Packed {
  gl::Texture texture;
  gl::Framebuffer framebuffer;
};

void allocate_packed(const gl::Owner& owner, Packed& packed, int width, int height) {
  if (packed.texture.width() == width && packed.texture.height() == height) return;
  packed.framebuffer = {};
  packed.texture = gl::Texture(owner, gl::Format::rgba8, width, height, gl::Filter::nearest);
  packed.framebuffer = gl::Framebuffer(owner, {&packed.texture});
}

}  // namespace

struct VideoOutput::State {
  Compositor& compositor;
  Size size;
  frames::Matrix matrix;
  frames::Range range;
  int stride;  ///< bytes of a row, a multiple of 8
  bool software = false;
  std::shared_ptr<Pool> pool;

  struct Slot {
    Packed packed;
    gl::PixelBuffer buffer;
    const void* margins = nullptr;  ///< the layer whose margins it holds, and which painting
    uint64_t margins_version = 0;
    bool pending = false;
    int64_t index = 0;
    double time = 0;
  };
  std::array<Slot, 2> slots;
  int next = 0;
  /// A StaticLayer in packed planes.
  struct LayerPlanes {
    gl::Texture plane, through;
    gl::Framebuffer framebuffer;
    uint64_t version = 0;
    // Texels of the output to draw on, over frames that lie there already.
    std::vector<gl::PixelRect> margins, opaque, mixed, dimmed_luma, dimmed_chroma;
    float dim = 0;
  };
  std::array<LayerPlanes, 4> layers;
  Packed picture;  ///< RGB, where planes cannot pass
  /// Frames that are no YUV 4:2:0 in the output's colours, converted.
  struct Converted {
    frames::FramePtr frame;
    Packed packed;
    uint64_t used = 0;
  };
  std::array<Converted, 4> converted;
  uint64_t clock = 0;

  State(Compositor& c, Size s, frames::Matrix m, frames::Range r)
      : compositor(c), size(s), matrix(m), range(r), stride((s.width + 7) / 8 * 8) {}

  int texels() const { return stride / 4; }
  int rows() const { return size.height + size.height / 2; }
  size_t bytes() const { return size_t(stride) * rows(); }

  void allocate(const gl::Owner& owner);
  bool passes(const Scene& scene, const Compositor::Parts::Look& look) const;
  bool same_colours(const frames::Frame& frame) const;
  void convert(Painter& painter, gl::Texture& from, const gl::Framebuffer& to,
               const std::vector<gl::PixelRect>& areas);
  const Packed& packed_frame(Painter& painter, const frames::FramePtr& frame);
  LayerPlanes& layer_planes(Compositor::Parts& parts);
  void place_frame(Painter& painter, const Cell& cell, const frames::FramePtr& frame, Slot& slot);
  void copy_planes(Painter& painter, LayerPlanes& layer, const std::vector<gl::PixelRect>& areas);
  void mix(Painter& painter, LayerPlanes& layer);
  void pass_planes(Compositor::Parts& parts, const Scene& scene,
                   const Compositor::Parts::Look& look, Slot& slot);
  void draw_picture(Compositor::Parts& parts, const Scene& scene,
                    const Compositor::Parts::Look& look, Slot& slot);
  frames::FramePtr collect(Slot& slot);
};

void VideoOutput::State::allocate(const gl::Owner& owner) {
  if (slots[0].packed.texture) return;
  software = gl::is_software_renderer();
  for (Slot& slot : slots) {
    allocate_packed(owner, slot.packed, texels(), rows());
    if (!software) slot.buffer = gl::PixelBuffer(owner, bytes());
  }
}

bool VideoOutput::State::same_colours(const frames::Frame& frame) const {
  return frame.layout == frames::Layout::yuv420 && frame.site == frames::ChromaSite::left &&
         frame.matrix == matrix && frame.range == range;
}

/// Whether every frame lies 1:1 on whole texels of the output.
bool VideoOutput::State::passes(const Scene& scene, const Compositor::Parts::Look& look) const {
  const auto& cells = look.arrangement.cells;
  if (scene.layout == Layout::difference && scene.panes.size() > 1) return false;
  const auto& parts = compositor.parts();
  for (const Cell& cell : cells) {
    const auto frame = parts.frame_of(cell.pane);
    if (!frame) continue;  // the layer covers it
    if (scene.layout == Layout::wipe && frame != parts.frame_of(cells.front().pane)) return false;
    const Mapping& m = cell.mapping;
    const bool whole = m.scale == 1 && m.left >= cell.rect.x && m.top >= cell.rect.y &&
                       m.left + frame->width <= cell.rect.x + cell.rect.width &&
                       m.top + frame->height <= cell.rect.y + cell.rect.height;
    if (!whole || std::fmod(m.left, 8) != 0 || std::fmod(m.top, 2) != 0) return false;
  }
  return true;
}

/// Converts areas (pixels) of an RGB picture, its alpha into the second attachment.
void VideoOutput::State::convert(Painter& painter, gl::Texture& from, const gl::Framebuffer& to,
                                 const std::vector<gl::PixelRect>& areas) {
  const Affine affine = rgb_to_yuv(matrix, range);
  const auto planes = plane_areas(texels(), size.height);
  for (int i = 0; i < 3; ++i) {
    const bool chroma = i > 0;
    gl::Program& program = painter.program(chroma ? "convert chroma" : "convert luma", [&] {
      return std::string(chroma ? "#define CHROMA 1\n" : "") + kPicture + kConvert;
    });
    program.use();
    program.set_texture("u_picture", 0, from, chroma ? gl::Filter::linear : gl::Filter::nearest);
    program.set("u_picture_texel", 1.F / static_cast<float>(from.width()),
                1.F / static_cast<float>(from.height()));
    program.set("u_weights", affine.matrix[i * 3], affine.matrix[i * 3 + 1],
                affine.matrix[i * 3 + 2], affine.offset[i]);
    const PlaneArea& p = planes[i];
    program.set("u_from", static_cast<float>(p.x), static_cast<float>(p.y));
    std::vector<gl::PixelRect> texel_areas;
    for (const gl::PixelRect& area : areas) {
      // Chroma reaches one pixel to either side; whole texels are written.
      const int x0 = std::max(0, area.x - 2) / 8 * 8, y0 = area.y / 2 * 2;
      const int x1 = std::min(stride, (area.x + area.width + 2 + 7) / 8 * 8);
      const int y1 = std::min(size.height, (area.y + area.height + 1) / 2 * 2);
      texel_areas.push_back(
          {p.x + x0 / p.columns, p.y + y0 / p.rows, (x1 - x0) / p.columns, (y1 - y0) / p.rows});
    }
    to.bind();
    painter.rects.draw(painter.owner, texels(), rows(), texel_areas);
  }
}

const Packed& VideoOutput::State::packed_frame(Painter& painter, const frames::FramePtr& frame) {
  Converted* entry = &converted[0];
  ++clock;
  for (Converted& one : converted) {
    if (one.frame == frame) {
      one.used = clock;
      return one.packed;
    }
    if (one.used < entry->used) entry = &one;
  }
  entry->frame = frame;
  entry->used = clock;
  const int width = (frame->width + 7) / 8 * 2, chroma_rows = (frame->height + 1) / 2;
  allocate_packed(painter.owner, entry->packed, width, frame->height + chroma_rows);
  if (same_colours(*frame)) {
    gl::Texture& wide = painter.frames.packed(painter.owner, frame);
    gl::Program& program = painter.program("narrow", [] { return std::string(kNarrow); });
    program.use();
    program.set_texture("u_frame", 0, wide, gl::Filter::nearest);
    program.set("u_texel", 1.F / static_cast<float>(wide.width()),
                1.F / static_cast<float>(wide.height()));
    program.set("u_gain", to_8_bits(range, frame->depth));
    entry->packed.framebuffer.bind();
    painter.rects.draw(painter.owner, {0, 0, wide.width(), wide.height()});
    return entry->packed;
  }
  const Affine affine = rgb_to_yuv(matrix, range);
  const auto planes = plane_areas(width, frame->height);
  const Planes kind = planes_of(*frame);
  for (int i = 0; i < 3; ++i) {
    const bool chroma = i > 0;
    const Sampling sampling = chroma ? Sampling::linear : Sampling::nearest;
    gl::Program& program = painter.program(
        (chroma ? "frame chroma " : "frame luma ") + std::to_string(int(kind)), [&] {
          return (chroma ? "#define CHROMA 1\n" : "") + frame_glsl("live", kind, sampling, false) +
                 kFrame + kConvert;
        });
    program.use();
    painter.frames.bind(painter.owner, program, "live", 0, frame, filter_for(sampling));
    set_frame_uniforms(program, "live", *frame, 1);
    program.set("u_weights", affine.matrix[i * 3], affine.matrix[i * 3 + 1],
                affine.matrix[i * 3 + 2], affine.offset[i]);
    const PlaneArea& p = planes[i];
    program.set("u_from", static_cast<float>(p.x), static_cast<float>(p.y));
    entry->packed.framebuffer.bind();
    painter.rects.draw(painter.owner, {p.x, p.y, chroma ? width / 2 : width,
                                       chroma ? chroma_rows : frame->height});
  }
  return entry->packed;
}

VideoOutput::State::LayerPlanes& VideoOutput::State::layer_planes(Compositor::Parts& parts) {
  LayerPlanes& planes = layers[parts.current];
  StaticLayer& layer = parts.layer();
  if (!planes.plane) {
    for (gl::Texture* texture : {&planes.plane, &planes.through}) {
      *texture = gl::Texture(parts.painter.owner, gl::Format::rgba8, texels(), rows(),
                             gl::Filter::nearest);
    }
    planes.framebuffer = gl::Framebuffer(parts.painter.owner, {&planes.plane, &planes.through});
    planes.version = 0;
  }
  if (planes.version != layer.version()) {
    const bool follows = planes.version + 1 == layer.version() && !layer.painted().empty();
    convert(
        parts.painter, layer.texture(), planes.framebuffer,
        follows ? layer.painted() : std::vector<gl::PixelRect>{{0, 0, size.width, size.height}});
    planes.version = layer.version();
    const Coverage coverage = layer.coverage();
    const auto areas = plane_areas(texels(), size.height);
    planes.margins.clear();
    planes.opaque.clear();
    planes.mixed.clear();
    planes.dimmed_luma.clear();
    planes.dimmed_chroma.clear();
    planes.dim = coverage.dim;
    for (int i = 0; i < 3; ++i) {
      const auto add = [&](std::vector<gl::PixelRect>& to, const gl::PixelRect& r) {
        const PlaneArea& p = areas[i];
        const int width = (r.width + p.columns - 1) / p.columns;
        to.push_back({p.x + r.x / p.columns, p.y + r.y / p.rows, width, r.height / p.rows});
      };
      for (const gl::PixelRect& area : coverage.margins)
        add(planes.margins, area);
      for (const gl::PixelRect& area : coverage.opaque)
        add(planes.opaque, area);
      for (const gl::PixelRect& area : coverage.mixed)
        add(planes.mixed, area);
      for (const gl::PixelRect& area : coverage.dimmed)
        add(i == 0 ? planes.dimmed_luma : planes.dimmed_chroma, area);
    }
  }
  return planes;
}

/// Puts the frame's samples into the output as they are.
void VideoOutput::State::place_frame(Painter& painter, const Cell& cell,
                                     const frames::FramePtr& frame, Slot& slot) {
  const int left = static_cast<int>(cell.mapping.left), top = static_cast<int>(cell.mapping.top);
  const auto planes = plane_areas(texels(), size.height);
  std::array<int, 3> x{}, y{};
  for (int i = 0; i < 3; ++i) {
    x[i] = planes[i].x + left / planes[i].columns;
    y[i] = planes[i].y + top / planes[i].rows;
  }
  if (same_colours(*frame) && frame->depth == 8) {
    upload_packed(slot.packed.texture, *frame, x, y);
    return;
  }
  const Packed& packed = packed_frame(painter, frame);
  glBindFramebuffer(GL_READ_FRAMEBUFFER, packed.framebuffer.id());
  slot.packed.framebuffer.bind();
  const int half = (frame->width + 7) / 8;
  for (int i = 0; i < 3; ++i) {
    const int from_x = i == 2 ? half : 0, from_y = i == 0 ? 0 : frame->height;
    const int width = i == 0 ? (frame->width + 3) / 4 : half;
    const int height = i == 0 ? frame->height : (frame->height + 1) / 2;
    glBlitFramebuffer(from_x, from_y, from_x + width, from_y + height, x[i], y[i], x[i] + width,
                      y[i] + height, GL_COLOR_BUFFER_BIT, GL_NEAREST);
  }
}

/// Copies the layer, where no frame shows.
void VideoOutput::State::copy_planes(Painter& painter, LayerPlanes& layer,
                                     const std::vector<gl::PixelRect>& areas) {
  if (areas.empty()) return;
  gl::Program& program = painter.program("copy planes", [] { return std::string(kCopyPlanes); });
  program.use();
  program.set_texture("u_plane", 1, layer.plane);
  program.set("u_texel", 1.F / static_cast<float>(texels()), 1.F / static_cast<float>(rows()));
  painter.rects.draw(painter.owner, texels(), rows(), areas);
}

/// Blends the layer over the frames where it shows.
void VideoOutput::State::mix(Painter& painter, LayerPlanes& layer) {
  glEnable(GL_BLEND);
  if (!layer.dimmed_luma.empty() && layer.dim > 0) {
    // The layer's planes hold the same values, rounded to 8 bits, wherever it is plain black.
    const float alpha = std::round(layer.dim * 255) / 255;
    const Affine affine = rgb_to_yuv(matrix, range);
    glBlendColor(1 - alpha, 1 - alpha, 1 - alpha, 1 - alpha);
    glBlendFunc(GL_ONE, GL_CONSTANT_COLOR);
    gl::Program& program = painter.program("constant", [] { return std::string(kConstant); });
    program.use();
    program.set("u_value", alpha * affine.offset[0]);
    painter.rects.draw(painter.owner, texels(), rows(), layer.dimmed_luma);
    program.set("u_value", alpha * affine.offset[1]);
    painter.rects.draw(painter.owner, texels(), rows(), layer.dimmed_chroma);
  }
  if (!layer.mixed.empty()) {
    glBlendFunc(GL_ONE, GL_SRC1_COLOR);
    gl::Program& program = painter.program("mix", [] { return std::string(kMix); });
    program.use();
    program.set_texture("u_plane", 1, layer.plane);
    program.set_texture("u_through", 2, layer.through);
    program.set("u_texel", 1.F / static_cast<float>(texels()), 1.F / static_cast<float>(rows()));
    painter.rects.draw(painter.owner, texels(), rows(), layer.mixed);
  }
  glDisable(GL_BLEND);
}

void VideoOutput::State::pass_planes(Compositor::Parts& parts, const Scene& scene,
                                     const Compositor::Parts::Look& look, Slot& slot) {
  Painter& painter = parts.painter;
  LayerPlanes& layer = layer_planes(parts);
  slot.packed.framebuffer.bind();
  const uint64_t full = parts.layer().full_version();
  if (slot.margins != &layer || slot.margins_version != full) {
    copy_planes(painter, layer, layer.margins);
    slot.margins = &layer;
    slot.margins_version = full;
  }
  for (const Cell& cell : look.arrangement.cells) {
    if (const auto frame = parts.frame_of(cell.pane)) place_frame(painter, cell, frame, slot);
    if (scene.layout == Layout::wipe) break;  // both panes show the same frame
  }
  slot.packed.framebuffer.bind();
  copy_planes(painter, layer, layer.opaque);
  mix(painter, layer);
}

void VideoOutput::State::draw_picture(Compositor::Parts& parts, const Scene& scene,
                                      const Compositor::Parts::Look& look, Slot& slot) {
  allocate_packed(parts.painter.owner, picture, size.width, size.height);
  parts.blend(scene, look, {picture.framebuffer.id(), 0, 0, size.height, false});
  convert(parts.painter, picture.texture, slot.packed.framebuffer,
          {{0, 0, size.width, size.height}});
  slot.margins = nullptr;
}

frames::FramePtr VideoOutput::State::collect(Slot& slot) {
  if (!slot.pending) return nullptr;
  slot.pending = false;
  auto memory = pool->take();
  if (software) {
    gl::read_pixels(slot.packed.framebuffer, texels(), rows(), 4, memory.get());
  } else {
    slot.buffer.finish(memory.get(), bytes());
  }
  auto frame = std::make_shared<frames::Frame>();
  frame->width = size.width;
  frame->height = size.height;
  frame->layout = frames::Layout::yuv420;
  frame->matrix = matrix;
  frame->range = range;
  frame->site = frames::ChromaSite::left;
  frame->index = slot.index;
  frame->time = slot.time;
  const uint8_t* bytes = memory.get();
  const uint8_t* chroma = bytes + size_t(stride) * size.height;
  frame->planes[0] = {bytes, stride, size.width, size.height};
  frame->planes[1] = {chroma, stride, size.width / 2, size.height / 2};
  frame->planes[2] = {chroma + stride / 2, stride, size.width / 2, size.height / 2};
  frame->storage = std::move(memory);
  return frame;
}

VideoOutput::VideoOutput(Compositor& compositor, Size size, frames::Matrix matrix,
                         frames::Range range)
    : state_(std::make_unique<State>(compositor, size, matrix, range)) {
  if (size.empty() || size.width % 2 != 0 || size.height % 2 != 0) {
    throw bad_input("video size",
                    std::to_string(size.width) + "x" + std::to_string(size.height) + " is not even",
                    "4:2:0 video needs even sizes");
  }
  state_->pool = std::make_shared<Pool>(state_->bytes());
}

VideoOutput::~VideoOutput() = default;

frames::FramePtr VideoOutput::push(const Scene& scene, int64_t index, double time) {
  State& s = *state_;
  Compositor::Parts& parts = s.compositor.parts();
  const gl::StateGuard guard;
  s.allocate(parts.painter.owner);
  State::Slot& slot = s.slots[s.next];
  const Compositor::Parts::Look look = parts.look(scene, s.size, {}, 0);
  parts.update_layers(scene, look);
  if (s.passes(scene, look)) {
    s.pass_planes(parts, scene, look, slot);
  } else {
    s.draw_picture(parts, scene, look, slot);
  }
  slot.index = index;
  slot.time = time;
  slot.pending = true;
  if (!s.software) slot.buffer.start(slot.packed.framebuffer, s.texels(), s.rows());
  glFlush();
  s.next ^= 1;
  return s.collect(s.slots[s.next]);
}

frames::FramePtr VideoOutput::finish() {
  const gl::StateGuard guard;
  return state_->collect(state_->slots[state_->next ^ 1]);
}

}  // namespace looktwice::compose
