// Which parts of the picture a frame passes untouched, so that they need no drawing.

#include <algorithm>
#include <cmath>

#include "compose/static_layer.h"
#include "overlay/layers.h"

namespace looktwice::compose {
namespace {

// Whole texels of four samples in every plane, and whole 4x4 blocks of software renderers.
constexpr int kTileWidth = 32, kTileHeight = 16;

enum class Touch : uint8_t { none, dimmed, mixed };

bool inside(const gl::PixelRect& r, double x0, double y0, double x1, double y1) {
  return r.x >= x0 && r.y >= y0 && r.x + r.width <= x1 && r.y + r.height <= y1;
}

bool apart(const gl::PixelRect& r, double x0, double y0, double x1, double y1) {
  return r.x >= x1 || r.y >= y1 || r.x + r.width <= x0 || r.y + r.height <= y0;
}

/// Whether the marks or frozen pixels of a token change the frame at all.
bool token_shows(const CellCauses& c, const overlay::TokenTexel& texel) {
  if (texel.head != 0) return true;
  if (!c.marks) return false;
  const overlay::Style& style = c.style;
  if (style.grid.visible || (style.difference.visible && texel.difference != 0)) return true;
  if (!style.rlt.visible || !c.clip->has_rlt) return false;
  const bool kept = (texel.flags & overlay::kKept) != 0;
  if (!kept && style.rlt.pruned != overlay::PrunedStyle::none) return true;
  return style.rlt.outline_kept && (texel.flags & ~overlay::kKept) != 0;
}

Touch touch_of(const CellCauses& c, const std::vector<overlay::TokenTexel>& texels,
               gl::PixelRect tile, double pixel) {
  if (!c.clip) return Touch::none;
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
  for (int i = row(tile.y); i <= row(tile.y + tile.height); ++i)
    for (int k = column(tile.x); k <= column(tile.x + tile.width); ++k)
      if (token_shows(c, texels[size_t(i) * clip.w + k])) return Touch::mixed;
  return Touch::none;
}

/// Runs of equal tiles, joined with the run above where that is as long.
class Runs {
 public:
  void add(const gl::PixelRect& run) {
    for (size_t i = list_.size(); i-- > 0;) {
      gl::PixelRect& above = list_[i];
      if (above.y + above.height < run.y) break;
      if (above.y + above.height == run.y && above.x == run.x && above.width == run.width) {
        above.height += run.height;
        return;
      }
    }
    list_.push_back(run);
  }
  std::vector<gl::PixelRect> take() { return std::move(list_); }

 private:
  std::vector<gl::PixelRect> list_;
};

}  // namespace

Coverage StaticLayer::coverage() const {
  Coverage out;
  if (!last_) return out;
  const LayerCauses& causes = *last_;
  out.dim = static_cast<float>(causes.cells.empty() ? 0 : causes.cells.front().style.crop.dim);
  Runs dimmed, mixed;
  for (int y = 0; y < causes.size.height; y += kTileHeight) {
    const int height = std::min(kTileHeight, causes.size.height - y);
    Touch last = Touch::none;
    int start = 0;
    const auto end_run = [&](int x) {
      const gl::PixelRect run{start, y, std::min(x, causes.size.width) - start, height};
      if (last == Touch::dimmed) dimmed.add(run);
      if (last == Touch::mixed) mixed.add(run);
    };
    for (int x = 0; x < causes.size.width; x += kTileWidth) {
      const gl::PixelRect tile{x, y, std::min(kTileWidth, causes.size.width - x), height};
      Touch touch = Touch::none;
      for (size_t i = 0; i < causes.cells.size() && touch != Touch::mixed; ++i) {
        const CellCauses& c = causes.cells[i];
        if (!c.has_frame) continue;
        const Mapping& m = c.cell.mapping;
        const Rect& clip = c.cell.clip;
        const double x0 = std::max(clip.x, m.left), y0 = std::max(clip.y, m.top);
        const double x1 = std::min(clip.x + clip.width, m.left + c.frame.width * m.scale);
        const double y1 = std::min(clip.y + clip.height, m.top + c.frame.height * m.scale);
        if (apart(tile, x0, y0, x1, y1)) continue;
        touch = inside(tile, x0, y0, x1, y1) ? touch_of(c, tokens_[i].texels, tile, causes.pixel)
                                             : Touch::mixed;
      }
      for (const Inked& text : inked_) {
        const gl::PixelRect& area = text.area;
        if (!apart(tile, area.x - 2, area.y - 2, area.x + area.width + 2,
                   area.y + area.height + 2) &&
            text.cell != kNoPicture) {
          touch = Touch::mixed;
        }
      }
      if (touch != last) {
        end_run(x);
        start = x;
        last = touch;
      }
    }
    end_run(causes.size.width);
  }
  out.dimmed = dimmed.take();
  out.mixed = mixed.take();
  return out;
}

}  // namespace looktwice::compose
