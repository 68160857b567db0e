#pragma once
// What kernels are written with, so that one source is compiled by nvcc for GPUs and by any C++
// compiler for the emulator of the tests (which names itself in LT_CUDA_EMULATION). Kernels take
// one plain struct and use only what this file declares: no CUDA names.

#include <cstdint>

#include "compute/cuda/args.h"

namespace looktwice::compute::cuda {

/// Shape of a launch. `shared` is dynamic shared memory in bytes; `alone` says that threads never
/// wait for each other (the emulator then runs them one after the other).
struct Launch {
  uint32_t x = 1, y = 1, threads = 128, shared = 0;
  bool alone = false;
};

/// Sixteen bytes that move in one instruction.
struct alignas(16) Quad {
  uint32_t x, y, z, w;
};

}  // namespace looktwice::compute::cuda

#if defined(__CUDACC__)

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#define LT_KERNEL(threads) __global__ void __launch_bounds__(threads)
#define LT_FN __device__ __forceinline__
#define LT_SHARED __shared__
#define LT_SHARED_16 __shared__ __align__(16)
#define LT_DYNAMIC_SHARED(name) extern __shared__ __align__(16) unsigned char name[]
#define LT_UNROLL _Pragma("unroll")

namespace looktwice::compute::cuda {

LT_FN int thread_x() {
  return int(threadIdx.x);
}
LT_FN uint32_t block_x() {
  return blockIdx.x;
}
LT_FN uint32_t block_y() {
  return blockIdx.y;
}
LT_FN uint32_t blocks_x() {
  return gridDim.x;
}
LT_FN void block_sync() {
  __syncthreads();
}
LT_FN void warp_sync() {
  __syncwarp();
}
/// The value of the lane whose number differs in `mask`; all lanes of the warp take part.
LT_FN float warp_xor(float v, int mask) {
  return __shfl_xor_sync(0xffffffffu, v, mask);
}
LT_FN void shared_add(uint32_t* counter, uint32_t v) {
  atomicAdd(counter, v);
}

LT_FN float float_from_bits(uint32_t bits) {
  return __uint_as_float(bits);
}
LT_FN uint32_t bits_of_float(float v) {
  return __float_as_uint(v);
}
LT_FN uint32_t bf16_bits(float v) {
  return __bfloat16_as_ushort(__float2bfloat16_rn(v));
}
LT_FN uint32_t f16_bits(float v) {
  return __half_as_ushort(__float2half_rn(v));
}
LT_FN float from_f16_bits(uint32_t bits) {
  return __half2float(__ushort_as_half(uint16_t(bits)));
}
LT_FN Quad load_quad(const void* p) {
  const uint4 v = *static_cast<const uint4*>(p);
  return {v.x, v.y, v.z, v.w};
}
LT_FN void store_quad(void* p, const Quad& v) {
  *static_cast<uint4*>(p) = make_uint4(v.x, v.y, v.z, v.w);
}
/// |a - b| of the four bytes of a word, each into its byte.
LT_FN uint32_t bytes_difference(uint32_t a, uint32_t b) {
  return __vabsdiffu4(a, b);
}
/// sum + Σ a[i] b[i] over the four bytes of a word.
LT_FN uint32_t bytes_dot(uint32_t a, uint32_t b, uint32_t sum) {
  return __dp4a(a, b, sum);
}
/// 2^v; results below 2^-126 are 0.
LT_FN float fast_exp2(float v) {
  float r;
  asm("ex2.approx.ftz.f32 %0,%1;" : "=f"(r) : "f"(v));
  return r;
}
/// Two values rounded into one word, `low` in its lower half.
template <Element E>
LT_FN uint32_t pack_pair(float low, float high) {
  uint32_t word;
  if constexpr (E == Element::bf16) {
    asm("cvt.rn.bf16x2.f32 %0,%1,%2;" : "=r"(word) : "f"(high), "f"(low));
  } else {
    asm("cvt.rn.f16x2.f32 %0,%1,%2;" : "=r"(word) : "f"(high), "f"(low));
  }
  return word;
}
/// a·b + c with one rounding.
LT_FN float fused(float a, float b, float c) {
  return __fmaf_rn(a, b, c);
}

// Matrix units: D[16,8] += A[16,16] B[16,8], f32 sums. Fragments as the PTX manual lays them out.
template <Element E>
LT_FN void matrix_multiply(float (&d)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
  if constexpr (E == Element::bf16) {
    asm volatile(
        "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 "
        "{%0,%1,%2,%3},{%4,%5,%6,%7},{%8,%9},{%0,%1,%2,%3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
  } else {
    asm volatile(
        "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 "
        "{%0,%1,%2,%3},{%4,%5,%6,%7},{%8,%9},{%0,%1,%2,%3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
  }
}
/// Four 8x8 matrices of 16-bit elements from shared memory; lane i names row i%8 of matrix i/8.
LT_FN void load_matrices(uint32_t (&r)[4], const void* row) {
  const uint32_t at = uint32_t(__cvta_generic_to_shared(row));
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3},[%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(at)
               : "memory");
}
LT_FN void load_matrices_transposed(uint32_t (&r)[4], const void* row) {
  const uint32_t at = uint32_t(__cvta_generic_to_shared(row));
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3},[%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(at)
               : "memory");
}
/// Starts a copy of 16 bytes from global to shared memory; with `there` false it writes zeros and
/// reads nothing.
LT_FN void copy_async(void* shared, const void* global, bool there) {
  const uint32_t at = uint32_t(__cvta_generic_to_shared(shared));
  const int bytes = there ? 16 : 0;
  asm volatile("cp.async.cg.shared.global [%0],[%1],16,%2;" ::"r"(at), "l"(global), "r"(bytes)
               : "memory");
}
LT_FN void copy_commit() {
  asm volatile("cp.async.commit_group;" ::: "memory");
}
/// Waits until at most N committed groups of this thread are under way.
template <int N>
LT_FN void copy_wait() {
  asm volatile("cp.async.wait_group %0;" ::"n"(N) : "memory");
}

/// Starts kernels on a stream; the emulator has its own.
struct Launcher {
  cudaStream_t stream;
  cudaError_t error = cudaSuccess;
  template <typename Args>
  void start(void (*kernel)(Args), const Launch& l, const Args& args) {
    if (l.x == 0 || l.y == 0 || error != cudaSuccess) return;
    if (l.shared > 48u * 1024) {
      error = cudaFuncSetAttribute(reinterpret_cast<const void*>(kernel),
                                   cudaFuncAttributeMaxDynamicSharedMemorySize, int(l.shared));
      if (error != cudaSuccess) return;
    }
    Args copy = args;
    void* list[] = {&copy};
    error = cudaLaunchKernel(reinterpret_cast<const void*>(kernel), dim3(l.x, l.y), dim3(l.threads),
                             list, l.shared, stream);
  }
};

}  // namespace looktwice::compute::cuda

