#include "overlay/legend.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "base/text.h"
#include "overlay/layers.h"
#include "overlay/marks.h"

namespace looktwice::overlay {
namespace {

constexpr Color kSample = rgb(0x8d939c);  ///< stands for the picture in swatches

float swatch_width(const LegendEntry& entry, float em) {
  return entry.swatch == Swatch::ramp || entry.swatch == Swatch::gain ? 6 * em : 1.6F * em;
}

/// At most three significant digits.
std::string short_number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g", value);
  return text;
}

void draw_swatch(Canvas& canvas, const LegendEntry& entry, const Box& box, float pixel) {
  const auto alpha = static_cast<float>(entry.opacity);
  const float line = std::max(1.F, std::round(1.75F * pixel));
  switch (entry.swatch) {
    case Swatch::kept:
      canvas.rectangle(box, kSample);
      canvas.frame(box, colors::casing.with_alpha(0.6F), line + std::max(1.F, pixel));
      canvas.frame(box, colors::kept, line);
      break;
    case Swatch::pruned_dim:
      canvas.rectangle(box, kSample);
      canvas.rectangle(box, colors::casing.with_alpha(alpha));
      break;
    case Swatch::pruned_hatch:
      canvas.rectangle(box, kSample);
      canvas.rectangle(box, colors::casing.with_alpha(0.7F * alpha));
      canvas.hatch(box, colors::white.with_alpha(0.6F * alpha), pixel);
      break;
    case Swatch::ramp: {
      canvas.rectangle(box, kSample);
      for (float x = 0; x < box.width; ++x) {
        const float position = x / (box.width - 1);
        const Color color =
            at(entry.palette, entry.reversed ? 1 - position : position).with_alpha(alpha);
        canvas.rectangle({box.x + x, box.y, 1, box.height}, color);
      }
      if (entry.tick >= 0) {
        const float x =
            std::round(box.x + box.width * static_cast<float>(std::min(entry.tick, 1.0)));
        canvas.rectangle({x - pixel, box.y - 2 * pixel, 3 * pixel, box.height + 4 * pixel},
                         colors::casing);
        canvas.rectangle({x, box.y - 2 * pixel, pixel, box.height + 4 * pixel}, colors::white);
      }
      break;
    }
    case Swatch::grid:
      canvas.rectangle(box, kSample);
      canvas.rectangle({box.x + box.width / 2, box.y, std::max(1.F, pixel), box.height},
                       colors::white.with_alpha(alpha));
      canvas.rectangle({box.x, box.y + std::round(box.height / 2), box.width, std::max(1.F, pixel)},
                       colors::white.with_alpha(alpha));
      break;
    case Swatch::crop:
      canvas.rectangle(box, kSample);
      canvas.rectangle(box, colors::black.with_alpha(alpha));
      canvas.rectangle({box.x + box.width - line, box.y, line, box.height}, colors::white);
      break;
    case Swatch::groups: {
      // Two groups, each in its mean colour within its border.
      const float half = std::round(box.width / 2);
      canvas.rectangle({box.x, box.y, half, box.height}, rgb(0x6f7f95).with_alpha(alpha));
      canvas.rectangle({box.x + half, box.y, box.width - half, box.height},
                       rgb(0xb09a72).with_alpha(alpha));
      canvas.frame({box.x, box.y, half, box.height}, rgb(0xd7c16b), line);
      canvas.frame({box.x + half, box.y, box.width - half, box.height}, rgb(0x42c5d6), line);
      break;
    }
    case Swatch::outlines: {
      canvas.rectangle(box, kSample);
      const Box inner{box.x + line, box.y + line, std::round(box.width * 0.55F),
                      box.height - 2 * line};
      canvas.frame(inner, colors::casing.with_alpha(0.7F), line + std::max(1.F, pixel));
      canvas.frame(inner, rgb(0x42c5d6), line);
      break;
    }
    case Swatch::dropped:
      canvas.rectangle(box, colors::black);
      canvas.frame(box, kSample, std::max(1.F, pixel));
      break;
    case Swatch::gain:
      for (float x = 0; x < box.width; ++x) {
        const float v = x / (box.width - 1);
        canvas.rectangle({box.x + x, box.y, 1, box.height}, {v, v, v, 1});
      }
      break;
  }
}

void add_merge_entries(std::vector<LegendEntry>& entries, const Style& style,
                       const trace::ClipTrace& clip, bool stale) {
  const int layer = merge_layer(style.merges, clip);
  const auto& after = clip.layers[size_t(layer) - 1];
  const std::string when = "after layer " + std::to_string(layer) + " of " +
                           std::to_string(clip.layers.size()) + (stale ? " (an earlier run)" : "");
  if (style.merges.visible) {
    const bool flat = style.merges.view == MergeView::groups;
    entries.push_back({flat ? Swatch::groups : Swatch::outlines,
                       (flat ? "merged into one token " : "groups of two or more ") + when + ": " +
                           std::to_string(clip.entered()) + " → " +
                           std::to_string(after.tokens_out),
                       flat ? style.merges.opacity : 1});
    bool dropped = false;
    for (int l = 0; l < layer; ++l)
      dropped = dropped || !clip.layers[size_t(l)].dropped.empty();
    if (dropped && flat) entries.push_back({Swatch::dropped, "dropped by the matching"});
  }
  if (style.sizes.visible) {
    float largest = 1;
    for (const float size : trace::group_sizes(clip, layer))
      largest = std::max(largest, size);
    entries.push_back({Swatch::ramp,
                       "group size 1 to " + short_number(largest) + ", logarithmic, " + when,
                       style.sizes.opacity, style.sizes.palette});
  }
}

}  // namespace

