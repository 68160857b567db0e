#include "compose/static_layer.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "compose/frame_glsl.h"
#include "compose/painter.h"
#include "gl/gl.h"
#include "overlay/palette.h"
#include "timeline/draw.h"

namespace looktwice::compose {
namespace {

const char* const kMain = R"(
uniform vec2 u_origin;       // of the frame, output pixels
uniform vec2 u_frame_size;
uniform vec3 u_background;
out vec4 o_color;
void main() {
  vec2 position = gl_FragCoord.xy - u_origin;
  vec2 p = position / u_scale;
  if (any(lessThan(p, vec2(0.0))) || any(greaterThanEqual(p, u_frame_size))) {
    o_color = vec4(u_background, 1.0);
    return;
  }
  vec4 color = vec4(0.0);
#ifdef FROZEN
  Token token = token_at(p);
  if (token.inside && token.head >= 0) {
    head_layer = token.head;
    color = vec4(head_color(p), 1.0);
  }
#endif
  o_color = marks(color, p, position);
}
)";

overlay::Box box_of(const Rect& r) {
  return {static_cast<float>(r.x), static_cast<float>(r.y), static_cast<float>(r.width),
          static_cast<float>(r.height)};
}

gl::PixelRect pixels_of(const Rect& r) {
  return {static_cast<int>(r.x), static_cast<int>(r.y), static_cast<int>(r.width),
          static_cast<int>(r.height)};
}

gl::PixelRect around(const overlay::Box& b) {
  const int x = static_cast<int>(std::floor(b.x)), y = static_cast<int>(std::floor(b.y));
  return {x, y, static_cast<int>(std::ceil(b.x + b.width)) - x,
          static_cast<int>(std::ceil(b.y + b.height)) - y};
}

gl::PixelRect common(const gl::PixelRect& a, const gl::PixelRect& b) {
  const int x = std::max(a.x, b.x), y = std::max(a.y, b.y);
  return {x, y, std::max(0, std::min(a.x + a.width, b.x + b.width) - x),
          std::max(0, std::min(a.y + a.height, b.y + b.height) - y)};
}
bool touch(const gl::PixelRect& a, const gl::PixelRect& b) {
  const gl::PixelRect both = common(a, b);
  return both.width > 0 && both.height > 0;
}

bool same_but_cells(const LayerCauses& a, const LayerCauses& b) {
  return a.size == b.size && a.pixel == b.pixel && a.text_size == b.text_size &&
         a.legend == b.legend && a.legend_area == b.legend_area &&
         a.legend_strip == b.legend_strip && a.wipe_line == b.wipe_line &&
         a.timeline == b.timeline && a.timeline_area == b.timeline_area &&
         a.timeline_text == b.timeline_text && a.cells.size() == b.cells.size();
}

/// Equal but for what happened to the tokens, and the title.
bool same_place(const CellCauses& a, const CellCauses& b) {
  return a.cell.pane == b.cell.pane && a.cell.rect == b.cell.rect && a.cell.clip == b.cell.clip &&
         a.cell.mapping == b.cell.mapping && a.has_frame == b.has_frame && a.frame == b.frame &&
         a.frozen == b.frozen && a.marks == b.marks && a.style == b.style &&
         a.title_right == b.title_right;
}

bool same_grid(const trace::ClipTrace& a, const trace::ClipTrace& b) {
  return a.h == b.h && a.w == b.w && a.crop_x == b.crop_x && a.crop_y == b.crop_y &&
         a.crop_width == b.crop_width && a.crop_height == b.crop_height && a.has_rlt == b.has_rlt;
}

struct TextSizes {
  float em, margin, pad, plate, radius;  ///< plate: its height
  explicit TextSizes(int size)
      : em(static_cast<float>(size)),
        margin(std::round(0.6F * em)),
        pad(std::round(0.6F * em)),
        plate(std::round(1.75F * em)),
        radius(std::round(0.35F * em)) {}
};

overlay::Box text_area(const CellCauses& c, float em) {
  return box_of(c.has_frame ? picture_area(c.cell, c.frame, 8.0 * em) : c.cell.clip);
}

/// Output pixels of tokens [row][first, last] in the cell.
gl::PixelRect token_pixels(const CellCauses& c, int row, int first, int last) {
  const trace::ClipTrace& clip = *c.clip;
  const auto x = [&](int column) { return clip.crop_x + clip.crop_width * column / clip.w; };
  const auto y = [&](int r) { return clip.crop_y + clip.crop_height * r / clip.h; };
  const Point a = c.cell.mapping.to_output({x(first), y(row)});
  const Point b = c.cell.mapping.to_output({x(last + 1), y(row + 1)});
  const Rect& area = c.cell.clip;
  // A pixel more on every side: rounding in the shader may differ.
  const double x0 = std::max(area.x, std::floor(a.x) - 1);
  const double y0 = std::max(area.y, std::floor(a.y) - 1);
  const double x1 = std::min(area.x + area.width, std::ceil(b.x) + 1);
  const double y1 = std::min(area.y + area.height, std::ceil(b.y) + 1);
  return {static_cast<int>(x0), static_cast<int>(y0), static_cast<int>(std::max(0.0, x1 - x0)),
          static_cast<int>(std::max(0.0, y1 - y0))};
}

}  // namespace

