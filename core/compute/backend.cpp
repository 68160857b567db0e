#include "compute/backend.h"

#include <charconv>
#include <chrono>
#include <cstring>
#include <stdexcept>
#include <string>

#include "base/error.h"
#include "compute/cuda/factory.h"
#include "compute/factories.h"
#include "compute/threads.h"

namespace looktwice::compute {

void require(bool ok, const char* operation, const char* what) {
  if (!ok) throw std::logic_error(std::string(operation) + ": " + what);
}

Segments Segments::packed(std::span<const int32_t> lengths) {
  Segments s;
  int32_t at = 0;
  for (int32_t n : lengths) {
    s.start.push_back(at);
    s.length.push_back(n);
    at += n;
  }
  return s;
}

Segments Segments::uniform(int32_t count, int32_t length) {
  return packed(std::vector<int32_t>(size_t(count), length));
}

Segments Segments::over_time(int32_t batch, int32_t t, int32_t s) {
  Segments out;
  out.step = s;
  for (int32_t b = 0; b < batch; ++b)
    for (int32_t i = 0; i < s; ++i) {
      out.start.push_back(b * t * s + i);
      out.length.push_back(t);
    }
  return out;
}

void Backend::check_stop() const {
  if (stop_.stop_requested()) throw Cancelled();
}

Tensor Backend::zeros(Shape shape, DType type) {
  return upload(Tensor::zeros(std::move(shape), type), type);
}

Tensor Backend::indices(std::span<const int32_t> values) {
  return upload(Tensor::of(values), DType::i32);
}

namespace {

/// Work that is done when the call returns.
class HostStopwatch final : public Stopwatch {
 public:
  void lap() override { laps_.push_back(Clock::now()); }
  std::vector<double> laps() override {
    std::vector<double> ms;
    for (size_t i = 1; i < laps_.size(); ++i)
      ms.push_back(std::chrono::duration<double, std::milli>(laps_[i] - laps_[i - 1]).count());
    return ms;
  }

 private:
  using Clock = std::chrono::steady_clock;
  std::vector<Clock::time_point> laps_;
};

}  // namespace

std::unique_ptr<Stopwatch> Backend::stopwatch() {
  return std::make_unique<HostStopwatch>();
}

void Backend::norm_modulate(const Tensor& y, const Tensor& x, float eps, const Tensor& shift,
                            const Tensor& scale, const Tensor& group_of_row) {
  layer_norm(y, x, {}, {}, eps);
  modulate(y, y, shift, scale, group_of_row);
}

void Backend::rms_rotary(const Tensor& y, const Tensor& x, const Tensor& weight, int heads,
                         float eps, const Tensor& cos, const Tensor& sin,
                         const Tensor& position_of_row) {
  rms_norm(y, x, weight, heads, eps);
  if (cos) rotary(y, y, cos, sin, position_of_row, heads);
}

std::vector<float> Backend::download_f32(const Tensor& device) {
  return download(device).to_vector();
}

BackendPtr make_backend(const BackendOptions& options) {
  if (options.name == "cuda") return make_cuda(options);
  if (options.name.rfind("cuda:", 0) == 0) {
    BackendOptions numbered = options;
    const std::string number = options.name.substr(5);
    const auto [end, error] =
        std::from_chars(number.data(), number.data() + number.size(), numbered.device);
    if (error != std::errc() || end != number.data() + number.size() || numbered.device < 0)
      throw bad_input("--backend", "'" + options.name + "' names no GPU",
                      "cuda, or cuda:N, from 0");
    return make_cuda(numbered);
  }
  if (options.name == "auto")
    if (BackendPtr gpu = try_cuda(options)) return gpu;
  if (options.dtype != DType::f32 && options.dtype != DType::bf16)
    throw bad_input("--dtype", std::string(dtype_name(options.dtype)) + " is not a compute type",
                    "f32 or bf16 on the CPU");
  set_threads(options.threads > 0 ? options.threads : available_cores());
  if (options.name == "reference") {
    if (options.dtype != DType::f32)
      throw bad_input("--dtype", "the reference backend computes in float32 only",
                      "use --dtype f32 or --backend onednn");
    return make_reference();
  }
  if (options.name == "onednn" || options.name == "auto") {
    if (BackendPtr made = make_onednn(options.dtype)) return made;
    if (options.name == "auto" && options.dtype == DType::f32) return make_reference();
    throw bad_input("--backend", "this build has no oneDNN backend", "use --backend reference");
  }
  throw bad_input("--backend", "unknown backend '" + options.name + "'",
                  "one of reference, onednn, cuda, auto");
}

std::vector<BackendInfo> list_backends() {
  std::vector<BackendInfo> list;
  list.push_back({"reference", true, "plain scalar float32, the oracle"});
  list.push_back(onednn_info());
  list.push_back(cuda_info());
  return list;
}

}  // namespace looktwice::compute
