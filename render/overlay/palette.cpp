#include "overlay/palette.h"

#include <algorithm>
#include <cmath>

namespace looktwice::overlay {
namespace {

// Every eighth of each palette.
constexpr std::array<uint32_t, 9> kViridis = {0x440154, 0x472d7b, 0x3b528b, 0x2c728e, 0x21918c,
                                              0x28ae80, 0x5ec962, 0xaddc30, 0xfde725};
constexpr std::array<uint32_t, 9> kCividis = {0x00224e, 0x123570, 0x3b496c, 0x575d6d, 0x707173,
                                              0x8a8678, 0xa59c74, 0xc3b369, 0xfee838};
constexpr std::array<uint32_t, 9> kInferno = {0x000004, 0x210c4a, 0x57106e, 0x8a226a, 0xbc3754,
                                              0xe45a31, 0xf98e09, 0xf9cb35, 0xfcffa4};

const std::array<uint32_t, 9>& anchors(Palette palette) {
  switch (palette) {
    case Palette::viridis:
      return kViridis;
    case Palette::cividis:
      return kCividis;
    case Palette::inferno:
      return kInferno;
  }
  return kViridis;
}

double to_linear(double v) {
  return v <= 0.04045 ? v / 12.92 : std::pow((v + 0.055) / 1.055, 2.4);
}
float to_srgb(double v) {
  v = std::clamp(v, 0.0, 1.0);
  return static_cast<float>(v <= 0.0031308 ? v * 12.92 : 1.055 * std::pow(v, 1 / 2.4) - 0.055);
}

struct Lab {
  double l, a, b;
};

Lab to_lab(const Color& c) {
  const double r = to_linear(c.r), g = to_linear(c.g), b = to_linear(c.b);
  const auto f = [](double t) {
    return t > 216.0 / 24389 ? std::cbrt(t) : (24389.0 / 27 * t + 16) / 116;
  };
  const double x = f((0.4124564 * r + 0.3575761 * g + 0.1804375 * b) / 0.95047);
  const double y = f(0.2126729 * r + 0.7151522 * g + 0.0721750 * b);
  const double z = f((0.0193339 * r + 0.1191920 * g + 0.9503041 * b) / 1.08883);
  return {116 * y - 16, 500 * (x - y), 200 * (y - z)};
}

}  // namespace

Color at(Palette palette, double position) {
  const auto& table = anchors(palette);
  const double p = std::clamp(std::isnan(position) ? 0.0 : position, 0.0, 1.0) * 8;
  const int i = std::min(static_cast<int>(p), 7);
  const auto f = static_cast<float>(p - i);
  const Color a = rgb(table[i]), b = rgb(table[i + 1]);
  return {a.r + (b.r - a.r) * f, a.g + (b.g - a.g) * f, a.b + (b.b - a.b) * f, 1};
}

std::array<uint8_t, 1024> table(Palette palette) {
  std::array<uint8_t, 1024> bytes{};
  const auto byte = [](float v) { return static_cast<uint8_t>(std::lround(v * 255)); };
  for (int i = 0; i < 256; ++i) {
    const Color c = at(palette, i / 255.0);
    bytes[i * 4] = byte(c.r);
    bytes[i * 4 + 1] = byte(c.g);
    bytes[i * 4 + 2] = byte(c.b);
    bytes[i * 4 + 3] = 255;
  }
  return bytes;
}

double luminance(const Color& c) {
  return 0.2126 * to_linear(c.r) + 0.7152 * to_linear(c.g) + 0.0722 * to_linear(c.b);
}

double contrast(const Color& a, const Color& b) {
  const double x = luminance(a), y = luminance(b);
  return (std::max(x, y) + 0.05) / (std::min(x, y) + 0.05);
}

Color seen_by(Vision vision, const Color& c) {
  static constexpr double kMatrices[3][9] = {
      {0.152286, 1.052583, -0.204868, 0.114503, 0.786281, 0.099216, -0.003882, -0.048116, 1.051998},
      {0.367322, 0.860646, -0.227968, 0.280085, 0.672501, 0.047413, -0.011820, 0.042940, 0.968881},
      {1.255528, -0.076749, -0.178779, -0.078411, 0.930809, 0.147602, 0.004733, 0.691367,
       0.303900}};
  if (vision == Vision::normal) return c;
  const double* m = kMatrices[static_cast<int>(vision) - 1];
  const double in[3] = {to_linear(c.r), to_linear(c.g), to_linear(c.b)};
  const auto row = [&](int i) {
    return to_srgb(m[i * 3] * in[0] + m[i * 3 + 1] * in[1] + m[i * 3 + 2] * in[2]);
  };
  return {row(0), row(1), row(2), c.a};
}

double difference(const Color& a, const Color& b) {
  const Lab x = to_lab(a), y = to_lab(b);
  return std::sqrt((x.l - y.l) * (x.l - y.l) + (x.a - y.a) * (x.a - y.a) +
                   (x.b - y.b) * (x.b - y.b));
}

}  // namespace looktwice::overlay
