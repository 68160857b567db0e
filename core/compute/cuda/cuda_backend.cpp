// Memory, checks and plans of the CUDA backend.

#include "compute/cuda/cuda_backend.h"

#include <algorithm>
#include <numeric>
#include <stdexcept>

#include "compute/cuda/attention_plan.h"
#include "compute/device_error.h"
#include "compute/host_backend.h"

namespace looktwice::compute::cuda {

void IndexMirrors::add(const void* device, std::vector<int32_t> values) {
  const std::lock_guard lock(mutex_);
  values_[static_cast<const char*>(device)] = std::move(values);
}

void IndexMirrors::remove(const void* device) {
  const std::lock_guard lock(mutex_);
  values_.erase(static_cast<const char*>(device));
}

std::span<const int32_t> IndexMirrors::find(const void* device, int64_t count) const {
  const std::lock_guard lock(mutex_);
  const auto* at = static_cast<const char*>(device);
  auto it = values_.upper_bound(at);
  if (it == values_.begin()) return {};
  --it;
  const auto first = size_t(at - it->first) / sizeof(int32_t);
  if (first + size_t(count) > it->second.size()) return {};
  return {it->second.data() + first, size_t(count)};
}

ScatterPlan scatter_plan(std::span<const int32_t> index, int64_t destinations) {
  ScatterPlan plan;
  plan.offset.assign(size_t(destinations) + 1, 0);
  for (int32_t d : index)
    ++plan.offset[size_t(d) + 1];
  std::partial_sum(plan.offset.begin(), plan.offset.end(), plan.offset.begin());
  plan.member.resize(index.size());
  std::vector<int32_t> next(plan.offset.begin(), plan.offset.end() - 1);
  for (size_t i = 0; i < index.size(); ++i)
    plan.member[size_t(next[size_t(index[i])]++)] = int32_t(i);
  return plan;
}

AttentionTiles attention_tiles(const Segments& q, const Segments& k, int rows) {
  AttentionTiles tiles;
  std::vector<int32_t> order(q.count());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](int32_t a, int32_t b) { return k.length[size_t(a)] > k.length[size_t(b)]; });
  for (int32_t s : order) {
    const int32_t n = q.length[size_t(s)];
    tiles.longest = std::max({tiles.longest, n, k.length[size_t(s)]});
    for (int32_t first = 0; first < n; first += rows) {
      tiles.segment.push_back(s);
      tiles.first.push_back(first);
    }
  }
  return tiles;
}

std::vector<int32_t> attention_lists(const Segments& q, const Segments& k,
                                     const AttentionTiles& tiles, int32_t segment_places,
                                     int32_t tile_places) {
  std::vector<int32_t> all;
  const auto add = [&](const std::vector<int32_t>& list, int32_t places, int32_t empty) {
    all.insert(all.end(), list.begin(), list.end());
    all.insert(all.end(), size_t(places) - list.size(), empty);
  };
  for (const auto* list : {&q.start, &q.length, &k.start, &k.length})
    add(*list, segment_places, 0);
  add(tiles.segment, tile_places, -1);
  add(tiles.first, tile_places, 0);
  return all;
}

namespace {

CudaOptions with_shared_budget(CudaOptions options) {
  if (!options.pool.taken) options.pool.taken = std::make_shared<std::atomic<size_t>>(0);
  return options;
}

}  // namespace

CudaBackend::CudaBackend(std::shared_ptr<Device> device, CudaOptions options)
    : device_(std::move(device)),
      options_(with_shared_budget(std::move(options))),
      pool_(std::make_shared<DevicePool>(device_, options_.pool)),
      mirrors_(std::make_shared<IndexMirrors>()),
      staging_(std::make_unique<Staging>(device_)) {
  if (options_.workspace) workspace_ = pool_->take(options_.workspace);
}

CudaBackend::~CudaBackend() {
  device_->synchronize();
}

std::string CudaBackend::description() const {
  const DeviceFacts& f = device_->facts();
  return "cuda: " + std::string(f.name) + ", compute capability " + std::to_string(f.major) + "." +
         std::to_string(f.minor) + ", " + f.libraries;
}

void CudaBackend::run(Kernel kernel, const void* args) {
  check(*device_, device_->run(kernel, args));
}

Tensor CudaBackend::empty(Shape shape, DType dtype) {
  const Tensor sized(shape, dtype, nullptr, nullptr);
  auto memory = (recording_ ? recording_ : pool_)->take(sized.bytes());
  void* p = memory.get();
  return Tensor(std::move(shape), dtype, p, std::move(memory));
}

Tensor CudaBackend::raw_upload(const void* host, Shape shape, DType dtype, int64_t stride) {
  not_recording("upload");
  Tensor out = empty(std::move(shape), dtype);
  const size_t size = dtype_bytes(dtype);
  if (out.elements() > 0)
    staging_->upload(out.raw(), host, size_t(out.rows()), size_t(out.cols()) * size,
                     size_t(stride) * size);
  return out;
}

Tensor CudaBackend::ints(std::span<const int32_t> values) {
  const auto n = int64_t(values.size());
  return raw_upload(values.data(), {n}, DType::i32, n);
}

