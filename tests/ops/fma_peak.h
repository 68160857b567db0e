#pragma once
// What the vector units can do: multiply-adds on registers alone, for benchmarks to be measured by.

namespace looktwice::ops {

/// Billions of float32 operations a second (a multiply-add is two) that `threads` threads reach
/// together on registers, with the widest vectors of this CPU: the best of a few short runs.
double fma_peak_gflops(int threads);

}  // namespace looktwice::ops
