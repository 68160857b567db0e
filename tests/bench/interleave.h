#pragma once
// Peers timed turn by turn in one run, so that what disturbs one disturbs all: what every benchmark
// of this folder prints is a median and its ratio to the first peer's.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

namespace looktwice::bench {

struct Peer {
  std::string name;
  std::function<void(int)> run;  ///< one repetition; the argument counts up
  std::vector<double> milliseconds = {};
};

inline double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::nth_element(values.begin(), values.begin() + long(values.size() / 2), values.end());
  return values[values.size() / 2];
}

/// Runs every peer `rounds` times, in turn, after `warm_up` rounds that do not count. The peers'
/// order rotates from round to round.
inline void interleave(std::vector<Peer>& peers, int rounds, int warm_up = 3) {
  using Clock = std::chrono::steady_clock;
  for (int round = -warm_up; round < rounds; ++round)
    for (size_t k = 0; k < peers.size(); ++k) {
      Peer& peer = peers[(k + size_t(round + warm_up)) % peers.size()];
      const auto start = Clock::now();
      peer.run(round + warm_up);
      const std::chrono::duration<double, std::milli> time = Clock::now() - start;
      if (round >= 0) peer.milliseconds.push_back(time.count());
    }
}

/// One line a peer: median, 10th and 90th percentile in milliseconds, speed relative to the first,
/// and gigabytes a second where `bytes` says how many one repetition reads.
inline void print(const std::vector<Peer>& peers, double bytes = 0) {
  const double first = median(peers.front().milliseconds);
  std::printf("%-34s %10s %10s %10s %9s%s\n", "", "median ms", "p10", "p90", "speed",
              bytes > 0 ? "     GB/s" : "");
  for (const Peer& peer : peers) {
    std::vector<double> sorted = peer.milliseconds;
    std::sort(sorted.begin(), sorted.end());
    const double mid = median(sorted);
    std::printf("%-34s %10.4f %10.4f %10.4f %8.2fx", peer.name.c_str(), mid,
                sorted[sorted.size() / 10], sorted[sorted.size() * 9 / 10], first / mid);
    if (bytes > 0) std::printf(" %8.2f", bytes / mid / 1e6);
    std::printf("\n");
  }
}

}  // namespace looktwice::bench
