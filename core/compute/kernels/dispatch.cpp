#include "compute/kernels/dispatch.h"

#include <atomic>
#include <cstdlib>

#ifdef LT_COMPUTE_X86
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include "base/error.h"

namespace looktwice::compute {
namespace {

std::atomic<const Kernels*> g_chosen{nullptr};

const Kernels* choose() {
  const auto all = all_kernels();
  const char* wanted = std::getenv("LOOKTWICE_ISA");
  if (!wanted || !*wanted) return all.back();
  std::string known;
  for (const Kernels* k : all) {
    if (std::string(wanted) == k->isa) return k;
    known += (known.empty() ? "" : ", ") + std::string(k->isa);
  }
  throw bad_input("LOOKTWICE_ISA", "'" + std::string(wanted) + "' does not run on this machine",
                  "one of " + known);
}

}  // namespace

std::vector<const Kernels*> all_kernels() {
  std::vector<const Kernels*> all{&kKernelsPortable};
#ifdef LT_COMPUTE_X86
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) all.push_back(&kKernelsAvx2);
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq"))
    all.push_back(&kKernelsAvx512);
#endif
  return all;
}

const Kernels& kernels() {
  const Kernels* k = g_chosen.load();
  if (!k) {
    k = choose();
    g_chosen = k;
  }
  return *k;
}

void use_kernels(const Kernels& wanted) {
  g_chosen = &wanted;
}

bool amx_bf16() {
#ifdef LT_COMPUTE_X86
  static const bool usable = [] {
    unsigned a = 0, b = 0, c = 0, d = 0;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return false;
    if (!(d & (1u << 22)) || !(d & (1u << 24))) return false;  // AMX-BF16, AMX-TILE
    // Tile data is too large to save for every process: the kernel wants to be asked
    // (arch_prctl ARCH_REQ_XCOMP_PERM, feature 18 = XTILEDATA).
    constexpr long kRequest = 0x1023, kTileData = 18;
    return syscall(SYS_arch_prctl, kRequest, kTileData) == 0;
  }();
  return usable;
#else
  return false;
#endif
}

std::string cpu_features() {
  std::string text = kernels().isa;
#ifdef LT_COMPUTE_X86
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (__get_cpuid_count(7, 1, &a, &b, &c, &d) && (a & (1u << 5))) text += ", AVX512-BF16";
  if (amx_bf16()) text += ", AMX-BF16";
#endif
  return text;
}

}  // namespace looktwice::compute