bool CellCauses::operator==(const CellCauses& o) const {
  return same_place(*this, o) && clip == o.clip && moment == o.moment && merged == o.merged &&
         pixels == o.pixels && heads == o.heads && title == o.title;
}

Rect picture_area(const Cell& cell, Size frame, double least) {
  const Rect& clip = cell.clip;
  const Mapping& m = cell.mapping;
  const double x0 = std::max(clip.x, m.left), y0 = std::max(clip.y, m.top);
  const double x1 = std::min(clip.x + clip.width, m.left + frame.width * m.scale);
  const double y1 = std::min(clip.y + clip.height, m.top + frame.height * m.scale);
  if (x1 - x0 < least || y1 - y0 < least) return clip;
  return {std::round(x0), std::round(y0), std::floor(x1 - x0), std::floor(y1 - y0)};
}

std::optional<std::vector<gl::PixelRect>> StaticLayer::changed_tokens(
    const CellCauses& now, const CellCauses& before, const Tokens& tokens,
    const Tokens& tokens_before) const {
  if (!same_place(now, before) || !now.clip || !before.clip ||
      !same_grid(*now.clip, *before.clip) || tokens.texels.size() != tokens_before.texels.size() ||
      tokens.groups.size() != tokens_before.groups.size()) {
    return std::nullopt;
  }
  std::vector<gl::PixelRect> areas;
  if (tokens.texels.empty()) return areas;
  const int h = now.clip->h, w = now.clip->w;
  const auto changed = [&](int row, int column) {
    const size_t at = size_t(row) * w + column;
    const overlay::TokenTexel &a = tokens.texels[at], &b = tokens_before.texels[at];
    return a.flags != b.flags || a.run != b.run || a.difference != b.difference ||
           tokens.frozen[at] != tokens_before.frozen[at] ||
           (!tokens.groups.empty() && tokens.groups[at] != tokens_before.groups[at]);
  };
  for (int row = 0; row < h; ++row) {
    for (int column = 0; column < w; ++column) {
      const int first = column;
      while (column < w && changed(row, column))
        ++column;
      if (column > first) areas.push_back(token_pixels(now, row, first, column - 1));
    }
  }
  return areas;
}

