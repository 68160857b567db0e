#pragma once
// Colours that people with any common colour vision can tell apart, and the arithmetic to check it.
//
// Categorical colours are Okabe and Ito's ("Color Universal Design", 2008). Sequential palettes are
// interpolated between anchor colours of viridis and inferno (Smith and van der Walt, 2015) and
// cividis (Nuñez, Anderton and Renslow, 2018).

#include <array>
#include <cstdint>

#include "overlay/style.h"

namespace looktwice::overlay {

/// sRGB, each 0..1.
struct Color {
  float r = 0, g = 0, b = 0, a = 1;
  Color with_alpha(float alpha) const { return {r, g, b, alpha}; }
  bool operator==(const Color&) const = default;
};
constexpr Color rgb(uint32_t hex) {
  return {static_cast<float>((hex >> 16) & 255) / 255, static_cast<float>((hex >> 8) & 255) / 255,
          static_cast<float>(hex & 255) / 255, 1};
}

namespace colors {
constexpr Color black = rgb(0x000000), white = rgb(0xffffff), orange = rgb(0xe69f00),
                sky_blue = rgb(0x56b4e9), bluish_green = rgb(0x009e73), yellow = rgb(0xf0e442),
                blue = rgb(0x0072b2), vermillion = rgb(0xd55e00), reddish_purple = rgb(0xcc79a7);
constexpr Color background = rgb(0x16181c);  ///< around the pictures
constexpr Color plate = rgb(0x0e1013);       ///< behind text
constexpr Color text = rgb(0xf4f5f7);
constexpr Color kept = orange;           ///< outline of kept patches
constexpr Color casing = rgb(0x101216);  ///< dark line beside every bright one
}  // namespace colors

/// Colour at 0..1 of a sequential palette; lightness grows all the way.
Color at(Palette palette, double position);
/// 256 colours, RGBA bytes, as a shader reads them.
std::array<uint8_t, 1024> table(Palette palette);

/// WCAG 2 relative luminance and contrast ratio (1..21).
double luminance(const Color& color);
double contrast(const Color& a, const Color& b);

enum class Vision { normal, protanopia, deuteranopia, tritanopia };
/// The colour as people with that vision see it (Machado, Oliveira and Fernandes, 2009, severity
/// 1).
Color seen_by(Vision vision, const Color& color);
/// CIE 1976 colour difference ΔE*ab.
double difference(const Color& a, const Color& b);

}  // namespace looktwice::overlay
