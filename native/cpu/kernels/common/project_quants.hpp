// A tile of int4 or int8 weights times rows of activations. A lane is a row of weights, so that nothing is added up
// across lanes, and unpacked weights stay in registers while all rows of activations meet them.
#pragma once
#include "cpu/kernels/common/project_tile.hpp"

namespace wavetile::cpu::WAVETILE_ISA {

constexpr uint32_t MOST_COLUMNS = 16;
constexpr int GROUPS = LANES == 16 ? 2 : 1;  // of LANES rows whose unpacked weights fit registers

struct ProjectTile {
  WeightKind kind;
  WeightScaling scaling;
  const uint8_t* quants;
  const uint8_t* scales;
  uint32_t blocks;
};

// What a block of activations brings: its scale, what offsets of the weights' first and second half add, scale * sum.
struct AboutBlock {
  float scale, low, high, sum;
};

struct ProjectInputs {
  uint32_t columns;  // rows of activations
  const uint8_t* values[MOST_COLUMNS];
  const AboutBlock* about[MOST_COLUMNS];
};

enum class Scaling { plain, least, halves };

struct RowFactors {
  Floats low, high, least;
};

// Of LANES rows, for four blocks.
template <Scaling scaling>
inline void factors_of_rows(WeightScaling packed, const uint8_t* scales, RowFactors (*factors)[GROUPS], int group) {
  const uint32_t row_bytes = packed == WeightScaling::symmetric ? 8 : 16;
  Bytes low[4], high[4], least[4];
#pragma GCC unroll 4
  for (int i = 0; i < 4; i++) {
    const QuadFactors own = factors_of(packed, scales + i * ROWS * row_bytes);
    low[i] = (Bytes)own.low, high[i] = (Bytes)own.high, least[i] = (Bytes)own.least;
  }
  transpose_words(low);
  if constexpr (scaling == Scaling::halves) transpose_words(high);
  if constexpr (scaling == Scaling::least) transpose_words(least);
#pragma GCC unroll 4
  for (int b = 0; b < 4; b++) factors[b][group] = {(Floats)low[b], (Floats)high[b], (Floats)least[b]};
}

// A block of LANES rows: words of four weights.
template <bool vnni, bool whole>
inline void unpack(const uint8_t* chunks, Bytes (&words)[8]) {
  typedef uint16_t Shorts __attribute__((vector_size(LANES * 4)));
  constexpr int CHUNKS = whole ? 2 : 1;
#pragma GCC unroll 2
  for (int chunk = 0; chunk < CHUNKS; chunk++) {
    Bytes v[4];
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) v[i] = load<Bytes>(chunks + chunk * 512 + i * ROWS * 16);
    transpose_words(v);
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
      if constexpr (whole) {
        words[chunk * 4 + i] = v[i] ^ (int8_t)WHOLE_OFFSET<vnni>;
      } else {
        words[i] = (Bytes)((Shorts)v[i] & 0x0F0F), words[4 + i] = (Bytes)((Shorts)v[i] >> 4 & 0x0F0F);
      }
    }
  }
}

template <bool vnni, bool whole, Scaling scaling>
inline void add_block(const Bytes (&words)[GROUPS][8], const RowFactors* factors, const uint8_t* inputs,
                      const AboutBlock& about, Floats (&sums)[GROUPS]) {
  Ints dots[GROUPS] = {}, high_dots[GROUPS] = {};
#pragma GCC unroll 8
  for (int i = 0; i < 8; i++) {
    const Bytes word = (Bytes)broadcast(load<int32_t>(inputs + i * 4));
    const bool high = scaling == Scaling::halves && i >= 4;
#pragma GCC unroll 2
    for (int g = 0; g < GROUPS; g++) {
      Ints& own = high ? high_dots[g] : dots[g];
      own = dot_bytes<vnni, whole>(own, words[g][i], word);
    }
  }
#pragma GCC unroll 2
  for (int g = 0; g < GROUPS; g++) {
    const RowFactors& own = factors[g];
    sums[g] += own.low * (__builtin_convertvector(dots[g], Floats) * about.scale + about.low);
    if constexpr (scaling == Scaling::halves)
      sums[g] += own.high * (__builtin_convertvector(high_dots[g], Floats) * about.scale + about.high);
    if constexpr (scaling == Scaling::least) sums[g] += own.least * about.sum;
  }
}

