#pragma once
// The thread pool of all inference: OpenMP's, shared with oneDNN.

#include <cstdint>
#include <functional>

namespace looktwice::compute {

/// Call first thing in main(). libgomp reads its wait policy when it is loaded, before main, and by
/// default its waiting threads spin and steal the decoder's core. Unless the user chose a policy
/// (OMP_WAIT_POLICY or GOMP_SPINCOUNT in the environment), sets one that yields and runs the
/// program once more in the same process (execv of /proc/self/exe). Returns if nothing was to do or
/// the program could not be run again.
void settle_thread_policy(char** argv);

/// Cores this process may run on (affinity mask and cgroup quota respected).
int available_cores();

/// Number of threads of parallel regions, ≥ 1. One thread at a time runs inference.
void set_threads(int threads);
int threads();

/// Runs body(begin, end) over disjoint ranges that cover [0, n), at most threads() at once, each of
/// at least `grain` items but the last. Exceptions must not leave the body.
void parallel_ranges(int64_t n, int64_t grain, const std::function<void(int64_t, int64_t)>& body);
/// Runs body(item, thread) for every item in [0, n), items handed out one by one; on the calling
/// thread alone if `alone` (work too small to share).
void parallel_items(int64_t n, const std::function<void(int64_t, int)>& body, bool alone = false);

}  // namespace looktwice::compute
