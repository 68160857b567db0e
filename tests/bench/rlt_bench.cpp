// RLT differences against memcpy on one thread, and re-deciding a large clip.
//
//   bench_rlt [--clips N] [--rounds N]
//   bench_rlt --serve [--clips N]    times one clip, bytes to mask, for every line on standard
//   input
//                                    (for tools/bench/rlt_torch.py)
//
// "The same bytes" are those that the differences read: with tubelets of two, 14 of a clip's 16
// frames (the last frame of the first tubelet and the first of the last one are never compared).
// memcpy reads and writes them; the differences only read them. Clips rotate, so that none is in
// the core's own caches when its turn comes.

#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include "bench/interleave.h"
#include "tokens/drop.h"
#include "tokens/rlt.h"
#include "tokens/rlt_histogram.h"

namespace {

using namespace looktwice;
using namespace looktwice::tokens;

constexpr int kT = 16, kSide = 224;
constexpr size_t kFrame = size_t(kSide) * kSide * 3;

int option(int argc, char** argv, const char* name, int fallback) {
  for (int i = 1; i + 1 < argc; ++i)
    if (std::strcmp(argv[i], name) == 0) return std::atoi(argv[i + 1]);
  return fallback;
}

/// A textured picture with a moving block, different in every clip.
std::vector<uint8_t> make_clip(int seed, int T, int H, int W) {
  std::vector<uint8_t> rgb(size_t(T) * H * W * 3);
  size_t at = 0;
  for (int t = 0; t < T; ++t)
    for (int y = 0; y < H; ++y)
      for (int x = 0; x < W; ++x)
        for (int c = 0; c < 3; ++c) {
          const bool block = unsigned(x - 20 - 6 * t) < 64u && unsigned(y - 50) < 64u;
          rgb[at++] = uint8_t(block ? 40 * c + x : 3 * x + 5 * y + 17 * c + seed);
        }
  return rgb;
}

/// Answers every line on standard input with the milliseconds that the next clip took.
int serve(const std::vector<std::vector<uint8_t>>& pool, const Grid& grid) {
  using Clock = std::chrono::steady_clock;
  std::vector<uint8_t> keep(grid.size());
  for (size_t i = 0; std::getchar() != EOF; ++i) {
    const auto start = Clock::now();
    const ClipView clip{pool[i % pool.size()].data(), kT, kSide, kSide};
    rlt_keep(rlt_differences(clip, grid), grid, 0.1f, keep);
    const std::chrono::duration<double, std::milli> time = Clock::now() - start;
    std::printf("%.6f\n", time.count());
    std::fflush(stdout);
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const int clips = std::max(1, option(argc, argv, "--clips", 64));
  const int rounds = std::max(10, option(argc, argv, "--rounds", 400));
  std::vector<std::vector<uint8_t>> pool;
  for (int i = 0; i < clips; ++i)
    pool.push_back(make_clip(i, kT, kSide, kSide));
  const Grid grid = grid_of({pool[0].data(), kT, kSide, kSide}, 2, 16);
  std::vector<float> differences(grid.size());
  if (argc > 1 && std::strcmp(argv[1], "--serve") == 0) return serve(pool, grid);
  std::vector<uint8_t> fixed(kFrame * kT);
  std::vector<std::vector<uint8_t>> targets(pool.size(), std::vector<uint8_t>(kFrame * kT));

  // Every peer takes the clip that has rested longest.
  int next = 0;
  const auto turn = [&] { return size_t(next++ % clips); };
  const auto copy = [&](const uint8_t* from, uint8_t* to) {
    std::memcpy(to, from, kFrame);                                 // frame 0; 1 is not read
    std::memcpy(to + 2 * kFrame, from + 2 * kFrame, 12 * kFrame);  // 2 … 13; 14 is not read
    std::memcpy(to + 15 * kFrame, from + 15 * kFrame, kFrame);
  };
  std::vector<bench::Peer> peers;
  peers.push_back({"memcpy to rotating targets", [&](int) {
                     const size_t i = turn();
                     copy(pool[i].data(), targets[i].data());
                   }});
  peers.push_back({"memcpy to one target", [&](int) { copy(pool[turn()].data(), fixed.data()); }});
  for (const Isa isa : {Isa::portable, Isa::avx2, Isa::avx512})
    if (usable(isa) == isa)
      peers.push_back(
          {std::string("rlt_differences, ") + isa_name(isa), [&, isa](int) {
             rlt_differences({pool[turn()].data(), kT, kSide, kSide}, grid, differences, isa);
           }});
  bench::interleave(peers, rounds);
  std::printf("RLT differences, %d rotating clips of 16x224x224 (%.0f MB), one thread\n", clips,
              double(clips) * kT * kFrame / 1e6);
  bench::print(peers, 14.0 * kFrame);
  const double copied =
      std::min(bench::median(peers[0].milliseconds), bench::median(peers[1].milliseconds));
  std::printf("speed of the %s kernel against the faster memcpy: %.2f\n", isa_name(best_isa()),
              copied / bench::median(peers.back().milliseconds));

  // Moving the threshold over a 1080p clip of 16 frames.
  const std::vector<uint8_t> large = make_clip(1, 16, 1080, 1920);
  const ClipView view{large.data(), 16, 1080, 1920};
  const Grid large_grid = grid_of(view, 2, 16);
  const std::vector<float> large_differences = rlt_differences(view, large_grid);
  const RltHistogram histogram(large_differences, large_grid);
  std::vector<uint8_t> keep(large_grid.size());
  size_t kept = 0;
  std::vector<bench::Peer> decide;
  const auto tau = [](int i) { return 0.01f * float(i % 100); };
  decide.push_back({"mask and kept count",
                    [&](int i) { kept += rlt_keep(large_differences, large_grid, tau(i), keep); }});
  decide.push_back({"mask, count and run lengths", [&](int i) {
                      kept += rlt_keep(large_differences, large_grid, tau(i), keep);
                      kept += size_t(run_lengths(keep, large_grid).back());
                    }});
  decide.push_back(
      {"kept count from the histogram", [&](int i) { kept += histogram.kept(tau(i)); }});
  decide.push_back({"building the histogram",
                    [&](int) { kept += RltHistogram(large_differences, large_grid).zeros(); }});
  decide.push_back({"differences of the clip",
                    [&](int) { kept += size_t(rlt_differences(view, large_grid).size()); }});
  bench::interleave(decide, 50);
  std::printf("\nre-deciding a 1080p clip of 16 frames (%zu tokens)\n", large_grid.size());
  bench::print(decide);
  return kept == 0;
}
