// Which parts of the picture a frame passes untouched, so that they need no drawing.

#include <algorithm>
#include <cmath>

#include "compose/static_layer.h"
#include "overlay/layers.h"

namespace looktwice::compose {
namespace {

// Whole texels of four samples in every plane, and whole 4x4 blocks of software renderers.
constexpr int kTileWidth = 32, kTileHeight = 16;

enum class Touch : uint8_t { none, margin, dimmed, opaque, mixed };

bool inside(const gl::PixelRect& r, double x0, double y0, double x1, double y1) {
  return r.x >= x0 && r.y >= y0 && r.x + r.width <= x1 && r.y + r.height <= y1;
}

bool apart(const gl::PixelRect& r, double x0, double y0, double x1, double y1) {
  return r.x >= x1 || r.y >= y1 || r.x + r.width <= x0 || r.y + r.height <= y0;
}

/// Whether the marks or frozen pixels of a token change the frame at all.
bool token_shows(const CellCauses& c, const overlay::TokenTexel& texel, bool grouped) {
  if (texel.head != 0 || grouped) return true;
  if (!c.marks) return false;
  const overlay::Style& style = c.style;
  if (style.grid.visible || (style.difference.visible && texel.difference != 0)) return true;
  if (!style.rlt.visible || !c.clip->has_rlt) return false;
  const bool kept = (texel.flags & overlay::kKept) != 0;
  if (!kept && style.rlt.pruned != overlay::PrunedStyle::none) return true;
  return style.rlt.outline_kept && (texel.flags & ~overlay::kKept) != 0;
}

Touch touch_of(const CellCauses& c, const std::vector<overlay::TokenTexel>& texels,
               const std::vector<overlay::GroupTexel>& groups, gl::PixelRect tile, double pixel) {
  if (!c.clip || !(c.clip->crop_width > 0) || !(c.clip->crop_height > 0)) return Touch::none;
  // Chroma reaches beyond its tile.
  tile = {tile.x - 2, tile.y - 2, tile.width + 4, tile.height + 4};
  const trace::ClipTrace& clip = *c.clip;
  const Point a = c.cell.mapping.to_output({clip.crop_x, clip.crop_y});
  const Point b =
      c.cell.mapping.to_output({clip.crop_x + clip.crop_width, clip.crop_y + clip.crop_height});
  if (c.marks && overlay::crop_shows(c.style.crop, c.clip.get(), c.frame.width, c.frame.height)) {
    const double line = 2 * std::max(1.0, std::round(pixel)) + 2;
    if (apart(tile, a.x - line, a.y - line, b.x + line, b.y + line)) return Touch::dimmed;
    if (!inside(tile, a.x, a.y, b.x, b.y)) return Touch::mixed;
  } else if (apart(tile, a.x, a.y, b.x, b.y)) {
    return Touch::none;
  }
  if (texels.empty()) return Touch::none;
  const auto column = [&](double x) {
    return std::clamp(static_cast<int>(std::floor((x - a.x) / (b.x - a.x) * clip.w)), 0,
                      clip.w - 1);
  };
  const auto row = [&](double y) {
    return std::clamp(static_cast<int>(std::floor((y - a.y) / (b.y - a.y) * clip.h)), 0,
                      clip.h - 1);
  };
  bool any = false, all_frozen = inside(tile, a.x, a.y, b.x, b.y);
  const overlay::Style& style = c.style;
  if (c.marks &&
      (style.rlt.visible || style.difference.visible || style.grid.visible || !groups.empty())) {
    all_frozen = false;
  }
  for (int i = row(tile.y); i <= row(tile.y + tile.height); ++i) {
    for (int k = column(tile.x); k <= column(tile.x + tile.width); ++k) {
      const size_t at = size_t(i) * clip.w + k;
      const overlay::TokenTexel& texel = texels[at];
      any = any || token_shows(c, texel, !groups.empty() && groups[at].inside != 0);
      all_frozen = all_frozen && texel.head != 0;
    }
  }
  return all_frozen ? Touch::opaque : any ? Touch::mixed : Touch::none;
}

/// Tiles of one kind as few large areas: each grows to the right, then down.
std::vector<gl::PixelRect> joined(std::vector<Touch> tiles, int columns, int rows, Touch kind,
                                  Size size) {
  std::vector<gl::PixelRect> areas;
  const auto at = [&](int column, int row) -> Touch& {
    return tiles[size_t(row) * columns + column];
  };
  for (int row = 0; row < rows; ++row) {
    for (int column = 0; column < columns; ++column) {
      if (at(column, row) != kind) continue;
      int right = column + 1, bottom = row + 1;
      while (right < columns && at(right, row) == kind)
        ++right;
      const auto whole = [&](int r) {
        for (int i = column; i < right; ++i)
          if (at(i, r) != kind) return false;
        return true;
      };
      while (bottom < rows && whole(bottom))
        ++bottom;
      for (int r = row; r < bottom; ++r)
        for (int i = column; i < right; ++i)
          at(i, r) = Touch::none;
      const int x = column * kTileWidth, y = row * kTileHeight;
      areas.push_back({x, y, std::min(right * kTileWidth, size.width) - x,
                       std::min(bottom * kTileHeight, size.height) - y});
    }
  }
  return areas;
}

}  // namespace

Coverage StaticLayer::coverage() const {
  Coverage out;
  if (!last_) return out;
  const LayerCauses& causes = *last_;
  out.dim = static_cast<float>(causes.cells.empty() ? 0 : causes.cells.front().style.crop.dim);
  const int columns = (causes.size.width + kTileWidth - 1) / kTileWidth;
  const int rows = (causes.size.height + kTileHeight - 1) / kTileHeight;
  std::vector<Touch> tiles(size_t(columns) * rows, Touch::none);
  for (int row = 0; row < rows; ++row) {
    for (int column = 0; column < columns; ++column) {
      const int x = column * kTileWidth, y = row * kTileHeight;
      const gl::PixelRect tile{x, y, std::min(kTileWidth, causes.size.width - x),
                               std::min(kTileHeight, causes.size.height - y)};
      Touch& touch = tiles[size_t(row) * columns + column];
      touch = Touch::margin;
      for (size_t i = 0; i < causes.cells.size() && touch != Touch::mixed; ++i) {
        const CellCauses& c = causes.cells[i];
        if (!c.has_frame) continue;
        const Mapping& m = c.cell.mapping;
        const Rect& clip = c.cell.clip;
        const double x0 = std::max(clip.x, m.left), y0 = std::max(clip.y, m.top);
        const double x1 = std::min(clip.x + clip.width, m.left + c.frame.width * m.scale);
        const double y1 = std::min(clip.y + clip.height, m.top + c.frame.height * m.scale);
        if (apart(tile, x0, y0, x1, y1)) continue;
        touch = inside(tile, x0, y0, x1, y1)
                    ? touch_of(c, tokens_[i].texels, tokens_[i].groups, tile, causes.pixel)
                    : Touch::mixed;
      }
      for (const Inked& text : inked_) {
        const gl::PixelRect& area = text.area;
        if (touch != Touch::margin && !apart(tile, area.x - 2, area.y - 2, area.x + area.width + 2,
                                             area.y + area.height + 2)) {
          touch = Touch::mixed;
        }
      }
    }
  }
  out.margins = joined(tiles, columns, rows, Touch::margin, causes.size);
  out.opaque = joined(tiles, columns, rows, Touch::opaque, causes.size);
  out.dimmed = joined(tiles, columns, rows, Touch::dimmed, causes.size);
  out.mixed = joined(std::move(tiles), columns, rows, Touch::mixed, causes.size);
  return out;
}

}  // namespace looktwice::compose