std::vector<LegendEntry> legend_entries(const Style& style, const trace::ClipTrace* clip,
                                        const trace::ClipTrace* merged, int frame_width,
                                        int frame_height, bool stale) {
  std::vector<LegendEntry> entries;
  if (!clip) return entries;
  const Layers layers = layers_of(style, clip, merged, frame_width, frame_height);
  if (layers.groups()) add_merge_entries(entries, style, *merged, stale);
  const bool decided = clip->has_rlt && clip->keep.size() == clip->tokens();
  if (style.rlt.visible && decided) {
    if (style.rlt.outline_kept) {
      entries.push_back({Swatch::kept, "kept: the model gets this patch"});
    }
    switch (style.rlt.pruned) {
      case PrunedStyle::none:
        break;
      case PrunedStyle::dim:
        entries.push_back(
            {Swatch::pruned_dim, "pruned: repeats the patch before it", style.rlt.opacity});
        break;
      case PrunedStyle::hatch:
        entries.push_back(
            {Swatch::pruned_hatch, "pruned: repeats the patch before it", style.rlt.opacity});
        break;
      case PrunedStyle::run_length:
        entries.push_back(
            {Swatch::ramp,
             "pruned, by length of its run: 1 to " + std::to_string(clip->t) + " tubelets",
             style.rlt.opacity, style.rlt.palette, -1, true});
        break;
    }
  }
  if (style.difference.visible && clip->difference.size() == clip->tokens()) {
    const double most = heat_maximum(style.difference, *clip);
    LegendEntry entry{Swatch::ramp, "difference 0 to " + short_number(most) + " or more",
                      style.difference.opacity, style.difference.palette};
    if (decided) {
      entry.text += " · mark: τ = " + number_text(std::round(clip->tau * 1e4) / 1e4);
      entry.tick = clip->tau / most;
    }
    entries.push_back(entry);
  }
  if (style.grid.visible) {
    entries.push_back({Swatch::grid,
                       "tokens: " + std::to_string(clip->w) + " × " + std::to_string(clip->h) +
                           " of " + std::to_string(clip->patch) + " px, " +
                           std::to_string(clip->tubelet) + " frames",
                       style.grid.opacity});
  }
  if (crop_shows(style.crop, clip, frame_width, frame_height)) {
    entries.push_back({Swatch::crop, "outside the model's crop", style.crop.dim});
  }
  return entries;
}

LegendLayout lay_out_legend(const std::vector<LegendEntry>& entries, float width, bool flow,
                            int text_size, Font& font) {
  LegendLayout layout;
  layout.text_size = text_size;
  if (entries.empty()) return layout;
  const auto em = static_cast<float>(text_size);
  const float pad = std::round(0.6F * em), row = std::round(1.55F * em), gap = 1.6F * em;
  float x = pad, y = pad;
  for (const LegendEntry& entry : entries) {
    const float wanted = swatch_width(entry, em) + 0.6F * em + font.width(entry.text, text_size);
    const float w = std::min(std::ceil(wanted), std::floor(width - 2 * pad));
    const bool first_of_line = x == pad;
    if (!first_of_line && (!flow || x + w + pad > width)) {
      x = pad;
      y += row;
    }
    layout.entries.push_back({x, y, w, row});
    layout.width = std::max(layout.width, x + w + pad);
    x += w + gap;
  }
  layout.height = y + row + pad;
  return layout;
}

void draw_legend(Canvas& canvas, const std::vector<LegendEntry>& entries,
                 const LegendLayout& layout, float x, float y, Font& font) {
  const auto em = static_cast<float>(layout.text_size);
  const float pixel = em / 13;
  for (size_t i = 0; i < entries.size() && i < layout.entries.size(); ++i) {
    const Box& place = layout.entries[i];
    const float height = std::round(em * 1.05F);
    const float w = std::round(swatch_width(entries[i], em));
    draw_swatch(
        canvas, entries[i],
        {std::round(x + place.x), std::round(y + place.y + (place.height - height) / 2), w, height},
        pixel);
    const float baseline =
        y + place.y +
        (place.height + font.ascent(layout.text_size) - font.descent(layout.text_size)) / 2;
    const float room = place.width - w - 0.6F * em;
    canvas.text(x + place.x + w + 0.6F * em, baseline,
                font.fitted(entries[i].text, layout.text_size, std::ceil(room) + 1),
                layout.text_size, colors::text, font);
  }
}

}  // namespace looktwice::overlay
