#include <algorithm>
#include <array>
#include <csetjmp>
#include <memory>
#include <numeric>
#include <random>
#include <utility>
#include <vector>

#include <ucontext.h>

#include "compute/cuda/kernels/env.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif

namespace looktwice::compute::cuda::emulation {
namespace {

constexpr size_t kStack = 256 << 10;
constexpr int kMostThreads = 1024;

struct Copy {
  void* to;
  std::array<unsigned char, 16> bytes;
};

struct Fiber {
  ucontext_t context{};
  jmp_buf place{};
  bool made = false, entered = false;
  std::unique_ptr<unsigned char[]> stack;
  bool done = false;
  const char* waits = nullptr;  ///< what for, at a warp barrier; "block" at a block barrier
  std::vector<Copy> open;       ///< copies that are not committed yet
  std::vector<std::vector<Copy>> groups;
  void* fake_stack = nullptr;
};

struct Machine {
  std::vector<Fiber> fibers{size_t(kMostThreads)};
  ucontext_t scheduler{};
  jmp_buf scheduler_place{};
  void* scheduler_fake = nullptr;
  const void* scheduler_stack = nullptr;
  size_t scheduler_size = 0;
  int current = 0, threads = 0;
  Launch launch;
  uint32_t block[2] = {};
  std::vector<std::array<unsigned char, 64>> slots{size_t(kMostThreads)};
  std::unique_ptr<unsigned char[]> shared;
  const std::function<void()>* body = nullptr;
  std::string error;
  Turns turns = Turns::ascending;
  std::mt19937 random{1};
};

Machine& machine() {
  static Machine m;
  return m;
}

const char* const kBlock = "block";

// swapcontext() calls the kernel twice; a jump between stacks is the same without it. A sanitizer
// wants to be told of every switch, and does not take jumps.
void leave() {
  Machine& m = machine();
  Fiber& f = m.fibers[size_t(m.current)];
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_start_switch_fiber(&f.fake_stack, m.scheduler_stack, m.scheduler_size);
  swapcontext(&f.context, &m.scheduler);
  __sanitizer_finish_switch_fiber(f.fake_stack, &m.scheduler_stack, &m.scheduler_size);
#else
  if (_setjmp(f.place) == 0) _longjmp(m.scheduler_place, 1);
#endif
}

void enter_fiber() {
  Machine& m = machine();
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(nullptr, &m.scheduler_stack, &m.scheduler_size);
#endif
  for (;;) {  // once a block
    try {
      (*m.body)();
    } catch (const std::exception& e) {
      if (m.error.empty()) m.error = e.what();
    }
    Fiber& f = m.fibers[size_t(m.current)];
    const bool copying = !f.open.empty() || std::any_of(f.groups.begin(), f.groups.end(),
                                                        [](const auto& g) { return !g.empty(); });
    if (copying && m.error.empty()) m.error = "a thread ended before it waited for its copies";
    f.done = true;
    leave();
  }
}

void resume(int i) {
  Machine& m = machine();
  Fiber& f = m.fibers[size_t(i)];
  m.current = i;
  f.waits = nullptr;
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_start_switch_fiber(&m.scheduler_fake, f.stack.get(), kStack);
  swapcontext(&m.scheduler, &f.context);
  __sanitizer_finish_switch_fiber(m.scheduler_fake, nullptr, nullptr);
#else
  if (_setjmp(m.scheduler_place) == 0) {
    if (f.entered) _longjmp(f.place, 1);
    f.entered = true;
    setcontext(&f.context);
  }
#endif
}

/// Lets waiting threads go on where all that must have come have come. False when nobody can.
bool release(std::vector<char>& ready) {
  Machine& m = machine();
  bool any = false, all_at_block = true;
  for (int i = 0; i < m.threads; ++i)
    all_at_block =
        all_at_block && (m.fibers[size_t(i)].done || m.fibers[size_t(i)].waits == kBlock);
  for (int w = 0; w < m.threads; w += 32) {
    const char* what = m.fibers[size_t(w)].waits;
    bool together = what && what != kBlock;
    for (int i = w; i < w + 32; ++i) {
      const Fiber& f = m.fibers[size_t(i)];
      together = together && !f.done && f.waits && std::strcmp(f.waits, what) == 0;
    }
    for (int i = w; i < w + 32; ++i)
      if (together || (all_at_block && !m.fibers[size_t(i)].done)) ready[size_t(i)] = any = true;
  }
  return any;
}

void run_block() {
  Machine& m = machine();
  if (m.launch.alone) {
    for (m.current = 0; m.current < m.threads; ++m.current)
      (*m.body)();
    return;
  }
  m.shared = std::make_unique<unsigned char[]>(m.launch.shared + 16);
  std::memset(m.shared.get(), 0xff, m.launch.shared);
  for (int i = 0; i < m.threads; ++i) {
    Fiber& f = m.fibers[size_t(i)];
    if (!f.stack) f.stack = std::make_unique<unsigned char[]>(kStack);
    f.done = false;
    f.waits = nullptr;
    f.open.clear();
    f.groups.clear();
    if (f.made) continue;  // at the end of its last block
    f.made = true;
    f.entered = false;
    getcontext(&f.context);
    f.context.uc_stack.ss_sp = f.stack.get();
    f.context.uc_stack.ss_size = kStack;
    f.context.uc_link = nullptr;
    makecontext(&f.context, enter_fiber, 0);
  }
  std::vector<char> ready(size_t(m.threads), 1);
  std::vector<int> order(static_cast<size_t>(m.threads));
  std::iota(order.begin(), order.end(), 0);
  if (m.turns == Turns::descending) std::reverse(order.begin(), order.end());
  for (;;) {
    if (m.turns == Turns::shuffled) std::shuffle(order.begin(), order.end(), m.random);
    for (int i : order)
      if (ready[size_t(i)]) {
        ready[size_t(i)] = 0;
        resume(i);
      }
    if (!m.error.empty()) return;
    if (std::all_of(m.fibers.begin(), m.fibers.begin() + m.threads,
                    [](const Fiber& f) { return f.done; }))
      return;
    if (!release(ready)) {
      m.error = "threads wait for each other in different places";
      return;
    }
  }
}

}  // namespace

void set_turns(Turns turns) {
  machine().turns = turns;
}

void run_grid(const Launch& launch, const std::function<void()>& body) {
  Machine& m = machine();
  if (launch.threads < 32 || launch.threads > kMostThreads || launch.threads % 32)
    throw std::runtime_error("a launch of " + std::to_string(launch.threads) + " threads");
  m.launch = launch;
  m.threads = int(launch.threads);
  m.body = &body;
  m.error.clear();
  const uint64_t blocks = uint64_t(launch.x) * launch.y;
  for (uint64_t b = 0; b < blocks && m.error.empty(); ++b) {
    const uint64_t at = m.turns == Turns::ascending ? b : blocks - 1 - b;
    m.block[0] = uint32_t(at % launch.x);
    m.block[1] = uint32_t(at / launch.x);
    run_block();
  }
  if (m.error.empty()) return;
  for (Fiber& f : m.fibers)  // they stand in the middle of a kernel
    f.made = false;
  throw std::runtime_error("emulated kernel: " + m.error);
}

int thread() {
  return machine().current;
}
uint32_t block(int axis) {
  return machine().block[axis];
}
uint32_t blocks() {
  return machine().launch.x;
}

unsigned char* dynamic_shared() {
  // 16-byte aligned; what is past the launch's size belongs to the sanitizer.
  auto* p = machine().shared.get();
  if (reinterpret_cast<uintptr_t>(p) % 16) broken("shared memory is not aligned");
  return p;
}

void block_barrier() {
  Machine& m = machine();
  if (m.launch.alone) broken("threads that were said to be alone wait for each other");
  m.fibers[size_t(m.current)].waits = kBlock;
  leave();
}

void warp_barrier(const char* what) {
  Machine& m = machine();
  if (m.launch.alone) broken("threads that were said to be alone wait for each other");
  m.fibers[size_t(m.current)].waits = what;
  leave();
}

void* lane_slot(int lane) {
  Machine& m = machine();
  return m.slots[size_t(m.current / 32 * 32 + lane)].data();
}

void copy_later(void* to, const void* from) {
  Machine& m = machine();
  Copy copy{to, {}};
  if (from) std::memcpy(copy.bytes.data(), from, 16);
  m.fibers[size_t(m.current)].open.push_back(copy);
}

void copy_commit() {
  Machine& m = machine();
  Fiber& f = m.fibers[size_t(m.current)];
  f.groups.push_back(std::move(f.open));
  f.open.clear();
}

void copy_wait(int groups_left) {
  Machine& m = machine();
  Fiber& f = m.fibers[size_t(m.current)];
  while (int(f.groups.size()) > groups_left) {
    for (const Copy& c : f.groups.front())
      std::memcpy(c.to, c.bytes.data(), 16);
    f.groups.erase(f.groups.begin());
  }
}

void broken(const std::string& rule) {
  throw std::runtime_error(rule);
}

}  // namespace looktwice::compute::cuda::emulation