void StaticLayer::update(Painter& painter, const LayerCauses& causes) {
  painted_.clear();
  bool all = !texture_ || !last_ || !same_but_cells(*last_, causes);
  if (!texture_ || texture_.width() != causes.size.width ||
      texture_.height() != causes.size.height) {
    framebuffer_ = {};
    texture_ = gl::Texture(painter.owner, gl::Format::rgba8, causes.size.width, causes.size.height,
                           gl::Filter::nearest);
    framebuffer_ = gl::Framebuffer(painter.owner, {&texture_});
    all = true;
  }
  const size_t cells = causes.cells.size();
  for (size_t i = 0; !all && i < cells; ++i)
    all = causes.cells[i].has_frame != last_->cells[i].has_frame;
  if (all) tokens_.assign(cells, {});

  std::vector<std::vector<gl::PixelRect>> areas(cells);
  std::vector<int> renamed;
  bool any = all;
  for (size_t i = 0; i < cells; ++i) {
    const CellCauses& now = causes.cells[i];
    if (!all && now == last_->cells[i]) continue;
    Tokens tokens = tokens_of(painter, now);
    const auto changed =
        all ? std::nullopt : changed_tokens(now, last_->cells[i], tokens, tokens_[i]);
    areas[i] = changed ? *changed : std::vector<gl::PixelRect>{pixels_of(now.cell.clip)};
    tokens_[i] = std::move(tokens);
    if (!all && now.title != last_->cells[i].title) renamed.push_back(static_cast<int>(i));
    any = any || !areas[i].empty() || !renamed.empty();
  }
  if (any) {
    std::vector<Inked> inked = lay_text(painter, causes);
    std::vector<gl::PixelRect> ink;
    if (all) {
      ink = painted_ = {{0, 0, causes.size.width, causes.size.height}};
    } else {
      // Text that a painted area touches, or that changed, is painted anew with all under it.
      std::vector<gl::PixelRect> pending;
      const auto has = [&](const Inked& text) {
        return std::find(renamed.begin(), renamed.end(), text.cell) != renamed.end();
      };
      for (const Inked& text : inked_)
        if (has(text)) pending.push_back(text.area);
      for (const Inked& text : inked)
        if (has(text)) ink.push_back(text.area);
      pending.insert(pending.end(), ink.begin(), ink.end());
      for (const auto& list : areas)
        pending.insert(pending.end(), list.begin(), list.end());
      std::vector<bool> taken(inked.size());
      for (size_t i = 0; i < inked.size(); ++i)
        taken[i] = has(inked[i]);
      for (size_t at = 0; at < pending.size(); ++at) {
        for (size_t i = 0; i < inked.size(); ++i) {
          if (taken[i] || !touch(pending[at], inked[i].area)) continue;
          taken[i] = true;
          ink.push_back(inked[i].area);
          pending.push_back(inked[i].area);
        }
      }
      for (const gl::PixelRect& area : ink)
        painted_.push_back(area);
      for (const Inked& text : inked_)
        if (has(text)) painted_.push_back(text.area);
      for (size_t i = 0; i < cells; ++i) {
        const gl::PixelRect cell = pixels_of(causes.cells[i].cell.clip);
        for (const gl::PixelRect& area : painted_)
          if (touch(area, cell)) areas[i].push_back(common(area, cell));
      }
      for (const auto& list : areas)
        painted_.insert(painted_.end(), list.begin(), list.end());
    }
    framebuffer_.bind();
    if (all) {
      const overlay::Color& c = overlay::colors::background;
      glClearColor(c.r, c.g, c.b, 1);
      glClear(GL_COLOR_BUFFER_BIT);
    }
    for (size_t i = 0; i < cells; ++i) {
      if (causes.cells[i].has_frame && !areas[i].empty()) {
        paint_cell(painter, causes.cells[i], tokens_[i], causes.pixel, areas[i]);
      }
    }
    framebuffer_.bind();
    std::vector<overlay::Box> clips;
    for (const gl::PixelRect& area : ink)
      clips.push_back({float(area.x), float(area.y), float(area.width), float(area.height)});
    painter.canvas.draw(painter.owner, causes.size.width, causes.size.height, painter.font, clips);
    inked_ = std::move(inked);
    ++version_;
    if (all) full_version_ = version_;
  }
  last_ = causes;
}

