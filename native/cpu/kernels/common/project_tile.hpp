// Products of a tile of 32 rows of weights with a few rows of activations, weights read in the order of memory.
#pragma once
#include "cpu/kernels/common/weight_values.hpp"

namespace wavetile::cpu::WAVETILE_ISA {

constexpr int ROWS = LANES / 4;     // of weights in a vector: 16 bytes of each
constexpr int VECTORS = 32 / ROWS;  // of a tile's chunk

typedef int8_t Bytes __attribute__((vector_size(LANES * 4)));
typedef uint64_t Longs __attribute__((vector_size(LANES * 4)));

// Four vectors of ROWS rows, 16 bytes of each: afterwards vector j has word j of all rows, in the order that `in_order`
// undoes.
inline void transpose_words(Bytes (&v)[4]) {
#if defined(__AVX512F__)
  const __m512i a = (__m512i)v[0], b = (__m512i)v[1], c = (__m512i)v[2], d = (__m512i)v[3];
  constexpr __mmask16 ALL = 0xFFFF;  // the plain ones make GCC 12 warn
  const __m512i ab = _mm512_maskz_unpacklo_epi32(ALL, a, b), cd = _mm512_maskz_unpacklo_epi32(ALL, c, d);
  const __m512i ab_high = _mm512_maskz_unpackhi_epi32(ALL, a, b), cd_high = _mm512_maskz_unpackhi_epi32(ALL, c, d);
  v[0] = (Bytes)_mm512_maskz_unpacklo_epi64(0xFF, ab, cd), v[1] = (Bytes)_mm512_maskz_unpackhi_epi64(0xFF, ab, cd);
  v[2] = (Bytes)_mm512_maskz_unpacklo_epi64(0xFF, ab_high, cd_high);
  v[3] = (Bytes)_mm512_maskz_unpackhi_epi64(0xFF, ab_high, cd_high);
#elif defined(__AVX2__)
  const __m256i a = (__m256i)v[0], b = (__m256i)v[1], c = (__m256i)v[2], d = (__m256i)v[3];
  const __m256i ab = _mm256_unpacklo_epi32(a, b), cd = _mm256_unpacklo_epi32(c, d);
  const __m256i ab_high = _mm256_unpackhi_epi32(a, b), cd_high = _mm256_unpackhi_epi32(c, d);
  v[0] = (Bytes)_mm256_unpacklo_epi64(ab, cd), v[1] = (Bytes)_mm256_unpackhi_epi64(ab, cd);
  v[2] = (Bytes)_mm256_unpacklo_epi64(ab_high, cd_high), v[3] = (Bytes)_mm256_unpackhi_epi64(ab_high, cd_high);
#else
  Quad a = (Quad)v[0], b = (Quad)v[1], c = (Quad)v[2], d = (Quad)v[3];
  transpose(a, b, c, d);
  v[0] = (Bytes)a, v[1] = (Bytes)b, v[2] = (Bytes)c, v[3] = (Bytes)d;
#endif
}

// Of LANES transposed rows, back in their order: row ROWS * i + k is in lane 4 * k + i.
inline Floats in_order(Floats lanes) {
#if defined(__AVX512F__)
  return __builtin_shufflevector(lanes, lanes, 0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
#elif defined(__AVX2__)
  return __builtin_shufflevector(lanes, lanes, 0, 4, 1, 5, 2, 6, 3, 7);
#else
  return lanes;
#endif
}

inline bool has_vnni() {
#if defined(__AVX512F__)
  return __builtin_cpu_supports("avx512vnni");
#else
  return false;
#endif
}

// What is added to whole weights, so that vpdpbusd may have them, which wants them unsigned.
template <bool vnni>
constexpr int WHOLE_OFFSET = vnni ? 128 : 0;

// sum + the products of unsigned bytes below 16, or (`whole`) of any weights + WHOLE_OFFSET, with signed bytes, by
// fours.
template <bool vnni, bool whole>
inline Ints dot_bytes(Ints sum, Bytes weights, Bytes inputs) {
#if defined(__AVX512F__)
  if constexpr (whole && !vnni) {
    const __mmask64 negative = _mm512_movepi8_mask((__m512i)weights);
    inputs = (Bytes)_mm512_mask_sub_epi8((__m512i)inputs, negative, __m512i{}, (__m512i)inputs);
    weights = (Bytes)_mm512_abs_epi8((__m512i)weights);
  }
  if constexpr (vnni) {
    // As text: a file is compiled for AVX-512 without it.
    asm("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(weights), "v"(inputs));
    return sum;
  }
  const __m512i pairs = _mm512_maddubs_epi16((__m512i)weights, (__m512i)inputs);
  return sum + (Ints)_mm512_madd_epi16(pairs, _mm512_set1_epi16(1));
#elif defined(__AVX2__)
  if constexpr (whole) {
    inputs = (Bytes)_mm256_sign_epi8((__m256i)inputs, (__m256i)weights);
    weights = (Bytes)_mm256_abs_epi8((__m256i)weights);
  }
  const __m256i pairs = _mm256_maddubs_epi16((__m256i)weights, (__m256i)inputs);
  return sum + (Ints)_mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
#elif defined(__SSSE3__)
  if constexpr (whole) {
    inputs = (Bytes)_mm_sign_epi8((__m128i)inputs, (__m128i)weights);
    weights = (Bytes)_mm_abs_epi8((__m128i)weights);
  }
  const __m128i pairs = _mm_maddubs_epi16((__m128i)weights, (__m128i)inputs);
  return sum + (Ints)_mm_madd_epi16(pairs, _mm_set1_epi16(1));
#elif defined(__ARM_FEATURE_DOTPROD)
  return (Ints)vdotq_s32((int32x4_t)sum, (int8x16_t)weights, (int8x16_t)inputs);
#else
  for (int i = 0; i < LANES * 4; i++) sum[i / 4] += weights[i] * inputs[i];
  return sum;
#endif
}

// Of ROWS rows, four blocks each: factors of a block's halves, and the least weight where scales have one.
struct QuadFactors {
  Floats low, high, least;
};

inline void row_factors(WeightScaling scaling, const uint8_t* bytes, float* low, float* high, float* least) {
  if (scaling == WeightScaling::affine) {
    const Quad a = from_halves(load<HalfQuad>(bytes)), b = from_halves(load<HalfQuad>(bytes + 8));
    const Quad scales = __builtin_shufflevector(a, b, 0, 2, 4, 6);
    store(low, scales), store(high, scales), store(least, __builtin_shufflevector(a, b, 1, 3, 5, 7));
    return;
  }
  const Quad super = from_halves(load<HalfQuad>(bytes + 8));
  const WordQuad words = __builtin_convertvector(load<HalfQuad>(bytes), WordQuad);
  const WordQuad odd = words >> 8;
  typedef int32_t IntQuad __attribute__((vector_size(16)));
  const Quad evens = __builtin_convertvector((IntQuad)(words << 24) >> 24, Quad) * super[0];
  store(low, evens);
  if (scaling == WeightScaling::super32) {
    store(high, evens), store(least, __builtin_convertvector((IntQuad)odd, Quad) * -super[1]);
  } else {
    store(high, __builtin_convertvector((IntQuad)(odd << 24) >> 24, Quad) * super[0]), store(least, Quad{});
  }
}

inline QuadFactors factors_of(WeightScaling scaling, const uint8_t* scales) {
  if (scaling == WeightScaling::symmetric) {
    const Floats factors = halves_to_floats(reinterpret_cast<const uint16_t*>(scales));
    return {factors, factors, Floats{}};
  }
  float low[LANES], high[LANES], least[LANES];
  for (int r = 0; r < ROWS; r++) row_factors(scaling, scales + r * 16, low + r * 4, high + r * 4, least + r * 4);
  return {load<Floats>(low), load<Floats>(high), load<Floats>(least)};
}

}  // namespace wavetile::cpu::WAVETILE_ISA
