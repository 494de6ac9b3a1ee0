// totals[column][row]: a tile's 32 rows of weights times up to 16 rows of activations.
#pragma once
#include "cpu/kernels/common/project_quants.hpp"

namespace wavetile::cpu::WAVETILE_ISA {

// A chunk of ROWS rows as numbers: the first four of each row, then the rest.
template <WeightKind kind>
inline Floats dense_quads(const uint8_t* chunk, int part) {
  if constexpr (kind == WeightKind::f32) return load<Floats>(chunk);
  uint16_t halves[LANES];
  for (int r = 0; r < ROWS; r++) std::memcpy(halves + r * 4, chunk + r * 16 + part * 8, 8);
  if constexpr (kind == WeightKind::f16) return halves_to_floats(halves);
  typedef uint16_t Halves __attribute__((vector_size(LANES * 2)));
  typedef uint32_t Words __attribute__((vector_size(LANES * 4)));
  const Words words = __builtin_convertvector(load<Halves>(halves), Words) << 16;
  return load<Floats>(&words);
}

template <WeightKind kind, int columns, int vectors>
inline void sum_numbers(const ProjectTile& tile, const uint8_t* const* inputs, uint32_t first,
                        Floats (*sums)[VECTORS]) {
  constexpr uint32_t PARTS = kind == WeightKind::f32 ? 1 : 2;
  const uint32_t chunks = tile.blocks * 8 / PARTS;
  Floats partial[columns][vectors] = {};
  for (uint32_t chunk = 0; chunk < chunks; chunk++) {
    const uint8_t* from = tile.quants + size_t{chunk} * 512 + first * ROWS * 16;
    for (uint32_t part = 0; part < PARTS; part++) {
      const size_t at = (size_t{chunk} * PARTS + part) * 16;
#pragma GCC unroll 8
      for (int v = 0; v < vectors; v++) {
        const Floats weights = dense_quads<kind>(from + v * ROWS * 16, part);
#pragma GCC unroll 8
        for (int c = 0; c < columns; c++) partial[c][v] += weights * repeat(load<Quad>(inputs[c] + at));
      }
    }
  }
  for (int c = 0; c < columns; c++) {
    for (int v = 0; v < vectors; v++) sums[c][first + v] = partial[c][v];
  }
}

// Up to 8 rows of activations at a time; `columns` of them are there.
template <WeightKind kind, int columns>
inline void multiply_numbers(const ProjectTile& tile, const uint8_t* const* inputs, float (*totals)[32]) {
  constexpr int AT_ONCE = 8 / columns;
  Floats sums[columns][VECTORS];
  for (uint32_t v = 0; v < VECTORS; v += AT_ONCE) sum_numbers<kind, columns, AT_ONCE>(tile, inputs, v, sums);
  for (int c = 0; c < columns; c++) {
    const float* lanes = reinterpret_cast<const float*>(sums[c]);
    for (int r = 0; r < 32; r += 4) {
      Quad quads[4];
      for (int i = 0; i < 4; i++) quads[i] = load<Quad>(lanes + (r + i) * 4);
      transpose(quads[0], quads[1], quads[2], quads[3]);
      store(totals[c] + r, (quads[0] + quads[1]) + (quads[2] + quads[3]));
    }
  }
}

template <WeightKind kind>
inline void multiply_numbers(const ProjectTile& tile, const ProjectInputs& inputs, float (*totals)[32]) {
  const uint8_t* const* values = inputs.values;
  uint32_t c = 0;
  for (; c + 8 <= inputs.columns; c += 8) multiply_numbers<kind, 8>(tile, values + c, totals + c);
  for (; c + 2 <= inputs.columns; c += 2) multiply_numbers<kind, 2>(tile, values + c, totals + c);
  if (c < inputs.columns) multiply_numbers<kind, 1>(tile, values + c, totals + c);
}

inline void multiply_tile(const ProjectTile& tile, const ProjectInputs& inputs, float (*totals)[32]) {
  if (tile.kind == WeightKind::f32) return multiply_numbers<WeightKind::f32>(tile, inputs, totals);
  if (tile.kind == WeightKind::f16) return multiply_numbers<WeightKind::f16>(tile, inputs, totals);
  if (tile.kind == WeightKind::bf16) return multiply_numbers<WeightKind::bf16>(tile, inputs, totals);
  has_vnni() ? multiply_quants<true>(tile, inputs, totals) : multiply_quants<false>(tile, inputs, totals);
}

}  // namespace wavetile::cpu::WAVETILE_ISA