StaticLayer::Tokens StaticLayer::tokens_of(Painter& painter, const CellCauses& c) const {
  Tokens tokens;
  if (!c.clip || !c.moment) return tokens;
  std::vector<int> layers;
  if (c.frozen && c.heads_like) {
    // The heads' frames, uploaded where they are not there yet.
    painter.heads.prepare(painter.owner, *c.heads_like,
                          std::max(c.clip->t * std::clamp(c.clip->tubelet, 1, 4), 1));
    for (const frames::FramePtr& head : c.heads)
      layers.push_back(head ? painter.heads.layer_of(head) : -1);
  }
  overlay::Style style = c.style;
  if (!c.marks) style.rlt.visible = style.difference.visible = false;
  tokens.texels = overlay::token_texels(*c.clip, *c.moment, style, layers);
  const std::vector<int> heads = overlay::run_heads(*c.clip, c.moment->tubelet);
  tokens.frozen.resize(tokens.texels.size());
  if (c.marks && c.merged) {
    tokens::ClipView view;
    if (c.pixels) view = {c.pixels->rgb.data(), c.pixels->T, c.pixels->H, c.pixels->W};
    const int layer = overlay::merge_layer(c.style.merges, *c.merged);
    if (const auto picture = painter.merges.get(c.merged, layer, c.pixels, view))
      tokens.groups = overlay::group_texels(*picture, *c.merged, c.moment->tubelet, c.style);
  }
  for (size_t i = 0; i < tokens.texels.size(); ++i)
    if (tokens.texels[i].head != 0) tokens.frozen[i] = c.heads[heads[i]].get();
  return tokens;
}

void StaticLayer::paint_cell(Painter& painter, const CellCauses& c, const Tokens& tokens,
                             double pixel, const std::vector<gl::PixelRect>& areas) {
  const bool frozen = c.frozen && c.clip && c.heads_like && painter.heads.ready();
  const Planes planes = frozen ? planes_of(*c.heads_like) : Planes::yuv;
  const Sampling sampling = sampling_for(c.cell.mapping.scale);
  const overlay::Layers layers =
      c.marks && !tokens.texels.empty()
          ? overlay::layers_of(c.style, c.clip.get(),
                               tokens.groups.empty() ? nullptr : c.merged.get(), c.frame.width,
                               c.frame.height)
          : overlay::Layers{};
  const auto fragment = [&] {
    std::string text;
    if (frozen) text += "#define FROZEN 1\n" + frame_glsl("head", planes, sampling, true);
    return text + overlay::marks_glsl(c.style, layers) + kMain;
  };
  std::string name = "layer";
  for (const bool on :
       {layers.crop, layers.difference, layers.grid, layers.rlt, layers.merges, layers.sizes})
    name += on ? '1' : '0';
  if (layers.merges) name += 'm' + std::to_string(int(c.style.merges.view));
  if (layers.rlt)
    name += std::to_string(int(c.style.rlt.pruned)) + (c.style.rlt.outline_kept ? "o" : "");
  if (frozen) name += " frozen " + std::to_string(int(planes)) + std::to_string(int(sampling));
  gl::Program& program = painter.program(name, fragment);
  program.use();
  overlay::MarksPlace place;
  place.scale = c.cell.mapping.scale;
  place.frame_width = c.frame.width;
  place.frame_height = c.frame.height;
  place.pixel = pixel;
  painter.marks.apply(program, painter.owner, c.clip.get(), tokens.texels, tokens.groups, c.style,
                      place);
  if (frozen) {
    painter.heads.bind(program, "head", 8, filter_for(sampling));
    set_frame_uniforms(program, "head", *c.heads_like, c.cell.mapping.scale);
  }
  program.set("u_origin", static_cast<float>(c.cell.mapping.left),
              static_cast<float>(c.cell.mapping.top));
  program.set("u_frame_size", static_cast<float>(c.frame.width),
              static_cast<float>(c.frame.height));
  const overlay::Color& bg = overlay::colors::background;
  program.set("u_background", bg.r, bg.g, bg.b);
  framebuffer_.bind();
  painter.rects.draw(painter.owner, texture_.width(), texture_.height(), areas);
}

