// The CUDA backend over its own kernels, run on the CPU, against the reference backend: every
// operation, dtype and path (wide and narrow rows, short, long and plain attention).

#include <cmath>
#include <functional>
#include <random>

#include <gtest/gtest.h>

#include "compute/cuda/cuda_backend.h"
#include "compute/factories.h"
#include "emulation/emulated_device.h"
#include "emulation/turns.h"
#include "support/random_tensor.h"

namespace looktwice::compute::cuda {
namespace {

std::shared_ptr<CudaBackend> cuda_backend(DType dtype, EmulatedOptions device = {},
                                          AttentionPath attention = AttentionPath::best) {
  CudaOptions options;
  options.fast.attention = attention;
  options.dtype = dtype;
  options.pool.segment = 0;  // every tensor an allocation of its own
  options.workspace = 0;
  return std::make_shared<CudaBackend>(emulated_device(device), options);
}

/// Values of a dtype, as float32.
Tensor rounded(const Tensor& t, DType dtype) {
  return make_reference()->upload(t, dtype).to_f32();
}

double error_of(const std::vector<float>& got, const std::vector<float>& want) {
  double difference = 0, norm = 0;
  for (size_t i = 0; i < want.size(); ++i) {
    difference += (double(got[i]) - want[i]) * (double(got[i]) - want[i]);
    norm += double(want[i]) * want[i];
  }
  return std::sqrt(difference / (norm + 1e-30));
}

double tolerance(DType dtype) {
  return dtype == DType::f32 ? 2e-6 : dtype == DType::bf16 ? 1.2e-2 : 2e-3;
}

/// Something to compute on any backend, from the same inputs; `x` makes a tensor of the tested
/// dtype, `f` one of float32.
struct Inputs {
  Backend& backend;
  DType dtype;
  Tensor x(const Tensor& host) const { return backend.upload(rounded(host, dtype), dtype); }
  Tensor f(const Tensor& host) const { return backend.upload(host, DType::f32); }
  Tensor y(Shape shape) const { return backend.empty(std::move(shape), dtype); }
};
using Body = std::function<Tensor(const Inputs&)>;

class Kernels : public testing::TestWithParam<DType> {
 protected:
  /// Runs on the reference (in float32, inputs rounded to the dtype) and on the CUDA backend.
  void agree(const Body& body, double factor = 1, EmulatedOptions device = {}) {
    const BackendPtr reference = make_reference();
    const auto want = reference->download_f32(body({*reference, DType::f32}));
    for (const auto turns : {emulation::Turns::ascending, emulation::Turns::shuffled}) {
#if defined(__SANITIZE_ADDRESS__)
      if (turns == emulation::Turns::ascending) continue;  // one order is slow enough
#endif
      emulation::set_turns(turns);
      const auto cuda = cuda_backend(GetParam(), device);
      const auto got = cuda->download_f32(body({*cuda, GetParam()}));
      ASSERT_EQ(got.size(), want.size());
      const double error = error_of(got, want);
      EXPECT_TRUE(error <= tolerance(GetParam()) * factor) << "relative error " << error;
    }
    emulation::set_turns(emulation::Turns::ascending);
  }
  /// The reference sees float32 inputs of the tested dtype's values.
  Tensor in(Shape shape, uint32_t seed, float scale = 1) const {
    return rounded(random_tensor(std::move(shape), seed, scale), GetParam());
  }
};

const int kWidths[] = {16, 9, 320};

TEST_P(Kernels, LayerNorm) {
  for (int cols : {8, 7, 320, 1152, 1544, 2048})
    for (bool affine : {false, true}) {
      SCOPED_TRACE(cols);
      agree([&](const Inputs& i) {
        const Tensor y = i.y({5, cols});
        i.backend.layer_norm(y, i.x(in({5, cols}, 1, 3)),
                             affine ? i.f(random_tensor({cols}, 2)) : Tensor{},
                             affine ? i.f(random_tensor({cols}, 3)) : Tensor{}, 1e-6f);
        return y;
      });
    }
}

TEST_P(Kernels, ModulateGatedAddCombineActivateCopy) {
  for (int cols : kWidths) {
    SCOPED_TRACE(cols);
    const Tensor x = in({7, cols}, 1), r = in({7, cols}, 2);
    const std::vector<int32_t> group{0, 1, 2, 2, 1, 0, 1};
    for (bool grouped : {false, true}) {
      const auto groups = [&](const Inputs& i) {
        return grouped ? i.backend.indices(group) : Tensor{};
      };
      agree([&](const Inputs& i) {
        const Tensor y = i.y({7, cols});
        i.backend.modulate(y, i.x(x), i.f(random_tensor({3, cols}, 3)),
                           i.f(random_tensor({3, cols}, 4)), groups(i));
        return y;
      });
      agree([&](const Inputs& i) {
        const Tensor y = i.x(x);  // in place
        i.backend.gated_add(y, y, i.x(r), grouped ? i.f(random_tensor({3, cols}, 3)) : Tensor{},
                            groups(i));
        return y;
      });
    }
    agree([&](const Inputs& i) {
      const Tensor y = i.y({7, cols});
      i.backend.combine(y, 1.5f, i.x(x), -0.25f, i.x(r));
      return y;
    });
    for (Activation a :
         {Activation::none, Activation::gelu_erf, Activation::gelu_tanh, Activation::silu})
      agree([&](const Inputs& i) {
        const Tensor y = i.y({7, cols});
        i.backend.activate(y, i.x(x), a);
        return y;
      });
    agree([&](const Inputs& i) {  // strided and converting
      const Tensor wide = i.x(in({7, 3 * cols}, 9));
      const Tensor y = i.backend.empty({7, cols}, DType::f32);
      i.backend.copy(y, wide.columns(cols, cols));
      return y;
    });
  }
}

TEST_P(Kernels, NormsThatModulateAndTurnInOnePass) {
  const std::vector<int32_t> group{0, 1, 1, 0, 1}, position{4, 0, 1, 3, 2};
  for (int cols : {8, 9, 320, 1152, 2048})
    for (bool grouped : {false, true}) {
      SCOPED_TRACE(cols);
      agree([&](const Inputs& i) {
        const Tensor y = i.y({5, cols});
        i.backend.norm_modulate(y, i.x(in({5, cols}, 1, 3)), 1e-6f,
                                i.f(random_tensor({2, cols}, 2)), i.f(random_tensor({2, cols}, 3)),
                                grouped ? i.backend.indices(group) : Tensor{});
        return y;
      });
    }
  for (int dim : {8, 6, 72, 160})
    for (bool turned : {false, true}) {
      SCOPED_TRACE(dim);
      agree([&](const Inputs& i) {
        const Tensor y = i.x(in({5, 3 * dim}, 1));
        i.backend.rms_rotary(y, y, i.f(random_tensor({dim}, 2)), 3, 1e-6f,
                             turned ? i.f(random_tensor({5, dim / 2}, 3)) : Tensor{},
                             turned ? i.f(random_tensor({5, dim / 2}, 4)) : Tensor{},
                             i.backend.indices(position));
        return y;
      });
    }
}

TEST_P(Kernels, RmsNormAndRotaryAndHeadMean) {
  for (int dim : {8, 6, 72, 160}) {
    SCOPED_TRACE(dim);
    const int heads = 3, cols = dim * heads;
    const Tensor x = in({6, cols}, 1);
    agree([&](const Inputs& i) {
      const Tensor y = i.x(x);
      i.backend.rms_norm(y, y, i.f(random_tensor({dim}, 2)), heads, 1e-6f);
      return y;
    });
    agree([&](const Inputs& i) {
      const Tensor y = i.y({6, cols});
      const std::vector<int32_t> position{4, 0, 1, 3, 2, 4};
      i.backend.rotary(y, i.x(x), i.f(random_tensor({5, dim / 2}, 2)),
                       i.f(random_tensor({5, dim / 2}, 3)), i.backend.indices(position), heads);
      return y;
    });
    agree([&](const Inputs& i) {
      const Tensor y = i.backend.empty({6, dim}, DType::f32);
      i.backend.head_mean(y, i.x(x), heads);
      return y;
    });
  }
}

TEST_P(Kernels, GatherScatterAddRowsAndGroups) {
  for (int cols : kWidths) {
    SCOPED_TRACE(cols);
    const Tensor x = in({7, cols}, 1);
    const std::vector<int32_t> index{3, 0, 3, 2, 3, 0, 1};
    agree([&](const Inputs& i) {
      const Tensor y = i.y({7, cols});
      i.backend.gather_rows(y, i.x(x), i.backend.indices(index));
      return y;
    });
    agree([&](const Inputs& i) {
      const Tensor y = i.x(in({5, cols}, 2));
      i.backend.scatter_add_rows(y, i.x(x), i.backend.indices(index));
      return y;
    });
    agree([&](const Inputs& i) {
      const Tensor y = i.y({7, cols});
      i.backend.add_rows(y, i.x(x), i.f(random_tensor({4, cols}, 3)), i.backend.indices(index));
      return y;
    });
    const std::vector<int32_t> offset{0, 1, 1, 4, 7}, member{6, 0, 2, 4, 1, 5, 3};
    for (bool weighted : {false, true})
      for (bool divided : {false, true})
        agree([&](const Inputs& i) {
          const Tensor y = i.y({4, cols});
          const std::vector<float> w{1, 2, 3, 1, 5, 2, 4}, d{2, 3, 4, 5};
          i.backend.group_mean(y, i.x(x), offset, member,
                               weighted ? i.f(Tensor::of(w, {7})) : Tensor{},
                               divided ? i.f(Tensor::of(d, {4})) : Tensor{});
          return y;
        });
  }
}

TEST_P(Kernels, Linear) {
  struct Size {
    int rows, in, out;
  };
  for (const auto& [rows, in_cols, out] : {Size{5, 16, 24}, Size{17, 33, 9}})
    for (Activation act :
         {Activation::none, Activation::gelu_erf, Activation::gelu_tanh, Activation::silu})
      for (int parts = 0; parts < 8; ++parts)
        for (const EmulatedOptions& device :
             {EmulatedOptions{}, EmulatedOptions{.library_epilogues = false},
              EmulatedOptions{.library_scales = false}, EmulatedOptions{.library = false}}) {
          SCOPED_TRACE(testing::Message() << rows << " " << int(act) << " " << parts);
          agree(
              [&](const Inputs& i) {
                const Tensor w = in({out, in_cols}, 2, 0.3f), b = in({out}, 3);
                const LinearPtr prepared = i.backend.prepare(w, parts & 1 ? b : Tensor{});
                LinearOptions o;
                o.activation = act;
                Tensor y = i.y({rows, out});
                if (parts & 2) {
                  o.residual = y = i.x(in({rows, out}, 4));  // added in place
                }
                std::vector<int32_t> groups;
                for (int r = 0; r < rows; ++r)
                  groups.push_back(r % 2);
                if (parts & 4) {
                  o.gate = i.f(random_tensor({2, out}, 5));
                  if (rows == 17) o.group_of_row = i.backend.indices(groups);
                }
                i.backend.linear(y, i.x(in({rows, in_cols}, 1)), *prepared, o);
                return y;
              },
              1.5, device);
        }
}

TEST_P(Kernels, LinearWithMixedTypes) {
  for (DType x_type : {DType::f32, DType::bf16, DType::f16})
    for (DType y_type : {DType::f32, DType::bf16, DType::f16})
      agree(
          [&](const Inputs& i) {
            const bool reference = i.backend.name() == "reference";
            const Tensor w = in({24, 16}, 2, 0.3f), x = rounded(random_tensor({5, 16}, 1), x_type);
            const LinearPtr prepared = i.backend.prepare(w, in({24}, 3));
            const Tensor y = i.backend.empty({5, 24}, reference ? DType::f32 : y_type);
            LinearOptions o;
            o.residual = i.f(random_tensor({5, 24}, 4));
            i.backend.linear(y, i.backend.upload(x, reference ? DType::f32 : x_type), *prepared, o);
            return y;
          },
          GetParam() == DType::f32 && y_type != DType::f32 ? 1e4 : 2);
}

struct Case {
  int heads, dim;
  std::vector<int32_t> q, k;
};

TEST_P(Kernels, Attention) {
  const std::vector<Case> cases = {
      {2, 64, {70, 3, 150}, {70, 3, 150}},  // long, several steps and blocks
      {1, 64, {33}, {128}},                 // whole steps only
      {1, 16, {65}, {64}},
      {2, 72, {40, 1}, {33, 0}},  // padded width; a segment without keys
      {1, 80, {5, 66}, {100, 7}},
      {1, 128, {33}, {129}},
      {1, 96, {48}, {48}},
      {3, 16, {15, 7, 16}, {15, 7, 16}},  // short
      {2, 72, {20, 32}, {31, 17}},
      {2, 6, {9, 40}, {9, 35}},  // no multiple of 8: plain
      {1, 136, {34}, {50}},      // wider than the matrix units' kernels
  };
  for (const Case& c : cases)
    for (bool biased : {false, true}) {
      SCOPED_TRACE(testing::Message() << c.dim << " of " << c.q[0] << " bias " << biased);
      const Segments qs = Segments::packed(c.q), ks = Segments::packed(c.k);
      const int64_t nq = qs.start.back() + qs.length.back(),
                    nk = ks.start.back() + ks.length.back();
      const int cols = c.heads * c.dim;
      const Tensor q = in({nq, cols}, 1), kv = in({nk, 2 * cols}, 2);
      Tensor bias = random_tensor({nk}, 3, 1.5f);
      agree(
          [&](const Inputs& i) {
            const Tensor y = i.y({nq, cols}), both = i.x(kv);
            AttentionOptions o;
            o.heads = c.heads;
            o.scale = 1.0f / std::sqrt(float(c.dim));
            o.q_segments = qs;
            o.k_segments = ks;
            if (biased) o.key_bias = i.f(bias);
            i.backend.attention(y, i.x(q), both.columns(0, cols), both.columns(cols, cols), o);
            return y;
          },
          2);
    }
}

TEST_P(Kernels, PlannedSegmentsServeAllLengthsThatFit) {
  const auto cuda = cuda_backend(GetParam());
  const BackendPtr reference = make_reference();
  const Tensor host = in({200, 3 * 32}, 1), x = cuda->upload(host, GetParam());
  const Tensor wanted_x = reference->upload(host);
  AttentionOptions o;
  o.heads = 2;
  const auto empty = Segments::packed({});
  o.planned = cuda->plan_segments(empty, empty, 200, 4);
  for (const std::vector<int32_t>& lengths :
       {std::vector<int32_t>{150, 40}, {200}, {1, 2, 3, 190}, {}}) {
    const Segments s = Segments::packed(lengths);
    cuda->update(*std::const_pointer_cast<PlannedSegments>(o.planned), s, s);
    AttentionOptions plain;
    plain.heads = 2;
    plain.q_segments = plain.k_segments = s;
    const auto run = [&](Backend& b, const Tensor& qkv, DType dtype, const AttentionOptions& how) {
      const Tensor y = b.upload(Tensor::zeros({200, 32}), dtype);
      b.attention(y, qkv.columns(0, 32), qkv.columns(32, 32), qkv.columns(64, 32), how);
      return b.download_f32(y);
    };
    EXPECT_LE(error_of(run(*cuda, x, GetParam(), o), run(*reference, wanted_x, DType::f32, plain)),
              2 * tolerance(GetParam()));
  }
  const Segments wide = Segments::packed(std::vector<int32_t>{201});
  EXPECT_THROW(cuda->update(*std::const_pointer_cast<PlannedSegments>(o.planned), wide, wide),
               std::logic_error);
}

TEST_P(Kernels, EveryPathOfAttentionAgrees) {
  std::vector<std::vector<float>> results;
  const Tensor host = in({90, 3 * 48}, 1);
  for (const AttentionPath path : {AttentionPath::best, AttentionPath::mma, AttentionPath::plain}) {
    const auto cuda = cuda_backend(GetParam(), {}, path);
    const Tensor x = cuda->upload(host, GetParam()), y = cuda->empty({90, 48}, GetParam());
    AttentionOptions o;
    o.heads = 3;
    o.scale = 0.3f;
    o.q_segments = o.k_segments = Segments::packed(std::vector<int32_t>{70, 20});
    cuda->attention(y, x.columns(0, 48), x.columns(48, 48), x.columns(96, 48), o);
    results.push_back(cuda->download_f32(y));
  }
  for (const auto& r : results)
    EXPECT_LE(error_of(r, results[2]), 2 * tolerance(GetParam()));
}

TEST_P(Kernels, AttentionOverTimeAndInPlace) {
  for (int t : {15, 40}) {
    const int s = 3, cols = 2 * 72;
    agree(
        [&](const Inputs& i) {
          const Tensor qkv = i.x(in({2 * t * s, 3 * cols}, 1));
          AttentionOptions o;
          o.heads = 2;
          o.scale = 0.1f;
          o.q_segments = o.k_segments = Segments::over_time(2, t, s);
          const Tensor q = qkv.columns(0, cols);
          i.backend.attention(q, q, qkv.columns(cols, cols), qkv.columns(2 * cols, cols), o);
          const Tensor y = i.y({2 * t * s, cols});
          i.backend.copy(y, q);
          return y;
        },
        2);
  }
}

TEST_P(Kernels, AttentionKeepsRowsOutsideAllSegments) {
  const auto cuda = cuda_backend(GetParam());
  const Tensor x = cuda->upload(in({20, 16}, 1), GetParam());
  const Tensor y = cuda->upload(in({20, 16}, 2), GetParam());
  AttentionOptions o;
  o.q_segments.start = o.k_segments.start = {3};
  o.q_segments.length = o.k_segments.length = {10};
  cuda->attention(y, x, x, x, o);
  const auto got = cuda->download_f32(y), before = in({20, 16}, 2).to_vector();
  for (size_t r : {0, 2, 13, 19})
    for (size_t c = 0; c < 16; ++c)
      EXPECT_EQ(got[r * 16 + c], before[r * 16 + c]);
  EXPECT_NE(got[5 * 16], before[5 * 16]);
}

TEST_P(Kernels, Compare) {
  for (int cols : {16, 5}) {
    const Tensor a = in({300, cols}, 1), b = in({300, cols}, 2);
    const auto cuda = cuda_backend(GetParam());
    const Comparison want = make_reference()->compare(a, b);
    const Tensor da = cuda->upload(a, GetParam()), db = cuda->upload(b, GetParam());
    const Comparison got = cuda->compare(da, db);
    EXPECT_NEAR(got.l1_difference / want.l1_difference, 1, 1e-12);
    EXPECT_NEAR(got.l1_a / want.l1_a, 1, 1e-12);
    EXPECT_NEAR(got.l1_b / want.l1_b, 1, 1e-12);
    EXPECT_NEAR(got.l2_difference / want.l2_difference, 1, 1e-12);
    EXPECT_NEAR(got.l2_a / want.l2_a, 1, 1e-12);
    EXPECT_NEAR(got.l2_b / want.l2_b, 1, 1e-12);
    EXPECT_NEAR(got.dot, want.dot, 1e-12 * want.l2_a * want.l2_b);
    EXPECT_EQ(got.dot, cuda->compare(da, db).dot);
  }
}

TEST_P(Kernels, Patchify) {
  std::mt19937 engine(1);
  for (int patch : {16, 14}) {
    PatchifyOptions o;
    o.T = 4;
    o.H = 2 * patch + 3;
    o.W = 3 * patch + 1;
    o.patch = patch;
    std::vector<uint8_t> rgb(size_t(o.T * o.H * o.W * 3));
    for (auto& v : rgb)
      v = uint8_t(engine());
    o.rgb = rgb.data();
    const std::vector<int32_t> tokens{11, 0, 5, 7};
    agree([&](const Inputs& i) {
      const Tensor y = i.y({4, 6 * patch * patch});
      i.backend.patchify(y, o, tokens);
      return y;
    });
  }
}

INSTANTIATE_TEST_SUITE_P(Cuda, Kernels, testing::Values(DType::f32, DType::bf16, DType::f16),
                         [](const auto& tested) { return std::string(dtype_name(tested.param)); });

/// Where no exp or tanh is involved, float32 results are those of the reference, bit for bit.
TEST(KernelBits, Float32IsTheReferences) {
  const BackendPtr reference = make_reference();
  const auto cuda = cuda_backend(DType::f32);
  const auto both = [&](const std::function<Tensor(Backend&)>& body) {
    EXPECT_EQ(cuda->download_f32(body(*cuda)), reference->download_f32(body(*reference)));
  };
  const Tensor x = random_tensor({9, 40}, 1), r = random_tensor({9, 40}, 2),
               t = random_tensor({2, 40}, 3);
  const std::vector<int32_t> offset{0, 3, 9}, member{8, 1, 2, 3, 0, 5, 6, 7, 4};
  both([&](Backend& b) {
    const Tensor y = b.empty({9, 40}, DType::f32);
    b.modulate(y, b.upload(x), b.upload(t), b.upload(t), {});
    b.gated_add(y, y, b.upload(r), b.upload(t), {});
    b.combine(y, 0.3f, y, 0.7f, b.upload(x));
    return y;
  });
  both([&](Backend& b) {
    const Tensor y = b.empty({2, 40}, DType::f32);
    b.group_mean(y, b.upload(x), offset, member, b.upload(random_tensor({9}, 4)), {});
    return y;
  });
  both([&](Backend& b) {
    const Tensor y = b.empty({9, 10}, DType::f32);
    b.head_mean(y, b.upload(x), 4);
    return y;
  });
}

}  // namespace
}  // namespace looktwice::compute::cuda
