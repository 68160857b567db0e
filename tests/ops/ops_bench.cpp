// Speed of every operation, over the list that the agreement test checks.
//   ops_bench --benchmark_filter=linear      (backend and dtype stand in every name)

#include <benchmark/benchmark.h>

#include "compute/threads.h"
#include "op_cases.h"

namespace {

using namespace looktwice;

void measure(benchmark::State& state, const ops::OpCase& c, compute::BackendPtr backend,
             DType inputs) {
  const ops::Ready ready = c.make(*backend, inputs);
  ready.run();
  for (auto _ : state)
    ready.run();
  if (c.flops > 0)
    state.counters["GFLOP/s"] = benchmark::Counter(
        c.flops * 1e-9, benchmark::Counter::kIsIterationInvariantRate, benchmark::Counter::kIs1000);
}

}  // namespace

int main(int argc, char** argv) {
  compute::settle_thread_policy(argv);
  static const auto cases = ops::op_cases();
  for (const char* name : {"onednn"})
    for (DType dtype : {DType::f32, DType::bf16}) {
      const auto backend = compute::make_backend({name, dtype, 0});
      for (const auto& c : cases)
        benchmark::RegisterBenchmark(
            (std::string(name) + "/" + dtype_name(dtype) + "/" + c.name).c_str(),
            [&c, backend, dtype](benchmark::State& s) { measure(s, c, backend, dtype); })
            ->UseRealTime()
            ->Unit(benchmark::kMicrosecond);
    }
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