#else
#include LT_CUDA_EMULATION
#endif

namespace looktwice::compute::cuda {

LT_FN float from_bf16_bits(uint32_t bits) {
  return float_from_bits(bits << 16);
}

/// Element i of a matrix's memory.
LT_FN float load_one(const void* data, Element e, int64_t i) {
  if (e == Element::f32) return static_cast<const float*>(data)[i];
  const uint32_t bits = static_cast<const uint16_t*>(data)[i];
  return e == Element::bf16 ? from_bf16_bits(bits) : from_f16_bits(bits);
}

LT_FN void store_one(void* data, Element e, int64_t i, float v) {
  if (e == Element::f32) {
    static_cast<float*>(data)[i] = v;
  } else {
    static_cast<uint16_t*>(data)[i] = uint16_t(e == Element::bf16 ? bf16_bits(v) : f16_bits(v));
  }
}

LT_FN void unpack(uint32_t word, Element e, float& low, float& high) {
  if (e == Element::bf16) {
    low = float_from_bits(word << 16);
    high = float_from_bits(word & 0xffff0000u);
  } else {
    low = from_f16_bits(word & 0xffffu);
    high = from_f16_bits(word >> 16);
  }
}

LT_FN uint32_t pack(float low, float high, Element e) {
  return e == Element::bf16 ? pack_pair<Element::bf16>(low, high)
                            : pack_pair<Element::f16>(low, high);
}

/// V elements from element `i` on; 8 need memory aligned to 16 bytes (see `wide` in plans.h).
template <int V>
LT_FN void load_some(const void* data, Element e, int64_t i, float (&to)[V]) {
  if constexpr (V == 8) {
    if (e == Element::f32) {
      const Quad a = load_quad(static_cast<const float*>(data) + i);
      const Quad b = load_quad(static_cast<const float*>(data) + i + 4);
      const uint32_t words[8] = {a.x, a.y, a.z, a.w, b.x, b.y, b.z, b.w};
      LT_UNROLL for (int k = 0; k < 8; ++k) to[k] = float_from_bits(words[k]);
    } else {
      const Quad a = load_quad(static_cast<const uint16_t*>(data) + i);
      unpack(a.x, e, to[0], to[1]);
      unpack(a.y, e, to[2], to[3]);
      unpack(a.z, e, to[4], to[5]);
      unpack(a.w, e, to[6], to[7]);
    }
  } else {
    LT_UNROLL for (int k = 0; k < V; ++k) to[k] = load_one(data, e, i + k);
  }
}

template <int V>
LT_FN void store_some(void* data, Element e, int64_t i, const float (&from)[V]) {
  if constexpr (V == 8) {
    if (e == Element::f32) {
      float* to = static_cast<float*>(data) + i;
      store_quad(to, {bits_of_float(from[0]), bits_of_float(from[1]), bits_of_float(from[2]),
                      bits_of_float(from[3])});
      store_quad(to + 4, {bits_of_float(from[4]), bits_of_float(from[5]), bits_of_float(from[6]),
                          bits_of_float(from[7])});
    } else {
      store_quad(static_cast<uint16_t*>(data) + i,
                 {pack(from[0], from[1], e), pack(from[2], from[3], e), pack(from[4], from[5], e),
                  pack(from[6], from[7], e)});
    }
  } else {
    LT_UNROLL for (int k = 0; k < V; ++k) store_one(data, e, i + k, from[k]);
  }
}

template <int V>
LT_FN void load_row_part(const Matrix& m, int64_t row, int col, float (&to)[V]) {
  load_some<V>(m.data, m.element, row * m.stride + col, to);
}
template <int V>
LT_FN void store_row_part(const Matrix& m, int64_t row, int col, const float (&from)[V]) {
  store_some<V>(m.data, m.element, row * m.stride + col, from);
}
template <int V>
LT_FN void load_table(const Table& t, int64_t row, int col, float (&to)[V]) {
  load_some<V>(t.data, Element::f32, row * t.stride + col, to);
}

/// Row and first column of the i-th part of V columns; false past the end.
template <int V>
LT_FN bool place_of(uint64_t i, int rows, int cols, int64_t& row, int& col) {
  const uint32_t parts = uint32_t(cols) / V;
  const uint64_t total = uint64_t(rows) * parts;
  if (i >= total) return false;
  if (total <= 0xffffffffu) {
    const uint32_t r = uint32_t(i) / parts;
    row = r;
    col = int(uint32_t(i) - r * parts) * V;
  } else {
    row = int64_t(i / parts);
    col = int(i % parts) * V;
  }
  return true;
}

}  // namespace looktwice::compute::cuda
