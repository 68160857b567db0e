#pragma once
// Runs the CUDA backend's kernels on the CPU, for tests on machines without a GPU. Included by
// compute/cuda/kernels/env.h in place of CUDA: the same names, with the GPU's meaning. Every GPU
// thread of a block is a fiber; barriers, shuffles and matrix instructions are places where fibers
// wait for each other, so wrong barriers and wrong fragment layouts show. Memory is ordinary
// memory: AddressSanitizer finds what compute-sanitizer would.

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <stdexcept>
#include <string>

#include "compute/float16.h"
#include "emulation/turns.h"

#define LT_KERNEL(threads) inline void
#define LT_FN inline
#define LT_SHARED static
#define LT_SHARED_16 alignas(16) static
#define LT_DYNAMIC_SHARED(name) unsigned char* name = emulation::dynamic_shared()
#define LT_UNROLL

namespace looktwice::compute::cuda {

namespace emulation {

/// Runs `body` once per thread of every block. Throws std::runtime_error when threads wait for each
/// other in different places or a kernel breaks a rule.
void run_grid(const Launch& launch, const std::function<void()>& body);

int thread();
uint32_t block(int axis);
uint32_t blocks();
unsigned char* dynamic_shared();
void block_barrier();
/// All lanes of the warp must come here with the same `what`.
void warp_barrier(const char* what);
/// 64 bytes of this warp for each of its lanes.
void* lane_slot(int lane);
/// Deferred copies to shared memory: they happen at wait(), as late as the GPU may do them.
void copy_later(void* to, const void* from);
void copy_commit();
void copy_wait(int groups_left);
[[noreturn]] void broken(const std::string& rule);

template <typename T>
T& slot(int lane) {
  static_assert(sizeof(T) <= 64);
  return *static_cast<T*>(lane_slot(lane));
}

}  // namespace emulation

LT_FN int thread_x() {
  return emulation::thread();
}
LT_FN uint32_t block_x() {
  return emulation::block(0);
}
LT_FN uint32_t block_y() {
  return emulation::block(1);
}
LT_FN uint32_t blocks_x() {
  return emulation::blocks();
}
LT_FN void block_sync() {
  emulation::block_barrier();
}
LT_FN void warp_sync() {
  emulation::warp_barrier("sync");
}
LT_FN float warp_xor(float v, int mask) {
  const int lane = thread_x() % 32;
  emulation::slot<float>(lane) = v;
  emulation::warp_barrier("xor");
  const float other = emulation::slot<float>(lane ^ mask);
  emulation::warp_barrier("xor");
  return other;
}
LT_FN void shared_add(uint32_t* counter, uint32_t v) {
  *counter += v;
}

LT_FN float float_from_bits(uint32_t bits) {
  return std::bit_cast<float>(bits);
}
LT_FN uint32_t bits_of_float(float v) {
  return std::bit_cast<uint32_t>(v);
}
LT_FN uint32_t bf16_bits(float v) {
  return float_to_bf16(v);
}
LT_FN uint32_t f16_bits(float v) {
  return float_to_f16(v);
}
LT_FN float from_f16_bits(uint32_t bits) {
  return f16_to_float(uint16_t(bits));
}
LT_FN void check_aligned(const void* p) {
  if (reinterpret_cast<uintptr_t>(p) % 16) emulation::broken("a 16-byte access is not aligned");
}
LT_FN Quad load_quad(const void* p) {
  check_aligned(p);
  Quad v;
  std::memcpy(&v, p, 16);
  return v;
}
LT_FN void store_quad(void* p, const Quad& v) {
  check_aligned(p);
  std::memcpy(p, &v, 16);
}
LT_FN uint32_t bytes_difference(uint32_t a, uint32_t b) {
  uint32_t r = 0;
  for (int i = 0; i < 32; i += 8) {
    const int d = int(a >> i & 255) - int(b >> i & 255);
    r |= uint32_t(d < 0 ? -d : d) << i;
  }
  return r;
}
LT_FN uint32_t bytes_dot(uint32_t a, uint32_t b, uint32_t sum) {
  for (int i = 0; i < 32; i += 8)
    sum += (a >> i & 255) * (b >> i & 255);
  return sum;
}
LT_FN float fast_exp2(float v) {
  return std::exp2(v);
}
template <Element E>
LT_FN uint32_t pack_pair(float low, float high) {
  return E == Element::bf16 ? bf16_bits(low) | bf16_bits(high) << 16
                            : f16_bits(low) | f16_bits(high) << 16;
}
LT_FN float fused(float a, float b, float c) {
  return std::fma(a, b, c);
}

template <Element E>
LT_FN float half_of(uint32_t word, int which) {
  const uint32_t bits = which ? word >> 16 : word & 0xffffu;
  return E == Element::bf16 ? bf16_to_float(uint16_t(bits)) : f16_to_float(uint16_t(bits));
}

/// Fragments of m16n8k16 (PTX ISA, "Matrix Fragments for mma.m16n8k16"): with g = lane/4 and
/// p = 2(lane%4), a0 = A[g, p..p+1], a1 = A[g+8, p..], a2 = A[g, p+8..], a3 = A[g+8, p+8..];
/// b0 = B[p..p+1, g], b1 = B[p+8.., g]; d0,d1 = D[g, p..p+1], d2,d3 = D[g+8, p..p+1].
template <Element E>
LT_FN void matrix_multiply(float (&d)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
  struct Fragment {
    uint32_t a[4], b[2];
  };
  const int lane = thread_x() % 32;
  emulation::slot<Fragment>(lane) = {{a[0], a[1], a[2], a[3]}, {b0, b1}};
  emulation::warp_barrier("mma");
  const int g = lane / 4, p = lane % 4 * 2;
  for (int i = 0; i < 4; ++i) {
    const int row = g + i / 2 * 8, col = p + i % 2;
    float sum = d[i];
    for (int k = 0; k < 16; ++k) {
      const auto& from_a = emulation::slot<Fragment>(row % 8 * 4 + k % 8 / 2);
      const auto& from_b = emulation::slot<Fragment>(col * 4 + k % 8 / 2);
      sum += half_of<E>(from_a.a[row / 8 + k / 8 * 2], k % 2) * half_of<E>(from_b.b[k / 8], k % 2);
    }
    d[i] = sum;
  }
  emulation::warp_barrier("mma");
}

/// ldmatrix.x4: lane i names row i%8 of matrix i/8; register i of a lane is
/// M_i[lane/4, 2(lane%4)..+1], or with .trans M_i[2(lane%4)..+1, lane/4].
LT_FN void load_matrices_any(uint32_t (&r)[4], const void* row, bool transposed) {
  const int lane = thread_x() % 32;
  check_aligned(row);
  emulation::slot<const uint16_t*>(lane) = static_cast<const uint16_t*>(row);
  emulation::warp_barrier("ldmatrix");
  const int g = lane / 4, p = lane % 4 * 2;
  for (int i = 0; i < 4; ++i) {
    const auto at = [&](int y, int x) { return emulation::slot<const uint16_t*>(i * 8 + y)[x]; };
    const uint32_t low = transposed ? at(p, g) : at(g, p);
    const uint32_t high = transposed ? at(p + 1, g) : at(g, p + 1);
    r[i] = low | high << 16;
  }
  emulation::warp_barrier("ldmatrix");
}
LT_FN void load_matrices(uint32_t (&r)[4], const void* row) {
  load_matrices_any(r, row, false);
}
LT_FN void load_matrices_transposed(uint32_t (&r)[4], const void* row) {
  load_matrices_any(r, row, true);
}
LT_FN void copy_async(void* shared, const void* global, bool there) {
  check_aligned(shared);
  if (there) check_aligned(global);
  emulation::copy_later(shared, there ? global : nullptr);
}
LT_FN void copy_commit() {
  emulation::copy_commit();
}
template <int N>
LT_FN void copy_wait() {
  emulation::copy_wait(N);
}

struct Launcher {
  template <typename Args>
  void start(void (*kernel)(Args), const Launch& l, const Args& args) {
    emulation::run_grid(l, [&] { kernel(args); });
  }
};

}  // namespace looktwice::compute::cuda
