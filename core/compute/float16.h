#pragma once
// Scalar conversions of 16-bit floats, round to nearest even, NaN kept.

#include <bit>
#include <cstdint>

namespace looktwice::compute {

inline float bf16_to_float(uint16_t v) {
  return std::bit_cast<float>(uint32_t(v) << 16);
}

inline uint16_t float_to_bf16(float f) {
  const uint32_t u = std::bit_cast<uint32_t>(f);
  if ((u & 0x7fffffffu) > 0x7f800000u) return uint16_t((u >> 16) | 0x40u);
  return uint16_t((u + 0x7fffu + ((u >> 16) & 1u)) >> 16);
}

float f16_to_float(uint16_t v);
uint16_t float_to_f16(float f);

}  // namespace looktwice::compute
