// Lookup tables of a product quantizer: the distance between a part of the query and every codeword of that part.
#pragma once
#include "cpu/kernels/common/distance_tile.hpp"

namespace wavetile::cpu::WAVETILE_ISA {

constexpr uint32_t TABLE = 256;  // entries for each byte of a code

// Codebooks with the codewords of a dimension side by side: values[(chunk * 4 + dimension) * pitch + codeword].
struct Codebooks {
  float* values;
  uint32_t pitch, chunks;
};

inline void pack_codebooks(const float* packed, const Codebooks& codebooks) {
  for (uint32_t first = 0; first < codebooks.pitch; first += 4) {
    for (uint32_t chunk = 0; chunk < codebooks.chunks; chunk++) {
      const float* from = packed + word_of(first, chunk, codebooks.chunks);
      Quad quads[4];
      for (int i = 0; i < 4; i++) quads[i] = load<Quad>(from + i * 4);
      transpose(quads[0], quads[1], quads[2], quads[3]);
      float* to = codebooks.values + size_t{chunk} * 4 * codebooks.pitch + first;
      for (int i = 0; i < 4; i++) store(to + size_t(i) * codebooks.pitch, quads[i]);
    }
  }
}

// table[j] = measure(target, codeword j) over `count` chunks from `first` on; a product is negated.
template <Measure measure>
inline void fill_table(const Codebooks& codebooks, const float* target, uint32_t first, uint32_t count, float* table) {
  for (uint32_t j = 0; j < codebooks.pitch; j += PANEL) {
    Floats sums[2] = {};
    const float* from = codebooks.values + size_t{first} * 4 * codebooks.pitch + j;
    for (uint32_t dimension = 0; dimension < count * 4; dimension++, from += codebooks.pitch) {
      const Floats value = broadcast(target[first * 4 + dimension]);
      for (int v = 0; v < 2; v++) {
        const Floats codeword = load<Floats>(from + v * LANES);
        const Floats difference = value - codeword;
        if constexpr (measure == Measure::product) sums[v] -= value * codeword;
        if constexpr (measure != Measure::product) sums[v] += difference * difference;
      }
    }
    for (int v = 0; v < 2; v++) store(table + j + v * LANES, sums[v]);
  }
}

// Two tables of 16 entries become one of 256 for the byte that holds both codes.
inline void join_tables(const float* low, const float* high, float* joined) {
  for (uint32_t i = 0; i < 16; i++) {
    for (uint32_t j = 0; j < 16; j += 4) {
      store(joined + i * 16 + j, load<Quad>(low + j) + (high[i] - Quad{}));
    }
  }
}

}  // namespace wavetile::cpu::WAVETILE_ISA
