// Recordings of the CUDA backend: operations written into a graph, and what they read.

#include <algorithm>
#include <stdexcept>

#include "compute/cuda/attention_plan.h"
#include "compute/cuda/cuda_backend.h"
#include "compute/device_error.h"

namespace looktwice::compute::cuda {

/// A graph and the pool that holds what was allocated while it was written. Blocks go back to that
/// pool inside the recording and are used again there, in the order of the work; nobody else gets
/// them.
struct CudaBackend::GraphOnDevice : Recording {
  GraphOnDevice(std::shared_ptr<Device> d, std::shared_ptr<DevicePool> m)
      : device(std::move(d)), memory(std::move(m)) {}
  ~GraphOnDevice() override {
    if (graph) device->release_graph(graph);
  }
  std::shared_ptr<Device> device;
  std::shared_ptr<DevicePool> memory;
  std::vector<Tensor> kept;
  void* graph = nullptr;
};

namespace {

constexpr size_t kRecordingSegment = size_t{8} << 20;

class DeviceStopwatch final : public Stopwatch {
 public:
  DeviceStopwatch(std::shared_ptr<Device> device, std::shared_ptr<int> numbers)
      : device_(std::move(device)), numbers_(std::move(numbers)) {}
  ~DeviceStopwatch() override {
    for (int number : marks_)
      device_->release_mark(number);
  }
  void lap() override {
    marks_.push_back((*numbers_)++);
    check(*device_, device_->mark(marks_.back()));
  }
  std::vector<double> laps() override {
    std::vector<double> ms;
    for (size_t i = marks_.size(); i-- > 1;) {  // the last first: the others are past it
      float one = 0;
      check(*device_, device_->elapsed(marks_[i - 1], marks_[i], &one));
      ms.push_back(one);
    }
    std::reverse(ms.begin(), ms.end());
    return ms;
  }

 private:
  std::shared_ptr<Device> device_;
  std::shared_ptr<int> numbers_;
  std::vector<int> marks_;
};

}  // namespace

std::unique_ptr<Stopwatch> CudaBackend::stopwatch() {
  return std::make_unique<DeviceStopwatch>(device_, marks_);
}

void CudaBackend::not_recording(const char* operation) const {
  if (recording_) throw std::logic_error(std::string(operation) + ": not in a recording");
}

bool CudaBackend::owns(const void* address) const {
  if (pool_->owns(address)) return true;
  return std::any_of(recorded_.begin(), recorded_.end(), [&](const auto& weak) {
    const auto pool = weak.lock();
    return pool && pool->owns(address);
  });
}

std::shared_ptr<Recording> CudaBackend::record(const std::function<void()>& body) {
  not_recording("record");
  PoolOptions memory = options_.pool;
  memory.segment = kRecordingSegment;
  memory.keep = true;
  const auto graph =
      std::make_shared<GraphOnDevice>(device_, std::make_shared<DevicePool>(device_, memory));
  std::erase_if(recorded_, [](const auto& weak) { return weak.expired(); });
  recorded_.push_back(graph->memory);
  check(*device_, device_->begin_recording());
  recording_ = graph->memory;
  kept_.clear();
  try {
    body();
  } catch (...) {
    recording_.reset();
    kept_.clear();
    device_->end_recording(nullptr);
    throw;
  }
  recording_.reset();
  graph->kept = std::move(kept_);
  check(*device_, device_->end_recording(&graph->graph));
  return graph;
}

void CudaBackend::replay(const Recording& recording) {
  check_stop();
  not_recording("replay");
  const auto& graph = dynamic_cast<const GraphOnDevice&>(recording);
  check(*device_, device_->replay(graph.graph));
}

std::shared_ptr<PlannedSegments> CudaBackend::plan_segments(const Segments& q, const Segments& k,
                                                            int64_t most_rows,
                                                            int64_t most_segments) {
  auto planned = std::make_shared<SegmentsOnDevice>();
  AttentionPlan& plan = planned->plan;
  planned->most_rows = most_rows;
  plan.segments = int32_t(most_segments);
  // Every segment may end in a block that is not full.
  plan.tiles = int32_t(most_rows / kAttentionTileRows + most_segments);
  not_recording("plan_segments");
  plan.memory = empty({4 * most_segments + 2 * int64_t(plan.tiles)}, DType::i32);
  update(*planned, q, k);
  return planned;
}

void CudaBackend::update(PlannedSegments& planned, const Segments& q, const Segments& k) {
  not_recording("update");
  auto& on_device = dynamic_cast<SegmentsOnDevice&>(planned);
  AttentionPlan& plan = on_device.plan;
  const auto fits = [&](const Segments& s) {
    bool ok = s.count() <= size_t(plan.segments);
    for (size_t i = 0; ok && i < s.count(); ++i)
      ok = s.length[i] == 0 || s.start[i] + (s.length[i] - 1) * s.step < on_device.most_rows;
    return ok;
  };
  const AttentionTiles tiles = attention_tiles(q, k, kAttentionTileRows);
  require(fits(q) && q.count() == k.count() && tiles.segment.size() <= size_t(plan.tiles), "update",
          "the segments fit into what was planned");
  require(plan.longest == 0 || (q.step == plan.q.step && k.step == plan.k.step), "update",
          "steps stay as they were planned");
  plan.q = q;
  plan.k = k;
  // Which kernel serves does not change with the lengths.
  plan.longest = int32_t(std::max<int64_t>(on_device.most_rows, tiles.longest));
  const auto lists = attention_lists(q, k, tiles, plan.segments, plan.tiles);
  staging_->upload(plan.memory.raw(), lists.data(), lists.size() * sizeof(int32_t));
}

void CudaBackend::write(const Tensor& device, const Tensor& host) {
  not_recording("write");
  on_device("write", {&device});
  require(device.shape() == host.shape() && device.dtype() == host.dtype() && device.contiguous() &&
              host.contiguous() && !owns(host.raw()) && device.dtype() != DType::i32,
          "write", "a host tensor of the same shape and dtype, not of indices");
  if (host.elements() > 0) staging_->upload(device.raw(), host.raw(), host.bytes());
}

bool CudaBackend::to_gl_buffer(uint32_t buffer, const Tensor& tensor) {
  not_recording("to_gl_buffer");
  on_device("to_gl_buffer", {&tensor});
  require(tensor.contiguous(), "to_gl_buffer", "the tensor is contiguous");
  if (tensor.elements() == 0) return true;
  const Status s = device_->to_gl_buffer(buffer, tensor.raw(), tensor.bytes());
  if (s == Status::unsupported) return false;
  check(*device_, s);
  return true;
}

}  // namespace looktwice::compute::cuda
