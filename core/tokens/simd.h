#pragma once
// Which instruction set the kernels of this room use. Code for AVX2 and AVX-512 lives in files of
// its own, compiled with their flags, and is chosen when the program runs.

namespace looktwice::tokens {

/// Ordered: each set can run what comes before it. avx2 includes FMA; avx512 means F, BW, VL, DQ.
enum class Isa { portable, avx2, avx512 };

/// The best set that this CPU and operating system run.
Isa best_isa();
/// "portable", "avx2", "avx512".
const char* isa_name(Isa isa);
/// `wanted`, or the best set if the machine cannot run it.
Isa usable(Isa wanted);

}  // namespace looktwice::tokens
