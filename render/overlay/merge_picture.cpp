#include "overlay/merge_picture.h"

#include <algorithm>
#include <cmath>

#include "tokens/tome_picture.h"
#include "trace/group_rows.h"

namespace looktwice::overlay {
namespace {

constexpr size_t kRemembered = 6;

}  // namespace

bool has_merges(const trace::ClipTrace& clip) {
  return !clip.layers.empty() && clip.tokens() > 0 &&
         (!clip.has_rlt || clip.keep.size() == clip.tokens());
}

int merge_layer(const MergeStyle& style, const trace::ClipTrace& clip) {
  const int last = static_cast<int>(clip.layers.size());
  return style.layer <= 0 ? last : std::min(style.layer, last);
}

MergePicture merge_picture(const trace::ClipTrace& clip, int layers,
                           const tokens::ClipView& pixels) {
  MergePicture out;
  const std::vector<int32_t> rows = trace::group_rows(clip, layers);
  int32_t last = -1;
  for (const int32_t row : rows)
    last = std::max(last, row);
  out.size.assign(size_t(last + 1), 0);
  out.count.assign(size_t(last + 1), 0);
  for (size_t i = 0; i < rows.size(); ++i) {
    if (rows[i] < 0) continue;
    out.size[size_t(rows[i])] += clip.initial_size.empty() ? 1.0F : clip.initial_size[i];
    ++out.count[size_t(rows[i])];
  }
  for (const float size : out.size)
    out.largest = std::max(out.largest, size);
  out.group.assign(clip.tokens(), -1);
  auto token = static_cast<size_t>(clip.extra_tokens);
  for (size_t i = 0; i < out.group.size() && token < rows.size(); ++i) {
    if (clip.has_rlt && clip.keep[i] != 1) continue;
    out.group[i] = rows[token] < 0 ? -2 : rows[token];
    ++token;
  }
  const tokens::Grid grid{clip.t, clip.h, clip.w, clip.tubelet, clip.patch};
  const bool there = pixels.rgb != nullptr && pixels.T == clip.t * clip.tubelet &&
                     pixels.H / clip.patch == clip.h && pixels.W / clip.patch == clip.w;
  if (there) {
    const auto colours = tokens::group_colours(pixels, grid, out.group);
    out.inside = colours.inside;
    out.edge = colours.edge;
    out.mean_colours = true;
  } else {
    for (const auto& c : tokens::border_colours(out.size.size())) {
      std::array<uint8_t, 3> bytes{};
      for (size_t i = 0; i < 3; ++i)
        bytes[i] = static_cast<uint8_t>(c[i] * 255);
      out.edge.push_back(bytes);
    }
  }
  // Groups of class tokens alone have no pixels; there may be fewer colours than groups.
  out.inside.resize(out.size.size(), {0, 0, 0});
  out.edge.resize(out.size.size(), {0, 0, 0});
  return out;
}

std::vector<GroupTexel> group_texels(const MergePicture& picture, const trace::ClipTrace& clip,
                                     int tubelet, const Style& style) {
  const int h = clip.h, w = clip.w;
  std::vector<GroupTexel> texels(size_t(h) * w);
  if (tubelet < 0 || tubelet >= clip.t || picture.group.size() != clip.tokens()) return texels;
  const int32_t* groups = picture.group.data() + size_t(tubelet) * h * w;
  const auto at = [&](int row, int column) {
    return row < 0 || column < 0 || row >= h || column >= w ? -3 : groups[row * w + column];
  };
  const auto packed = [](const std::array<uint8_t, 3>& c) {
    return uint32_t{c[0]} | uint32_t{c[1]} << 8 | uint32_t{c[2]} << 16;
  };
  const double most = std::log2(std::max(2.0, double(picture.largest)));
  const bool flat = style.merges.visible && style.merges.view == MergeView::groups;
  for (int row = 0; row < h; ++row) {
    for (int column = 0; column < w; ++column) {
      GroupTexel& texel = texels[size_t(row) * w + column];
      const int32_t g = at(row, column);
      if (g == -1 || g == -3) continue;
      if (g == -2) {
        // Dropped: no group holds it. Black, as the published figures have it.
        if (flat) texel.inside = uint32_t{kGroupThere | kGroupFlat} << 24;
        continue;
      }
      uint32_t flags = kGroupThere;
      if (style.merges.visible) {
        if (at(row, column - 1) != g) flags |= kGroupLeft;
        if (at(row, column + 1) != g) flags |= kGroupRight;
        if (at(row - 1, column) != g) flags |= kGroupTop;
        if (at(row + 1, column) != g) flags |= kGroupBottom;
        if (picture.count[size_t(g)] > 1) flags |= kGroupLarge;
        if (flat && picture.mean_colours) flags |= kGroupFlat;
        texel.edge = packed(picture.edge[size_t(g)]);
        texel.inside = packed(picture.inside[size_t(g)]);
        texel.group = static_cast<uint32_t>(g) + 1;
      }
      texel.inside |= flags << 24;
      if (style.sizes.visible) {
        const double place = std::log2(std::max(1.0, double(picture.size[size_t(g)]))) / most;
        texel.size = static_cast<uint32_t>(std::lround(std::clamp(place, 0.0, 1.0) * 65535));
      }
    }
  }
  return texels;
}

MergePictures::Ptr MergePictures::get(const std::shared_ptr<const trace::ClipTrace>& clip,
                                      int layers, const std::shared_ptr<const void>& owner,
                                      const tokens::ClipView& pixels) {
  if (!clip || !has_merges(*clip)) return nullptr;
  const auto at = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& e) {
    return e.clip == clip && e.layers == layers && e.owner == owner;
  });
  if (at != entries_.end()) {
    std::rotate(entries_.begin(), at, at + 1);
    return entries_.front().picture;
  }
  auto picture = std::make_shared<const MergePicture>(merge_picture(*clip, layers, pixels));
  entries_.insert(entries_.begin(), {clip, owner, layers, picture});
  if (entries_.size() > kRemembered) entries_.pop_back();
  return picture;
}

}  // namespace looktwice::overlay
