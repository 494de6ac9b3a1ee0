// A head's norm and rotation: style 0 none, 1 of pairs (2i, 2i + 1), 2 of (i, i + dims / 2).
#pragma once
#include "cpu/kernels/common/vectors.hpp"

namespace wavetile::cpu::WAVETILE_ISA {

struct Rotation {
  uint32_t head_size, style, dims;
  const float* table;  // (cosine, sine) of [position][pair]
  float epsilon;

  // `weights` of the norm, or nullptr.
  void apply(const float* from, const float* weights, uint32_t position, float* to) const {
    float factor = 1;
    if (weights != nullptr) {
      float squares = 0;
      for (uint32_t d = 0; d < head_size; d++) squares += from[d] * from[d];
      factor = 1 / __builtin_sqrtf(squares / static_cast<float>(head_size) + epsilon);
    }
    for (uint32_t d = 0; d < head_size; d++) to[d] = weights == nullptr ? from[d] : from[d] * factor * weights[d];
    if (style == 0) return;
    const uint32_t pairs = dims / 2;
    const float* turns = table + size_t{position} * pairs * 2;
    for (uint32_t i = 0; i < pairs; i++) {
      float& a = to[style == 1 ? 2 * i : i];
      float& b = to[style == 1 ? 2 * i + 1 : i + pairs];
      const float cosine = turns[2 * i], sine = turns[2 * i + 1], x = a, y = b;
      a = x * cosine - y * sine;
      b = x * sine + y * cosine;
    }
  }
};

}  // namespace wavetile::cpu::WAVETILE_ISA
