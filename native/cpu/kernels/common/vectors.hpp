// Vectors of the instruction set that a kernel file is compiled for. All of it lies in that set's own namespace, and no
// kernel uses std templates: the linker may merge equal names, and code for a wider set must not run on an older CPU.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>
#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__ARM_NEON)
#include <arm_neon.h>
#endif

#include "cpu/kernel.hpp"

namespace wavetile::cpu::WAVETILE_ISA {

#if defined(__AVX512F__)
constexpr int LANES = 16;
#elif defined(__AVX2__)
constexpr int LANES = 8;
#else
constexpr int LANES = 4;
#endif
constexpr float INFINITE = __builtin_inff();

typedef float Floats __attribute__((vector_size(LANES * 4)));
typedef int32_t Ints __attribute__((vector_size(LANES * 4)));
typedef float Quad __attribute__((vector_size(16)));  // a chunk: four dimensions of one row

template <class Vector, class T>
inline Vector load(const T* from) {
  Vector vector;
  std::memcpy(&vector, from, sizeof vector);
  return vector;
}

template <class Vector, class T>
inline void store(T* to, Vector vector) {
  std::memcpy(to, &vector, sizeof vector);
}

inline Floats broadcast(float value) { return value - Floats{}; }
inline Ints broadcast(int32_t value) { return value + Ints{}; }

template <class Vector>
inline Vector smaller(Vector a, Vector b) {
  return b < a ? b : a;
}

// The chunk repeated over the whole vector.
inline Floats repeat(Quad quad) {
#if defined(__AVX512F__)
  return _mm512_maskz_broadcast_f32x4(0xFFFF, quad);  // the plain one makes GCC 12 warn
#elif defined(__AVX2__)
  return __builtin_shufflevector(quad, quad, 0, 1, 2, 3, 0, 1, 2, 3);
#else
  return quad;
#endif
}

inline bool any_less(Floats a, Floats b) {
#if defined(__AVX512F__)
  return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ) != 0;
#elif defined(__AVX2__)
  return _mm256_movemask_ps(_mm256_cmp_ps(a, b, _CMP_LT_OQ)) != 0;
#elif defined(__x86_64__)
  return _mm_movemask_ps(_mm_cmplt_ps(a, b)) != 0;
#elif defined(__aarch64__)
  return vmaxvq_u32(vcltq_f32(a, b)) != 0;
#else
  return a[0] < b[0] || a[1] < b[1] || a[2] < b[2] || a[3] < b[3];
#endif
}

// Halves are added to halves: the same order on every call.
inline float sum_of(Floats vector) {
  for (int width = LANES / 2; width > 0; width /= 2) {
    for (int i = 0; i < width; i++) vector[i] += vector[i + width];
  }
  return vector[0];
}

// Rows of four become columns of four.
inline void transpose(Quad& a, Quad& b, Quad& c, Quad& d) {
  const Quad ab_low = __builtin_shufflevector(a, b, 0, 4, 1, 5), ab_high = __builtin_shufflevector(a, b, 2, 6, 3, 7);
  const Quad cd_low = __builtin_shufflevector(c, d, 0, 4, 1, 5), cd_high = __builtin_shufflevector(c, d, 2, 6, 3, 7);
  a = __builtin_shufflevector(ab_low, cd_low, 0, 1, 4, 5);
  b = __builtin_shufflevector(ab_low, cd_low, 2, 3, 6, 7);
  c = __builtin_shufflevector(ab_high, cd_high, 0, 1, 4, 5);
  d = __builtin_shufflevector(ab_high, cd_high, 2, 3, 6, 7);
}

template <class T>
inline T* scratch(size_t count) {
  return static_cast<T*>(scratch_bytes(count * sizeof(T)));
}

inline uint32_t minimum(uint32_t a, uint32_t b) { return a < b ? a : b; }

}  // namespace wavetile::cpu::WAVETILE_ISA
