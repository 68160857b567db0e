#include "compute/cuda/plugin/blas.h"

#include <cstdlib>
#include <vector>

#include <cublasLt.h>
#include <dlfcn.h>

namespace looktwice::compute::cuda {

struct Blas::Functions {
  decltype(&cublasLtCreate) create = nullptr;
  decltype(&cublasLtDestroy) destroy = nullptr;
  decltype(&cublasLtMatmul) matmul = nullptr;
  decltype(&cublasLtMatmulDescCreate) desc_create = nullptr;
  decltype(&cublasLtMatmulDescDestroy) desc_destroy = nullptr;
  decltype(&cublasLtMatmulDescSetAttribute) desc_set = nullptr;
  decltype(&cublasLtMatrixLayoutCreate) layout_create = nullptr;
  decltype(&cublasLtMatrixLayoutDestroy) layout_destroy = nullptr;
  decltype(&cublasLtMatmulPreferenceCreate) preference_create = nullptr;
  decltype(&cublasLtMatmulPreferenceDestroy) preference_destroy = nullptr;
  decltype(&cublasLtMatmulPreferenceSetAttribute) preference_set = nullptr;
  decltype(&cublasLtMatmulAlgoGetHeuristic) heuristic = nullptr;
};

/// Descriptors and algorithm of one shape; destroyed with their library's functions.
struct Blas::Plan {
  explicit Plan(const Functions& functions) : f(functions) {}
  ~Plan() {
    if (desc) f.desc_destroy(desc);
    for (cublasLtMatrixLayout_t layout : {w, x, c, d})
      if (layout) f.layout_destroy(layout);
  }
  Plan(const Plan&) = delete;
  Plan& operator=(const Plan&) = delete;

  const Functions& f;
  cublasLtMatmulDesc_t desc = nullptr;
  cublasLtMatrixLayout_t w = nullptr, x = nullptr, c = nullptr, d = nullptr;
  std::vector<cublasLtMatmulAlgo_t> algorithms;  // as the library prefers them
  size_t chosen = 0;
  bool supported = false, tuned = false;
};

namespace {

constexpr int kMostAlgorithms = 8;

cudaDataType_t type_of(Element e) {
  return e == Element::f32 ? CUDA_R_32F : e == Element::bf16 ? CUDA_R_16BF : CUDA_R_16F;
}

/// The largest power of two, up to 256, that divides an address or a stride in bytes.
uint32_t alignment_of(uint64_t value) {
  uint32_t a = 256;
  while (a > 1 && value % a != 0)
    a /= 2;
  return a;
}

uint32_t alignment_of(const void* p) {
  return alignment_of(reinterpret_cast<uint64_t>(p));
}

/// The library, loaded and of the right version, or null and the reason.
void* load_library(size_t& version, std::string& reason) {
  std::vector<std::string> names;
  if (const char* named = std::getenv("LOOKTWICE_CUBLASLT"); named && *named) {
    names = {named};
  } else {
    const std::string versioned = "libcublasLt.so." + std::to_string(CUBLAS_VER_MAJOR);
    names = {versioned, "/usr/local/cuda/lib64/" + versioned};
  }
  void* library = nullptr;
  for (const std::string& name : names)
    if ((library = dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL))) break;
  if (!library) {
    const char* text = dlerror();
    reason = "cuBLASLt is not there (" + std::string(text ? text : names[0]) + ")";
    return nullptr;
  }
  const auto get_version =
      reinterpret_cast<decltype(&cublasLtGetVersion)>(dlsym(library, "cublasLtGetVersion"));
  version = get_version ? get_version() : 0;
  if (version / 10000 == CUBLAS_VER_MAJOR) return library;
  reason = version == 0 ? "the file found as cuBLASLt is another library"
                        : "cuBLASLt is of version " + std::to_string(version) +
                              ", the plugin needs " + std::to_string(CUBLAS_VER_MAJOR) + ".x";
  dlclose(library);
  return nullptr;
}

}  // namespace

bool Blas::look(size_t& version, std::string& reason) {
  return load_library(version, reason) != nullptr;  // it stays loaded
}

