// Matrix products and attention of the reference backend.

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "compute/reference/reference_backend.h"
#include "compute/reference/rows.h"
#include "compute/threads.h"

namespace looktwice::compute {
namespace {

struct ReferenceLinear : PreparedLinear {
  Tensor weight, bias;  // f32 [out,in], f32 [out] or none
};

float dot(const float* a, const float* b, int64_t n) {
  float sum = 0;
  for (int64_t i = 0; i < n; ++i)
    sum += a[i] * b[i];
  return sum;
}

/// The rows of one segment of a tensor, as float [length, cols].
std::vector<float> segment_rows(const Tensor& x, const Segments& s, size_t i) {
  std::vector<float> out(size_t(s.length[i]) * size_t(x.cols()));
  for (int32_t r = 0; r < s.length[i]; ++r)
    load_row(x, s.start[i] + r * s.step, out.data() + size_t(r) * size_t(x.cols()));
  return out;
}

}  // namespace

float activated(float x, Activation activation) {
  switch (activation) {
    case Activation::none:
      return x;
    case Activation::gelu_erf:
      return 0.5f * x * (1.0f + std::erf(x * 0.70710678118654752f));
    case Activation::gelu_tanh:
      return 0.5f * x * (1.0f + std::tanh(0.79788456080286536f * (x + 0.044715f * x * x * x)));
    case Activation::silu:
      return x / (1.0f + std::exp(-x));
  }
  return x;
}

LinearPtr ReferenceBackend::prepare(const Tensor& weight, const Tensor& bias) {
  require(weight.shape().size() == 2, "prepare", "the weight is [out, in]");
  require(!bias || bias.elements() == weight.rows(), "prepare", "the bias is [out]");
  auto p = std::make_shared<ReferenceLinear>();
  p->out = weight.rows();
  p->in = weight.cols();
  p->weight = weight.to_f32();
  if (bias) p->bias = bias.to_f32();
  return p;
}

void ReferenceBackend::linear(const Tensor& y, const Tensor& x, const PreparedLinear& weight,
                              const LinearOptions& o) {
  check_linear(y, x, weight, o);
  const auto& w = dynamic_cast<const ReferenceLinear&>(weight);
  const float* matrix = w.weight.data<float>();
  const float* bias = w.bias ? w.bias.data<float>() : nullptr;
  parallel_ranges(x.rows(), 1, [&](int64_t begin, int64_t end) {
    std::vector<float> in(size_t(w.in)), out(size_t(w.out)), residual(size_t(w.out));
    for (int64_t r = begin; r < end && !stop_.stop_requested(); ++r) {
      load_row(x, r, in.data());
      if (o.residual) load_row(o.residual, r, residual.data());
      const float* gate =
          o.gate ? o.gate.data<float>() + group_at(o.group_of_row, r) * o.gate.row_stride()
                 : nullptr;
      for (int64_t c = 0; c < w.out; ++c) {
        float v = dot(in.data(), matrix + c * w.in, w.in) + (bias ? bias[c] : 0.0f);
        v = activated(v, o.activation);
        if (gate) v *= gate[c];
        out[size_t(c)] = v + (o.residual ? residual[size_t(c)] : 0.0f);
      }
      store_row(y, r, out.data());
    }
  });
  check_stop();
}

void ReferenceBackend::attention(const Tensor& y, const Tensor& q, const Tensor& k, const Tensor& v,
                                 const AttentionOptions& o) {
  check_attention(y, q, k, v, o);
  const int64_t width = q.cols(), dim = width / o.heads;
  parallel_items(int64_t(o.q_segments.count()), [&](int64_t s, int) {
    const auto i = size_t(s);
    const int64_t nq = o.q_segments.length[i], nk = o.k_segments.length[i];
    const auto keys = segment_rows(k, o.k_segments, i), values = segment_rows(v, o.k_segments, i);
    std::vector<float> query(static_cast<size_t>(width)), out(static_cast<size_t>(width));
    std::vector<float> p(static_cast<size_t>(nk));
    for (int64_t r = 0; r < nq && !stop_.stop_requested(); ++r) {
      const int64_t row = o.q_segments.start[i] + r * o.q_segments.step;
      load_row(q, row, query.data());
      for (int64_t h = 0; h < o.heads; ++h) {
        const int64_t at = h * dim;
        float highest = -std::numeric_limits<float>::infinity();
        for (int64_t j = 0; j < nk; ++j) {
          float logit = o.scale * dot(&query[size_t(at)], &keys[size_t(j * width + at)], dim);
          if (o.key_bias)
            logit += o.key_bias.data<float>()[o.k_segments.start[i] + j * o.k_segments.step];
          p[size_t(j)] = logit;
          highest = std::max(highest, logit);
        }
        float sum = 0;
        for (float& e : p)
          sum += e = std::exp(e - highest);
        for (int64_t c = 0; c < dim; ++c) {
          float total = 0;
          for (int64_t j = 0; j < nk; ++j)
            total += p[size_t(j)] * values[size_t(j * width + at + c)];
          out[size_t(at + c)] = nk ? total / sum : 0.0f;
        }
      }
      store_row(y, row, out.data());
    }
  });
  check_stop();
}

}  // namespace looktwice::compute