std::vector<StaticLayer::Inked> StaticLayer::lay_text(Painter& painter,
                                                      const LayerCauses& causes) const {
  overlay::Canvas& canvas = painter.canvas;
  overlay::Font& font = painter.font;
  const int size = causes.text_size;
  const TextSizes t(size);
  const overlay::Color plate = overlay::colors::plate.with_alpha(0.78F);
  std::vector<Inked> inked;
  for (size_t i = 0; i < causes.cells.size(); ++i) {
    const CellCauses& c = causes.cells[i];
    // Titles and legend lie on the picture, not on the margins around it.
    const overlay::Box box = text_area(c, t.em);
    const float room = box.width - 2 * t.margin - 2 * t.pad;
    const std::string title = room < 2 * t.em || box.height < t.plate + 2 * t.margin
                                  ? ""
                                  : font.fitted(c.title, size, room);
    if (!title.empty()) {
      const float width = std::ceil(font.width(title, size)) + 2 * t.pad;
      const float x = c.title_right ? box.x + box.width - t.margin - width : box.x + t.margin;
      const overlay::Box place{x, box.y + t.margin, width, t.plate};
      inked.push_back({around(place), static_cast<int>(i)});
      canvas.rectangle(place, plate, t.radius);
      canvas.text(x + t.pad,
                  box.y + t.margin + (t.plate + font.ascent(size) - font.descent(size)) / 2, title,
                  size, overlay::colors::text, font);
    }
    if (!c.has_frame) {
      const std::string text = font.fitted("no picture yet", size, box.width);
      inked.push_back({around(box), -1});
      canvas.text(box.x + (box.width - font.width(text, size)) / 2, box.y + box.height / 2, text,
                  size, overlay::colors::text.with_alpha(0.7F), font);
    }
  }
  if (causes.wipe_line) {
    const overlay::Box line = box_of(*causes.wipe_line);
    const float half = std::max(1.F, std::round(static_cast<float>(causes.pixel)));
    const overlay::Box dark{line.x - 2 * half, line.y, 4 * half, line.height};
    inked.push_back({around(dark), -1});
    canvas.rectangle(dark, overlay::colors::casing.with_alpha(0.75F));
    canvas.rectangle({line.x - half, line.y, 2 * half, line.height}, overlay::colors::white);
  }
  if (causes.timeline) {
    const overlay::Box area = box_of(causes.timeline_area);
    inked.push_back({around(area), -1});
    const auto layout = timeline::lay_out(*causes.timeline, area.x, area.y, area.width,
                                          causes.timeline_text, font, area.height);
    timeline::draw(canvas, *causes.timeline, layout, timeline::dark_style(), font);
  }
  if (!causes.legend.empty()) {
    const overlay::Box area = box_of(causes.legend_area);
    const bool strip = causes.legend_strip;
    const auto layout = overlay::lay_out_legend(causes.legend, area.width, strip, size, font);
    float x = area.x, y = area.y + std::floor((area.height - layout.height) / 2);
    if (strip) {
      inked.push_back({around(area), -1});
    } else {
      x += t.margin;
      y = area.y + area.height - t.margin - layout.height;
      const overlay::Box place{x, y, layout.width, layout.height};
      inked.push_back({around(place), -1});
      canvas.rectangle(place, plate, t.radius);
    }
    overlay::draw_legend(canvas, causes.legend, layout, x, y, font);
  }
  return inked;
}

void StaticLayer::release() {
  framebuffer_ = {};
  texture_ = {};
  last_.reset();
  tokens_.clear();
  inked_.clear();
  painted_.clear();
}

}  // namespace looktwice::compose
