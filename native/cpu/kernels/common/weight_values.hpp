// Weights in tiles of 32 rows, laid out as shaders-vulkan/common/weights.glsl says, as numbers: four of a row at once.
#pragma once
#include "cpu/kernels/common/vectors.hpp"

namespace wavetile::cpu::WAVETILE_ISA {

enum class WeightKind : uint32_t { f32, f16, bf16, int8, int4 };
enum class WeightScaling : uint32_t { none, symmetric, affine, super32, super16 };

typedef int8_t ByteQuad __attribute__((vector_size(4)));
typedef uint16_t HalfQuad __attribute__((vector_size(8)));
typedef uint32_t WordQuad __attribute__((vector_size(16)));

inline Quad from_halves(HalfQuad halves) {
#if defined(__F16C__)
  return _mm_cvtph_ps(_mm_cvtsi64_si128(static_cast<long long>(load<uint64_t>(&halves))));
#else
  // The exponent moves over by a multiplication, which makes subnormals right as well.
  const WordQuad bits = __builtin_convertvector(halves, WordQuad), magnitude = (bits & 0x7FFFu) << 13;
  const Quad value = load<Quad>(&magnitude) * 0x1p112f;
  const WordQuad infinite = (magnitude >= (0x1Fu << 23)) & 0x7F800000u;
  const WordQuad result = load<WordQuad>(&value) | infinite | (bits & 0x8000u) << 16;
  return load<Quad>(&result);
#endif
}

// LANES of them.
inline Floats halves_to_floats(const uint16_t* from) {
#if defined(__AVX512F__)
  return _mm512_maskz_cvtph_ps(0xFFFF, load<__m256i>(from));
#elif defined(__F16C__)
  return _mm256_cvtph_ps(load<__m128i>(from));
#else
  Floats numbers;
  for (int i = 0; i < LANES; i += 4) {
    const Quad quad = from_halves(load<HalfQuad>(from + i));
    std::memcpy(reinterpret_cast<char*>(&numbers) + i * 4, &quad, 16);
  }
  return numbers;
#endif
}

struct Scale {
  float scale, minimum;
};

struct WeightTiles {
  WeightKind kind;
  WeightScaling scaling;
  const uint8_t* quants;
  const uint8_t* scales;
  uint32_t blocks;

  const uint8_t* chunk_of(uint32_t row, uint32_t block, uint32_t chunks, uint32_t chunk) const {
    const size_t first = (size_t{row / 32} * blocks + block) * chunks + chunk;
    return quants + (first * 32 + row % 32) * 16;
  }

  // Of the half (16 weights) that chunk `chunk` of four weights lies in.
  Scale scale_at(uint32_t row, uint32_t chunk) const {
    const uint32_t block = chunk / 8, b = block % 4;
    const size_t quad = (size_t{row / 32} * ((blocks + 3) / 4) + block / 4) * 32 + row % 32;
    if (scaling == WeightScaling::symmetric) {
      const float scale = from_halves(load<HalfQuad>(scales + quad * 8))[b];
      return {scale, kind == WeightKind::int4 ? -8 * scale : 0};
    }
    const uint8_t* bytes = scales + quad * 16;
    if (scaling == WeightScaling::affine) {
      const Quad pairs = from_halves(load<HalfQuad>(bytes + b / 2 * 8));
      return {pairs[b % 2 * 2], pairs[b % 2 * 2 + 1]};
    }
    const Quad super = from_halves(load<HalfQuad>(bytes + 8));
    if (scaling == WeightScaling::super16) return {super[0] * static_cast<int8_t>(bytes[b * 2 + chunk % 8 / 4]), 0};
    return {super[0] * static_cast<int8_t>(bytes[b * 2]), -super[1] * bytes[b * 2 + 1]};
  }

  // Chunk `chunk` of row `row`: four weights.
  Quad at(uint32_t row, uint32_t chunk) const {
    const uint32_t block = chunk / 8, part = chunk % 8;
    if (kind == WeightKind::f32) return load<Quad>(chunk_of(row, block, 8, part));
    if (kind == WeightKind::f16 || kind == WeightKind::bf16) {
      const HalfQuad halves = load<HalfQuad>(chunk_of(row, block, 4, part / 2) + part % 2 * 8);
      if (kind == WeightKind::f16) return from_halves(halves);
      const WordQuad bits = __builtin_convertvector(halves, WordQuad) << 16;
      return load<Quad>(&bits);
    }
    const bool wide = kind == WeightKind::int8;
    uint32_t word = load<uint32_t>(chunk_of(row, block, wide ? 2 : 1, wide ? part / 4 : 0) + part % 4 * 4);
    if (!wide) word = word >> part / 4 * 4 & 0x0F0F0F0Fu;
    const Scale scale = scale_at(row, chunk);
    return scale.scale * __builtin_convertvector(load<ByteQuad>(&word), Quad) + scale.minimum;
  }
};

}  // namespace wavetile::cpu::WAVETILE_ISA
