// Single halves (IEEE binary16) to floats and back, rounding to even.
#pragma once
#include <cstring>

#include "cpu/kernels/common/vectors.hpp"

namespace wavetile::cpu::WAVETILE_ISA {

inline float float_of_bits(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, 4);
  return value;
}

inline uint32_t bits_of_float(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, 4);
  return bits;
}

inline float half_to_float(uint16_t half) {
  const uint32_t sign = uint32_t(half & 0x8000u) << 16, magnitude = uint32_t(half & 0x7FFFu) << 13;
  if (magnitude >= 0x1Fu << 23) return float_of_bits(sign | 0x7F800000u | magnitude);
  // The exponent moves over by a multiplication, which makes subnormals right as well.
  return float_of_bits(sign | bits_of_float(float_of_bits(magnitude) * 0x1p112f));
}

inline uint16_t float_to_half(float value) {
  const uint32_t bits = bits_of_float(value), sign = bits >> 16 & 0x8000u, magnitude = bits & 0x7FFFFFFFu;
  if (magnitude > 0x7F800000u) return static_cast<uint16_t>(sign | 0x7E00u);
  if (magnitude >= 0x477FF000u) return static_cast<uint16_t>(sign | 0x7C00u);
  // Subnormal halves: adding 0.5 leaves their bits at the end of the sum, rounded.
  if (magnitude < 0x38800000u)
    return static_cast<uint16_t>(sign | (bits_of_float(float_of_bits(magnitude) + 0.5f) - 0x3F000000u));
  return static_cast<uint16_t>(sign | ((magnitude + 0xFFFu + (magnitude >> 13 & 1)) - 0x38000000u) >> 13);
}

inline void store_half(void* to, float value) {
  const uint16_t half = float_to_half(value);
  std::memcpy(to, &half, 2);
}

}  // namespace wavetile::cpu::WAVETILE_ISA