Tensor CudaBackend::upload(const Tensor& host, DType dtype) {
  require(bool(host) && !owns(host.raw()), "upload", "the tensor is on the host");
  const auto floating = [](DType t) {
    return t == DType::f32 || t == DType::bf16 || t == DType::f16;
  };
  if (dtype != host.dtype()) {
    require(floating(dtype), "upload", "no conversion to this dtype");
    if (!floating(host.dtype())) {
      const Tensor f = host.to_f32();
      return as(raw_upload(f.raw(), f.shape(), DType::f32, f.row_stride()), dtype);
    }
    return as(raw_upload(host.raw(), host.shape(), host.dtype(), host.row_stride()), dtype);
  }
  const Tensor out = raw_upload(host.raw(), host.shape(), dtype, host.row_stride());
  if (dtype != DType::i32) return out;
  std::vector<int32_t> values;
  for (int64_t r = 0; r < host.rows(); ++r) {
    const int32_t* row = host.data<int32_t>() + r * host.row_stride();
    values.insert(values.end(), row, row + host.cols());
  }
  mirrors_->add(out.raw(), std::move(values));
  // The mirror goes when the memory does.
  std::shared_ptr<void> owner(out.raw(), [keep = out, mirrors = mirrors_](void* p) mutable {
    mirrors->remove(p);
    keep = {};
  });
  return Tensor(out.shape(), dtype, out.raw(), std::move(owner));
}

Tensor CudaBackend::download(const Tensor& device) {
  not_recording("download");
  on_device("download", {&device});
  Tensor out(device.shape(), device.dtype());
  if (out.elements() == 0) return out;
  if (device.contiguous()) {
    staging_->download(out.raw(), device.raw(), out.bytes());
    return out;
  }
  const size_t size = dtype_bytes(device.dtype());
  if (device.dtype() == DType::f32 || size == 2) {
    const Tensor whole = empty(device.shape(), device.dtype());
    copy(whole, device);
    staging_->download(out.raw(), whole.raw(), out.bytes());
    return out;
  }
  for (int64_t r = 0; r < device.rows(); ++r)
    staging_->download(
        static_cast<char*>(out.raw()) + size_t(r * device.cols()) * size,
        static_cast<const char*>(device.raw()) + size_t(r * device.row_stride()) * size,
        size_t(device.cols()) * size);
  return out;
}

void CudaBackend::synchronize() {
  not_recording("synchronize");
  check(*device_, device_->synchronize());
}

void CudaBackend::on_device(const char* op, std::initializer_list<const Tensor*> tensors) const {
  for (const Tensor* t : tensors)
    require(!*t || t->elements() == 0 || owns(t->raw()), op,
            "a tensor is not on the device (upload it first)");
}

Matrix CudaBackend::matrix(const Tensor& t) const {
  Matrix m;
  if (!t) return m;
  m.data = t.raw();
  m.stride = t.row_stride();
  m.rows = int32_t(t.rows());
  m.cols = int32_t(t.cols());
  m.element = t.dtype() == DType::f32    ? Element::f32
              : t.dtype() == DType::bf16 ? Element::bf16
                                         : Element::f16;
  return m;
}

std::span<const int32_t> CudaBackend::checked_index(const char* op, const Tensor& index,
                                                    int64_t count, int64_t below) const {
  require(
      bool(index) && index.dtype() == DType::i32 && index.contiguous() && index.elements() == count,
      op, "the index is i32, one entry a row");
  if (count == 0) return {};
  const auto values = mirrors_->find(index.raw(), count);
  require(values.size() == size_t(count), op, "the index was made by indices() or upload()");
  for (int32_t i : values)
    require(i >= 0 && i < below, op, "an index is out of range");
  return values;
}

void CudaBackend::check_table(const char* op, const Tensor& x, const Tensor& table,
                              const Tensor& groups) const {
  check_groups(op, x, table, {});
  on_device(op, {&table});
  if (groups) checked_index(op, groups, x.rows(), table.rows());
}

Tensor CudaBackend::as(const Tensor& x, DType dtype) {
  if (x.dtype() == dtype) return x;
  const Tensor out = empty(x.shape(), dtype);
  copy(out, x);
  return out;
}

const CudaBackend::AttentionPlan& CudaBackend::plan_attention(const Segments& q,
                                                              const Segments& k) {
  const auto same = [](const Segments& a, const Segments& b) {
    return a.step == b.step && a.start == b.start && a.length == b.length;
  };
  constexpr size_t kPlans = 16;
  for (auto it = plans_.begin(); it != plans_.end(); ++it)
    if (same(it->q, q) && same(it->k, k)) {
      plans_.splice(plans_.begin(), plans_, it);
      if (recording_) kept_.push_back(plans_.front().memory);
      return plans_.front();
    }
  not_recording("attention with new segments");
  AttentionPlan plan;
  plan.q = q;
  plan.k = k;
  const AttentionTiles tiles = attention_tiles(q, k, kAttentionTileRows);
  plan.segments = int32_t(q.count());
  plan.tiles = int32_t(tiles.segment.size());
  plan.longest = tiles.longest;
  // One upload: six lists, one after the other.
  plan.memory = ints(attention_lists(q, k, tiles, plan.segments, plan.tiles));
  plans_.push_front(std::move(plan));
  if (plans_.size() > kPlans) plans_.pop_back();
  return plans_.front();
}

}  // namespace looktwice::compute::cuda
