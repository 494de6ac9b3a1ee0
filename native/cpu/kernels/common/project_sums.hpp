// totals[column][row]: a tile's 32 rows of weights times up to 8 rows of activations.
#pragma once
#include "cpu/kernels/common/project_tile.hpp"

namespace wavetile::cpu::WAVETILE_ISA {

struct ProjectTile {
  WeightKind kind;
  WeightScaling scaling;
  const uint8_t* quants;
  const uint8_t* scales;
  uint32_t blocks;
};

// Rows of activations: values, and four floats for each block.
struct ProjectInputs {
  const uint8_t* values[8];
  const float* blocks[8];
};

// Scales of four blocks of an activation row, and scale * sum of quants; zeros past the end.
struct InputQuad {
  Quad scales, sums;
};
inline InputQuad input_quad(const float* blocks, uint32_t count) {
  Quad quads[4] = {};
  for (uint32_t i = 0; i < count; i++) quads[i] = load<Quad>(blocks + i * 4);
  transpose(quads[0], quads[1], quads[2], quads[3]);
  return {quads[0], quads[1]};
}

template <bool vnni, bool whole, int b>
inline void add_block(const uint8_t* chunks, const uint8_t* inputs, const QuadFactors& factors, Floats& sum) {
  const Bytes low = repeat_bytes(inputs + b * 32), high = repeat_bytes(inputs + b * 32 + 16);
  if constexpr (whole) {
    const Ints first = dot_bytes<vnni, true>(Ints{}, load<Bytes>(chunks + b * 1024), low);
    const Ints second = dot_bytes<vnni, true>(Ints{}, load<Bytes>(chunks + b * 1024 + 512), high);
    sum += spread<b>(factors.low) * __builtin_convertvector(first, Floats);
    sum += spread<b>(factors.high) * __builtin_convertvector(second, Floats);
  } else {
    typedef uint16_t Shorts __attribute__((vector_size(LANES * 4)));
    const Shorts both = load<Shorts>(chunks + b * 512);
    const Ints dots = dot_bytes<vnni, false>(Ints{}, (Bytes)(both & 0x0F0F), low);
    const Ints all = dot_bytes<vnni, false>(dots, (Bytes)(both >> 4 & 0x0F0F), high);
    sum += spread<b>(factors.low) * __builtin_convertvector(all, Floats);
  }
}

// `count` blocks of ROWS rows; chunks and inputs are at the first.
template <bool vnni, bool whole>
inline void add_quad(const uint8_t* chunks, const uint8_t* inputs, const QuadFactors& factors, uint32_t count,
                     Floats& sum) {
  add_block<vnni, whole, 0>(chunks, inputs, factors, sum);
  if (count > 1) add_block<vnni, whole, 1>(chunks, inputs, factors, sum);
  if (count > 2) add_block<vnni, whole, 2>(chunks, inputs, factors, sum);
  if (count > 3) add_block<vnni, whole, 3>(chunks, inputs, factors, sum);
}

template <bool vnni, bool whole, int columns, int vectors>
inline void sum_quants(const ProjectTile& tile, const ProjectInputs& inputs, uint32_t first, Floats (*sums)[VECTORS]) {
  constexpr uint32_t BLOCK_BYTES = whole ? 1024 : 512;
  const uint32_t scale_bytes = tile.scaling == WeightScaling::symmetric ? 8 : 16;
  Floats partial[columns][vectors] = {};
  for (uint32_t block = 0; block < tile.blocks; block += 4) {
    const uint32_t count = minimum(4, tile.blocks - block);
    Floats scales[columns], least[columns];
    for (int c = 0; c < columns; c++) {
      const InputQuad quad = input_quad(inputs.blocks[c] + block * 4, count);
      scales[c] = repeat(quad.scales), least[c] = repeat(quad.sums);
    }
    const uint8_t* chunks = tile.quants + size_t{block} * BLOCK_BYTES;
    // Read as four streams, which the hardware follows badly.
    if constexpr (columns == 1) {
      for (uint32_t line = 0; line < 4 * BLOCK_BYTES; line += 64) __builtin_prefetch(chunks + 8 * BLOCK_BYTES + line);
    }
#pragma GCC unroll 8
    for (int v = 0; v < vectors; v++) {
      const uint32_t row = (first + v) * ROWS;
      const QuadFactors factors =
          factors_of<whole>(tile.scaling, tile.scales + (size_t{block / 4} * 32 + row) * scale_bytes);
#pragma GCC unroll 8
      for (int c = 0; c < columns; c++) {
        const QuadFactors own = {factors.low * scales[c], factors.high * scales[c], {}};
        partial[c][v] += factors.least * least[c];
        const uint8_t* values = inputs.values[c] + block * 32;
        if (count == 4)
          add_quad<vnni, whole>(chunks + row * 16, values, own, 4, partial[c][v]);
        else
          add_quad<vnni, whole>(chunks + row * 16, values, own, count, partial[c][v]);
      }
    }
  }
  for (int c = 0; c < columns; c++) {
    for (int v = 0; v < vectors; v++) sums[c][first + v] = partial[c][v];
  }
}

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
inline void sum_numbers(const ProjectTile& tile, const ProjectInputs& inputs, uint32_t first, Floats (*sums)[VECTORS]) {
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
        for (int c = 0; c < columns; c++) partial[c][v] += weights * repeat(load<Quad>(inputs.values[c] + at));
      }
    }
  }
  for (int c = 0; c < columns; c++) {
    for (int v = 0; v < vectors; v++) sums[c][first + v] = partial[c][v];
  }
}

template <bool vnni, int columns, int vectors>
inline void sum_vectors(const ProjectTile& tile, const ProjectInputs& inputs, uint32_t first, Floats (*sums)[VECTORS]) {
  if (tile.kind == WeightKind::int4) return sum_quants<vnni, false, columns, vectors>(tile, inputs, first, sums);
  if (tile.kind == WeightKind::int8) return sum_quants<vnni, true, columns, vectors>(tile, inputs, first, sums);
  if (tile.kind == WeightKind::f32) return sum_numbers<WeightKind::f32, columns, vectors>(tile, inputs, first, sums);
  if (tile.kind == WeightKind::f16) return sum_numbers<WeightKind::f16, columns, vectors>(tile, inputs, first, sums);
  sum_numbers<WeightKind::bf16, columns, vectors>(tile, inputs, first, sums);
}

template <bool vnni, int columns>
inline void multiply_tile(const ProjectTile& tile, const ProjectInputs& inputs, float (*totals)[32]) {
  constexpr int AT_ONCE = 8 / columns;
  Floats sums[columns][VECTORS];
  for (uint32_t v = 0; v < VECTORS; v += AT_ONCE) sum_vectors<vnni, columns, AT_ONCE>(tile, inputs, v, sums);
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

template <bool vnni>
inline void multiply_tile(uint32_t columns, const ProjectTile& tile, const ProjectInputs& inputs, float (*totals)[32]) {
  if (columns == 1) return multiply_tile<vnni, 1>(tile, inputs, totals);
  if (columns == 2) return multiply_tile<vnni, 2>(tile, inputs, totals);
  if (columns == 4) return multiply_tile<vnni, 4>(tile, inputs, totals);
  multiply_tile<vnni, 8>(tile, inputs, totals);
}

}  // namespace wavetile::cpu::WAVETILE_ISA
