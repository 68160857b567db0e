#pragma once
// Which kernels this machine runs.

#include <string>
#include <vector>

#include "compute/kernels/kernels.h"

namespace looktwice::compute {

/// The kernels of the best instruction set of this CPU, or of the one that LOOKTWICE_ISA names
/// (portable, avx2, avx512); read when first called. Throws Error(input) for a name that is unknown
/// or that this machine cannot run.
const Kernels& kernels();
/// All that this machine can run, best last.
std::vector<const Kernels*> all_kernels();
/// Tests: another set from now on.
void use_kernels(const Kernels& kernels);

/// AMX bfloat16 tiles: the CPU has them and the kernel gave this process permission to use them
/// (asked for once).
bool amx_bf16();
/// "AVX-512 BF16 AMX …": what the CPU says of itself, for `looktwice info`.
std::string cpu_features();

}  // namespace looktwice::compute
