#include "compute/onednn/dnnl_matmul.h"

#include "base/error.h"

#ifdef LT_WITH_DNNL

#include <array>

#include <dnnl.hpp>
#include <omp.h>

namespace looktwice::compute {
namespace {

dnnl::engine& engine() {
  static dnnl::engine e(dnnl::engine::kind::cpu, 0);
  return e;
}

dnnl::matmul::primitive_desc describe(const dnnl::memory::desc& a, const dnnl::memory::desc& b,
                                      const dnnl::memory::desc& c) {
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
#if DNNL_VERSION_MAJOR >= 3
  return dnnl::matmul::primitive_desc(engine(), a, b, c, attributes);
#else
  return dnnl::matmul::primitive_desc(dnnl::matmul::desc(a, b, c), attributes, engine());
#endif
}

/// oneDNN divides a primitive's work among the threads that there are when it is made.
class OneThread {
 public:
  OneThread() : before_(omp_get_max_threads()) { omp_set_num_threads(1); }
  ~OneThread() { omp_set_num_threads(before_); }
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
  int before_;
};

class Weights : public DnnlWeights {
 public:
  Weights(const Tensor& weight, DType dtype)
      : in_(weight.cols()), out_(weight.rows()), size_(dtype_bytes(dtype)) {
    using dnnl::memory;
    const OneThread one;
    const auto type = dtype == DType::f32 ? memory::data_type::f32 : memory::data_type::bf16;
    memory::desc layout({in_, out_}, type, memory::format_tag::any);
    for (size_t i = 0; i < kSizes.size(); ++i) {
      const memory::desc a({kSizes[i], in_}, type, memory::format_tag::ab);
      const memory::desc c({kSizes[i], out_}, memory::data_type::f32, memory::format_tag::ab);
      // The largest product chooses the layout, the others take it as it is.
      const auto described = describe(a, layout, c);
      if (i == 0) layout = described.weights_desc();
      workspace_ = std::max(workspace_, described.scratchpad_desc().get_size());
      parts_[i] = {a, c, described.scratchpad_desc(), dnnl::matmul(described)};
    }
    const Tensor plain = weight.to_f32();
    memory from({{in_, out_}, memory::data_type::f32, memory::dims{1, in_}}, engine(), plain.raw());
    memory_ = memory(layout, engine());
    dnnl::stream stream(engine());
    dnnl::reorder(from, memory_).execute(stream, from, memory_);
    stream.wait();
  }

  void multiply(const void* a, int64_t rows, float* c, void* workspace) const override {
    using dnnl::memory;
    thread_local dnnl::stream stream(engine());
    auto* from = static_cast<char*>(const_cast<void*>(a));
    for (size_t i = 0; i < kSizes.size(); ++i)
      for (; rows >= kSizes[i]; rows -= kSizes[i]) {
        const Part& p = parts_[i];
        p.product.execute(stream,
                          {{DNNL_ARG_SRC, memory(p.a, engine(), from)},
                           {DNNL_ARG_WEIGHTS, memory_},
                           {DNNL_ARG_DST, memory(p.c, engine(), c)},
                           {DNNL_ARG_SCRATCHPAD, memory(p.scratchpad, engine(), workspace)}});
        from += size_t(kSizes[i] * in_) * size_;
        c += kSizes[i] * out_;
      }
    stream.wait();
  }
  size_t workspace_bytes() const override { return workspace_ + 64; }

 private:
  static constexpr std::array<int64_t, 8> kSizes{128, 64, 32, 16, 8, 4, 2, 1};
  struct Part {
    dnnl::memory::desc a, c, scratchpad;
    dnnl::matmul product;
  };
  int64_t in_, out_;
  size_t size_, workspace_ = 0;
  std::array<Part, 8> parts_;
  dnnl::memory memory_;
};

}  // namespace

std::unique_ptr<DnnlWeights> DnnlWeights::make(const Tensor& weight, DType dtype) {
  try {
    return std::make_unique<Weights>(weight, dtype);
  } catch (const dnnl::error& e) {
    throw run_failed("oneDNN", std::string("a matrix product cannot be made: ") + e.what());
  }
}

bool dnnl_present() {
  return true;
}

std::string dnnl_version() {
  const auto* v = dnnl::version();
  return "oneDNN " + std::to_string(v->major) + "." + std::to_string(v->minor) + "." +
         std::to_string(v->patch);
}

}  // namespace looktwice::compute

#else

namespace looktwice::compute {

std::unique_ptr<DnnlWeights> DnnlWeights::make(const Tensor&, DType) {
  throw run_failed("oneDNN", "the program was built without it");
}
bool dnnl_present() {
  return false;
}
std::string dnnl_version() {
  return "built without oneDNN";
}

}  // namespace looktwice::compute

#endif

namespace looktwice::compute {

bool dnnl_takes(DType dtype) {
  if (!dnnl_present()) return false;
  try {
    DnnlWeights::make(Tensor::zeros({1, 1}), dtype);
    return true;
  } catch (const Error&) {
    return false;
  }
}

}  // namespace looktwice::compute
