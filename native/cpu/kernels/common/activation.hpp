// Activations by number: 0 none, 1 ReLU, 2 GELU (the tanh form), and their derivatives.
#pragma once
#include <cmath>

#include "cpu/kernels/common/vectors.hpp"

namespace wavetile::cpu::WAVETILE_ISA {

inline float gelu_tanh(float x) { return ::tanhf(0.7978845608f * (x + 0.044715f * x * x * x)); }

inline float activate(uint32_t kind, float x) {
  if (kind == 1) return x > 0 ? x : 0;
  return kind == 2 ? 0.5f * x * (1 + gelu_tanh(x)) : x;
}

inline float activation_slope(uint32_t kind, float x) {
  if (kind == 1) return x > 0 ? 1 : 0;
  if (kind != 2) return 1;
  const float t = gelu_tanh(x);
  return 0.5f * (1 + t) + 0.5f * x * (1 - t * t) * 0.7978845608f * (1 + 0.134145f * x * x);
}

inline void activate_all(uint32_t kind, float* values, size_t count) {
  if (kind == 0) return;
  for (size_t i = 0; i < count; i++) values[i] = activate(kind, values[i]);
}

}  // namespace wavetile::cpu::WAVETILE_ISA
