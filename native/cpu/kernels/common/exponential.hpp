// e^x of a vector, to about a unit in the last place.
#pragma once
#include "cpu/kernels/common/vectors.hpp"

namespace wavetile::cpu::WAVETILE_ISA {

// Past where floats end x counts as that end.
inline Floats exponential(Floats x) {
  constexpr float WHOLE = 12582912.0f;  // 1.5 * 2^23: adding and taking it away rounds
  x = x < -87.0f ? broadcast(-87.0f) : x > 88.0f ? broadcast(88.0f) : x;
  const Floats power = (x * 1.44269504f + WHOLE) - WHOLE;
  const Floats rest = x - power * 0.693359375f - power * -2.12194440e-4f;
  Floats sum = rest * 1.9875691500e-4f + 1.3981999507e-3f;
  sum = sum * rest + 8.3334519073e-3f;
  sum = sum * rest + 4.1665795894e-2f;
  sum = sum * rest + 1.6666665459e-1f;
  sum = sum * rest + 5.0000001201e-1f;
  sum = sum * rest * rest + rest + 1;
  const Ints exponent = (__builtin_convertvector(power, Ints) + 127) << 23;
  return sum * (Floats)exponent;
}

// x / (1 + e^-x): SiLU; with another `slope`, a GELU.
inline Floats sigmoid_of(Floats x, Floats slope) { return x / (1 + exponential(-slope)); }

}  // namespace wavetile::cpu::WAVETILE_ISA
