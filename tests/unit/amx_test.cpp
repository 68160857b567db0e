// Attention on AMX tiles: its code with the tiles emulated in memory, on any CPU with AVX2, and the
// real one where the CPU has it.

#include "compute/kernels/amx.h"

#include <cmath>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "amx_emulated.h"
#include "compute/float16.h"
#include "compute/kernels/dispatch.h"
#include "compute/tensor.h"

namespace looktwice::compute {
namespace {

using Attend = void (*)(const AttentionTask*);
using Scratch = long (*)(long, long);

/// The largest difference from plain kernels over shapes with every kind of tail.
double worst_difference(Attend attend, Scratch scratch, const Kernels& plain) {
  double worst = 0;
  std::mt19937 random(1);
  for (const auto& [queries, keys, dim, biased] : {std::tuple{1L, 1L, 2L, false},
                                                   {32L, 32L, 32L, false},
                                                   {45L, 70L, 64L, true},
                                                   {33L, 513L, 80L, true},
                                                   {100L, 300L, 12L, false},
                                                   {20L, 0L, 16L, false},
                                                   {64L, 257L, 72L, false}}) {
    std::vector<uint16_t> q(size_t(queries * dim)), k(size_t(keys * dim) + 1), v(k.size());
    for (auto* x : {&q, &k, &v})
      for (auto& e : *x)
        e = float_to_bf16(float(random() % 2000) / 500.0f - 2.0f);
    std::vector<float> bias(size_t(keys) + 1);
    for (auto& b : bias)
      b = float(random() % 100) / 40.0f;
    std::vector<float> got(size_t(queries * dim)), want(got.size());
    AttentionTask t{};
    t.q = q.data();
    t.k = k.data();
    t.v = v.data();
    t.type = kTypeBf16;
    t.q_stride = t.k_stride = t.v_stride = t.y_stride = dim;
    t.q_end = queries;
    t.keys = keys;
    t.dim = dim;
    t.scale = 1 / std::sqrt(float(dim));
    t.key_bias = biased ? bias.data() : nullptr;
    t.key_bias_stride = 1;
    t.y_type = kTypeF32;
    const auto a = aligned_memory(size_t(scratch(keys, dim)) * sizeof(float));
    const auto b = aligned_memory(size_t(plain.attention_scratch(keys, dim)) * sizeof(float));
    t.y = got.data();
    t.scratch = static_cast<float*>(a.get());
    attend(&t);
    t.y = want.data();
    t.scratch = static_cast<float*>(b.get());
    plain.attention(&t);
    for (size_t i = 0; i < got.size(); ++i)
      worst = std::isfinite(got[i]) ? std::max(worst, std::fabs(double(got[i]) - want[i])) : 1e9;
  }
  return worst;
}

TEST(Amx, TheCodeAgreesWithEmulatedTiles) {
  const auto all = all_kernels();
  if (all.size() < 2) GTEST_SKIP() << "this CPU has no AVX2, with which the emulation was built";
  // Probabilities are rounded to 8 bits before the second product.
  EXPECT_LT(worst_difference(attention_amx_emulated, attention_amx_emulated_scratch, *all.back()),
            0.02);
}

TEST(Amx, TheTilesAgree) {
  if (!amx_bf16()) GTEST_SKIP() << "this CPU has no AMX, or the kernel does not grant it";
  EXPECT_LT(worst_difference(attention_amx, attention_amx_scratch, *all_kernels().back()), 0.02);
}

}  // namespace
}  // namespace looktwice::compute