template <bool vnni, bool whole, Scaling scaling, bool single>
inline void sum_quants(const ProjectTile& tile, const ProjectInputs& inputs, float (*totals)[32]) {
  constexpr int SETS = 32 / (GROUPS * LANES);
  const uint32_t columns = single ? 1 : inputs.columns, scale_bytes = tile.scaling == WeightScaling::symmetric ? 8 : 16;
  Floats sums[SETS][single ? 1 : MOST_COLUMNS][GROUPS] = {};
  RowFactors factors[SETS][4][GROUPS];
  for (uint32_t block = 0; block < tile.blocks; block++) {
    const uint8_t* chunks = tile.quants + size_t{block} * (whole ? 1024 : 512);
#pragma GCC unroll 8
    for (int set = 0; set < SETS; set++) {
      const int row = set * GROUPS * LANES;
      if (block % 4 == 0) {
        const uint8_t* scales = tile.scales + (size_t{block / 4} * 32 + row) * scale_bytes;
        for (int g = 0; g < GROUPS; g++)
          factors_of_rows<scaling>(tile.scaling, scales + g * LANES * scale_bytes, factors[set], g);
      }
      Bytes words[GROUPS][8];
#pragma GCC unroll 2
      for (int g = 0; g < GROUPS; g++) unpack<vnni, whole>(chunks + (row + g * LANES) * 16, words[g]);
      for (uint32_t c = 0; c < columns; c++) {
        add_block<vnni, whole, scaling>(words, factors[set][block % 4], inputs.values[c] + block * 32,
                                        inputs.about[c][block], sums[set][c]);
      }
    }
  }
  for (int set = 0; set < SETS; set++) {
    for (uint32_t c = 0; c < columns; c++) {
      for (int g = 0; g < GROUPS; g++) store(totals[c] + (set * GROUPS + g) * LANES, in_order(sums[set][c][g]));
    }
  }
}

template <bool vnni, bool whole, Scaling scaling>
inline void multiply_quants(const ProjectTile& tile, const ProjectInputs& inputs, float (*totals)[32]) {
  if (inputs.columns == 1) return sum_quants<vnni, whole, scaling, true>(tile, inputs, totals);
  sum_quants<vnni, whole, scaling, false>(tile, inputs, totals);
}

template <bool vnni>
inline void multiply_quants(const ProjectTile& tile, const ProjectInputs& inputs, float (*totals)[32]) {
  const bool whole = tile.kind == WeightKind::int8;
  if (tile.scaling == WeightScaling::super16) return multiply_quants<vnni, true, Scaling::halves>(tile, inputs, totals);
  if (tile.scaling == WeightScaling::symmetric) {
    if (whole) return multiply_quants<vnni, true, Scaling::plain>(tile, inputs, totals);
    return multiply_quants<vnni, false, Scaling::plain>(tile, inputs, totals);
  }
  if (whole) return multiply_quants<vnni, true, Scaling::least>(tile, inputs, totals);
  multiply_quants<vnni, false, Scaling::least>(tile, inputs, totals);
}

// What the weights' offsets come to: 8 of symmetric int4, which is left out of its scales, and WHOLE_OFFSET of int8.
inline void prepare(WeightKind kind, WeightScaling scaling, uint32_t blocks, const uint8_t* values, const float* from,
                    AboutBlock* about) {
  const float whole = has_vnni() ? -WHOLE_OFFSET<true> : -WHOLE_OFFSET<false>;
  const float offset = kind == WeightKind::int8 ? whole : scaling == WeightScaling::symmetric ? -8 : 0;
  for (uint32_t block = 0; block < blocks; block++) {
    const float scale = from[block * 4], sum = from[block * 4 + 1];
    float low = sum;
    if (scaling == WeightScaling::super16) {
      int32_t quants = 0;
      for (int i = 0; i < 16; i++) quants += static_cast<int8_t>(values[block * 32 + i]);
      low = scale * static_cast<float>(quants);
    }
    about[block] = {scale, offset * low, offset * (sum - low), sum};
  }
}

}  // namespace wavetile::cpu::WAVETILE_ISA
