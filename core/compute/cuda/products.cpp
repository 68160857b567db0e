// Matrix products and attention of the CUDA backend.

#include <stdexcept>

#include "compute/cuda/attention_plan.h"
#include "compute/cuda/cuda_backend.h"
#include "compute/device_error.h"
#include "compute/host_backend.h"

namespace looktwice::compute::cuda {
namespace {

struct CudaLinear : PreparedLinear {
  Tensor weight;    // [out,in]
  Tensor bias;      // f32 [out], or none
  Tensor own_bias;  // the same in the weight's dtype
};

Curve curve_of(Activation a) {
  switch (a) {
    case Activation::none:
      return Curve::none;
    case Activation::gelu_erf:
      return Curve::gelu_erf;
    case Activation::gelu_tanh:
      return Curve::gelu_tanh;
    case Activation::silu:
      return Curve::silu;
  }
  return Curve::none;
}

Table table_of(const Tensor& t) {
  if (!t) return {};
  return {static_cast<const float*>(t.raw()), t.row_stride()};
}

const int32_t* ints_of(const Tensor& t) {
  return t ? static_cast<const int32_t*>(t.raw()) : nullptr;
}

}  // namespace

LinearPtr CudaBackend::prepare(const Tensor& weight, const Tensor& bias) {
  require(weight.shape().size() == 2, "prepare", "the weight is [out, in]");
  require(!bias || bias.elements() == weight.rows(), "prepare", "the bias is [out]");
  auto p = std::make_shared<CudaLinear>();
  p->out = weight.rows();
  p->in = weight.cols();
  p->weight = upload(weight, dtype());
  if (bias) {
    p->bias = upload(bias, DType::f32);
    p->own_bias = as(p->bias, dtype());
  }
  return p;
}

Status CudaBackend::try_matmul(const MatmulArgs& args) {
  if (options_.tune && !recording_ && args.c.data && args.c.data == args.d.data) {
    // Timing a product that adds in place would spoil the sum: it is tuned on a copy's place.
    const std::tuple shape{args.d.rows, args.d.cols, args.x.cols, args.d.element,
                           args.scale != nullptr};
    if (tuned_.insert(shape).second) {
      const size_t size = args.d.element == Element::f32 ? 4 : 2;
      const auto place = pool_->take(size_t(args.d.rows) * size_t(args.d.stride) * size);
      MatmulArgs elsewhere = args;
      elsewhere.d.data = place.get();
      if (const Status s = device_->matmul(elsewhere); s != Status::unsupported) check(*device_, s);
    }
  }
  const Status s = device_->matmul(args);
  if (s != Status::unsupported) check(*device_, s);
  return s;
}

// What the library can do beside the product (add a bias, an equal-typed residual, tanh GELU), it
// does; the rest is one more pass, in place where precision allows.
void CudaBackend::linear(const Tensor& y, const Tensor& x, const PreparedLinear& prepared,
                         const LinearOptions& o) {
  check_stop();
  LinearOptions without_groups = o;
  without_groups.group_of_row = {};
  check_linear(y, x, prepared, without_groups);
  const auto& w = dynamic_cast<const CudaLinear&>(prepared);
  on_device("linear", {&y, &x, &o.residual});
  if (o.gate) check_table("linear", y, o.gate, o.group_of_row);
  if (y.elements() == 0) return;

  const DType own = w.weight.dtype();
  const Tensor in = as(x, own);
  const bool direct = y.dtype() == own || y.dtype() == DType::f32;
  const auto bias_of = [&](const Tensor& d) -> const Tensor& {
    return d.dtype() == DType::f32 ? w.bias : w.own_bias;
  };
  MatmulArgs m;
  m.x = matrix(in);
  m.w = w.weight.raw();
  m.w_element = m.x.element;
  m.workspace = workspace_.get();
  m.workspace_bytes = int64_t(options_.workspace);
  const auto into = [&](const Tensor& d) {
    m.d = matrix(d);
    m.bias = bias_of(d) ? bias_of(d).raw() : nullptr;
    m.bias_element = m.d.element;
    m.curve = Curve::none;
    m.c = {};
  };

  // The library's tanh is approximate; float32 does without it.
  const bool fused_gelu = o.activation == Activation::gelu_tanh && !o.residual && own != DType::f32;
  const bool fused_add =
      o.activation == Activation::none && o.residual && o.residual.dtype() == y.dtype();
  const bool nothing_more = o.activation == Activation::none && !o.residual;
  if (direct && !o.gate && in.cols() > 0 && (nothing_more || fused_add || fused_gelu)) {
    into(y);
    if (fused_gelu) m.curve = Curve::gelu_tanh;
    if (fused_add) m.c = matrix(o.residual);
    if (try_matmul(m) == Status::ok) return;
  }

  // A gate of one group is a factor of every column: y = residual + (gate ∘ w) x + gate ∘ bias.
  if (options_.fast.gates && direct && o.gate && !o.group_of_row && in.cols() > 0 &&
      o.activation == Activation::none && (!o.residual || o.residual.dtype() == y.dtype())) {
    into(y);
    m.scale = o.gate.data<float>();
    if (o.residual) m.c = matrix(o.residual);
    Tensor bias;
    if (w.bias) {
      bias = empty({1, y.cols()}, y.dtype());
      ElementArgs e;
      e.y = matrix(bias);
      e.a = matrix(w.bias.reshape({1, y.cols()}));
      e.table = table_of(o.gate);
      run(Kernel::epilogue, &e);
      m.bias = bias.raw();
    }
    if (try_matmul(m) == Status::ok) return;
    m.scale = nullptr;
  }

  // In place only if the rounding of y is no coarser than the weights' own, and nothing that is
  // still needed lies there. Else the product is rounded as the weights are.
  const bool in_place = direct && (!o.residual || o.residual.raw() != y.raw());
  const Tensor product = in_place ? y : empty(y.shape(), own);
  into(product);
  bool biased = w.bias ? true : false;
  Status s = in.cols() > 0 ? try_matmul(m) : Status::unsupported;
  if (s == Status::unsupported) {
    m.bias = nullptr;
    biased = false;
    s = in.cols() > 0 ? try_matmul(m) : Status::unsupported;
  }
  if (s == Status::unsupported) run(Kernel::plain_matmul, &m);

  ElementArgs e;
  e.y = matrix(y);
  e.a = matrix(product);
  e.b = matrix(o.residual);
  e.curve = curve_of(o.activation);
  e.table = table_of(o.gate);
  e.group = o.gate ? ints_of(o.group_of_row) : nullptr;
  if (w.bias && !biased) e.table2 = table_of(w.bias);
  const bool nothing_left =
      in_place && !e.b.data && e.curve == Curve::none && !e.table.data && !e.table2.data;
  if (!nothing_left) run(Kernel::epilogue, &e);
}

void CudaBackend::attention(const Tensor& y, const Tensor& q, const Tensor& k, const Tensor& v,
                            const AttentionOptions& o) {
  check_stop();
  if (o.planned) {
    AttentionOptions inside = o;
    const auto& planned = dynamic_cast<const SegmentsOnDevice&>(*o.planned);
    require(planned.most_rows <= q.rows() && planned.most_rows <= k.rows(), "attention",
            "there are as many rows as were planned");
    inside.q_segments = planned.plan.q;
    inside.k_segments = planned.plan.k;
    check_attention(y, q, k, v, inside);
  } else {
    check_attention(y, q, k, v, o);
  }
  on_device("attention", {&y, &q, &k, &v, &o.key_bias});
  const AttentionPlan& plan = o.planned ? dynamic_cast<const SegmentsOnDevice&>(*o.planned).plan
                                        : plan_attention(o.q_segments, o.k_segments);
  if (plan.tiles == 0 || q.cols() == 0) return;
  const bool alike = q.dtype() == k.dtype() && k.dtype() == v.dtype();
  const Tensor qs = alike ? q : as(q, DType::f32), ks = alike ? k : as(k, DType::f32),
               vs = alike ? v : as(v, DType::f32);
  AttentionArgs a;
  a.y = matrix(y);
  a.q = matrix(qs);
  a.k = matrix(ks);
  a.v = matrix(vs);
  a.key_bias = o.key_bias ? o.key_bias.data<float>() : nullptr;
  a.segments = plan.segments;
  a.q_start = plan.memory.data<int32_t>();
  a.q_length = a.q_start + a.segments;
  a.k_start = a.q_length + a.segments;
  a.k_length = a.k_start + a.segments;
  a.tile_segment = a.k_length + a.segments;
  a.tile_first = a.tile_segment + plan.tiles;
  a.tiles = plan.tiles;
  a.longest = plan.longest;
  a.q_step = plan.q.step;
  a.k_step = plan.k.step;
  a.heads = o.heads;
  a.head_dim = int32_t(q.cols() / o.heads);
  a.scale = o.scale;
  a.path = options_.fast.attention;
  run(Kernel::attention, &a);
}

}  // namespace looktwice::compute::cuda