std::unique_ptr<Blas> Blas::open(bool tf32, bool tune, std::string& reason) {
  size_t version = 0;
  void* library = load_library(version, reason);
  if (!library) return nullptr;
  auto f = std::make_unique<Functions>();
  const char* missing = nullptr;
  const auto find = [&](auto& function, const char* name) {
    function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(dlsym(library, name));
    if (!function && !missing) missing = name;
  };
  find(f->create, "cublasLtCreate");
  find(f->destroy, "cublasLtDestroy");
  find(f->matmul, "cublasLtMatmul");
  find(f->desc_create, "cublasLtMatmulDescCreate");
  find(f->desc_destroy, "cublasLtMatmulDescDestroy");
  find(f->desc_set, "cublasLtMatmulDescSetAttribute");
  find(f->layout_create, "cublasLtMatrixLayoutCreate");
  find(f->layout_destroy, "cublasLtMatrixLayoutDestroy");
  find(f->preference_create, "cublasLtMatmulPreferenceCreate");
  find(f->preference_destroy, "cublasLtMatmulPreferenceDestroy");
  find(f->preference_set, "cublasLtMatmulPreferenceSetAttribute");
  find(f->heuristic, "cublasLtMatmulAlgoGetHeuristic");
  if (missing) {
    reason = "cuBLASLt has no function " + std::string(missing);
    dlclose(library);
    return nullptr;
  }
  std::unique_ptr<Blas> blas(new Blas);
  blas->version_ = version;
  blas->tf32_ = tf32;
  blas->tune_ = tune;
  cublasLtHandle_t handle = nullptr;
  if (const cublasStatus_t s = f->create(&handle); s != CUBLAS_STATUS_SUCCESS) {
    reason = "cuBLASLt does not start (status " + std::to_string(int(s)) + ")";
    return nullptr;
  }
  blas->handle_ = handle;
  blas->f_ = std::move(f);
  return blas;
}

Blas::~Blas() {
  plans_.clear();
  if (handle_) f_->destroy(static_cast<cublasLtHandle_t>(handle_));
}

// Row-major y = x wᵀ is, column-major, yᵀ [out,rows] = (w as [in,out])ᵀ · (x as [in,rows]).
Status Blas::make_plan(const MatmulArgs& a, Plan& plan, std::string& error) const {
  const Functions& f = *f_;
  const int64_t in = a.x.cols, out = a.d.cols, rows = a.d.rows;
  const cublasComputeType_t compute =
      a.w_element == Element::f32 && tf32_ ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F;
  bool ok = f.desc_create(&plan.desc, compute, CUDA_R_32F) == CUBLAS_STATUS_SUCCESS;
  const auto set = [&](cublasLtMatmulDescAttributes_t what, const auto& value) {
    ok = ok && f.desc_set(plan.desc, what, &value, sizeof value) == CUBLAS_STATUS_SUCCESS;
  };
  const auto layout = [&](cublasLtMatrixLayout_t& made, Element e, int64_t r, int64_t c,
                          int64_t stride) {
    ok = ok && f.layout_create(&made, type_of(e), uint64_t(r), uint64_t(c), stride) ==
                   CUBLAS_STATUS_SUCCESS;
  };
  set(CUBLASLT_MATMUL_DESC_TRANSA, CUBLAS_OP_T);
  set(CUBLASLT_MATMUL_DESC_TRANSB, CUBLAS_OP_N);
  const cublasLtEpilogue_t epilogue =
      a.curve == Curve::gelu_tanh ? (a.bias ? CUBLASLT_EPILOGUE_GELU_BIAS : CUBLASLT_EPILOGUE_GELU)
                                  : (a.bias ? CUBLASLT_EPILOGUE_BIAS : CUBLASLT_EPILOGUE_DEFAULT);
  set(CUBLASLT_MATMUL_DESC_EPILOGUE, epilogue);
  if (a.bias) {
    set(CUBLASLT_MATMUL_DESC_BIAS_POINTER, a.bias);
    set(CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE, type_of(a.bias_element));
  }
  if (a.scale)
    set(CUBLASLT_MATMUL_DESC_POINTER_MODE, CUBLASLT_POINTER_MODE_ALPHA_DEVICE_VECTOR_BETA_HOST);
  layout(plan.w, a.w_element, in, out, in);
  layout(plan.x, a.x.element, in, rows, a.x.stride);
  layout(plan.d, a.d.element, out, rows, a.d.stride);
  layout(plan.c, a.d.element, out, rows, a.c.data ? a.c.stride : a.d.stride);

  cublasLtMatmulPreference_t preference = nullptr;
  ok = ok && f.preference_create(&preference) == CUBLAS_STATUS_SUCCESS;
  const auto prefer = [&](cublasLtMatmulPreferenceAttributes_t what, const auto& value) {
    ok = ok && f.preference_set(preference, what, &value, sizeof value) == CUBLAS_STATUS_SUCCESS;
  };
  prefer(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, uint64_t(a.workspace_bytes));
  prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, alignment_of(a.w));
  prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, alignment_of(a.x.data));
  prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, alignment_of(a.c.data ? a.c.data : a.d.data));
  prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, alignment_of(a.d.data));
  cublasLtMatmulHeuristicResult_t results[kMostAlgorithms] = {};
  int found = 0;
  cublasStatus_t status = CUBLAS_STATUS_INTERNAL_ERROR;
  if (ok)
    status = f.heuristic(static_cast<cublasLtHandle_t>(handle_), plan.desc, plan.w, plan.x, plan.c,
                         plan.d, preference, tune_ ? kMostAlgorithms : 1, results, &found);
  if (preference) f.preference_destroy(preference);
  if (!ok) {
    error = "cuBLASLt refuses to describe a matrix product";
    return Status::failed;
  }
  if (status == CUBLAS_STATUS_SUCCESS)
    for (int i = 0; i < found; ++i)
      if (results[i].state == CUBLAS_STATUS_SUCCESS) plan.algorithms.push_back(results[i].algo);
  plan.supported = !plan.algorithms.empty();
  return Status::ok;
}

