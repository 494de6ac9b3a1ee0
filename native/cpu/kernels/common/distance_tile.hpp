// The heart of the tiled distance kernels: PANEL rows of one side lie transposed in vectors, and rows of the other side
// are broadcast BLOCK at a time straight from the packed layout, so every result stays in a register until it is used.
#pragma once
#include "cpu/kernels/common/packed_rows.hpp"

namespace wavetile::cpu::WAVETILE_ISA {

constexpr int PANEL = 2 * LANES;
// 2 * BLOCK sums, the panel's two vectors and a broadcast have to fit into 32 or 16 registers.
#if defined(__AVX512F__) || defined(__aarch64__)
constexpr int BLOCK = 8;
#else
constexpr int BLOCK = 4;
#endif
static_assert(GROUP % PANEL == 0 && GROUP % BLOCK == 0);

enum class Measure { product, squared_difference };

inline size_t panel_floats(uint32_t chunks) { return size_t{chunks} * 4 * PANEL; }

// panel[(chunk * 4 + dimension) * PANEL + lane]; `rows` is the first of PANEL rows of one group.
inline void pack_panel(const float* rows, uint32_t chunks, float* panel) {
  for (uint32_t chunk = 0; chunk < chunks; chunk++, rows += CHUNK_STRIDE, panel += 4 * PANEL) {
    for (int lane = 0; lane < PANEL; lane += 4) {
      Quad quads[4];
      for (int i = 0; i < 4; i++) quads[i] = load<Quad>(rows + (lane + i) * 4);
      transpose(quads[0], quads[1], quads[2], quads[3]);
      for (int i = 0; i < 4; i++) store(panel + i * PANEL + lane, quads[i]);
    }
  }
}

// Packs the panels of `count` rows (rounded up) from row `first` on, chunks [first_chunk, first_chunk + panel_chunks).
struct PackedSide {
  const float* data;
  uint32_t chunks, first_chunk, panel_chunks;
};
inline void pack_panels(const PackedSide& side, uint32_t first, uint32_t count, float* panels) {
  for (uint32_t row = 0; row < count; row += PANEL) {
    const float* rows = side.data + word_of(first + row, side.first_chunk, side.chunks);
    pack_panel(rows, side.panel_chunks, panels + row / PANEL * panel_floats(side.panel_chunks));
  }
}

// sums[r][v] += measure(row r of `rows`, panel's rows of vector v)
template <Measure measure>
inline void add_block(const float* panel, const float* rows, uint32_t chunks, Floats (&sums)[BLOCK][2]) {
  for (uint32_t chunk = 0; chunk < chunks; chunk++, rows += CHUNK_STRIDE) {
#pragma GCC unroll 4
    for (int dimension = 0; dimension < 4; dimension++, panel += PANEL) {
      const Floats low = load<Floats>(panel), high = load<Floats>(panel + LANES);
#pragma GCC unroll 8
      for (int r = 0; r < BLOCK; r++) {
        const Floats value = broadcast(rows[r * 4 + dimension]);
        if constexpr (measure == Measure::product) {
          sums[r][0] += value * low;
          sums[r][1] += value * high;
        } else {
          const Floats low_difference = value - low, high_difference = value - high;
          sums[r][0] += low_difference * low_difference;
          sums[r][1] += high_difference * high_difference;
        }
      }
    }
  }
}

// Sums that start at `starts`, one for each row of the block.
template <Measure measure>
inline void block_sums(const float* panel, const float* rows, uint32_t chunks, const float* starts,
                       Floats (&sums)[BLOCK][2]) {
#pragma GCC unroll 8
  for (int r = 0; r < BLOCK; r++) sums[r][0] = sums[r][1] = broadcast(starts[r]);
  add_block<measure>(panel, rows, chunks, sums);
}

}  // namespace wavetile::cpu::WAVETILE_ISA
