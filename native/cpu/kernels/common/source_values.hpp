// Numbers of a file. format: 0 float32, 1 halves, 2 bfloat16.
#pragma once
#include "cpu/kernels/common/halves.hpp"
#include "cpu/kernels/common/weight_values.hpp"

namespace wavetile::cpu::WAVETILE_ISA {

inline uint16_t float_to_bfloat(float value) {
  const uint32_t bits = bits_of_float(value);
  if ((bits & 0x7FFFFFFFu) > 0x7F800000u) return static_cast<uint16_t>(bits >> 16 | 0x40u);
  return static_cast<uint16_t>((bits + 0x7FFFu + (bits >> 16 & 1)) >> 16);
}

inline uint32_t value_bytes(uint32_t format) { return format == 0 ? 4 : 2; }

inline void read_values(uint32_t format, const uint8_t* from, uint32_t count, float* to) {
  if (format == 0) std::memcpy(to, from, size_t{count} * 4);
  if (format == 1) {
    uint32_t i = 0;
    for (; i + LANES <= count; i += LANES) {
      uint16_t halves[LANES];
      std::memcpy(halves, from + i * 2, sizeof halves);
      store(to + i, halves_to_floats(halves));
    }
    for (; i < count; i++) to[i] = half_to_float(load<uint16_t>(from + i * 2));
  }
  if (format == 2) {
    for (uint32_t i = 0; i < count; i++) to[i] = float_of_bits(uint32_t{load<uint16_t>(from + i * 2)} << 16);
  }
}

}  // namespace wavetile::cpu::WAVETILE_ISA
