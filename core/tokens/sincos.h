#pragma once
// Fixed sine-cosine position tables of VideoMAE and RLT.

#include <cstddef>
#include <vector>

namespace looktwice::tokens {

/// [positions, width] float32, computed in float64: even columns sine, odd columns cosine of
///   position * base^(-(j - j%2) / width).
/// Positions are flat (t,h,w) indices, not factorised. Throws Error(input) on width or positions
/// < 1.
std::vector<float> sincos_table(int positions, int width, double base = 10000.0);

}  // namespace looktwice::tokens
