#include "compute/onednn/onednn_backend.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>

#include "base/error.h"
#include "base/log.h"
#include "compute/factories.h"
#include "compute/float16.h"
#ifdef LT_COMPUTE_X86
#include "compute/kernels/amx.h"
#endif
#include "compute/kernels/dispatch.h"
#include "compute/threads.h"

namespace looktwice::compute {
namespace {

constexpr int64_t kTileRows = 128;
constexpr int64_t kRowsToShare = 16;
constexpr double kSmall = 1e6;  // multiply-adds that one thread does before another has woken up
constexpr double kUnstopped = 5e8;  // multiply-adds between two looks at the stop token

bool plain(const Tensor& t) {
  return t.dtype() == DType::f32 || t.dtype() == DType::bf16;
}
int type_of(const Tensor& t) {
  return t.dtype() == DType::f32 ? kTypeF32 : kTypeBf16;
}

const void* at(const void* p, int type, int64_t element) {
  return static_cast<const char*>(p) + element * (type == kTypeF32 ? 4 : 2);
}
void* at(void* p, int type, int64_t element) {
  return static_cast<char*>(p) + element * (type == kTypeF32 ? 4 : 2);
}

/// Norms of rows [begin, end), each as a whole and without weights.
NormTask norm_of(const Tensor& y, const Tensor& x, int64_t begin, int64_t end, float eps) {
  NormTask t{};
  t.x_type = type_of(x);
  t.x = at(x.raw(), t.x_type, begin * x.row_stride());
  t.x_stride = long(x.row_stride());
  t.y_type = type_of(y);
  t.y = at(y.raw(), t.y_type, begin * y.row_stride());
  t.y_stride = long(y.row_stride());
  t.eps = eps;
  t.rows = long(end - begin);
  t.n = long(x.cols());
  return t;
}

/// The task of rows [begin, begin + rows) of a larger one.
GemmTask rows_of(const GemmTask& whole, int64_t begin, int64_t rows) {
  GemmTask t = whole;
  t.rows = long(rows);
  t.a = at(whole.a, whole.a_type, begin * whole.lda);
  t.y = at(whole.y, whole.y_type, begin * whole.ldy);
  if (whole.group) t.group = whole.group + begin;
  if (whole.residual)
    t.residual = at(whole.residual, whole.residual_type, begin * whole.ld_residual);
  return t;
}

/// Tiles are used where the CPU has them, no other set was asked for, and one small problem comes
/// out as the AVX-512 kernels have it.
bool choose_amx_attention(DType dtype, const Kernels& kernels) {
#ifdef LT_COMPUTE_X86
  if (dtype != DType::bf16 || std::getenv("LOOKTWICE_ISA") || &kernels != &kKernelsAvx512 ||
      !amx_bf16())
    return false;
  constexpr long kRows = 45, kDim = 48;
  std::vector<uint16_t> x(3 * kRows * kDim);
  for (size_t i = 0; i < x.size(); ++i)
    x[i] = float_to_bf16(float((i * 2654435761u) >> 16 & 0xffff) / 32768.0f - 1.0f);
  std::vector<float> tiles(kRows * kDim), plain_kernels(kRows * kDim);
  const auto memory =
      aligned_memory(sizeof(float) * size_t(std::max(attention_amx_scratch(kRows, kDim),
                                                     kernels.attention_scratch(kRows, kDim))));
  AttentionTask t{};
  t.q = x.data();
  t.k = x.data() + kRows * kDim;
  t.v = x.data() + 2 * kRows * kDim;
  t.type = kTypeBf16;
  t.q_stride = t.k_stride = t.v_stride = t.y_stride = kDim;
  t.q_end = t.keys = kRows;
  t.dim = kDim;
  t.scale = 0.5f;
  t.y_type = kTypeF32;
  t.scratch = static_cast<float*>(memory.get());
  t.y = tiles.data();
  attention_amx(&t);
  t.y = plain_kernels.data();
  kernels.attention(&t);
  for (size_t i = 0; i < tiles.size(); ++i)
    if (!(std::fabs(tiles[i] - plain_kernels[i]) < 0.02f)) {
      log_once(LogLevel::warning, "amx", "attention on AMX tiles disagrees and is left out");
      return false;
    }
  return true;
#else
  (void)dtype, (void)kernels;
  return false;
#endif
}

bool choose_dnnl(DType dtype) {
  if (const char* wanted = std::getenv("LOOKTWICE_MATMUL"); wanted && *wanted) {
    const std::string word = wanted;
    if (word == "own") return false;
    if (word != "onednn")
      throw bad_input("LOOKTWICE_MATMUL", "'" + word + "' is unknown", "own or onednn");
    if (!dnnl_present())
      throw bad_input("LOOKTWICE_MATMUL", "this program was built without oneDNN", "own");
    if (!dnnl_takes(dtype))
      throw bad_input("LOOKTWICE_MATMUL",
                      dnnl_version() + " does not multiply " + dtype_name(dtype) + " on this CPU",
                      "own, or another dtype");
    return true;
  }
  return dtype == DType::bf16 && dnnl_present() && amx_bf16();
}

}  // namespace

struct OneDnnBackend::Weights : PreparedLinear {
  Tensor packed;  // own layout, f32 or bf16
  Tensor bias;    // f32, padded to whole panels; or none
  int64_t panels = 0;
  std::unique_ptr<DnnlWeights> dnnl;
};

OneDnnBackend::OneDnnBackend(DType dtype)
    : dtype_(dtype),
      kernels_(kernels()),
      dnnl_(choose_dnnl(dtype)),
      amx_attention_(choose_amx_attention(dtype, kernels_)) {}

std::string OneDnnBackend::description() const {
  return "onednn: " + std::string(kernels_.isa) + (amx_attention_ ? " and AMX" : "") +
         " kernels, matrix products by " + (dnnl_ ? dnnl_version() : std::string("own kernels")) +
         ", " + dtype_name(dtype_) + ", " + std::to_string(threads()) + " threads";
}

void OneDnnBackend::reserve(int64_t workers, size_t floats) {
  scratch_.resize(std::max(scratch_.size(), size_t(workers)));
  for (auto& [memory, have] : scratch_) {
    if (have >= floats) continue;
    have = 0;
    memory.reset();
    memory = aligned_memory(floats * sizeof(float));
    have = floats;
  }
}

float* OneDnnBackend::scratch(int thread) const {
  return static_cast<float*>(scratch_[size_t(thread)].first.get());
}

LinearPtr OneDnnBackend::prepare(const Tensor& weight, const Tensor& bias) {
  require(weight.shape().size() == 2, "prepare", "the weight is [out, in]");
  require(!bias || bias.elements() == weight.rows(), "prepare", "the bias is [out]");
  auto w = std::make_shared<Weights>();
  w->out = weight.rows();
  w->in = weight.cols();
  const int64_t width = kernels_.panel, block = kernels_.k_block;
  w->panels = (w->out + width - 1) / width;
  if (bias) {
    w->bias = Tensor::zeros({w->panels * width});
    const Tensor values = bias.to_f32();
    std::memcpy(w->bias.raw(), values.raw(), values.bytes());
  }
  if (dnnl_) {
    w->dnnl = DnnlWeights::make(weight, dtype_);
    return w;
  }
  const Tensor plain_weight =
      weight.dtype() == DType::f32 && weight.contiguous() ? weight : weight.to_f32();
  const float* from = plain_weight.data<float>();
  w->packed = Tensor({w->panels * width * w->in}, dtype_);
  const bool narrow = dtype_ == DType::bf16;
  parallel_ranges(w->panels, 1, [&](int64_t begin, int64_t end) {
    for (int64_t p = begin; p < end; ++p)
      for (int64_t k0 = 0; k0 < w->in; k0 += block) {
        const int64_t kb = std::min(block, w->in - k0);
        const int64_t to = k0 * w->panels * width + p * kb * width;
        for (int64_t c = 0; c < width; ++c) {
          const int64_t column = p * width + c;
          const float* row = column < w->out ? from + column * w->in + k0 : nullptr;
          if (narrow) {
            uint16_t* out = w->packed.data<uint16_t>() + to + c;
            for (int64_t k = 0; k < kb; ++k)
              out[k * width] = row ? float_to_bf16(row[k]) : uint16_t(0);
          } else {
            float* out = w->packed.data<float>() + to + c;
            for (int64_t k = 0; k < kb; ++k)
              out[k * width] = row ? row[k] : 0.0f;
          }
        }
      }
  });
  return w;
}

void OneDnnBackend::run_own(const Weights& w, const GemmTask& whole) {
  const int64_t rows = whole.rows, workers = threads(), group = kernels_.row_group;
  const double row_work = double(w.in) * double(w.out);
  // Row tiles that fit the cache, their number a multiple of the workers; few rows are divided by
  // columns instead.
  const int64_t most = std::clamp(int64_t(kUnstopped / std::max(1.0, row_work)), group, kTileRows);
  int64_t tiles = (rows + most - 1) / most;
  if (rows >= workers * group * 2) tiles = (tiles + workers - 1) / workers * workers;
  const int64_t height = ((rows + tiles - 1) / tiles + group - 1) / group * group;
  tiles = (rows + height - 1) / height;
  const int64_t splits =
      tiles >= workers ? 1 : std::min<int64_t>(w.panels, (2 * workers + tiles - 1) / tiles);
  const auto floats = size_t(kernels_.gemm_scratch(long(height), long(w.in)));
  reserve(workers, floats);
  parallel_items(
      tiles * splits,
      [&](int64_t item, int thread) {
        if (stop_.stop_requested()) return;
        const int64_t tile = item / splits, part = item % splits;
        const int64_t begin = tile * height;
        GemmTask t = rows_of(whole, begin, std::min(height, rows - begin));
        t.panel_begin = long(w.panels * part / splits);
        t.panel_end = long(w.panels * (part + 1) / splits);
        t.scratch = scratch(thread);
        kernels_.gemm(&t);
      },
      double(rows) * row_work < kSmall);
}

void OneDnnBackend::run_dnnl(const Weights& w, const GemmTask& whole) {
  const int64_t rows = whole.rows, workers = threads();
  const int64_t tiles = std::max<int64_t>(1, (rows + kTileRows - 1) / kTileRows);
  const int64_t height = std::min(rows, kTileRows);
  const size_t product = size_t(height * w.out), input = size_t(height * w.in);
  const size_t floats = product + input + w.dnnl->workspace_bytes() / sizeof(float) + 64;
  reserve(workers, floats);
  const int type = dtype_ == DType::f32 ? kTypeF32 : kTypeBf16;
  parallel_items(tiles, [&](int64_t tile, int thread) {
    if (stop_.stop_requested()) return;
    const int64_t begin = tile * kTileRows;
    const GemmTask t = rows_of(whole, begin, std::min(kTileRows, rows - begin));
    float* sums = scratch(thread);
    float* copy = sums + (product + 15) / 16 * 16;
    void* workspace = copy + (input + 15) / 16 * 16;
    const void* a = t.a;
    if (t.a_type != type || t.lda != w.in) {
      for (int64_t r = 0; r < t.rows; ++r) {
        const void* from = at(t.a, t.a_type, r * t.lda);
        void* to = at(static_cast<void*>(copy), type, r * w.in);
        if (t.a_type == type) {
          std::memcpy(to, from, size_t(w.in) * (type == kTypeF32 ? 4 : 2));
        } else if (type == kTypeBf16) {
          kernels_.to_bf16(static_cast<const float*>(from), static_cast<uint16_t*>(to), long(w.in));
        } else {
          kernels_.from_bf16(static_cast<const uint16_t*>(from), static_cast<float*>(to),
                             long(w.in));
        }
      }
      a = copy;
    }
    w.dnnl->multiply(a, t.rows, sums, workspace);
    kernels_.finish(&t, sums, long(w.out));
  });
}

void OneDnnBackend::linear(const Tensor& y, const Tensor& x, const PreparedLinear& weight,
                           const LinearOptions& o) {
  check_linear(y, x, weight, o);
  const auto& w = dynamic_cast<const Weights&>(weight);
  if (x.rows() == 0 || w.out == 0) return;
  if (!plain(x) || !plain(y) || (o.residual && !plain(o.residual))) {
    // Half precision is not a compute type here: through float32.
    const Tensor out = empty(y.shape(), DType::f32);
    LinearOptions through = o;
    if (o.residual) through.residual = upload(o.residual.to_f32());
    linear(out, upload(x.to_f32()), weight, through);
    copy(y, out);
    return;
  }
  GemmTask t{};
  t.a = x.raw();
  t.a_type = type_of(x);
  t.lda = long(x.row_stride());
  t.rows = long(x.rows());
  t.k = long(w.in);
  t.b = w.packed.raw();
  t.b_type = dtype_ == DType::f32 ? kTypeF32 : kTypeBf16;
  t.panels = long(w.panels);
  t.n = long(w.out);
  t.bias = w.bias ? w.bias.data<float>() : nullptr;
  t.activation = int(o.activation);
  if (o.gate) {
    t.gate = o.gate.data<float>();
    t.gate_stride = long(o.gate.row_stride());
    if (o.group_of_row) t.group = o.group_of_row.data<int32_t>();
  }
  if (o.residual) {
    t.residual = o.residual.raw();
    t.residual_type = type_of(o.residual);
    t.ld_residual = long(o.residual.row_stride());
  }
  t.y = y.raw();
  t.y_type = type_of(y);
  t.ldy = long(y.row_stride());
  if (w.dnnl) {
    run_dnnl(w, t);
  } else {
    run_own(w, t);
  }
  check_stop();
}

void OneDnnBackend::attention(const Tensor& y, const Tensor& q, const Tensor& k, const Tensor& v,
                              const AttentionOptions& o) {
  check_attention(y, q, k, v, o);
  if (!plain(y) || !plain(q) || q.dtype() != k.dtype() || q.dtype() != v.dtype()) {
    ReferenceBackend::attention(y, q, k, v, o);
    return;
  }
  const int64_t dim = q.cols() / o.heads, workers = threads();
  const auto pairs = int64_t(o.q_segments.count()) * o.heads;
  int32_t most_keys = 0, most_queries = 0;
  for (int32_t n : o.k_segments.length)
    most_keys = std::max(most_keys, n);
  for (int32_t n : o.q_segments.length)
    most_queries = std::max(most_queries, n);
  if (pairs == 0 || most_queries == 0 || dim == 0) return;
  // Few heads for the workers: the queries of a head are divided too.
  const int64_t parts = pairs >= 3 * workers || workers == 1
                            ? 1
                            : std::clamp<int64_t>(most_queries / (2 * kernels_.panel), 1,
                                                  (4 * workers + pairs - 1) / pairs);
  double work = 0;
  for (size_t i = 0; i < o.q_segments.count(); ++i)
    work += 2.0 * o.q_segments.length[i] * o.k_segments.length[i] * double(q.cols());
  auto floats = size_t(kernels_.attention_scratch(most_keys, long(dim)));
#ifdef LT_COMPUTE_X86
  const bool tiles = amx_attention_ && q.dtype() == DType::bf16 && most_queries >= 16;
  if (tiles) floats = std::max(floats, size_t(attention_amx_scratch(most_keys, long(dim))));
#endif
  reserve(workers, floats);
  const int type = type_of(q);
  parallel_items(
      pairs * parts,
      [&](int64_t item, int thread) {
        if (stop_.stop_requested()) return;
        const int64_t part = item % parts, head = item / parts % o.heads;
        const auto s = size_t(item / parts / o.heads);
        const int64_t queries = o.q_segments.length[s];
        const int64_t q0 = o.q_segments.start[s], k0 = o.k_segments.start[s];
        // Whole register tiles but for the last part.
        const auto border = [&](int64_t i) {
          return i == parts
                     ? queries
                     : std::min(queries, queries * i / parts / kernels_.panel * kernels_.panel);
        };
        AttentionTask t{};
        t.q_begin = long(border(part));
        t.q_end = long(border(part + 1));
        if (t.q_begin >= t.q_end) return;
        t.q = at(q.raw(), type, q0 * q.row_stride() + head * dim);
        t.k = at(k.raw(), type, k0 * k.row_stride() + head * dim);
        t.v = at(v.raw(), type, k0 * v.row_stride() + head * dim);
        t.type = type;
        t.q_stride = long(q.row_stride() * o.q_segments.step);
        t.k_stride = long(k.row_stride() * o.k_segments.step);
        t.v_stride = long(v.row_stride() * o.k_segments.step);
        t.keys = o.k_segments.length[s];
        t.dim = long(dim);
        t.scale = o.scale;
        if (o.key_bias) {
          t.key_bias = o.key_bias.data<float>() + k0;
          t.key_bias_stride = long(o.k_segments.step);
        }
        t.y_type = type_of(y);
        t.y = at(y.raw(), t.y_type, q0 * y.row_stride() + head * dim);
        t.y_stride = long(y.row_stride() * o.q_segments.step);
        t.scratch = scratch(thread);
        // A few queries at a time, so that long sequences hear of a stop.
        const int64_t width = kernels_.panel;
        const auto step = long(
            std::max<int64_t>(
                1, int64_t(kUnstopped / (2.0 * double(t.keys + 1) * double(dim) * double(width)))) *
            width);
        const long end = t.q_end;
        for (; t.q_begin < end && !stop_.stop_requested(); t.q_begin = t.q_end, t.packed = 1) {
          t.q_end = std::min(end, t.q_begin + step);
#ifdef LT_COMPUTE_X86
          if (tiles) {
            attention_amx(&t);
            continue;
          }
#endif
          kernels_.attention(&t);
        }
      },
      work < kSmall);
  check_stop();
}

void OneDnnBackend::layer_norm(const Tensor& y, const Tensor& x, const Tensor& weight,
                               const Tensor& bias, float eps) {
  check_same("layer_norm", y, x);
  if (!plain(x) || !plain(y)) {
    ReferenceBackend::layer_norm(y, x, weight, bias, eps);
    return;
  }
  if (weight) check_groups("layer_norm", x, weight, {});
  if (bias) check_groups("layer_norm", x, bias, {});
  parallel_ranges(x.rows(), kRowsToShare, [&](int64_t begin, int64_t end) {
    NormTask t = norm_of(y, x, begin, end, eps);
    t.weight = weight ? weight.data<float>() : nullptr;
    t.bias = bias ? bias.data<float>() : nullptr;
    kernels_.layer_norm(&t);
  });
}

void OneDnnBackend::norm_modulate(const Tensor& y, const Tensor& x, float eps, const Tensor& shift,
                                  const Tensor& scale, const Tensor& groups) {
  check_same("norm_modulate", y, x);
  if (!plain(x) || !plain(y)) {
    ReferenceBackend::norm_modulate(y, x, eps, shift, scale, groups);
    return;
  }
  check_groups("norm_modulate", x, shift, groups);
  check_groups("norm_modulate", x, scale, groups);
  parallel_ranges(x.rows(), kRowsToShare, [&](int64_t begin, int64_t end) {
    std::vector<float> factor(size_t(x.cols()));
    // A layer norm whose weight and bias are those of a group, over neighbours of one group.
    for (int64_t first = begin, last; first < end; first = last) {
      const int64_t g = group_at(groups, first);
      last = first + 1;
      while (last < end && group_at(groups, last) == g)
        ++last;
      const float* from = scale.data<float>() + g * scale.row_stride();
      for (size_t i = 0; i < factor.size(); ++i)
        factor[i] = 1.0f + from[i];
      NormTask t = norm_of(y, x, first, last, eps);
      t.weight = factor.data();
      t.bias = shift.data<float>() + g * shift.row_stride();
      kernels_.layer_norm(&t);
    }
  });
}

void OneDnnBackend::rms_norm(const Tensor& y, const Tensor& x, const Tensor& weight, int heads,
                             float eps) {
  check_rms_norm(y, x, weight, heads);
  if (!plain(x) || !plain(y)) {
    ReferenceBackend::rms_norm(y, x, weight, heads, eps);
    return;
  }
  parallel_ranges(x.rows(), kRowsToShare, [&](int64_t begin, int64_t end) {
    NormTask t = norm_of(y, x, begin, end, eps);
    t.heads = heads;
    t.n /= heads;
    t.weight = weight.data<float>();
    kernels_.rms_norm(&t);
  });
}

BackendPtr make_onednn(DType dtype) {
  return std::make_shared<OneDnnBackend>(dtype);
}

BackendInfo onednn_info() {
  return {"onednn", true, dnnl_version() + ", " + cpu_features()};
}

}  // namespace looktwice::compute
