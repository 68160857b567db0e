// Host code of the CUDA backend: memory pool, staging, plans, checks. The device is emulated.

#include <atomic>
#include <cstring>
#include <functional>
#include <numeric>
#include <random>
#include <stdexcept>

#include <gtest/gtest.h>

#include "compute/cuda/cuda_backend.h"
#include "compute/device_error.h"
#include "emulation/emulated_device.h"

namespace looktwice::compute::cuda {
namespace {

TEST(DevicePool, BlocksAreReusedAndGrowTogether) {
  EmulatedCounts counts;
  const auto pool =
      std::make_shared<DevicePool>(emulated_device({}, &counts), PoolOptions{0, 1 << 20});
  auto a = pool->take(1000), b = pool->take(5000), c = pool->take(300);
  EXPECT_EQ(counts.allocations, 1);
  EXPECT_EQ(pool->in_use(), 1024u + 5120u + 512u);
  EXPECT_TRUE(pool->owns(a.get()));
  EXPECT_TRUE(pool->owns(static_cast<char*>(b.get()) + 4999));
  int local = 0;
  EXPECT_FALSE(pool->owns(&local));
  void* first = a.get();
  a.reset();
  b.reset();
  // The two freed neighbours serve one larger block.
  auto d = pool->take(6000);
  EXPECT_EQ(d.get(), first);
  c.reset();
  d.reset();
  EXPECT_EQ(pool->in_use(), 0u);
  EXPECT_EQ(pool->peak(), 1024u + 5120u + 512u);
  pool->trim();
  EXPECT_EQ(pool->held(), 0u);
  EXPECT_EQ(counts.allocated, 0u);
}

TEST(DevicePool, BlocksNeverOverlap) {
  const auto pool = std::make_shared<DevicePool>(emulated_device(), PoolOptions{0, 1 << 21});
  std::mt19937 engine(7);
  std::vector<std::pair<std::shared_ptr<void>, size_t>> live;
  for (int i = 0; i < 3000; ++i) {
    if (live.size() > 30 || (!live.empty() && engine() % 3 == 0)) {
      std::swap(live[engine() % live.size()], live.back());
      live.pop_back();
    } else {
      const size_t n = engine() % 100000;
      live.emplace_back(pool->take(n), n);
      std::memset(live.back().first.get(), int(i % 251), n);
    }
    for (size_t x = 0; x < live.size(); ++x)
      for (size_t y = 0; y < x; ++y) {
        const auto* p = static_cast<char*>(live[x].first.get());
        const auto* q = static_cast<char*>(live[y].first.get());
        ASSERT_TRUE(p + live[x].second <= q || q + live[y].second <= p || live[x].second == 0 ||
                    live[y].second == 0);
      }
  }
  live.clear();
  pool->trim();
  EXPECT_EQ(pool->held(), 0u);
}

TEST(DevicePool, TheBudgetHoldsAndSaysSo) {
  const size_t mib = size_t{1} << 20;
  const auto pool = std::make_shared<DevicePool>(emulated_device(), PoolOptions{10 * mib, 4 * mib});
  auto a = pool->take(6 * mib);
  try {
    pool->take(5 * mib);
    FAIL() << "past the budget";
  } catch (const DeviceError& e) {
    EXPECT_EQ(e.kind(), DeviceError::Kind::out_of_memory);
    EXPECT_EQ(e.exit_code(), 1);
    EXPECT_NE(std::string(e.what()).find("5.0 MiB"), std::string::npos) << e.what();
    EXPECT_NE(std::string(e.what()).find("10.0 MiB"), std::string::npos) << e.what();
  }
  auto b = pool->take(4 * mib);  // what is left of the budget, although segments are rounded up
  EXPECT_LE(pool->held(), 10 * mib);
  a.reset();
  b.reset();
  // Segments of the wrong size are given up for one that fits.
  auto c = pool->take(9 * mib);
  EXPECT_LE(pool->held(), 10 * mib);
}

TEST(DevicePool, ADeviceThatIsFullIsAskedForLess) {
  const size_t mib = size_t{1} << 20;
  const auto pool =
      std::make_shared<DevicePool>(emulated_device({.memory = 10 * mib}), PoolOptions{0, 64 * mib});
  auto a = pool->take(3 * mib);  // the device has no 64 MiB
  EXPECT_TRUE(a);
  EXPECT_THROW(pool->take(8 * mib), DeviceError);
}

TEST(DevicePool, PoolsShareABudget) {
  const size_t mib = size_t{1} << 20;
  PoolOptions options{10 * mib, 4 * mib};
  options.taken = std::make_shared<std::atomic<size_t>>(0);
  const auto device = emulated_device();
  const auto first = std::make_shared<DevicePool>(device, options);
  auto a = first->take(6 * mib);
  {
    const auto second = std::make_shared<DevicePool>(device, options);
    auto b = second->take(3 * mib);
    EXPECT_THROW(second->take(2 * mib), DeviceError);
  }
  EXPECT_EQ(*options.taken, first->held());
  auto c = first->take(3 * mib);  // what the other gave back
  EXPECT_LE(*options.taken, 10 * mib);
}

TEST(Staging, RowsOfAnyLengthArriveThroughSmallSlots) {
  for (size_t slot : {64, 100, 4096}) {
    Staging staging(emulated_device(), slot, 2);
    for (const auto& [rows, bytes, stride] :
         {std::array<size_t, 3>{1, 1000, 1000}, {7, 30, 50}, {3, 300, 301}, {5, 64, 64}}) {
      std::vector<unsigned char> host(rows * stride), device(rows * bytes, 0), back(rows * bytes);
      std::iota(host.begin(), host.end(), 1);
      staging.upload(device.data(), host.data(), rows, bytes, stride);
      for (size_t r = 0; r < rows; ++r)
        ASSERT_EQ(0, std::memcmp(&device[r * bytes], &host[r * stride], bytes)) << slot << " " << r;
      staging.download(back.data(), device.data(), back.size());
      EXPECT_EQ(back, device);
    }
  }
}

TEST(Plans, ScatterKeepsTheOrderOfArrival) {
  const std::vector<int32_t> index{2, 0, 2, 3, 0, 2};
  const ScatterPlan plan = scatter_plan(index, 5);
  EXPECT_EQ(plan.offset, (std::vector<int32_t>{0, 2, 2, 5, 6, 6}));
  EXPECT_EQ(plan.member, (std::vector<int32_t>{1, 4, 0, 2, 5, 3}));
}

TEST(Plans, TilesCoverEveryQueryOnceLongestFirst) {
  const std::vector<int32_t> q{130, 0, 5, 64}, k{10, 3, 400, 64};
  const AttentionTiles tiles = attention_tiles(Segments::packed(q), Segments::packed(k), 64);
  EXPECT_EQ(tiles.longest, 400);
  EXPECT_EQ(tiles.segment, (std::vector<int32_t>{2, 3, 0, 0, 0}));
  EXPECT_EQ(tiles.first, (std::vector<int32_t>{0, 0, 0, 64, 128}));
}

TEST(Plans, MirrorsAnswerForViewsAndForget) {
  IndexMirrors mirrors;
  std::vector<int32_t> memory(8);
  mirrors.add(memory.data(), {5, 6, 7, 8});
  EXPECT_EQ(mirrors.find(memory.data(), 4).size(), 4u);
  EXPECT_EQ(mirrors.find(memory.data() + 2, 2)[0], 7);
  EXPECT_TRUE(mirrors.find(memory.data() + 2, 3).empty());
  mirrors.remove(memory.data());
  EXPECT_TRUE(mirrors.find(memory.data(), 1).empty());
}

std::shared_ptr<CudaBackend> backend(EmulatedCounts* counts = nullptr) {
  return std::make_shared<CudaBackend>(emulated_device({}, counts), CudaOptions{});
}

TEST(CudaBackend, MisuseIsALogicErrorAndNotAKernelError) {
  const auto b = backend();
  const Tensor host = Tensor::zeros({4, 8}), x = b->upload(host), y = b->empty({4, 8}, DType::f32);
  EXPECT_THROW(b->copy(y, host), std::logic_error);
  EXPECT_THROW(b->copy(y, b->empty({4, 9}, DType::f32)), std::logic_error);
  EXPECT_THROW(b->gather_rows(y, x, b->indices(std::vector<int32_t>{0, 1, 2, 4})),
               std::logic_error);
  EXPECT_THROW(b->gather_rows(y, x, b->indices(std::vector<int32_t>{0, 1, 2, -1})),
               std::logic_error);
  EXPECT_THROW(b->gather_rows(y, x, Tensor::of({0, 1, 2, 3})), std::logic_error);
  EXPECT_THROW(b->upload(x), std::logic_error);
}

TEST(CudaBackend, MemoryOfTensorsComesBack) {
  const auto b = backend();
  const size_t before = b->memory_in_use();
  {
    const Tensor index = b->indices(std::vector<int32_t>{1, 2, 3});
    const Tensor view = index.row_range(0, 1);
    EXPECT_GT(b->memory_in_use(), before);
  }
  EXPECT_EQ(b->memory_in_use(), before);
}

TEST(CudaBackend, TensorsOutliveTheBackend) {
  auto b = backend();
  const Tensor t = b->upload(Tensor::zeros({100, 100}));
  const Tensor i = b->indices(std::vector<int32_t>{1});
  b.reset();
  EXPECT_TRUE(t.raw() && i.raw());  // and their memory goes without a crash at the end
}

TEST(CudaBackend, OneAttentionPlanServesAllLayers) {
  EmulatedCounts counts;
  const auto b = backend(&counts);
  const Tensor x = b->upload(Tensor::zeros({10, 16}));
  AttentionOptions o;
  o.q_segments = o.k_segments = Segments::uniform(2, 5);
  const Tensor y = b->empty({10, 16}, DType::f32);
  b->attention(y, x, x, x, o);
  const size_t after_one = b->memory_in_use();
  for (int i = 0; i < 5; ++i)
    b->attention(y, x, x, x, o);
  EXPECT_EQ(b->memory_in_use(), after_one);
}

TEST(CudaBackend, StopsBetweenOperations) {
  const auto b = backend();
  std::stop_source source;
  b->set_stop(source.get_token());
  const LinearPtr w = b->prepare(Tensor::zeros({4, 4}), {});
  const Tensor x = b->upload(Tensor::zeros({2, 4})), y = b->empty({2, 4}, DType::f32);
  b->linear(y, x, *w, {});
  source.request_stop();
  EXPECT_THROW(b->linear(y, x, *w, {}), Cancelled);
}

TEST(FastPaths, WordsAreReadAndOthersNamed) {
  EXPECT_TRUE(fast_paths(nullptr).graphs);
  const FastPaths fast = fast_paths(" attention=plain graphs=off  gates=off tokens=off tune=on");
  EXPECT_EQ(fast.attention, AttentionPath::plain);
  EXPECT_TRUE(!fast.graphs && !fast.gates && !fast.tokens && fast.tune);
  try {
    fast_paths("attention=magic");
    FAIL();
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find("attention=magic"), std::string::npos) << e.what();
  }
}

/// y = 2 x, twice, through memory of the recording's own.
TEST(Recorder, ReplaysReadTheirTensorsAnew) {
  EmulatedCounts counts;
  const auto b = backend(&counts);
  const Tensor x = b->upload(Tensor::of(std::vector<float>{1, 2, 3, 4}, {1, 4}));
  const Tensor y = b->empty({1, 4}, DType::f32);
  const auto recording = b->record([&] {
    const Tensor middle = b->empty({1, 4}, DType::f32);
    b->combine(middle, 2, x, 0, x);
    const Tensor other = b->empty({1, 4}, DType::f32);
    EXPECT_NE(other.raw(), middle.raw());
    b->combine(y, 2, middle, 0, middle);
  });
  EXPECT_EQ(counts.kernels, 0);
  // Others allocate meanwhile; nobody gets the recording's memory.
  const Tensor busy = b->upload(Tensor::zeros({64, 64}));
  b->replay(*recording);
  EXPECT_EQ(b->download_f32(y), (std::vector<float>{4, 8, 12, 16}));
  EXPECT_EQ(b->download_f32(busy), std::vector<float>(64 * 64, 0.0f));
  b->write(x, Tensor::of(std::vector<float>{5, 6, 7, 8}, {1, 4}));
  b->replay(*recording);
  EXPECT_EQ(b->download_f32(y), (std::vector<float>{20, 24, 28, 32}));
  EXPECT_EQ(counts.replays, 2);
  EXPECT_EQ(counts.kernels, 4);
}

TEST(Recorder, WhatWouldWaitIsAnErrorAndLeavesNothingBehind) {
  EmulatedCounts counts;
  const auto b = backend(&counts);
  const Tensor x = b->upload(Tensor::zeros({2, 8}));
  const size_t held = b->memory_held();
  const std::vector<int32_t> one{1};
  AttentionOptions o;
  o.q_segments = o.k_segments = Segments::uniform(1, 2);
  const std::vector<std::function<void()>> bodies = {
      [&] {
        b->upload(Tensor::zeros({2, 8}));
      },
      [&] { b->indices(one); },
      [&] { b->download(x); },
      [&] { b->synchronize(); },
      [&] { b->compare(x, x); },
      [&] { b->attention(x, x, x, x, o); },
      [&] { b->record([] {}); },
  };
  for (const auto& body : bodies) {
    EXPECT_THROW(b->record(body), std::logic_error);
    EXPECT_EQ(counts.graphs, 0);
    EXPECT_EQ(b->memory_held(), held);
    b->synchronize();  // and the backend goes on
  }
  {
    const auto recording = b->record([&] { b->empty({1000, 1000}, DType::f32); });
  }
  EXPECT_EQ(counts.graphs, 0);
  EXPECT_EQ(b->memory_held(), held);
}

TEST(Recorder, TimesAreTakenInsideRecordings) {
  const auto b = backend();
  const Tensor x = b->upload(Tensor::zeros({2, 8}));
  const auto watch = b->stopwatch();
  const auto recording = b->record([&] {
    watch->lap();
    b->combine(x, 1, x, 1, x);
    watch->lap();
    watch->lap();
  });
  for (int i = 0; i < 2; ++i) {
    b->replay(*recording);
    EXPECT_EQ(watch->laps().size(), 2u);
  }
}

TEST(CudaBackend, ALostDeviceSaysSo) {
  const auto b = std::make_shared<CudaBackend>(emulated_device({.lost_after = 1}), CudaOptions{});
  const Tensor x = b->upload(Tensor::zeros({2, 8}));
  b->combine(x, 1, x, 1, x);
  try {
    b->combine(x, 1, x, 1, x);
    FAIL() << "the device is lost";
  } catch (const DeviceError& e) {
    EXPECT_EQ(e.kind(), DeviceError::Kind::lost);
  }
}

TEST(CudaBackend, WithoutSharingOpenGLGetsCopies) {
  const auto b = backend();
  const Tensor x = b->upload(Tensor::zeros({2, 8}));
  ASSERT_NE(b->gl_sharing(), nullptr);
  EXPECT_FALSE(b->gl_sharing()->to_gl_buffer(1, x));
}

}  // namespace
}  // namespace looktwice::compute::cuda
