// Every operation of every backend against the scalar reference, over one list of cases.

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdlib>
#include <random>
#include <utility>

#include <gtest/gtest.h>

#ifdef LT_COMPUTE_X86
#include "avx512_emulated.h"
#endif
#include "compute/float16.h"
#include "compute/kernels/dispatch.h"
#include "compute/onednn/dnnl_matmul.h"
#include "op_cases.h"

namespace looktwice::compute {
namespace {

struct Variant {
  std::string name;
  const Kernels* kernels;
  DType dtype;
  const char* matmul;
};

/// Those that this CPU runs, and where it lacks AVX-512, the kernels for that over emulated
/// operations.
std::vector<const Kernels*> tested_kernels() {
  auto all = all_kernels();
#ifdef LT_COMPUTE_X86
  if (all.back() == &kKernelsAvx2) all.push_back(&kKernelsAvx512Emulated);
#endif
  return all;
}

std::vector<Variant> setups() {
  std::vector<Variant> all;
  for (const Kernels* k : tested_kernels())
    for (DType t : {DType::f32, DType::bf16})
      all.push_back({std::string(k->isa) + "_" + dtype_name(t), k, t, "own"});
  bool dnnl = false;
  for (const auto& info : list_backends())
    dnnl = dnnl || info.note.find("oneDNN ") == 0;
  if (dnnl)
    for (DType t : {DType::f32, DType::bf16})
      all.push_back({std::string("oneDNN_") + dtype_name(t), all_kernels().back(), t, "onednn"});
  return all;
}

class Agreement : public testing::TestWithParam<Variant> {};
INSTANTIATE_TEST_SUITE_P(Cpu, Agreement, testing::ValuesIn(setups()),
                         [](const auto& p) { return p.param.name; });

TEST_P(Agreement, EveryOperationEqualsTheReference) {
  const Variant& variant = GetParam();
  if (variant.matmul == std::string("onednn") && !dnnl_takes(variant.dtype))
    GTEST_SKIP() << dnnl_version() << " does not multiply this dtype on this CPU";
  use_kernels(*variant.kernels);
  setenv("LOOKTWICE_MATMUL", variant.matmul, 1);
  const auto reference = make_backend({"reference", DType::f32, 2});
  const auto tested = make_backend({"onednn", variant.dtype, 2});
  unsetenv("LOOKTWICE_MATMUL");
  // Inputs rounded to bfloat16 are the same numbers on both sides, and so are the weights but for
  // their rounding: half a unit in 8 bits, averaged over long sums.
  const double relative = variant.dtype == DType::f32 ? 4e-6 : 2e-2;
  for (const auto& c : ops::op_cases()) {
    if (c.large) continue;
    SCOPED_TRACE(c.name);
    auto want = c.make(*reference, variant.dtype);
    auto got = c.make(*tested, variant.dtype);
    want.run();
    got.run();
    got.run();  // a second run finds warm caches and must give the same
    for (size_t i = 0; i < want.outputs.size(); ++i) {
      const auto a = reference->download_f32(want.outputs[i]);
      const auto b = tested->download_f32(got.outputs[i]);
      ASSERT_EQ(a.size(), b.size());
      size_t worst = 0;
      double most = 0;
      for (size_t j = 0; j < a.size(); ++j) {
        ASSERT_TRUE(std::isfinite(b[j])) << "element " << j;
        const double error = std::fabs(double(a[j]) - b[j]) / (c.scale + std::fabs(double(a[j])));
        if (error > most) {
          most = error;
          worst = j;
        }
      }
      EXPECT_LE(most, relative) << "element " << worst << (a.empty() ? 0.0f : a[worst])
                                << " against " << (b.empty() ? 0.0f : b[worst]);
    }
  }
}

TEST(AttentionKernels, PartsOfTheQueriesShareWhatWasPacked) {
  constexpr long kQueries = 150, kKeys = 77, kDim = 20;
  std::mt19937 random(3);
  std::vector<float> rows(size_t(kQueries + 2 * kKeys) * kDim);
  for (float& v : rows)
    v = float(random() % 2000) / 500.0f - 2.0f;
  for (const Kernels* k : tested_kernels()) {
    SCOPED_TRACE(k->isa);
    const auto memory = aligned_memory(size_t(k->attention_scratch(kKeys, kDim)) * sizeof(float));
    std::vector<float> whole(size_t(kQueries) * kDim), parts(whole.size());
    AttentionTask t{};
    t.q = rows.data();
    t.k = rows.data() + kQueries * kDim;
    t.v = rows.data() + (kQueries + kKeys) * kDim;
    t.type = t.y_type = kTypeF32;
    t.q_stride = t.k_stride = t.v_stride = t.y_stride = kDim;
    t.keys = kKeys;
    t.dim = kDim;
    t.scale = 0.3f;
    t.scratch = static_cast<float*>(memory.get());
    t.y = whole.data();
    t.q_end = kQueries;
    k->attention(&t);
    t.y = parts.data();
    for (t.q_end = 0; t.q_end < kQueries; t.packed = 1) {
      t.q_begin = t.q_end;
      t.q_end = std::min(kQueries, t.q_begin + 2L * k->panel);
      k->attention(&t);
    }
    EXPECT_EQ(whole, parts);
  }
}

TEST(AttentionKernels, KeysOfNoWeightCountNothingAndANotANumberIsSeen) {
  constexpr long kQueries = 30, kKeys = 140, kDim = 4;
  for (const Kernels* k : tested_kernels()) {
    SCOPED_TRACE(k->isa);
    const auto memory = aligned_memory(size_t(k->attention_scratch(kKeys, kDim)) * sizeof(float));
    std::vector<float> q(size_t(kQueries) * kDim, 1.0f), v(size_t(kKeys) * kDim), y(q.size());
    std::vector<float> keys(v.size());
    // One key is far above all others, which are worth about 2^-200 and more of it each.
    for (size_t i = 0; i < v.size(); ++i) {
      v[i] = float(i % kDim) + (i / kDim == 77 ? 1.0f : 1e4f);
      keys[i] = i / kDim == 77 ? 20.0f : -20.0f - float(i % 9);
    }
    AttentionTask t{};
    t.q = q.data();
    t.k = keys.data();
    t.v = v.data();
    t.type = t.y_type = kTypeF32;
    t.q_stride = t.k_stride = t.v_stride = t.y_stride = kDim;
    t.q_end = kQueries;
    t.keys = kKeys;
    t.dim = kDim;
    t.scale = 1;
    t.scratch = static_cast<float*>(memory.get());
    t.y = y.data();
    k->attention(&t);
    for (size_t i = 0; i < y.size(); ++i)
      ASSERT_EQ(y[i], 1.0f + float(i % kDim));
    for (const size_t where : {size_t(0), keys.size() - 1}) {
      const float was = std::exchange(keys[where], std::nanf(""));
      k->attention(&t);
      for (const float value : y)
        ASSERT_TRUE(std::isnan(value)) << value;
      keys[where] = was;
    }
  }
}

TEST(ElementKernels, ActivationsFollowTheirFormulasOverAllMagnitudes) {
  std::vector<float> x;
  for (float v = 1e-30f; v < 1e30f; v *= v < 1e-3f || v > 1e3f ? 1.7f : 1.003f)
    x.insert(x.end(), {v, -v});
  x.insert(x.end(), {0.0f, -0.0f, 1.0f, -1.0f, std::nanf("")});
  const auto formula = [](double v, int activation) {
    if (activation == kActGeluErf) return 0.5 * v * std::erfc(-v / std::sqrt(2.0));
    const double u = activation == kActSilu
                         ? v
                         : 2 * std::sqrt(2 / 3.14159265358979323846) * (v + 0.044715 * v * v * v);
    return v / (1 + std::exp(-u));
  };
  for (const Kernels* k : tested_kernels())
    for (const int activation : {kActGeluErf, kActGeluTanh, kActSilu}) {
      SCOPED_TRACE(std::string(k->isa) + ", activation " + std::to_string(activation));
      std::vector<float> y = x;
      k->activate(y.data(), long(y.size()), activation);
      EXPECT_TRUE(std::isnan(y.back()));
      for (size_t i = 0; i + 1 < x.size(); ++i) {
        const double want = formula(double(x[i]), activation);
        ASSERT_LE(std::fabs(want - double(y[i])),
                  5e-7 * std::fabs(want) + 3e-7 * std::min(1.0, std::fabs(double(x[i]))))
            << "at " << x[i] << ": " << y[i] << " for " << want;
      }
    }
}

TEST(ElementKernels, Bfloat16RoundsToNearestEvenEverywhere) {
  // Every upper half with lower halves below, at and above the middle: infinities, numbers that
  // round up to them, numbers below the normal range and not-a-numbers are among them.
  std::vector<float> from;
  for (uint32_t high = 0; high < 0x10000; ++high)
    for (const uint32_t low : {0u, 1u, 0x7fffu, 0x8000u, 0x8001u, 0xffffu})
      from.push_back(std::bit_cast<float>(high << 16 | low));
  std::vector<uint16_t> to(from.size());
  std::vector<float> back(from.size());
  for (const Kernels* k : tested_kernels()) {
    SCOPED_TRACE(k->isa);
    k->to_bf16(from.data(), to.data(), long(from.size()));
    k->from_bf16(to.data(), back.data(), long(from.size()));
    for (size_t i = 0; i < from.size(); ++i) {
      ASSERT_EQ(to[i], float_to_bf16(from[i])) << "bits " << std::bit_cast<uint32_t>(from[i]);
      ASSERT_EQ(std::bit_cast<uint32_t>(back[i]), uint32_t(to[i]) << 16);
      if (std::isnan(from[i])) {
        ASSERT_TRUE(std::isnan(back[i]));
      } else if (std::isfinite(back[i])) {
        const double error = std::fabs(double(back[i]) - double(from[i]));
        for (const int step : {-1, 1}) {
          const float other = std::bit_cast<float>(uint32_t(to[i] + step) << 16);
          if (!std::isfinite(other) || std::signbit(other) != std::signbit(back[i])) continue;
          const double theirs = std::fabs(double(other) - double(from[i]));
          ASSERT_TRUE(error < theirs || (error == theirs && to[i] % 2 == 0)) << from[i];
        }
      }
    }
  }
}

}  // namespace
}  // namespace looktwice::compute
