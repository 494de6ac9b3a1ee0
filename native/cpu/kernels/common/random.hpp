// Counter-based random numbers: the PCG output permutation as a hash, the same numbers as the shaders' random.glsl.
#pragma once
#include <cstdint>

namespace wavetile::cpu::WAVETILE_ISA {

inline uint32_t hash(uint32_t value) {
  const uint32_t state = value * 747796405u + 2891336453u;
  const uint32_t word = ((state >> ((state >> 28) + 4)) ^ state) * 277803737u;
  return (word >> 22) ^ word;
}

inline uint32_t random_word(uint32_t seed, uint32_t subspace, uint32_t step) {
  return hash(seed ^ hash(subspace ^ hash(step)));
}

// In [0, 1), 24 bits.
inline float uniform_float(uint32_t seed, uint32_t subspace, uint32_t step) {
  return static_cast<float>(random_word(seed, subspace, step) >> 8) * (1.0f / 16777216.0f);
}

}  // namespace wavetile::cpu::WAVETILE_ISA
