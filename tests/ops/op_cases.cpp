#include "op_cases.h"

#include <algorithm>
#include <cmath>
#include <random>

namespace looktwice::ops {
namespace {

using compute::Activation;
using compute::Backend;
using compute::LinearOptions;
using compute::Segments;
using compute::Shape;
using compute::Tensor;

Tensor random_tensor(Shape shape, uint32_t seed, float spread = 1.0f) {
  Tensor t(std::move(shape), DType::f32);
  std::mt19937 engine(seed);
  for (int64_t i = 0; i < t.elements(); ++i) {
    // Sum of uniforms: bell-shaped and the same with every standard library.
    float sum = -2;
    for (int k = 0; k < 4; ++k)
      sum += float(engine() >> 8) * (1.0f / 16777216.0f);
    t.data<float>()[i] = sum * 1.7f * spread;
  }
  return t;
}

std::vector<int32_t> random_indices(size_t count, int32_t below, uint32_t seed) {
  std::mt19937 engine(seed);
  std::vector<int32_t> out(count);
  for (auto& v : out)
    v = int32_t(engine() % uint32_t(below));
  return out;
}

struct LinearShape {
  int64_t rows, in, out;
  Activation activation = Activation::none;
  bool bias = true, residual = false;
  int groups = 0;
  bool in_place = false;
};

const char* activation_name(Activation a) {
  switch (a) {
    case Activation::none:
      return "plain";
    case Activation::gelu_erf:
      return "gelu";
    case Activation::gelu_tanh:
      return "gelu_tanh";
    case Activation::silu:
      return "silu";
  }
  return "";
}

OpCase linear_case(const LinearShape& s, bool large = false) {
  OpCase c;
  c.name = "linear/" + std::to_string(s.rows) + "x" + std::to_string(s.in) + "x" +
           std::to_string(s.out) + "/" + activation_name(s.activation) +
           (s.bias ? "" : "/no_bias") + (s.residual ? "/residual" : "") +
           (s.groups ? "/gate" : "") + (s.in_place ? "/in_place" : "");
  c.flops = 2.0 * double(s.rows) * double(s.in) * double(s.out);
  c.large = large;
  c.make = [s](Backend& b, DType inputs) {
    const Tensor x = b.upload(random_tensor({s.rows, s.in}, 1), inputs);
    const auto w = b.prepare(random_tensor({s.out, s.in}, 2, 1 / std::sqrt(float(s.in))),
                             s.bias ? random_tensor({s.out}, 3) : Tensor());
    LinearOptions o;
    o.activation = s.activation;
    const Tensor y = b.empty({s.rows, s.out}, s.in_place ? DType::f32 : inputs);
    const Tensor residual = b.upload(random_tensor({s.rows, s.out}, 4), DType::f32);
    if (s.residual) o.residual = s.in_place ? y : residual;
    if (s.groups) {
      o.gate = b.upload(random_tensor({s.groups, s.out}, 5), DType::f32);
      if (s.groups > 1) o.group_of_row = b.indices(random_indices(size_t(s.rows), s.groups, 6));
    }
    Backend* backend = &b;
    return Ready{[=] {
                   if (s.in_place) backend->copy(y, residual);
                   backend->linear(y, x, *w, o);
                 },
                 {y}};
  };
  return c;
}

struct AttentionShape {
  std::string name;
  int heads, dim;
  Segments q, k;
  int64_t q_rows, k_rows;
  bool bias = false, packed_qkv = false;
  float spread = 1;
};

OpCase attention_case(const AttentionShape& s, bool large = false) {
  OpCase c;
  c.name = "attention/" + s.name;
  // Logits of several hundred carry rounding errors of their own size into the exponent.
  if (s.spread > 1) c.scale = 4 * s.spread * s.spread;
  c.large = large;
  for (size_t i = 0; i < s.q.count(); ++i)
    c.flops += 4.0 * s.q.length[i] * s.k.length[i] * s.heads * s.dim;
  c.make = [s](Backend& b, DType inputs) {
    const int64_t width = int64_t(s.heads) * s.dim;
    Tensor q, k, v;
    if (s.packed_qkv) {
      const Tensor qkv = b.upload(random_tensor({s.q_rows, 3 * width}, 11, s.spread), inputs);
      q = qkv.columns(0, width);
      k = qkv.columns(width, width);
      v = qkv.columns(2 * width, width);
    } else {
      q = b.upload(random_tensor({s.q_rows, width}, 11, s.spread), inputs);
      k = b.upload(random_tensor({s.k_rows, width}, 12, s.spread), inputs);
      v = b.upload(random_tensor({s.k_rows, width}, 13), inputs);
    }
    compute::AttentionOptions o;
    o.heads = s.heads;
    o.scale = 1 / std::sqrt(float(s.dim));
    o.q_segments = s.q;
    o.k_segments = s.k;
    if (s.bias) {
      Tensor bias = random_tensor({s.k_rows}, 14);
      for (int64_t i = 0; i < s.k_rows; ++i)
        bias.data<float>()[i] = std::log(1 + std::fabs(bias.data<float>()[i]) * 4);
      o.key_bias = b.upload(bias);
    }
    // Rows outside all segments must be kept.
    const Tensor y = b.upload(random_tensor({s.q_rows, width}, 15), inputs);
    Backend* backend = &b;
    return Ready{[=] { backend->attention(y, q, k, v, o); }, {y}};
  };
  return c;
}

/// A case of one output made from uploaded inputs.
OpCase row_case(std::string name, std::function<Ready(Backend&, DType)> make, double scale = 1) {
  OpCase c;
  c.name = std::move(name);
  c.make = std::move(make);
  c.scale = scale;
  return c;
}

void add_linear(std::vector<OpCase>& list, std::mt19937& random) {
  using A = Activation;
  for (const LinearShape& s :
       std::initializer_list<LinearShape>{{1, 48, 10},
                                          {64, 48, 144},
                                          {64, 48, 192, A::gelu_erf},
                                          {64, 192, 48, A::none, true, true, 0, true},
                                          {197, 384, 1152, A::none, false},
                                          {33, 64, 256, A::gelu_tanh},
                                          {5, 256, 64, A::silu},
                                          {50, 64, 64, A::none, true, true, 1},
                                          {50, 64, 64, A::none, true, true, 3},
                                          {17, 1000, 31, A::gelu_erf, true, true, 2},
                                          {0, 16, 16}})
    list.push_back(linear_case(s));
  for (int i = 0; i < 12; ++i)
    list.push_back(linear_case({int64_t(random() % 300 + 1), int64_t(random() % 500 + 1),
                                int64_t(random() % 400 + 1), A(random() % 4), random() % 2 == 0,
                                random() % 2 == 0, int(random() % 3)}));
  for (int64_t rows : {1568, 784, 333})
    for (const auto& [in, out, act] : {std::tuple{768, 2304, A::none},
                                       {768, 768, A::none},
                                       {768, 3072, A::gelu_erf},
                                       {3072, 768, A::none}})
      list.push_back(linear_case({rows, in, out, act}, true));
}

void add_attention(std::vector<OpCase>& list, std::mt19937& random) {
  const auto packed = [](std::vector<int32_t> n) { return Segments::packed(n); };
  list.push_back(attention_case(
      {"dense64", 4, 12, packed({64, 64}), packed({64, 64}), 128, 128, false, true}));
  list.push_back(attention_case({"packed_uneven", 3, 64, packed({1, 130, 37, 300}),
                                 packed({1, 130, 37, 300}), 468, 468, false, true}));
  list.push_back(attention_case(
      {"log_size", 4, 16, packed({90, 41}), packed({90, 41}), 131, 131, true, true}));
  list.push_back(attention_case(
      {"peaked", 2, 32, packed({200}), packed({200}), 200, 200, false, true, 12.0f}));
  Segments keys;
  keys.start = {0, 8, 16};
  keys.length = {8, 5, 0};
  list.push_back(attention_case({"cross_lengths", 4, 16, packed({20, 20, 20}), keys, 60, 24}));
  list.push_back(attention_case({"cross_bias", 4, 16, packed({20, 20, 20}), keys, 60, 24, true}));
  list.push_back(attention_case({"over_time", 4, 16, Segments::over_time(2, 5, 64),
                                 Segments::over_time(2, 5, 64), 640, 640, false, true}));
  Segments part;
  part.start = {10};
  part.length = {7};
  list.push_back(attention_case({"rows_kept", 2, 24, part, part, 40, 40, false, true}));
  for (int i = 0; i < 8; ++i) {
    std::vector<int32_t> n;
    int32_t rows = 0;
    for (uint32_t j = 0; j <= random() % 4; ++j)
      rows += n.emplace_back(int32_t(random() % 260 + 1));
    const int heads = int(random() % 4 + 1), dim = int(random() % 50 + 1) * 2;
    list.push_back(attention_case({"random" + std::to_string(i), heads, dim, packed(n), packed(n),
                                   rows, rows, random() % 2 == 0, true}));
  }
  // Every width that has a kernel of its own on a GPU, over more than one block of queries and
  // keys; then attention over time at the lengths of its two short kernels.
  for (const int dim : {16, 32, 64, 72, 80, 96, 128})
    list.push_back(attention_case({"width" + std::to_string(dim), 2, dim, packed({150, 70}),
                                   packed({150, 70}), 220, 220, dim == 72, true}));
  for (const int frames : {15, 16, 17, 32, 33})
    list.push_back(attention_case(
        {"over_time" + std::to_string(frames), 2, 72, Segments::over_time(2, frames, 9),
         Segments::over_time(2, frames, 9), 18 * frames, 18 * frames, false, true}));
  for (int32_t n : {1568, 784, 196})
    list.push_back(attention_case(
        {"vit_b_" + std::to_string(n), 12, 64, packed({n}), packed({n}), n, n, false, true}, true));
}

void add_rows(std::vector<OpCase>& list, std::mt19937& random) {
  for (const auto& [rows, cols, affine] :
       {std::tuple{64, 48, true},
        {6, 64, false},
        {197, 768, true},
        {3, 7, true},
        {int(random() % 90 + 1), int(random() % 900 + 1), true}}) {
    const int n = rows, d = cols;
    const bool weights = affine;
    list.push_back(row_case(
        "layer_norm/" + std::to_string(n) + "x" + std::to_string(d) + (weights ? "" : "/plain"),
        [=](Backend& b, DType t) {
          const Tensor x = b.upload(random_tensor({n, d}, 21, 3), DType::f32);
          const Tensor w = weights ? b.upload(random_tensor({d}, 22)) : Tensor();
          const Tensor bias = weights ? b.upload(random_tensor({d}, 23)) : Tensor();
          const Tensor y = b.empty({n, d}, t);
          return Ready{[=, &b] { b.layer_norm(y, x, w, bias, 1e-6f); }, {y}};
        },
        2));
  }
  list.push_back(row_case(
      "modulate/groups",
      [](Backend& b, DType t) {
        const Tensor x = b.upload(random_tensor({40, 64}, 31), t);
        const Tensor shift = b.upload(random_tensor({3, 64}, 32)),
                     scale = b.upload(random_tensor({3, 64}, 33));
        const Tensor group = b.indices(random_indices(40, 3, 34));
        const Tensor y = b.empty({40, 64}, t);
        return Ready{[=, &b] { b.modulate(y, x, shift, scale, group); }, {y}};
      },
      3));
  for (const bool sorted : {true, false})
    list.push_back(row_case(
        std::string("norm_modulate/") + (sorted ? "runs" : "mixed"),
        [=](Backend& b, DType t) {
          const Tensor x = b.upload(random_tensor({50, 77}, 35, 3), DType::f32);
          const Tensor tables = b.upload(random_tensor({3, 2 * 77}, 36));
          auto groups = random_indices(50, 3, 37);
          if (sorted) std::ranges::sort(groups);
          const Tensor group = b.indices(groups), y = b.empty({50, 77}, t);
          return Ready{[=, &b] {
                         b.norm_modulate(y, x, 1e-6f, tables.columns(0, 77), tables.columns(77, 77),
                                         group);
                       },
                       {y}};
        },
        3));
  for (const auto& [heads, dim] : {std::pair{4, 16}, {2, 72}, {5, 13}})
    list.push_back(row_case(
        "rms_norm/" + std::to_string(heads) + "x" + std::to_string(dim),
        [heads, dim](Backend& b, DType t) {
          const int64_t width = int64_t(heads) * dim;
          const Tensor x = b.upload(random_tensor({40, 3 * width}, 41), t).columns(width, width);
          const Tensor w = b.upload(random_tensor({dim}, 42));
          const Tensor y = b.empty({40, width}, t);
          return Ready{[=, &b] { b.rms_norm(y, x, w, heads, 1e-6f); }, {y}};
        },
        2));
  list.push_back(row_case(
      "rotary/4x16",
      [](Backend& b, DType t) {
        const Tensor x = b.upload(random_tensor({45, 64}, 51), t);
        Tensor cos({9, 8}, DType::f32), sin({9, 8}, DType::f32);
        for (int i = 0; i < 72; ++i) {
          cos.data<float>()[i] = std::cos(float(i) * 0.37f);
          sin.data<float>()[i] = std::sin(float(i) * 0.37f);
        }
        const Tensor c = b.upload(cos), s = b.upload(sin);
        const Tensor at = b.indices(random_indices(45, 9, 52));
        const Tensor y = b.empty({45, 64}, t);
        return Ready{[=, &b] { b.rotary(y, x, c, s, at, 4); }, {y}};
      },
      2));
  list.push_back(row_case(
      "gated_add/groups",
      [](Backend& b, DType t) {
        const Tensor x = b.upload(random_tensor({40, 65}, 61), DType::f32);
        const Tensor r = b.upload(random_tensor({40, 65}, 62), t);
        const Tensor gate = b.upload(random_tensor({2, 65}, 63));
        const Tensor group = b.indices(random_indices(40, 2, 64));
        const Tensor y = b.empty({40, 65}, t);
        return Ready{[=, &b] { b.gated_add(y, x, r, gate, group); }, {y}};
      },
      3));
  list.push_back(row_case(
      "combine",
      [](Backend& b, DType t) {
        const Tensor x = b.upload(random_tensor({13, 77}, 71), t);
        const Tensor z = b.upload(random_tensor({13, 77}, 72), DType::f32);
        const Tensor y = b.empty({13, 77}, t);
        return Ready{[=, &b] { b.combine(y, 0.25f, x, -1.5f, z); }, {y}};
      },
      2));
  for (Activation a : {Activation::gelu_erf, Activation::gelu_tanh, Activation::silu})
    list.push_back(row_case(
        std::string("activate/") + activation_name(a),
        [=](Backend& b, DType t) {
          const Tensor x = b.upload(random_tensor({9, 131}, 73, 3), t);
          const Tensor y = b.empty({9, 131}, t);
          return Ready{[=, &b] { b.activate(y, x, a); }, {y}};
        },
        4));
  list.push_back(row_case("copy/strided", [](Backend& b, DType t) {
    const Tensor x = b.upload(random_tensor({21, 90}, 74), DType::f32).columns(11, 33);
    const Tensor y = b.empty({21, 33}, t);
    return Ready{[=, &b] { b.copy(y, x); }, {y}};
  }));
}

void add_gathers(std::vector<OpCase>& list) {
  list.push_back(row_case("gather_rows", [](Backend& b, DType t) {
    const Tensor x = b.upload(random_tensor({50, 48}, 81), t);
    const Tensor index = b.indices(random_indices(77, 50, 82));
    const Tensor y = b.empty({77, 48}, t);
    return Ready{[=, &b] { b.gather_rows(y, x, index); }, {y}};
  }));
  list.push_back(row_case(
      "scatter_add_rows",
      [](Backend& b, DType) {
        const Tensor start = b.upload(random_tensor({20, 48}, 83));
        const Tensor x = b.upload(random_tensor({60, 48}, 84));
        const Tensor index = b.indices(random_indices(60, 20, 85));
        const Tensor y = b.empty({20, 48}, DType::f32);
        return Ready{[=, &b] {
                       b.copy(y, start);
                       b.scatter_add_rows(y, x, index);
                     },
                     {y}};
      },
      4));
  list.push_back(row_case(
      "add_rows",
      [](Backend& b, DType t) {
        const Tensor x = b.upload(random_tensor({64, 48}, 86), t);
        const Tensor table = b.upload(random_tensor({100, 48}, 87));
        const Tensor index = b.indices(random_indices(64, 100, 88));
        const Tensor y = b.empty({64, 48}, t);
        return Ready{[=, &b] { b.add_rows(y, x, table, index); }, {y}};
      },
      2));
  for (bool divided : {false, true})
    list.push_back(row_case(
        divided ? "group_mean/divisor" : "group_mean/weighted",
        [=](Backend& b, DType t) {
          const Tensor x = b.upload(random_tensor({64, 48}, 91), t);
          Tensor w = random_tensor({64}, 92);
          for (int i = 0; i < 64; ++i)
            w.data<float>()[i] = 1 + std::fabs(w.data<float>()[i]);
          const Tensor weight = b.upload(w);
          const std::vector<int32_t> offset{0, 1, 4, 4, 50, 64};
          const auto member = random_indices(64, 64, 93);
          const Tensor divisor =
              divided ? b.upload(Tensor::of(std::vector<float>{1, 2, 3, 4, 5}, {5})) : Tensor();
          const Tensor y = b.empty({5, 48}, t);
          return Ready{[=, &b] { b.group_mean(y, x, offset, member, weight, divisor); }, {y}};
        },
        10));
  list.push_back(row_case("head_mean", [](Backend& b, DType t) {
    const Tensor x = b.upload(random_tensor({50, 3 * 96}, 94), t).columns(96, 96);
    const Tensor y = b.empty({50, 16}, DType::f32);
    return Ready{[=, &b] { b.head_mean(y, x, 6); }, {y}};
  }));
  list.push_back(row_case(
      "patchify",
      [](Backend& b, DType t) {
        auto rgb = std::make_shared<std::vector<uint8_t>>(4 * 40 * 70 * 3);
        std::mt19937 random(95);
        for (auto& v : *rgb)
          v = uint8_t(random());
        compute::PatchifyOptions o;
        o.rgb = rgb->data();
        o.T = 4;
        o.H = 40;
        o.W = 70;
        const std::vector<int32_t> tokens{0, 3, 5, 8, 15};
        const Tensor y = b.empty({5, 3 * 2 * 256}, t);
        return Ready{[=, &b] {
                       (void)rgb;
                       b.patchify(y, o, tokens);
                     },
                     {y}};
      },
      3));
}

}  // namespace

std::vector<OpCase> op_cases(uint64_t seed) {
  std::vector<OpCase> list;
  std::mt19937 random{uint32_t(seed)};
  add_linear(list, random);
  add_attention(list, random);
  add_rows(list, random);
  add_gathers(list);
  return list;
}

}  // namespace looktwice::ops