int Blas::start(const MatmulArgs& a, const Plan& plan, size_t algorithm,
                cudaStream_t stream) const {
  if (a.bias) f_->desc_set(plan.desc, CUBLASLT_MATMUL_DESC_BIAS_POINTER, &a.bias, sizeof a.bias);
  const float one = 1, beta = a.c.data ? 1 : 0;
  return f_->matmul(static_cast<cublasLtHandle_t>(handle_), plan.desc, a.scale ? a.scale : &one,
                    a.w, plan.w, a.x.data, plan.x, &beta, a.c.data ? a.c.data : a.d.data, plan.c,
                    a.d.data, plan.d, &plan.algorithms[algorithm], a.workspace,
                    size_t(a.workspace_bytes), stream);
}

/// Times every algorithm over a few products into d (which the caller's own product fills anew; one
/// that adds to d in place is not timed, because the sum would grow).
void Blas::tune(const MatmulArgs& a, Plan& plan, cudaStream_t stream) const {
  plan.tuned = true;
  if (plan.algorithms.size() < 2) return;
  MatmulArgs timed = a;
  if (a.c.data == a.d.data) timed.c = {};
  cudaEvent_t begin = nullptr, end = nullptr;
  if (cudaEventCreate(&begin) != cudaSuccess || cudaEventCreate(&end) != cudaSuccess) return;
  float best = 0;
  const bool in_place = a.c.data && a.c.data == a.d.data;
  for (size_t i = 0; !in_place && i < plan.algorithms.size(); ++i) {
    constexpr int kRepeats = 5;
    bool ok = start(timed, plan, i, stream) == CUBLAS_STATUS_SUCCESS;
    cudaEventRecord(begin, stream);
    for (int r = 0; ok && r < kRepeats; ++r)
      ok = start(timed, plan, i, stream) == CUBLAS_STATUS_SUCCESS;
    cudaEventRecord(end, stream);
    float ms = 0;
    ok = cudaEventSynchronize(end) == cudaSuccess && ok &&
         cudaEventElapsedTime(&ms, begin, end) == cudaSuccess;
    if (ok && (best == 0 || ms < best * 0.98f)) {  // the library's order decides near ties
      best = ms;
      plan.chosen = i;
    }
  }
  cudaEventDestroy(begin);
  cudaEventDestroy(end);
}

Status Blas::matmul(const MatmulArgs& a, cudaStream_t stream, std::string& error) {
  const auto layout_alignment = [](const Matrix& m) {
    return m.data ? int(alignment_of(m.data)) : 0;
  };
  const int types = int(a.x.element) | int(a.w_element) << 2 | int(a.d.element) << 4 |
                    int(a.bias_element) << 6 | int(a.curve) << 8 | int(a.bias != nullptr) << 12 |
                    int(a.c.data != nullptr) << 13 | int(a.scale != nullptr) << 14;
  const Key key{a.d.rows,
                a.d.cols,
                a.x.cols,
                a.x.stride,
                a.d.stride,
                a.c.data ? a.c.stride : 0,
                types,
                layout_alignment(a.x) * 1024 + layout_alignment(a.d),
                layout_alignment(a.c),
                int(alignment_of(a.w))};
  std::unique_ptr<Plan>& plan = plans_[key];
  if (!plan) {
    auto made = std::make_unique<Plan>(*f_);
    if (const Status s = make_plan(a, *made, error); s != Status::ok) return s;
    plan = std::move(made);
  }
  if (!plan->supported) {
    error = "cuBLASLt has no algorithm for this matrix product";
    return Status::unsupported;
  }
  if (tune_ && !plan->tuned) {
    cudaStreamCaptureStatus recording = cudaStreamCaptureStatusNone;
    cudaStreamIsCapturing(stream, &recording);
    if (recording == cudaStreamCaptureStatusNone) tune(a, *plan, stream);
  }
  const auto s = cublasStatus_t(start(a, *plan, plan->chosen, stream));
  if (s == CUBLAS_STATUS_SUCCESS) return Status::ok;
  error = "cuBLASLt failed (status " + std::to_string(int(s)) + ")";
  if (s == CUBLAS_STATUS_NOT_SUPPORTED) {
    plan->supported = false;
    return Status::unsupported;
  }
  return s == CUBLAS_STATUS_ALLOC_FAILED ? Status::out_of_memory : Status::failed;
}

}  // namespace looktwice::compute::cuda
