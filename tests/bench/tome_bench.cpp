// What ToMe costs in one layer: matching and merging, on one thread.
//
//   bench_tome [--tokens N] [--width D] [--r R] [--rounds N]
//
// The metric is 64 wide (the mean over heads of the keys), as in every ViT with head size 64. Rows
// and metrics rotate over 16 sets, so that a layer's input comes from memory as it does in a model.

#include <cstdlib>
#include <cstring>
#include <vector>

#include "bench/interleave.h"
#include "tokens/drop.h"
#include "tokens/tome.h"

namespace {

int option(int argc, char** argv, const char* name, int fallback) {
  for (int i = 1; i + 1 < argc; ++i)
    if (std::strcmp(argv[i], name) == 0) return std::atoi(argv[i + 1]);
  return fallback;
}

}  // namespace

int main(int argc, char** argv) {
  using namespace looktwice;
  using namespace looktwice::tokens;
  const int tokens = std::max(2, option(argc, argv, "--tokens", 1568));
  const int width = std::max(1, option(argc, argv, "--width", 768));
  const int r = option(argc, argv, "--r", 65),
            rounds = std::max(10, option(argc, argv, "--rounds", 200));
  constexpr int kSets = 16, kMetric = 64;
  Random random(1);
  std::vector<std::vector<float>> metric(kSets), x(kSets);
  for (int s = 0; s < kSets; ++s) {
    metric[size_t(s)].resize(size_t(tokens) * kMetric);
    x[size_t(s)].resize(size_t(tokens) * width);
    for (float& v : metric[size_t(s)])
      v = random.uniform() - 0.4f;
    for (float& v : x[size_t(s)])
      v = random.uniform();
  }
  std::vector<float> y(x[0].size()), size(static_cast<size_t>(tokens), 1.0f), size_out(size.size());
  int next = 0;
  const auto turn = [&] { return size_t(next++ % kSets); };

  std::vector<Matching> ready;
  for (int s = 0; s < kSets; ++s)
    ready.push_back(match_tokens(metric[size_t(s)].data(), tokens, kMetric, 0, r, {}));
  std::vector<bench::Peer> peers;
  peers.push_back({"memcpy of the rows", [&](int) {
                     std::memcpy(y.data(), x[turn()].data(), y.size() * sizeof(float));
                   }});
  for (const Isa isa : {Isa::portable, Isa::avx2, Isa::avx512})
    if (usable(isa) == isa)
      peers.push_back({std::string("matching, ") + isa_name(isa), [&, isa](int) {
                         match_tokens(metric[turn()].data(), tokens, kMetric, 0, r, {}, isa);
                       }});
  peers.push_back({"merging", [&](int) {
                     const size_t s = turn();
                     merge_weighted(ready[s], x[s].data(), size.data(), size_t(width), y.data(),
                                    size_out.data());
                   }});
  peers.push_back({"matching and merging", [&](int) {
                     const size_t s = turn();
                     const Matching m = match_tokens(metric[s].data(), tokens, kMetric, 0, r, {});
                     merge_weighted(m, x[s].data(), size.data(), size_t(width), y.data(),
                                    size_out.data());
                   }});
  peers.push_back({"12 layers of both, r each", [&](int) {
                     int left = tokens;
                     for (int layer = 0; layer < 12; ++layer) {
                       const size_t i = turn();
                       const Matching m = match_tokens(metric[i].data(), left, kMetric, 0, r, {});
                       merge_weighted(m, x[i].data(), size.data(), size_t(width), y.data(),
                                      size_out.data());
                       left = m.tokens_out;
                     }
                   }});
  bench::interleave(peers, rounds);
  std::printf("ToMe, one layer of %d tokens, width %d, r %d, one thread\n", tokens, width, r);
  bench::print(peers);
  const double flops = 2.0 * kMetric * ((tokens + 1) / 2) * (tokens / 2);
  std::printf("scores at %.1f GFLOP/s (%s)\n",
              flops / bench::median(peers[peers.size() - 4].milliseconds) / 1e6,
              isa_name(best_isa()));
  return 0;
}
